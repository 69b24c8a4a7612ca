"""An eager step of a 4-32-32-3 net at batch 32 in densegrad and in TensorFlow (and PyTorch, if installed).

    python bench/eager.py [--rounds N] [--quick] [--json FILE] [--require RATIO]

One step: open a tape, forward (relu, relu, softmax), categorical cross-entropy, gradient of all weights and the input.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import harness
import numpy as np
from harness import Peer

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import bounds as rb  # the error analysis of the test suite

SIZES, BATCH = (4, 32, 32, 3), 32
ROWS = {"model": "(i) Sequential + loss object", "ops": "(ii) plain operations"}
DTYPES = ("float32", "float64")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
ONE = {"DENSEGRAD_BENCH_THREADS": "1"}
CONTENDERS = {
    "tensorflow": ("tensorflow_eager.py", "tensorflow", QUIET),
    "tensorflow, 1 thread": ("tensorflow_eager.py", "tensorflow", QUIET | ONE),
    "pytorch": ("torch_eager.py", "torch", {}),
    "pytorch, 1 thread": ("torch_eager.py", "torch", ONE),
}


def draw(dtype: str) -> tuple[dict, dict[str, np.ndarray]]:
    """A case and its data; no relu argument within its own rounding error of 0."""
    count = len(SIZES) - 1
    case = {"dtype": dtype, "kernels": [f"W{i}" for i in range(count)], "biases": [f"b{i}" for i in range(count)]}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        data = {
            "x": rng.standard_normal((BATCH, SIZES[0])),
            "y": np.eye(SIZES[-1])[rng.integers(SIZES[-1], size=BATCH)],
        }
        for i, (n, m) in enumerate(pairwise(SIZES)):
            data[f"W{i}"] = rng.normal(0, np.sqrt(2 / n), (n, m))
            data[f"b{i}"] = rng.normal(0, 0.1, m)
        data = {name: value.astype(dtype) for name, value in data.items()}
        if analyse(case, data, rb.TF_ULPS)[2] == 0:
            return case, data
    raise AssertionError("no draw is free of kinks")


def analyse(case: dict, data: dict[str, np.ndarray], ulps: float) -> tuple[dict, dict, int]:
    """Loss and gradients in float64, how far a program in the case's dtype may be from them, and kinks within reach."""
    value, allowed, kinks = {}, {}, 0
    for dtype in (case["dtype"], "float64"):  # the rounding of the program, and that of this reference
        machine = rb.Machine(dtype, ulps)
        names = [*(n for pair in zip(case["kernels"], case["biases"]) for n in pair), "x"]
        leaves = {name: machine.leaf(data[name]) for name in names}
        h = leaves["x"]
        for i, (k, b) in enumerate(zip(case["kernels"], case["biases"])):
            h = rb.matmul(rb.relu(h) if i else h, leaves[k]) + leaves[b]
        per_row = rb.total(machine.const(data["y"]) * rb.log_softmax(h), -1)
        loss = -(rb.total(per_row) * machine.rounded(1 / BATCH))
        nodes = {"loss": loss, **dict(zip(names, rb.gradient(loss, [leaves[n] for n in names])))}
        for name, node in nodes.items():
            value[name] = node.value
            allowed[name] = allowed.get(name, 0) + node.error
        kinks = max(kinks, machine.kinks)
    return value, allowed, kinks


def check(peer: Peer, row: str, case: dict, data: dict[str, np.ndarray]) -> float:
    """The largest |answer - reference| of a peer as a share of its bound; an AssertionError beyond it."""
    answer = peer.prepare({**case, "row": row}, data)
    ulps = rb.DG_ULPS if peer.info["name"] == "densegrad" else rb.TF_ULPS
    value, allowed, _ = analyse(case, data, ulps)
    return harness.largest_share(answer, value, allowed, f"{peer.label}, {row}, {case['dtype']}")


def start(stack: ExitStack, label: str, program: str, environment: dict[str, str]) -> Peer:
    peer = Peer(label, program, environment)
    stack.callback(peer.close)
    return peer


def measure(rounds: int, seconds: float) -> tuple[list[dict], dict[str, str], list[str]]:
    """The results, what the peers are, and what is missing."""
    results, missing = [], []
    cases = [draw(dtype) for dtype in DTYPES]
    with ExitStack() as stack:
        ours = start(stack, "densegrad", "densegrad_eager.py", {})
        peers = [ours]
        for label, (program, module, environment) in CONTENDERS.items():
            if importlib.util.find_spec(module) is None:
                missing.append(label)
            else:
                peers.append(start(stack, label, program, environment))
        if "tensorflow" not in missing:  # once more without oneDNN, which changes the order of sums
            with ExitStack() as strict:
                environment = QUIET | {"TF_ENABLE_ONEDNN_OPTS": "0"}
                plain = start(strict, "tensorflow without oneDNN", "tensorflow_eager.py", environment)
                for case, data in cases:
                    for row in ROWS:
                        check(plain, row, case, data)
        for case, data in cases:
            for row in ROWS:
                shares = {peer.label: check(peer, row, case, data) for peer in peers}
                times = harness.interleaved(peers, rounds, seconds)
                for peer in peers:
                    mine = times[peer.label]
                    results.append(
                        {
                            "row": row,
                            "dtype": case["dtype"],
                            "peer": peer.label,
                            "median_us": 1e6 * float(np.median(mine)),
                            "min_us": 1e6 * min(mine),
                            "ratio": None if peer is ours else harness.ratio(mine, times[ours.label]).__dict__,
                            "error_share_of_bound": shares[peer.label],
                            "seconds_per_step": mine,
                        }
                    )
        versions = {peer.label: peer.info["version"] for peer in peers}
    return results, versions, missing


def fastest(results: list[dict], row: str, dtype: str, family: str) -> dict | None:
    """The faster setting of one framework, by its median."""
    found = [r for r in results if (r["row"], r["dtype"]) == (row, dtype) and r["peer"].startswith(family)]
    return min(found, key=lambda r: r["median_us"], default=None)


def render(results: list[dict]) -> str:
    header = ["step", "dtype", "peer", "median us", "min us", "ratio of medians [95 %]", "error / bound"]
    rows = []
    for r in results:
        family = r["peer"].split(",")[0]
        best = r["ratio"] is not None and fastest(results, r["row"], r["dtype"], family) is r
        ratio = str(harness.Ratio(**r["ratio"])) if r["ratio"] else "1"
        figures = [f"{r['median_us']:.1f}", f"{r['min_us']:.1f}", ratio, f"{r['error_share_of_bound']:.2f}"]
        rows.append([ROWS[r["row"]], r["dtype"], r["peer"] + (" *" if best else ""), *figures])
    return harness.table(header, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25, help="interleaved rounds, at least 15 unless --quick")
    parser.add_argument("--quick", action="store_true", help="5 short rounds: to see that it runs, not to conclude")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples")
    parser.add_argument("--require", type=float, metavar="RATIO", help="fail if TensorFlow's ratio in row (i) is below")
    options = parser.parse_args()
    if options.rounds < 15 and not options.quick:
        parser.error("--rounds must be at least 15")
    rounds, seconds = (5, 0.02) if options.quick else (options.rounds, 0.1)

    machine = harness.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    results, versions, missing = measure(rounds, seconds)
    for label, version in versions.items():
        print(f"{label}: {version}")
    for label in missing:
        print(f"{label}: not installed, not measured")
    print(
        f"{rounds} rounds of {seconds} s per peer; answers checked before timing; * the faster setting of a framework\n"
    )
    print(render(results))
    if options.json:
        document = {"machine": machine, "versions": versions, "missing": missing, "rounds": rounds, "results": results}
        options.json.write_text(json.dumps(document, indent=1))
    if options.require is None:
        return 0
    rival = fastest(results, "model", "float32", "tensorflow")
    if rival is None:
        print("\nTensorFlow is not installed: nothing to compare with")
        return 1
    reached = rival["ratio"]["value"]
    verdict = "reached" if reached >= options.require else "MISSED"
    print(f"\nrequired {options.require:g}x of {rival['peer']} in row (i), float32: {reached:.1f}x, {verdict}")
    return 0 if reached >= options.require else 1


if __name__ == "__main__":
    sys.exit(main())
