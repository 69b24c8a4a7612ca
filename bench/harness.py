"""Side-by-side timing: one process per peer, answers before times, interleaved rounds, medians with an interval.

A peer is a program in peers/ that speaks the protocol of peers/worker.py. While one is asked something, all others are
stopped (SIGSTOP), so that no spinning thread pool takes the cores away.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PEERS = Path(__file__).parent / "peers"


class PeerError(RuntimeError):
    """A peer raised, died, or could not be started."""


class Peer:
    """A process that computes and times cases on request."""

    def __init__(
        self, label: str, program: str, environment: Mapping[str, str] | None = None, cores: int | None = None
    ) -> None:
        """Start `program` of peers/ with some more environment, on the first `cores` cores where that is possible."""
        self.label = label
        self.first_call = float("nan")  # seconds of the first call of the case that was prepared last
        self._folder = tempfile.TemporaryDirectory(prefix="densegrad-bench-")
        self._log = open(Path(self._folder.name) / "stderr", "w+")
        self._process = subprocess.Popen(
            [sys.executable, str(PEERS / program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        if cores is not None and hasattr(os, "sched_setaffinity"):  # before it has imported what asks for it
            os.sched_setaffinity(self._process.pid, sorted(os.sched_getaffinity(0))[:cores])
        try:
            self.info: dict[str, str] = self._read()  # the versions, once everything is imported
        except PeerError:
            self.close()
            raise
        self._signal(signal.SIGSTOP)

    def ask(self, command: str, **arguments: object) -> dict:
        """Wake the process, have it carry out one command, and put it back to sleep."""
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
            return self._read()
        except BrokenPipeError:
            raise PeerError(f"{self.label} died: {self._tail()}") from None
        finally:
            self._signal(signal.SIGSTOP)

    def prepare(self, case: dict, data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Set a case up and return its answer by name."""
        given, answer = Path(self._folder.name) / "data.npz", Path(self._folder.name) / "answer.npz"
        np.savez(given, **data)
        self.first_call = self.ask("prepare", case=case, data=str(given), answer=str(answer))["first_call"]
        with np.load(answer) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def time(self, seconds: float) -> float:
        """Seconds per step of the prepared case, over about `seconds`."""
        return self.ask("time", seconds=seconds)["seconds_per_step"]

    def memory(self) -> dict[str, int]:
        """The peak of the resident memory since the last `prepare`, and what it was before, in bytes; or {}."""
        return self.ask("memory")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()
        self._folder.cleanup()

    def _read(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"{self.label} died: {self._tail()}")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(f"{self.label}: {reply['error']}")
        return reply

    def _tail(self) -> str:
        self._log.flush()
        self._log.seek(0)
        return "".join(self._log.readlines()[-5:]).strip() or "no message"

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)


def interleaved(peers: Sequence[Peer], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds per step of every peer in every round, A B A B ...; the first one changes from round to round."""
    for peer in peers:
        peer.time(2 * seconds)  # warm
    times: dict[str, list[float]] = {peer.label: [] for peer in peers}
    for i in range(rounds):
        start = i % len(peers)
        for peer in [*peers[start:], *peers[:start]]:
            times[peer.label].append(peer.time(seconds))
    return times


@dataclass(frozen=True)
class Ratio:
    """median(theirs) / median(ours), with a 95 % bootstrap interval over the rounds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1f} [{self.low:.1f}, {self.high:.1f}]"


def ratio(theirs: Sequence[float], ours: Sequence[float], draws: int = 10_000) -> Ratio:
    """Rounds are drawn with replacement, the same for both sides: what disturbed one round disturbed both."""
    a, b = np.asarray(theirs), np.asarray(ours)
    chosen = np.random.default_rng(0).integers(len(a), size=(draws, len(a)))
    medians = np.median(a[chosen], axis=1) / np.median(b[chosen], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return Ratio(float(np.median(a) / np.median(b)), float(low), float(high))


def largest_share(answer: Mapping[str, np.ndarray], value: Mapping, allowed: Mapping, who: str) -> float:
    """The largest |answer - value| / allowed; raises AssertionError where it exceeds 1 or a name or shape differs."""
    assert set(answer) == set(value), f"{who} gives {sorted(answer)} instead of {sorted(value)}"
    worst = 0.0
    for name, expected in value.items():
        got = answer[name]
        assert got.shape == expected.shape, f"{who}: {name} has shape {got.shape} instead of {expected.shape}"
        difference = np.abs(got.astype(np.float64) - expected)
        inside = difference <= allowed[name]  # False for NaN
        assert inside.all(), f"{who}: {name} is off by {np.nanmax(difference):.3g}, beyond its rounding bound"
        with np.errstate(invalid="ignore"):
            worst = max(worst, float(np.nan_to_num(difference / allowed[name]).max(initial=0)))
    return worst


def machine() -> dict[str, object]:
    """What the figures belong to."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    system, python = platform.platform(), platform.python_version()
    return {"cpu": model, "cores": cores, "load": load, "system": system, "python": python}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first one to the left."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        return "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, rows)])
