"""What no time can go below on this machine, measured in the same run; and what a library costs before a first step."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from harness import Peer

PEAK_SIZE, TRIAD_BYTES = 1536, 3 * 8 * 2**23


def machine_limits(peer: Peer, dtypes: tuple[str, ...], threads: int, calls: int) -> dict[str, float]:
    """The best rates of products.py: flops per second of one large product, bytes per second of c = a + b."""

    def best(**case: object) -> float:
        return float(peer.prepare({**case, "calls": calls}, {})["loss"].min())

    rates = {d: 2 * PEAK_SIZE**3 / best(what="peak", dtype=d, size=PEAK_SIZE) for d in dtypes}
    return rates | {"bandwidth": threads * TRIAD_BYTES / best(what="triad", dtype="float64", threads=threads)}


def flops(sizes: tuple[int, ...], rows: int, what: str) -> int:
    """Of the products that are needed: the first layer's input needs no gradient."""
    forward = [2 * rows * n * m for n, m in pairwise(sizes)]
    return sum(forward) if what == "forward" else 3 * sum(forward) - forward[0]


def import_seconds(module: str, environment: Mapping[str, str], runs: int) -> float:
    """The least of `runs` imports in fresh interpreters."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    times = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        times.append(float(done.stdout.split()[-1]))
    return min(times)


def installed_bytes(distribution: str, module: str) -> int:
    """The size of a distribution and of all that it requires; of the package's folder if it is not installed."""
    found = _closure(distribution)
    total = sum(
        path.stat().st_size
        for name in found
        for file in importlib.metadata.distribution(name).files or ()
        if (path := Path(file.locate())).is_file()
    )
    if distribution in found:
        return total
    folder = Path(next(iter(importlib.util.find_spec(module).submodule_search_locations)))
    required = sum(installed_bytes(name, name) for name in ("numpy",))
    return required + sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _closure(distribution: str) -> set[str]:
    """The distributions that are there of one and of what it requires; extras and other platforms' are left out."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            requirements = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [re.match(r"[\w.-]+", r).group() for r in requirements if "extra ==" not in r]
    return found
