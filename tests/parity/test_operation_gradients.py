"""Gradients of single operations where a convention decides: dtypes, broadcasting, ties, edges, cuts.

Values are exact in both libraries, so results are equal to the bit. Source of the list: research/keras_semantics.md,
section 8 (ties and edges) and 1.2 (casts and integers).
"""

from __future__ import annotations

import numpy as np
import pytest
from twins import assert_same, libraries, plain

INF, NAN = np.inf, np.nan


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


UNARY = {
    "relu": (lambda L, x: L.relu(x), f32(-1, -0.0, 0, 2)),
    "abs": (lambda L, x: L.abs(x), f32(-1, 0, 2)),
    "sign": (lambda L, x: L.sign(x) * x, f32(-1, 0, 2)),
    "square": (lambda L, x: L.square(x), f32(-1, 0, 2)),
    "sqrt": (lambda L, x: L.sqrt(x), f32(0, 0.25, 4)),
    "sqrt with upstream 0": (lambda L, x: L.sqrt(x) * np.float32(0), f32(0.25, 4)),
    "sqrt without a slope, not taken": (lambda L, x: L.where(x > 0.0, L.sqrt(x), x), f32(-1, 0, 0.25, NAN)),
    "sqrt without a slope": (lambda L, x: L.sqrt(x), f32(-1, NAN)),
    "log": (lambda L, x: L.log(x), f32(0, 0.5, 1)),
    "log of a negative": (lambda L, x: L.log(x), f32(-1, 2)),
    "clip inclusive": (lambda L, x: L.clip(x, 0.0, 1.0), f32(-1, 0, 0.5, 1, 2)),
    "maximum with a constant after": (lambda L, x: L.maximum(x, L.constant(f32(0, 0, 0))), f32(-1, 0, 1)),
    "maximum with a constant before": (lambda L, x: L.maximum(L.constant(f32(0, 0, 0)), x), f32(-1, 0, 1)),
    "max, shared by ties": (lambda L, x: L.max(x), f32(1, 3, 3, 2, 3, 3)),
    "power 2": (lambda L, x: x**2.0, f32(-2, 0, 3)),
    "power 1": (lambda L, x: x**1.0, f32(-2, 0, 3)),
    "power 3": (lambda L, x: x**3.0, f32(-2, 0, 3)),
    "stop_gradient": (lambda L, x: L.stop_gradient(x) * x, f32(1, 2)),
    "argmax": (lambda L, x: L.argmax(x), f32(1, 2)),
    "mean": (lambda L, x: L.mean(x), f32(1, 2, 3, 5)),
    "slices overlap": (lambda L, x: x[1:3] * x[:2], f32(1, 2, 3, 4)),
    "strided slice": (lambda L, x: x[::2] * 3.0, f32(1, 2, 3, 4)),
    "one entry": (lambda L, x: x[2] * x[-1], f32(1, 2, 3, 4)),
    "take with repeats": (lambda L, x: L.take(x, np.array([0, 2, 0])) * L.constant(f32(1, 2, 4)), f32(1, 2, 3)),
    "reshape and transpose": (
        lambda L, x: L.matmul(L.reshape(x, (2, 2)), L.transpose(L.reshape(x, (2, 2)))),
        f32(1, 2, 3, 4),
    ),
    "broadcast_to": (lambda L, x: L.broadcast_to(x, (3, 2)), f32(1, 2)),
    "concatenate": (lambda L, x: L.concatenate([x, x * 2.0, x], 0) * L.constant(f32(1, 2, 3, 4, 5, 6)), f32(1, 2)),
    "cast to float64 and back": (lambda L, x: L.cast(L.cast(x, "float64") * 2.0, "float32"), f32(1, 2)),
    "cast to float64": (lambda L, x: L.cast(x, "float64") * 2.0, f32(1, 2)),
    "cast through integers": (lambda L, x: L.cast(L.cast(x, "int32"), "float32"), f32(1, 2)),
    "where": (lambda L, x: L.where(x > 0.0, x * x, x * 5.0), f32(-1, 0, 2)),
    "where poisons": (lambda L, x: L.where(x > 0.0, 1.0 / x, x), f32(0, 2)),
    "numpy on the left": (lambda L, x: f32(1, 2) * x, f32(3, 4)),
    "reflected": (lambda L, x: (2.0 - x) / 4.0 + 1.0 / x - (-x), f32(1, 2)),
    "empty": (lambda L, x: x * x, np.zeros((0, 3), np.float32)),
}


@pytest.mark.parametrize("name", UNARY)
def test_gradient_of_one_argument(name):
    """d sum(f(x)) / dx, and f(x) itself, equal TensorFlow's to the bit."""
    function, x = UNARY[name]
    results = []
    for L in libraries():

        def gradient(tensor, L=L):
            with L.GradientTape() as t:
                t.watch(tensor)
                y = function(L, tensor)
            return [t.gradient(y, tensor), y]

        results.append(plain(L.run(gradient, [x])))
    assert_same(*results, name)


BINARY = {
    "maximum, ties to the first": (lambda L, a, b: L.maximum(a, b), f32(1, 2, 3), f32(2, 2, 2)),
    "minimum, ties to the first": (lambda L, a, b: L.minimum(a, b), f32(1, 2, 3), f32(2, 2, 2)),
    "add, broadcast": (lambda L, a, b: a + b, np.ones((2, 3), np.float32), f32(1, 2, 3)),
    "multiply, broadcast both": (lambda L, a, b: a * b, f32(1, 2, 3).reshape(3, 1), f32(4, 5).reshape(1, 2)),
    "subtract a scalar": (lambda L, a, b: a - b, f32(1, 2, 3), np.float32(2)),
    "divide": (lambda L, a, b: a / b, f32(1, 2, 3), f32(2, 4, 0.5)),
    "divide by zero": (lambda L, a, b: a / b, f32(1, -1), f32(0, 0)),
    "power": (lambda L, a, b: L.power(a, b), f32(1, 1, 1), f32(2, 3, 0.5)),
    "matmul": (
        lambda L, a, b: L.matmul(a, b),
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.ones((3, 4), np.float32),
    ),
    "@": (lambda L, a, b: a @ b, np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((3, 4), np.float32)),
    "where": (lambda L, a, b: L.where(a > b, a, b), f32(1, 2, 3), f32(2, 2, 2)),
}


@pytest.mark.parametrize("name", BINARY)
def test_gradients_of_two_arguments(name):
    """Both gradients and the value equal TensorFlow's to the bit, in float32 and float64."""
    function, a, b = BINARY[name]
    for dtype in (np.float32, np.float64):
        results = []
        for L in libraries():

            def gradients(left, right, L=L):
                with L.GradientTape() as t:
                    t.watch([left, right])
                    y = function(L, left, right)
                return [*t.gradient(y, [left, right]), y]

            results.append(plain(L.run(gradients, [a.astype(dtype), b.astype(dtype)])))
        assert_same(*results, name)


def test_integers_have_no_gradient():
    """Watching an integer warns (TensorFlow logs), and its gradient is None, also through a cast to float."""
    ours, theirs = libraries()
    n = theirs.constant([1, 2])
    with theirs.GradientTape() as t:
        t.watch(n)
        y = theirs.cast(n, "float32") * 2.0
    assert t.gradient(y, n) is None
    n = ours.constant([1, 2])
    with ours.GradientTape() as t:
        with pytest.warns(UserWarning, match="int32"):
            t.watch(n)
        y = ours.cast(n, "float32") * 2.0
    assert t.gradient(y, n) is None
