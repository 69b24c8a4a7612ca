"""`Dense`, `Activation`, `Input` and custom layers: values, building, names, tracking, dtypes, shapes."""

from __future__ import annotations

import gc
import weakref

import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS
from densegrad import activations
from samples import rows
from within import assert_within


def product_bound(x, w, b=0):
    """How far two results of x @ w + b may be apart: gamma_(k+1) of the magnitudes for each (Higham, section 3.5)."""
    unit = np.finfo(x.dtype).eps / 2
    k = w.shape[0] + 1
    return 2 * k * unit / (1 - k * unit) * (np.abs(x) @ np.abs(w) + np.abs(b))


class Affine(dg.layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
        self.count = self.add_weight((), "zeros", trainable=False, name="count")
        self.shift = self.add_weight((input_shape[-1],), "zeros", name="shift")

    def call(self, x):
        return x * self.scale + self.shift


@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (0, 3), (2, 4, 3), (2, 0, 3), (2, 2, 2, 3)], ids=str)
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_value(shape, use_bias, dtype):
    layer = dg.layers.Dense(5, "relu", use_bias=use_bias, dtype=dtype, bias_initializer="ones")
    x = rows(*shape, dtype=dtype)
    y = layer(x)
    z = x @ layer.kernel.numpy() + (1 if use_bias else 0)
    allowed = product_bound(x, layer.kernel.numpy(), use_bias)
    assert y.dtype == dtype
    assert y.shape == (*shape[:-1], 5)
    assert_within(y.z.numpy(), z, allowed)
    assert_within(y.numpy(), np.maximum(z, 0), allowed)  # relu never moves values apart
    assert len(layer.weights) == 1 + use_bias
    assert use_bias or layer.bias is None


@pytest.mark.parametrize(
    "x",
    [
        [[1, 2], [3, 4]],
        [[1.0, 2.0], [3.0, 4.0]],
        np.array([[1, 2], [3, 4]], np.int64),
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 2], [3, 4]], ">f4"),
        np.array([[1, 2], [3, 4]], np.float16),
        np.asfortranarray(np.array([[1, 2], [3, 4]], np.float64)),
        np.array([[1, 0, 2], [3, 0, 4]], np.float32)[:, ::2],
    ],
    ids=lambda x: f"{type(x).__name__}-{getattr(x, 'dtype', '')}",
)
def test_dense_accepts(x):
    layer = dg.layers.Dense(2, kernel_initializer="ones")
    y = layer(x)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y.numpy(), [[3, 3], [7, 7]])


def test_read_only_input():
    x = rows(2, 3)
    x.flags.writeable = False
    assert dg.layers.Dense(2)(x).shape == (2, 2)


def test_custom_activation_and_layer_as_activation():
    x = rows(3, 4)
    for activation in (lambda z: z * z, dg.layers.ReLU()):
        layer = dg.layers.Dense(2, activation=activation)
        y = layer(x)
        np.testing.assert_array_equal(y.numpy(), activation(dg.layers.Dense.call(linear_twin(layer), x)).numpy())


def linear_twin(layer):
    """A Dense layer without an activation and with the weights of `layer`."""
    twin = dg.layers.Dense(layer.units)
    twin.build((None, layer.kernel.shape[0]))
    twin.set_weights(layer.get_weights())
    return twin


def test_activation_names_are_the_cores():
    from densegrad import _core

    composed = {"glu", "sparsemax"}
    assert {*_core.activation_names(), "swish", "hard_swish", *composed} == set(activations._BY_NAME)
    for name in _core.activation_names():
        assert activations.native_name(activations.get(name)) == name


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 1), (1, 2), (2, 0), None], ids=str)
def test_softmax_axes(axis):
    x = rows(2, 3, 4)
    e = np.exp(x.astype(np.float64) - x.max())
    # Of n <= 24 entries: x - max rounds once, which exp turns into u |x - max| <= 10 u, exp and the sum of n, 1 / s, *.
    allowed = np.finfo(np.float32).eps / 2 * (2 * (10 + 2 * DG_ULPS) + 24 + 2)
    np.testing.assert_allclose(
        activations.softmax(x, axis=axis).numpy(), e / e.sum(axis=axis, keepdims=True), rtol=allowed
    )


def test_softmax_of_one_entry_warns():
    with pytest.warns(UserWarning, match="its softmax is always 1"):
        activations.softmax(rows(2, 1))
    with pytest.warns(UserWarning, match="its softmax is always 1"):
        dg.layers.Dense(1, "softmax").build((None, 2))


def test_names_paths_and_building():
    layer, other = dg.layers.Dense(3), dg.layers.Dense(2, name="head")
    assert (layer.name, dg.layers.Dense(1).name, other.name) == ("dense", "dense_1", "head")
    assert not layer.built and layer.weights == [] and layer.get_weights() == []
    layer.build((None, 4))
    assert layer.built and [w.path for w in layer.weights] == ["dense/kernel", "dense/bias"]
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    kernel = layer.kernel
    layer.build((None, 4))
    assert layer.kernel is kernel
    assert layer.count_params() == 15


def test_set_and_get_weights():
    layer = dg.layers.Dense(2)
    layer.build((None, 3))
    kernel, bias = rows(3, 2), np.array([1.0, 2.0])
    layer.set_weights([kernel, bias])
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)
    copy = layer.get_weights()
    copy[0][:] = 0
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    with pytest.raises(ValueError):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)  # the first one was not assigned either


def test_custom_layer():
    layer = Affine(name="affine")
    y = layer(rows(2, 3))
    np.testing.assert_array_equal(y.numpy(), rows(2, 3))
    assert [w.path for w in layer.weights] == ["affine/scale", "affine/shift", "affine/count"]
    assert [w.name for w in layer.trainable_weights] == ["scale", "shift"]
    assert [w.name for w in layer.non_trainable_weights] == ["count"]


def test_nested_layers_lists_and_dicts():
    class Block(dg.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = dg.layers.Dense(2)
            self.more = [dg.layers.Dense(3)]
            self.named = {"a": Affine()}
            self.shape = (1, 2)

        def call(self, x):
            for layer in [self.first, *self.more, self.named["a"]]:
                x = layer(x)
            return x

    block = Block()
    block.more.append(dg.layers.Dense(4))
    assert block(rows(2, 5)).shape == (2, 4)
    assert [w.path for w in block.weights] == [
        "block/dense/kernel",
        "block/dense/bias",
        "block/dense_1/kernel",
        "block/dense_1/bias",
        "block/dense_2/kernel",
        "block/dense_2/bias",
        "block/affine/scale",
        "block/affine/shift",
        "block/affine/count",
    ]
    block.more[0].trainable = False
    assert len(block.trainable_weights) == 6
    assert len(block.non_trainable_weights) == 3
    block.trainable = False
    assert block.trainable_weights == [] and len(block.non_trainable_weights) == 9
    assert not block.named["a"].trainable


def test_replaced_and_shared_layers():
    class Two(dg.layers.Layer):
        def __init__(self):
            super().__init__()
            self.a = dg.layers.Dense(2)
            self.b = self.a
            self.c = dg.layers.Dense(2)
            self.c = dg.layers.Dense(3)

        def call(self, x):
            return self.c(self.b(self.a(x)))

    two = Two()
    two(rows(1, 2))
    assert len(two.weights) == 4


def test_freezing_keeps_gradients():
    layer = dg.layers.Dense(2, trainable=False)
    x = rows(3, 4)
    with dg.GradientTape() as tape:
        loss = dg.losses.MeanSquaredError()(rows(3, 2, seed=1), layer(x))
    assert layer.trainable_variables == []
    assert all(g is not None for g in tape.gradient(loss, layer.weights))


def test_gradient_reaches_an_input_of_another_dtype():
    x = dg.constant(rows(2, 3, dtype=np.float64))
    layer = dg.layers.Dense(2)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    g = tape.gradient(y, x)
    assert g.dtype == "float64"
    kernel = layer.kernel.numpy()
    allowed = np.finfo(np.float32).eps * np.abs(kernel).sum(axis=1)  # one rounding in each sum of two
    assert_within(g.numpy(), np.tile(kernel.sum(axis=1), (2, 1)), np.tile(allowed, (2, 1)))


def test_float64_tensor_inputs_of_custom_layers_keep_integers():
    seen = []

    class Look(dg.layers.Layer):
        def call(self, x):
            seen.append(x.dtype)
            return x

    look = Look()
    for dtype in (np.float64, np.int32, np.bool_):
        look(np.ones((2, 2), dtype))
    assert [str(d) for d in seen] == ["float32", "int32", "bool"]


def test_failed_build_leaves_nothing():
    class Broken(dg.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((2,))
            raise RuntimeError("no")

        def call(self, x):
            return x

    layer = Broken()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            layer(rows(1, 2))
    assert layer.weights == [] and not layer.built


def test_dropped_layers_are_collected():
    layer = dg.layers.Dense(2)
    layer(rows(1, 2))
    ref = weakref.ref(layer)
    del layer
    gc.collect()
    assert ref() is None


def test_output_shape_of_custom_layers():
    class Values(dg.layers.Layer):
        def call(self, x):
            return x * float(x.numpy().max())

    class Wrong(dg.layers.Layer):
        def call(self, x):
            return x.missing

    class Two(dg.layers.Layer):
        def call(self, x):
            return x, x

    for layer in (Values(), Two()):
        layer(rows(2, 3))
        with pytest.raises(NotImplementedError):
            layer.compute_output_shape((None, 3))
    layer = Wrong()
    layer.build((None, 3))
    with pytest.raises(AttributeError):
        layer.compute_output_shape((None, 3))


@pytest.mark.parametrize("layer", [lambda a: dg.layers.Dense(3, a), lambda a: dg.layers.Conv2D(3, 2, activation=a)])
def test_an_activation_may_be_replaced(layer):
    layer = layer("relu")
    x = rows(2, 5, 5, 2) if isinstance(layer, dg.layers.Conv2D) else rows(2, 4)
    model = dg.Sequential([dg.Input(x.shape[1:]), layer])
    assert np.min(model(x).numpy()) == 0
    layer.activation = None
    z = layer(x).numpy()
    assert np.min(z) < 0 and layer.activation is dg.activations.linear
    for activation in ("sigmoid", dg.ops.square, dg.activations.relu):
        layer.activation = activation
        wanted = dg.activations.get(activation)(z).numpy()
        np.testing.assert_allclose(model(x).numpy(), wanted, rtol=4 * np.finfo("float32").eps)
    assert layer.get_config()["activation"] == "relu"
    with pytest.raises(ValueError, match="nonsense"):
        layer.activation = "nonsense"
    assert layer.activation is dg.activations.relu
