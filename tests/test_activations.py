"""Activations on their own: accuracy over the whole range, saturation, parameters, the layers and their messages.

The reference is mpmath with 60 digits, at given float inputs; errors are in ULP of the exact result.
"""

from __future__ import annotations

import functools

import densegrad as dg
import mpmath as mp
import numpy as np
import pytest
from densegrad import _core
from oracles import ulp
from rows import generator

A = dg.activations


def softplus(z):
    return mp.log1p(mp.exp(z))


def gelu_argument(z):
    return 2 * mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z**3)


def logistic(z):
    return 1 / (1 + mp.exp(-z))


# name: function, exact function, largest error in ULP (roundings and library calls of the formula), range.
# 2 is the promise for functions of the library; each operation after it adds a half.
EXACT = {
    "tanh": (A.tanh, mp.tanh, 2, 20),
    "expm1": (dg.ops.expm1, mp.expm1, 2, 80),
    "sin": (dg.ops.sin, mp.sin, 2, 100),
    "cos": (dg.ops.cos, mp.cos, 2, 100),
    "erf": (dg.ops.erf, mp.erf, 2, 9),
    "softplus": (A.softplus, softplus, 4.5, 87),
    "log_sigmoid": (A.log_sigmoid, lambda z: -softplus(-z), 4.5, 87),
    "softsign": (A.softsign, lambda z: z / (1 + abs(z)), 1.5, 1e4),
    "silu": (A.silu, lambda z: z * logistic(z), 3, 80),
    "gelu": (A.gelu, lambda z: z * mp.ncdf(z), 6, 12),
    "mish": (A.mish, lambda z: z * mp.tanh(softplus(z)), 13, 80),
    "squareplus": (A.squareplus, lambda z: (z + mp.sqrt(z * z + 4)) / 2, 3, 1e4),
    "tanh_shrink": (A.tanh_shrink, lambda z: z - mp.tanh(z), 8, 20),
    "elu": (A.elu, lambda z: z if z > 0 else mp.expm1(z), 2.5, 80),
    "selu": (A.selu, lambda z: mp.mpf("1.0507009873554804934193349852946") *
             (z if z > 0 else mp.mpf("1.6732632423543772848170429916717") * mp.expm1(z)), 3.5, 80),
    "celu": (functools.partial(A.celu, alpha=3.0), lambda z: z if z > 0 else 3 * mp.expm1(z / 3), 4, 80),
}  # fmt: skip


def grid(rng, high, dtype):
    """Both signs, on a linear and on a logarithmic scale down to where squares still are normal numbers."""
    spread = np.concatenate([rng.uniform(0, high, 200), np.exp(rng.uniform(-30, np.log(high), 200))])
    return (spread * rng.choice([-1, 1], 400)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_values_are_right_to_a_few_ulp_over_the_whole_range(name, dtype, seed):
    function, exact, allowed, high = EXACT[name]
    x = grid(generator(seed, name, dtype), high, dtype)
    y = np.asarray(function(x))
    with mp.workdps(60):
        expected = [exact(mp.mpf(float(a))) for a in x]
        sizes = ulp(np.array([float(e) for e in expected]), dtype)
        errors = [float(abs(mp.mpf(float(b)) - e) / mp.mpf(float(s))) for b, e, s in zip(y, expected, sizes)]
    assert max(errors) <= allowed, x[int(np.argmax(errors))]


@pytest.mark.parametrize("name", ["tanh", "softplus", "softsign", "squareplus", "elu", "hard_sigmoid", "log_sigmoid"])
def test_monotone_activations_are_monotone_where_they_saturate(name):
    """In steps of 1/4 over [-110, 110] no value is below the one before."""
    y = getattr(A, name)(np.arange(-440, 440, dtype="float32") / 4).numpy()
    assert np.all(np.diff(y) >= 0)


def test_every_output_knows_its_pre_activation():
    for name in set(_core.activation_names()) - {"linear"}:  # which returns its input
        missing = [p for p, value in _core.activation_parameters(name) if value is not None and value != value]
        z = dg.constant([[-1.0, 2.0]])
        with dg.GradientTape() as tape:
            tape.watch(z)
            y = getattr(A, name)(z, **dict.fromkeys(missing, 0.5))
        assert np.array_equal(y.z.numpy(), z.numpy())
        assert tape.gradient(y, z) is not None


def test_parameters_by_position_keyword_and_default():
    x = np.float32([-2, -0.5, 0, 1, 7])
    assert np.array_equal(A.relu(x, 0.5, 6.0, 0.0).numpy(), A.relu(x, max_value=6, negative_slope=0.5).numpy())
    assert np.array_equal(A.relu(x, max_value=None).numpy(), A.relu(x).numpy())
    assert np.array_equal(A.relu(x, max_value=6).numpy(), A.relu6(x).numpy())
    assert np.array_equal(A.relu(x, negative_slope=0.2).numpy(), A.leaky_relu(x).numpy())
    assert np.array_equal(A.gelu(x, approximate=True).numpy(), dg.ops.gelu(x).numpy())
    assert A.swish is A.silu and A.get("hard_swish") is A.hard_silu
    with pytest.raises(TypeError, match="slope"):
        A.leaky_relu(x, slope=1)
    with pytest.raises(TypeError, match="default_value"):
        A.threshold(x, 1.0)


@pytest.mark.parametrize("activation", [dg.layers.LeakyReLU(0.1), functools.partial(dg.activations.elu, alpha=0.5)])
def test_dense_takes_a_parametrised_activation(activation, seed):
    layer = dg.layers.Dense(3, activation=activation)
    x = generator(seed).normal(size=(4, 5)).astype("float32")
    y = layer(x)
    z = dg.ops.dense(dg.constant(x), layer.kernel, layer.bias)
    assert np.array_equal(y.numpy(), activation(z).numpy())


def test_a_layer_without_weights_is_built_from_the_start():
    class Weighted(dg.layers.ReLU):
        def build(self, input_shape):
            self.scale = self.add_weight((), name="scale")

    layer = Weighted()
    assert dg.layers.Activation("relu").built and dg.layers.ReLU().built and not layer.built
    layer(np.ones((1, 2), "float32"))
    assert layer.built and layer.weights == [layer.scale]


BROADCAST = "it must be broadcastable to `x`, and must not have more dimensions."
MESSAGES = [
    (lambda: dg.layers.ReLU(max_value=-1),
     "[ReLU] `max_value` is -1: max_value of a ReLU layer cannot be a negative value."),
    (lambda: dg.layers.ReLU(negative_slope=None),
     "[ReLU] `negative_slope` is None: negative_slope of a ReLU layer cannot be None or a negative value."),
    (lambda: dg.layers.ReLU(threshold=-10),
     "[ReLU] `threshold` is -10: threshold of a ReLU layer cannot be None or a negative value."),
    (lambda: dg.layers.LeakyReLU(None),
     "[LeakyReLU] `negative_slope` is None: The negative_slope value of a Leaky ReLU layer cannot be None or a "
     "negative value."),
    (lambda: dg.layers.Softmax(name="s")(np.ones((1, 3)), mask=np.ones((2, 3))),
     f"[s] `mask` has shape (2, 3) but `x` has shape (1, 3): {BROADCAST}"),
    (lambda: dg.layers.Softmax(name="s")(np.ones(3), mask=np.ones((1, 3))),
     f"[s] `mask` has shape (1, 3) but `x` has shape (3,): {BROADCAST}"),
]  # fmt: skip


@pytest.mark.parametrize("call,message", MESSAGES)
def test_messages_of_the_layers(call, message):
    with pytest.raises(ValueError) as info:
        call()
    assert str(info.value) == message


def test_the_old_name_of_the_slope_warns():
    with pytest.warns(UserWarning, match=r"\[LeakyReLU\] `alpha` is an old name: write `negative_slope`."):
        assert dg.layers.LeakyReLU(alpha=0.1).negative_slope == 0.1


def test_rounding_has_no_gradient_and_halves_go_to_even():
    x = dg.constant([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    for name, expected in (
        ("floor", [-3, -2, -1, 0, 1, 2]),
        ("ceil", [-2, -1, 0, 1, 2, 3]),
        ("round", [-2, -2, 0, 0, 2, 2]),
    ):
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = getattr(dg.ops, name)(x)
        assert np.array_equal(y.numpy(), expected)
        assert tape.gradient(y, x) is None
        assert getattr(dg.ops, name)(np.array([3, -4])).dtype.kind == "i"
