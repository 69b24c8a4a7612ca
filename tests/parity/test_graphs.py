"""Gradients of convolutions and of functional models against TensorFlow's.

Both sides are in float64. A gradient is a sum of products of weights, inputs and cotangents; its rounding error is at
most gamma_n times the same sum of magnitudes (Higham, section 3.1), n the number of roundings on the longest path. The
sum of magnitudes is the gradient of the network of absolute values, in which relu is the identity.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from samples import rows

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

EPS = np.finfo("float64").eps


def gradients(lib, model, arrays, weights):
    """dL/d(inputs and weights) for L = sum over outputs of sum(weight * output)."""
    if lib is dg:
        inputs = [dg.constant(a) for a in arrays]
        with dg.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs)
            loss = sum(dg.ops.sum(y * w) for y, w in zip(outputs, weights))
    else:
        inputs = [tf.constant(a) for a in arrays]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs)
            loss = sum(tf.reduce_sum(y * w) for y, w in zip(outputs, weights))
    return [g.numpy() for g in tape.gradient(loss, [*inputs, *model.trainable_variables])]


def compare(make, arrays, roundings):
    ours, theirs = make(dg, "relu"), make(keras, "relu")
    theirs.set_weights([rows(*w.shape, dtype="float64") for w in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    weights = [rows(*y.shape, dtype="float64") for y in ours(arrays)]
    magnitude = make(dg, None)
    magnitude.set_weights([np.abs(w) for w in ours.get_weights()])
    allowed = gradients(dg, magnitude, [np.abs(a) for a in arrays], [np.abs(w) for w in weights])
    for a, b, limit in zip(
        gradients(dg, ours, arrays, weights), gradients(keras, theirs, arrays, weights), allowed, strict=True
    ):
        assert a.shape == b.shape and np.any(a)
        assert np.all(np.abs(a - b) <= 2 * roundings * EPS * limit)


def shared(lib, activation):
    """Two inputs, a layer called twice, merges, operations in between, two outputs, a model in the model."""
    layers = lib.layers
    a, b = lib.Input((4,), dtype="float64"), lib.Input((4,), dtype="float64")
    dense = layers.Dense(3, activation=activation, dtype="float64")
    h, g = dense(a), dense(b * 2.0)
    x = lib.Input((3,), dtype="float64")
    inner = lib.Model(x, layers.Dense(3, activation=activation, dtype="float64")(x) * 0.5)
    both = layers.Concatenate(dtype="float64")([h, inner(g), inner(h)])
    product = layers.Multiply(dtype="float64")([h, g])
    return lib.Model([a, b], [layers.Dense(2, dtype="float64")(both), layers.Average(dtype="float64")([product, h])])


def test_shared_layers_and_several_outputs():
    compare(shared, [rows(5, 4, dtype="float64"), rows(5, 4, dtype="float64")], roundings=200)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("kernel", "strides"), [((3, 2), (1, 1)), ((2, 3), (2, 1)), ((1, 1), (2, 2)), ((3, 3), (2, 2))]
)
def test_convolutions(kernel, strides, padding):
    def make(lib, activation):
        layers = lib.layers
        x = lib.Input((6, 7, 2), dtype="float64")
        y = layers.Conv2D(3, kernel, strides, padding, activation=activation, dtype="float64")(x)
        y = layers.Conv2D(2, 2, padding="same", dtype="float64")(y)
        return lib.Model([x], [layers.Dense(2, dtype="float64")(layers.Flatten(dtype="float64")(y)), y * 1.0])

    compare(make, [rows(3, 6, 7, 2, dtype="float64")], roundings=500)


def test_dilation_groups_and_pooling():
    def make(lib, activation):
        layers = lib.layers
        x = lib.Input((7, 8, 4), dtype="float64")
        y = layers.Conv2D(4, 3, padding="same", dilation_rate=2, activation=activation, dtype="float64")(x)
        g = layers.Conv2D(6, 2, groups=2, activation=activation, dtype="float64")(x)
        y = layers.AveragePooling2D((2, 3), 2, "same", dtype="float64")(y)
        g = layers.AvgPool2D(3, 1, dtype="float64")(g)
        ends = [layers.Dense(2, dtype="float64")(layers.GlobalAveragePooling2D(dtype="float64")(h)) for h in (y, g)]
        return lib.Model([x], ends)

    compare(make, [rows(2, 7, 8, 4, dtype="float64")], roundings=500)


def test_the_bound_is_narrow():
    """A derivative that is wrong by a millionth in one entry is found."""
    model, arrays = shared(dg, "relu"), [rows(5, 4, dtype="float64")] * 2
    weights = [np.ones(y.shape) for y in model(arrays)]
    exact = gradients(dg, model, arrays, weights)
    magnitude = shared(dg, None)
    magnitude.set_weights([np.abs(w) for w in model.get_weights()])
    limits = gradients(dg, magnitude, [np.abs(a) for a in arrays], weights)
    for g, limit in zip(exact, limits):
        assert 400 * EPS * limit.max() < 1e-6 * np.abs(g).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("noise_shape", [None, (None, 1)])
def test_dropout_masks_are_keras(dtype, noise_shape):
    x = rows(7, 6, dtype=dtype)
    ours, theirs = (lib.layers.Dropout(0.4, noise_shape, seed=11, dtype=dtype) for lib in (dg, keras))
    for _ in range(3):
        a, b = ours(x, training=True).numpy(), theirs(x, training=True).numpy()
        np.testing.assert_array_equal(a, b)
