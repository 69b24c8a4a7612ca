"""The printed form of a run."""

from __future__ import annotations

from itertools import groupby

import harness
from side_by_side import CALLED, OURS, Run

HEADER = ["net", "dtype", "what", "peer", "median us", "min us", "time / densegrad's [95 %]", "of peak", "/ products",
          "first ms", "peak MB", "grown MB", "error"]  # fmt: skip


def render(run: Run) -> str:
    """Machine, libraries, what is missing, all rows, and densegrad against the fastest of the others."""
    return "\n".join([*_machine(run), "", _libraries(run), *_absent(run), "", _rows(run), "", _verdicts(run)])


def _machine(run: Run) -> list[str]:
    lines = [", ".join(f"{name} {value}" for name, value in run.machine.items())]
    lines.append(f"{run.threads} threads on as many cores for every peer; {run.rounds} rounds of {run.seconds} s")
    for when, found in zip(("start", "end"), run.limits):
        rates = ", ".join(f"{1e-9 * rate:.1f} {_UNITS.get(name, f'GFLOP/s {name}')}" for name, rate in found.items())
        lines.append(f"practical peak at the {when}: {rates}")
    first, last = run.limits
    drift = max(abs(last[name] / first[name] - 1) for name in first)
    if drift > 0.05:
        lines.append(f"NOT QUIET: the machine's own rates changed by {100 * drift:.0f} % during the run")
    return lines


_UNITS = {"bandwidth": "GB/s (c = a + b)"}


def _libraries(run: Run) -> str:
    rows = [
        [module, f"{1e3 * found['import_seconds']:.0f}", f"{found['installed_bytes'] / 2**20:.0f}"]
        for module, found in run.libraries.items()
    ]
    versions = "\n".join(f"{label}: {version}" for label, version in run.versions.items())
    return harness.table(["library", "import ms", "installed MB, with what it requires"], rows) + "\n\n" + versions


def _absent(run: Run) -> list[str]:
    lines = [f"{label}: not measured, {why}" for label, why in run.missing.items()]
    return lines + [f"FAILED, hence not timed: {failure}" for failure in run.failures]


def _rows(run: Run) -> str:
    rows = []
    for _, group in groupby(run.results, key=_case):
        for r in sorted(group, key=lambda r: r["median_us"]):
            rows.append(_row(r))
    return harness.table(HEADER, rows)


def _case(result: dict) -> tuple[str, str, str]:
    return result["net"], result["dtype"], result["what"]


def _row(r: dict) -> list[str]:
    ratio = "1" if r["peer"] == OURS else "-" if r["ratio"] is None else _interval(r["ratio"])
    least = r["products_us"]
    memory = r["memory"]
    return [
        r["net"],
        r["dtype"],
        r["what"],
        r["peer"],
        f"{r['median_us']:.1f}",
        f"{r['min_us']:.1f}",
        ratio,
        "-" if r["share_of_peak"] is None else f"{100 * r['share_of_peak']:.0f} %",
        "-" if least is None else f"{r['median_us'] / least:.2f}",
        f"{r['first_call_ms']:.1f}",
        f"{memory['peak'] / 2**20:.0f}" if memory else "-",
        f"{(memory['peak'] - memory['before']) / 2**20:.0f}" if memory else "-",
        "-" if r["share_of_allowed"] is None else f"{r['share_of_allowed']:.2f}",
    ]


def _interval(found: dict) -> str:
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def _verdicts(run: Run) -> str:
    """Against the fastest of the other libraries; a tie where the interval holds 1."""
    rows = []
    for case, group in groupby(run.results, key=_case):
        others = [r for r in group if r["ratio"] is not None and not r["peer"].startswith(OURS)]
        if not others:
            continue
        best = min(others, key=lambda r: r["median_us"])
        found = best["ratio"]
        verdict = "AHEAD" if found["low"] > 1 else "BEHIND" if found["high"] < 1 else "tie"
        where = "from Python" if case[2] in CALLED else "inside the engine"
        rows.append([*case, where, best["peer"], _interval(found), verdict])
    if not rows:
        return "no other library was measured beside densegrad"
    header = ["net", "dtype", "what", "where", "fastest other", "time / densegrad's [95 %]", "densegrad is"]
    return harness.table(header, rows)
