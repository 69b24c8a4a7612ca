"""Every instruction set that this machine has: active when asked for, right, and reproducible to the bit.

Each variant runs in a process of its own with DENSEGRAD_ISA set. There every row of tables.py is computed in float32
and float64 and compared with its oracle within the row's bound; gradients among the rows (activation_grad, loss_grad)
and dense_vjp are part of that. A digest of all bits is compared between two runs.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from densegrad import _core

HERE = Path(__file__).parent


def report(seed):
    """In the subprocess: check every row, print the variant and a digest of every bit that was computed."""
    import densegrad as dg
    from oracles import gamma, ulp
    from rows import generator, narrow, widen
    from tables import ROWS

    spare = 0 if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps else 4
    digest = hashlib.sha256()
    for row in ROWS:
        for dtype in ("float32", "float64"):
            for shapes in row.shapes:
                inputs = narrow(row.draw(generator(seed, row, shapes), shapes), dtype)
                value, wide = np.asarray(row.call(*inputs)), widen(inputs)
                expected = np.asarray(row.oracle(*wide))
                limit = np.asarray(row.bound(expected, dtype, *wide)) + spare * ulp(expected, dtype)
                assert np.all(np.abs(value.astype(np.longdouble) - expected) <= limit), (row.name, dtype, shapes)
                digest.update(value.tobytes())
    for n, k, m in ((1, 1, 1), (17, 33, 15), (65, 31, 64), (1025, 16, 7)):
        rng = generator(seed, "dense_vjp", n, k, m)
        x, w, b, dy = (rng.uniform(-1, 1, s).astype("float32") for s in ((n, k), (k, m), (m,), (n, m)))
        dx, dw, db = dg.ops.dense_vjp(x, w, b, "linear", dy)
        x, w, dy = widen([x, w, dy])
        for g, a, c, terms in ((dx, dy, w.T, m), (dw, x.T, dy, n), (db, np.ones((1, n)), dy, n)):
            bound = gamma(terms, "float32") * (np.abs(a) @ np.abs(c))
            assert np.all(np.abs(g - a @ c) <= bound), (n, k, m)
            digest.update(g.tobytes())
    print(_core.isa(), digest.hexdigest())


def run(isa, code):
    path = os.pathsep.join(
        filter(None, [str(HERE), str(Path(_core.__file__).parent.parent), os.environ.get("PYTHONPATH")])
    )
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"DENSEGRAD_ISA": isa, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("isa", _core.available_isas())
def test_variant_is_active_right_and_reproducible(isa, seed):
    first, second = (run(isa, f"import test_isa; test_isa.report({seed})") for _ in range(2))
    assert first.returncode == 0, first.stderr
    name, digest = first.stdout.split()
    assert name == isa
    assert second.stdout == first.stdout
    assert len(digest) == 64


def test_the_most_capable_variant_is_the_default():
    done = run("", "from densegrad import _core; print(_core.isa(), _core.available_isas()[-1])")
    default, best = done.stdout.split()
    assert default == best
    if "DENSEGRAD_ISA" not in os.environ:
        assert _core.isa() == best


def test_a_bad_name_is_an_error_that_lists_the_choices():
    done = run("sse9", "import densegrad as dg; dg.ops.exp(1.0)")
    assert done.returncode != 0
    choices = ", ".join(_core.available_isas())
    assert f"[isa] DENSEGRAD_ISA is 'sse9' but this machine supports {choices}: choose one of these." in done.stderr
    assert "InvalidArgumentError: [isa]" in done.stderr and "Traceback" in done.stderr
