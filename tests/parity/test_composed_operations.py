"""Operations made of others against TensorFlow's: ties, zeros, edges. Values are exact or a few roundings apart."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from twins import plain

INF, NAN = np.inf, np.nan
ops = dg.ops


def f32(*values):
    return np.array(values, np.float32)


GRID = f32(1, -2, 3, 4, 0.5, -6).reshape(2, 3)
# name: (densegrad, TensorFlow, inputs)
CASES = {
    "min, shared by ties": (ops.min, lambda tf: tf.reduce_min, [f32(1, 0, 0, 2)]),
    "prod with a zero": (ops.prod, lambda tf: tf.reduce_prod, [f32(0, 2, 3)]),
    "prod with two zeros": (ops.prod, lambda tf: tf.reduce_prod, [f32(0, 2, 0)]),
    "prod of columns": (lambda x: ops.prod(x, 0), lambda tf: lambda x: tf.reduce_prod(x, 0), [GRID]),
    "std": (lambda x: ops.std(x, 1), lambda tf: lambda x: tf.math.reduce_std(x, 1), [GRID]),
    "std of a constant": (ops.std, lambda tf: tf.math.reduce_std, [f32(2, 2, 2)]),
    "var": (lambda x: ops.var(x, 0), lambda tf: lambda x: tf.math.reduce_variance(x, 0), [GRID]),
    "norm": (ops.norm, lambda tf: tf.norm, [GRID]),
    "norm at 0": (ops.norm, lambda tf: tf.norm, [f32(0, 0)]),
    "norm 1": (lambda x: ops.norm(x, 1, -1), lambda tf: lambda x: tf.norm(x, 1, -1), [f32(0, -2, 3)]),
    "norm inf, ties": (lambda x: ops.norm(x, INF, -1), lambda tf: lambda x: tf.norm(x, INF, -1), [f32(3, -3, 1)]),
    "rsqrt": (ops.rsqrt, lambda tf: tf.math.rsqrt, [f32(0, 0.25, 4)]),
    "reciprocal": (ops.reciprocal, lambda tf: tf.math.reciprocal, [f32(0.25, 2, -4)]),
    "squared_difference": (ops.squared_difference, lambda tf: tf.math.squared_difference, [f32(1, 2), f32(3, 0)]),
    "divide_no_nan": (ops.divide_no_nan, lambda tf: tf.math.divide_no_nan, [f32(1, 2, 0), f32(0, 4, 0)]),
    "logsumexp": (ops.logsumexp, lambda tf: tf.reduce_logsumexp, [f32(1, 2, -INF)]),
    "l2_normalize": (lambda x: ops.l2_normalize(x, 1), lambda tf: lambda x: tf.math.l2_normalize(x, 1), [GRID]),
    "l2_normalize of 0": (ops.l2_normalize, lambda tf: tf.math.l2_normalize, [f32(0, 0)]),
    "cumsum": (lambda x: ops.cumsum(x, 1), lambda tf: lambda x: tf.cumsum(x, 1), [GRID]),
    "sort": (ops.sort, lambda tf: tf.sort, [f32(3, 1, 2)]),
    "top_k of ties": (lambda x: ops.top_k(x, 2)[0], lambda tf: lambda x: tf.math.top_k(x, 2)[0], [f32(1, 3, 3, 3)]),
    "gather_nd with repeats": (
        lambda x: ops.gather_nd(x, [[0, 1], [1, 2], [0, 1]]),
        lambda tf: lambda x: tf.gather_nd(x, [[0, 1], [1, 2], [0, 1]]),
        [GRID],
    ),
    "stack": (lambda a, b: ops.stack([a, b, a], 1), lambda tf: lambda a, b: tf.stack([a, b, a], 1), [GRID, 2 * GRID]),
    "unstack": (lambda x: ops.unstack(x)[1], lambda tf: lambda x: tf.unstack(x)[1], [GRID]),
    "tile": (lambda x: ops.tile(x, (2, 1)), lambda tf: lambda x: tf.tile(x, (2, 1)), [GRID]),
    "repeat": (lambda x: ops.repeat(x, 2, 1), lambda tf: lambda x: tf.repeat(x, 2, 1), [GRID]),
    "flip": (lambda x: ops.flip(x, 1), lambda tf: lambda x: tf.reverse(x, [1]), [GRID]),
    "diag": (ops.diag, lambda tf: tf.linalg.diag, [f32(1, 2)]),
    "trace": (ops.trace, lambda tf: tf.linalg.trace, [GRID]),
    "tensordot": (lambda a, b: ops.tensordot(a, b, [[1], [1]]), lambda tf: lambda a, b: tf.tensordot(a, b, [[1], [1]]),
                  [GRID, GRID]),
    "einsum": (lambda a, b: ops.einsum("ij,kj->ik", a, b), lambda tf: lambda a, b: tf.einsum("ij,kj->ik", a, b),
               [GRID, GRID]),
}  # fmt: skip
# The sums of at most six products here are of magnitude 100 at most and are rounded at most a dozen times; TensorFlow's
# rsqrt is off by up to 2 ULP.
ROUNDINGS = 16


def gradients(tape_class, constant, function, inputs):
    """The value, its gradients, and, through an outer tape, the gradients of the sum of their squares."""
    tensors = [constant(x) for x in inputs]
    with tape_class() as outer:
        outer.watch(tensors)
        with tape_class() as tape:
            tape.watch(tensors)
            y = function(*tensors)
        grads = [g if isinstance(g, type(y)) else constant(plain(g)) for g in tape.gradient(y, tensors)]
        total = sum((g[...] * g[...] for g in grads[1:]), grads[0] * grads[0])
    second = outer.gradient(total, tensors)
    return plain([y, *grads]), plain(second)


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients_equal_tensorflows(name, tensorflow):
    """First order everywhere; second order where TensorFlow has one and the point is no kink or pole."""
    ours, make, inputs = CASES[name]
    mine = gradients(dg.GradientTape, dg.constant, ours, inputs)
    theirs = gradients(tensorflow.GradientTape, tensorflow.constant, make(tensorflow), inputs)
    for a, b in zip(mine[0], theirs[0], strict=True):
        bound = ROUNDINGS * 2.0**-24 * max(1.0, np.max(np.abs(b), where=np.isfinite(b), initial=0))
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=bound, err_msg=name)
    for a, b in zip(mine[1], theirs[1], strict=True):
        if a is not None and b is not None and np.all(np.isfinite(b)):
            bound = 4 * ROUNDINGS * 2.0**-24 * max(1.0, np.max(np.abs(b)))
            np.testing.assert_allclose(a, b, rtol=0, atol=bound, err_msg=name)
