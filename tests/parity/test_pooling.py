"""Ties of pooling against TensorFlow's: sums of few small integers, so equal to the bit."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

WHERE = [(2, None), (3, 1), ((2, 3), (2, 1)), ((1, 4), (3, 3)), (5, 2)]


def value_and_gradient(lib, tape_class, constant, make, x, draw):
    x = constant(x)
    with tape_class() as tape:
        tape.watch(x)
        y = make(lib.layers)(x)
    dy = draw(tuple(y.shape))
    return y.numpy(), tape.gradient(y, x, output_gradients=constant(dy)).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool_size", "strides"), WHERE, ids=str)
@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (0, 5, 6, 3), (1, 7, 5, 1)], ids=str)
def test_max_pooling_of_ties(shape, pool_size, strides, padding, dtype, seed):
    x = np.random.default_rng(seed).integers(-1, 2, shape).astype(dtype)
    found = [
        value_and_gradient(
            lib, tape, constant, lambda layers: layers.MaxPooling2D(pool_size, strides, padding, dtype=dtype), x,
            lambda s: np.random.default_rng(seed + 1).integers(-9, 9, s).astype(dtype),
        )
        for lib, tape, constant in ((dg, dg.GradientTape, dg.constant), (keras, tf.GradientTape, tf.constant))
    ]  # fmt: skip
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_global_max_pooling_of_ties(dtype, seed):
    """Shared equally by the ties, of which there are 1, 2, 4 or 8."""
    x = np.zeros((4, 2, 4, 1), dtype)
    for n, count in enumerate((1, 2, 4, 8)):
        x[n].flat[np.random.default_rng(seed).permutation(8)[:count]] = 1
    found = [
        value_and_gradient(
            lib, tape, constant, lambda layers: layers.GlobalMaxPooling2D(dtype=dtype), x,
            lambda s: np.arange(1, 5, dtype=dtype).reshape(s),
        )
        for lib, tape, constant in ((dg, dg.GradientTape, dg.constant), (keras, tf.GradientTape, tf.constant))
    ]  # fmt: skip
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
