"""Every activation and parameter against Keras: values, gradients, second derivatives, the layers; kinks to the bit.

Away from kinks two libraries are within the sum of their bounds: that of tests/activation_oracles.py for densegrad, and
for TensorFlow the same formula with its own library (8 ULP instead of 2) plus the roundings at magnitude max(1, |z|)
that its cancelling formulas spend: z - tanh z, 1 - y^2, z + sqrt(z^2 + b).
"""

from __future__ import annotations

import activation_oracles as oracles
import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from oracles import unit

CASES = oracles.SMOOTH + oracles.PIECEWISE
LOOSER = rb.TF_ULPS / oracles.ULPS
# In float64 TensorFlow has these constants in float32 (a row of docs/differences.md); how far a relative change of them
# moves value and derivative: z^2 p(z) and 2 z p(z) - z^3 p(z) are below 1 for gelu, twice that for the two of its
# approximation.
ROUNDED_CONSTANTS = {"gelu": lambda z: 2 + 0 * z, "leaky_relu": lambda z: 0.2 * np.maximum(1, np.abs(z))}


def on_keras(case, z, dy):
    import keras
    import tensorflow as tf

    function = getattr(keras.activations, case.name)
    x = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, **case.parameters)
    return y.numpy(), tape.gradient(y, x, output_gradients=tf.constant(dy)).numpy()


def on_densegrad(case, z, dy):
    x = dg.constant(z)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = getattr(dg.activations, case.name)(x, **case.parameters)
    return y.numpy(), tape.gradient(y, x, output_gradients=dg.constant(dy)).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradient(case, dtype, seed):
    """65 points of [-8, 8], none at a kink."""
    rng = np.random.default_rng([seed, len(case.name)])
    z, dy = (rng.uniform(-8, 8, 65)).astype(dtype), rng.normal(size=65).astype(dtype)
    wide, cotangent = z.astype(np.longdouble), dy.astype(np.longdouble)
    ours, theirs = on_densegrad(case, z, dy), on_keras(case, z, dy)
    size = unit(dtype) * 4 * LOOSER * (np.maximum(1, np.abs(wide)) + np.abs(case.value(wide)))
    if dtype == "float64" and case.name in ROUNDED_CONSTANTS:
        size = size + unit("float32") * ROUNDED_CONSTANTS[case.name](wide)
    y_bound = (1 + LOOSER) * case.bound(wide, 0, dtype) + size
    assert np.all(np.abs(ours[0] - theirs[0]) <= y_bound)
    slope = size + unit(dtype) * 4 * LOOSER * np.abs(wide * case.slope(wide))
    assert np.all(
        np.abs(ours[1] - theirs[1]) <= (1 + LOOSER) * case.grad_bound(wide, cotangent, dtype) + slope * abs(dy)
    )


KINKS = [
    ("relu", {}, [0.0]),
    ("relu", {"negative_slope": 0.5}, [0.0]),
    ("relu", {"max_value": 2.0}, [0.0, 2.0]),
    ("relu", {"max_value": 6.0}, [0.0, 6.0]),
    ("relu", {"max_value": 6.0, "negative_slope": 0.5}, [0.0, 6.0]),
    ("relu", {"threshold": 1.0}, [0.0, 1.0]),
    ("relu", {"threshold": -1.0, "max_value": 2.0}, [-1.0, -0.5, 0.0, 2.0]),
    ("relu", {"negative_slope": 0.5, "max_value": 4.0, "threshold": 1.0}, [-4.0, -0.5, 0.0, 1.0, 3.0, 4.0, 5.0]),
    ("relu", {"max_value": 6.0, "threshold": 1.0}, [1.0, 6.0]),
    ("leaky_relu", {"negative_slope": 0.25}, [0.0]),
    ("relu6", {}, [0.0, 6.0]),
    ("elu", {}, [0.0]),
    ("elu", {"alpha": 0.5}, [0.0]),
    ("selu", {}, [0.0]),
    ("softplus", {}, []),
    ("softsign", {}, [0.0]),
    ("hard_sigmoid", {}, [-3.0, 3.0]),
    ("hard_silu", {}, [-3.0, 3.0]),
    ("hard_tanh", {}, [-1.0, 1.0]),
    ("soft_shrink", {}, [-0.5, 0.0, 0.5]),
    ("hard_shrink", {}, [-0.5, 0.0, 0.5]),
    ("hard_shrink", {"threshold": 0.0}, [0.0]),
    ("threshold", {"threshold": 1.0, "default_value": 2.0}, [1.0, 0.0, 2.0]),
    ("sparse_plus", {}, [-1.0, 1.0]),
    ("sparse_sigmoid", {}, [-1.0, 1.0]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name,parameters,points", KINKS, ids=str)
def test_kinks_are_keras_to_the_bit(name, parameters, points, dtype):
    """Value and derivative at the kink, and at its neighbours in the dtype; at 0 of both signs."""
    at = np.array([*points, -0.0, 0.0], dtype)
    z = np.concatenate([at, np.nextafter(at, -9).astype(dtype), np.nextafter(at, 9).astype(dtype)])
    z = z[(z == 0) | (np.abs(z) >= np.finfo(dtype).tiny)]  # TensorFlow flushes subnormal numbers
    z = z if points else z[z == 0]
    case = oracles.Case(name, None, None, None, None, None, parameters=parameters)
    ours, theirs = on_densegrad(case, z, np.ones_like(z)), on_keras(case, z, np.ones_like(z))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0 if name not in ("elu", "selu", "softplus") else 8 * unit(dtype), atol=0)


def test_the_snippet_of_three_parameters():
    z = dg.constant([-4.0, -0.5, 0.0, 1.0, 3.0, 4.0])
    with dg.GradientTape() as tape:
        tape.watch(z)
        y = dg.activations.relu(z, negative_slope=0.1, max_value=3.0, threshold=1.0)
    np.testing.assert_array_equal(y.numpy(), np.float32([-0.5, -0.15, -0.1, 0, 3, 3]))
    np.testing.assert_array_equal(tape.gradient(y, z).numpy(), np.float32([0.1, 0.1, 0.1, 0, 1, 0]))


def layers(lib):
    return [
        lib.layers.ReLU(max_value=2.0, negative_slope=0.25, threshold=0.5, name="a"),
        lib.layers.LeakyReLU(name="b"),
        lib.layers.LeakyReLU(negative_slope=0.5, name="c", dtype="float64"),
        lib.layers.ELU(name="d"),
        lib.layers.ELU(alpha=0.5, name="e"),
        lib.layers.Softmax(axis=[1, 2], name="f"),
    ]


@pytest.mark.parametrize("i", range(6))
def test_layers_and_their_configs(i, seed):
    """Values, the config, and the layer that Keras' config makes."""
    import keras

    ours, theirs = layers(dg)[i], layers(keras)[i]
    x = np.random.default_rng(seed).normal(size=(2, 3, 5)).astype("float32") * 3
    expected = np.asarray(theirs(x))
    # softmax of 15 entries of size below 12: 15 + 12 + 6 roundings on either side
    np.testing.assert_allclose(ours(x).numpy(), expected, rtol=2 * 2 * 33 * 2.0**-24, atol=0)
    config = theirs.get_config()
    assert {k: v for k, v in ours.get_config().items() if k != "dtype"} == {
        k: v for k, v in config.items() if k != "dtype"
    }
    again = type(ours).from_config(config)
    assert np.array_equal(again(x).numpy(), ours(x).numpy())


def test_softmax_with_a_mask():
    """A row that is masked as a whole is 0; numbers are true above a half; a mask may lack leading axes."""
    import keras

    x = np.array([[1.0, 2, 5, 1], [1, 1, 1, 1], [3, 1, 2, 4]], "float32")
    masks = [x > 1.5, np.array([1.0, 0.2, 0.7, 0.0], "float32"), np.array([[True], [False], [True]])]
    for mask in masks:
        for axis in (-1, 0, (0, 1)):
            ours, theirs = dg.layers.Softmax(axis)(x, mask=mask), keras.layers.Softmax(axis)(x, mask=mask)
            np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=2 * 2 * 22 * 2.0**-24, atol=0)
