"""The matrix products of a training step alone, by NumPy's OpenBLAS: what no program that calls it can go below.

A product is asked for as a stack of equal ones, so that Python's call is paid once for many of them.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
from worker import serve

STACK = 64  # of the smallest products; fewer of larger ones


def make(case, data):
    """Case: sizes, batch, dtype, what. Or `what` "peak": one large product; "triad": c = a + b over large arrays."""
    dtype = np.dtype(case["dtype"])
    rng = np.random.default_rng(0)
    if case["what"] == "triad":
        return _triad(case["threads"]), [], lambda name, value: value
    if case["what"] == "peak":
        shapes = [(case["size"],) * 3]
    else:
        shapes = products(case["sizes"], case["batch"], case["what"])
    stacks = []
    for m, k, n in shapes:
        count = max(1, min(STACK, 2**22 // (m * k * n)))
        a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
        out = np.empty((count, m, n), dtype)
        stacks.append((np.broadcast_to(a, (count, m, k)), np.broadcast_to(b, (count, k, n)), out))

    def step():
        total = 0.0
        for a, b, out in stacks:
            start = time.perf_counter()
            np.matmul(a, b, out=out)
            total += (time.perf_counter() - start) / len(out)
        return np.asarray(total), []

    return step, [], lambda name, value: value


def products(sizes, batch, what):
    """(m, k, n) of every product; the first layer's input needs no gradient."""
    shapes = []
    for i, (n, m) in enumerate(pairwise(sizes)):
        shapes.append((batch, n, m))
        if what != "forward":
            shapes.append((n, batch, m))
            if i:
                shapes.append((batch, m, n))
    return shapes


def _triad(threads):
    from concurrent.futures import ThreadPoolExecutor

    size = 2**23  # numbers of 8 bytes per array and thread
    parts = [(np.ones(size), np.ones(size), np.empty(size)) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads)

    def step():
        start = time.perf_counter()
        list(pool.map(lambda part: np.add(part[0], part[1], out=part[2]), parts))
        return np.asarray(time.perf_counter() - start), []

    return step


if __name__ == "__main__":
    serve({"name": "products", "version": f"NumPy {np.__version__}"}, make)
