"""Unary operations and activations at zeros, where they saturate, at infinities and NaN, against TensorFlow.

Value and derivative are NaN or infinite where TensorFlow's are; finite numbers are within the roundings that
test_rows.py grants, of terms the size of the point and 1. Kinks are in test_activations.py, ties and the edges of
operations of two arguments in test_operation_gradients.py and test_composed_operations.py.
"""

from __future__ import annotations

from pathlib import Path

import densegrad as dg
import numpy as np
import pytest
from gradcheck import ROUNDINGS
from rows import SAME, named
from tables import ROWS
from test_rows import LOOSER, roundoff

UNARY = [row for row in ROWS if row.wrt == (0,) and list(row.shapes) == [(s,) for s in SAME]]
ZEROS, INFINITE, UNDEFINED = (0.0, -0.0), (np.inf, -np.inf), (np.nan,)
POINTS = (*ZEROS, 20.0, -20.0, 1e4, -1e4, *INFINITE, *UNDEFINED)
# Rows of docs/differences.md: the functions, and the points where they differ on purpose.
LIMITS = "silu, gelu, mish, hard_silu, softsign, squareplus and sparse_plus at infinity"
HIDDEN = ("elu selu celu relu relu6 leaky_relu soft_shrink hard_shrink hard_sigmoid hard_tanh threshold "
          "sparse_sigmoid")  # fmt: skip
DIFFERENT = {
    LIMITS: (LIMITS.removesuffix(" at infinity").replace(" and ", ", ").split(", "), INFINITE),
    "activations with a kink and NaN": (HIDDEN.split(), UNDEFINED),
    "celu at 0": (["celu"], ZEROS),
    "erf in float64 at infinity": (["erf"], INFINITE),
}


def excused(row, x):
    """Where a row differs on purpose."""
    points = [p for words, points in DIFFERENT.values() if named(row.name)[0] in words for p in points]
    return np.isin(x, points) | (np.isnan(x) & np.isnan(points).any())


def slope_of(tape_class, constant, function, x):
    """The value, and the derivative of every entry."""
    x = constant(x)
    with tape_class() as tape:
        tape.watch(x)
        y = function(x)
    return np.asarray(y), np.asarray(tape.gradient(y, x)[...])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", UNARY, ids=str)
def test_value_and_derivative_at_the_edges(row, dtype, tensorflow):
    from counterparts import counterpart

    x = np.array(POINTS, dtype)
    ours = slope_of(dg.GradientTape, dg.constant, row.call, x)
    theirs = slope_of(tensorflow.GradientTape, tensorflow.constant, counterpart(row), x)
    with np.errstate(invalid="ignore"):
        for a, b in zip(ours, theirs, strict=True):
            size = np.abs(b) + 1 + np.where(np.isfinite(x), np.abs(x), 0)
            near = np.abs(a - b) <= (1 + LOOSER) * ROUNDINGS * roundoff(row, dtype) * size
            same = (a == b) | (np.isnan(a) & np.isnan(b)) | (near & np.isfinite(b))
            assert np.all(same | excused(row, x)), (x, a, b)


@pytest.mark.parametrize("name", DIFFERENT)
def test_every_difference_is_listed_and_real(name, tensorflow):
    """TensorFlow gives something else at one of the points at least, for every function."""
    from counterparts import counterpart

    text = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()
    assert f"| {name} |" in text
    words, points = DIFFERENT[name]
    for word in words:
        row = next(row for row in UNARY if named(row.name)[0] == word)
        ours = slope_of(dg.GradientTape, dg.constant, row.call, np.array(points))
        theirs = slope_of(tensorflow.GradientTape, tensorflow.constant, counterpart(row), np.array(points))
        assert not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs)), word
