"""`Dense`, `Activation`, `Input` and custom layers: values, building, names, tracking, dtypes, messages."""

from __future__ import annotations

import gc
import weakref

import densegrad as dg
import numpy as np
import pytest
from densegrad import activations, config


@pytest.fixture(autouse=True)
def fresh_names():
    config.clear_session()


def rows(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


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
    assert y.dtype == dtype
    assert y.shape == (*shape[:-1], 5)
    np.testing.assert_allclose(y.z.numpy(), z, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y.numpy(), np.maximum(z, 0), rtol=1e-5, atol=1e-6)
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
    layer = dg.layers.Dense(2, activation=lambda z: z * z)
    np.testing.assert_allclose(layer(x).numpy(), (x @ layer.kernel.numpy()) ** 2, rtol=1e-5, atol=1e-6)
    layer = dg.layers.Dense(2, activation=dg.layers.ReLU())
    np.testing.assert_allclose(layer(x).numpy(), np.maximum(x @ layer.kernel.numpy(), 0), rtol=1e-5, atol=1e-6)


def test_activation_names_are_the_cores():
    from densegrad import _core

    assert sorted(activations._BY_NAME) == sorted(_core.activation_names())
    for name in _core.activation_names():
        assert activations.native_name(activations.get(name)) == name


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 1), (1, 2), (2, 0), None], ids=str)
def test_softmax_axes(axis):
    x = rows(2, 3, 4)
    e = np.exp(x - x.max())
    np.testing.assert_allclose(
        activations.softmax(x, axis=axis).numpy(), e / e.sum(axis=axis, keepdims=True), rtol=1e-5
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


def test_layer_as_a_source():
    layer = dg.layers.Dense(2, "sigmoid")
    with dg.GradientTape() as tape:
        y = layer(rows(3, 4))
        loss = dg.losses.MeanSquaredError()(rows(3, 2, seed=1), y)
    of_layer, of_output, of_z = tape.gradient(loss, [layer, y, y.z])
    np.testing.assert_array_equal(of_layer.numpy(), of_output.numpy())
    a = y.numpy()
    np.testing.assert_allclose(of_z.numpy(), of_output.numpy() * a * (1 - a), rtol=1e-5)


def test_gradient_reaches_an_input_of_another_dtype():
    x = dg.constant(rows(2, 3, dtype=np.float64))
    layer = dg.layers.Dense(2)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    g = tape.gradient(y, x)
    assert g.dtype == "float64"
    np.testing.assert_allclose(g.numpy(), np.tile(layer.kernel.numpy().sum(axis=1), (2, 1)), rtol=1e-6)


def test_symbolic_input():
    x = dg.layers.Input((4,))
    y = dg.layers.Dense(3, "relu")(x)
    assert y.is_symbolic and y.shape == (None, 3)
    assert dg.layers.Activation("softmax")(y).shape == (None, 3)
    assert dg.layers.Input((4,), batch_size=2).shape == (2, 4)
    assert dg.layers.Input(batch_shape=(None, 5), dtype="float64").dtype == "float64"


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


def test_training_argument():
    seen = []

    class Look(dg.layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    dg.Sequential([dg.layers.Dense(2), Look()])(rows(1, 2), training=True)
    dg.layers.Dense(2)(rows(1, 2), training=True)
    Look()(rows(1, 2))
    assert seen == [True, None]


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


def built():
    layer = dg.layers.Dense(3, name="d")
    layer.build((None, 4))
    return layer


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: dg.layers.Dense(0), ValueError, "[Dense] `units` is 0: it must be a positive integer."),
        (lambda: dg.layers.Dense(2.0), ValueError, "[Dense] `units` is 2.0: it must be a positive integer."),
        (lambda: dg.layers.Dense(None), ValueError, "[Dense] `units` is None: it must be a positive integer."),
        (
            lambda: dg.layers.Dense(np.int64(3)),
            ValueError,
            f"[Dense] `units` is {np.int64(3)!r}: it must be a positive integer.",
        ),
        (
            lambda: dg.layers.Dense(2, foo=1),
            TypeError,
            "[Dense] arguments not recognized: `foo`. Besides its own it accepts `trainable`, `dtype`, `name`, "
            "`input_shape`, `input_dim`.",
        ),
        (
            lambda: dg.layers.Dense(2, kernel_regularizer="l2"),
            NotImplementedError,
            "[Dense] `kernel_regularizer` is not supported yet: add the term to the loss yourself.",
        ),
        (
            lambda: dg.layers.Dense(2, "foo"),
            ValueError,
            "[activations] `foo` is not known: it must be one of linear, sigmoid, relu, softmax.",
        ),
        (
            lambda: dg.layers.Dense(2, 3),
            TypeError,
            "[activations] `identifier` is 3: it must be None, a name or a callable.",
        ),
        (
            lambda: dg.layers.Dense(2, dtype="float16"),
            ValueError,
            "[Dense] `dtype` is 'float16': it must be 'float32' or 'float64'.",
        ),
        (
            lambda: dg.layers.Dense(2, name="a/b"),
            ValueError,
            "[Dense] `name` is 'a/b': it must be a non-empty string without '/'.",
        ),
        (
            lambda: dg.layers.Dense(2, name="d")(rows(4)),
            ValueError,
            "[d] `x` has shape (4,): it must have at least 2 axes, (batch, ..., features).",
        ),
        (
            lambda: built()(rows(4)),
            ValueError,
            "[dense] `x` has shape (4,): it must have at least 2 axes, (batch, ..., features); a single sample is "
            "x[None].",
        ),
        (
            lambda: built()(rows(2, 5)),
            ValueError,
            "[dense] `x` has shape (2, 5) but `kernel` has shape (4, 3): x.shape[1] must equal kernel.shape[0].",
        ),
        (
            lambda: built().compute_output_shape((2, 5)),
            ValueError,
            "[d] `x` has shape (2, 5) but `kernel` has shape (4, 3): x.shape[-1] must equal kernel.shape[0].",
        ),
        (
            lambda: dg.layers.Dense(2, name="d").build((2, None)),
            ValueError,
            "[d] `input_shape` is (2, None): its last axis must be known.",
        ),
        (
            lambda: dg.layers.Dense(2, name="d").kernel,
            AttributeError,
            "[d] has no `kernel` before it is built: call it on data or `build()` it.",
        ),
        (
            lambda: dg.layers.Dense(2, name="d").count_params(),
            ValueError,
            "[d] is not built, its parameters cannot be counted: call `build(input_shape)`.",
        ),
        (
            lambda: built().set_weights([np.zeros((4, 3))]),
            ValueError,
            "[d] `weights` has 1 arrays but the layer has 2 weights.",
        ),
        (
            lambda: built().set_weights([np.zeros((3, 4)), np.zeros(3)]),
            ValueError,
            "[d] `weights[0]` has shape (3, 4) but weight `d/kernel` has shape (4, 3).",
        ),
        (
            lambda: dg.layers.Input(),
            ValueError,
            "[Input] `shape` is None and `batch_shape` is None: pass exactly one of them.",
        ),
        (lambda: dg.layers.Input(4), ValueError, "[Input] `shape` is 4: it must be a tuple such as (784,)."),
        (
            lambda: dg.layers.Input((-1,)),
            ValueError,
            "[Input] `shape` gives (None, -1): every axis must be a non-negative integer or None.",
        ),
        (
            lambda: dg.layers.Layer()(rows(1, 2)),
            NotImplementedError,
            "[Layer] must define `call(self, x)`.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


@pytest.mark.parametrize("x", [np.array([["a"]]), np.array([[object()]]), np.array([[1j]]), None], ids=repr)
def test_inputs_that_are_no_numbers(x):
    layer = built()
    with pytest.raises(TypeError):
        layer(x)


def test_forgotten_super_init():
    class Forgetful(dg.layers.Layer):
        def __init__(self):
            self.d = dg.layers.Dense(2)

    with pytest.raises(RuntimeError) as info:
        Forgetful()
    assert str(info.value) == "[Forgetful] `d` is set before `super().__init__()`: call it first."
