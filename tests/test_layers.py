"""`Dense`, `Activation`, `Input` and custom layers: values, building, names, tracking, dtypes, messages."""

from __future__ import annotations

import copy
import gc
import pickle
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

    assert {*_core.activation_names(), "swish", "hard_swish"} == set(activations._BY_NAME)
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


def test_layer_as_a_source():
    layer = dg.layers.Dense(2, "sigmoid")
    with dg.GradientTape() as tape:
        y = layer(rows(3, 4))
        loss = dg.losses.MeanSquaredError()(rows(3, 2, seed=1), y)
    of_layer, of_output, of_z = tape.gradient(loss, [layer, y, y.z])
    np.testing.assert_array_equal(of_layer.numpy(), of_output.numpy())
    a = y.numpy()
    # 1 - a and two products, each rounded once in each of the two results
    np.testing.assert_allclose(of_z.numpy(), of_output.numpy() * a * (1 - a), rtol=6 * np.finfo(np.float32).eps / 2)


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
        (lambda: dg.layers.Dense(True), ValueError, "[Dense] `units` is True: it must be a positive integer."),
        (
            lambda: activations.softmax(rows(2, 3), axis=(0, 7)),
            ValueError,
            "[softmax] `axis` is (0, 7) for `x` of shape (2, 3): every entry must be an integer in [-2, 2).",
        ),
        (
            lambda: activations.softmax(rows(2, 3), axis=(0, -2)),
            ValueError,
            "[softmax] `axis` is (0, -2): no axis may be named twice.",
        ),
        (lambda: activations.softmax(1.0, axis=None), ValueError, None),
        (lambda: activations.softmax(rows(2, 3), axis=()), ValueError, None),
        (lambda: activations.softmax(rows(2, 3), axis=(0.5,)), ValueError, None),
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
            "[Dense] arguments not recognized: `foo`. Besides its own it accepts `activity_regularizer`, "
            "`trainable`, `dtype`, `name`, `input_shape`, `input_dim`.",
        ),
        (
            lambda: dg.layers.Dense(2, quantization_config="int8"),
            NotImplementedError,
            "[Dense] `quantization_config` must be None: weights are float32 or float64.",
        ),
        (
            lambda: dg.layers.Dense(2, "foo"),
            ValueError,
            f"[activations] `foo` is not known: it must be one of {', '.join(activations._NAME_OF.values())}.",
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
            "[dense] `x` has shape (4,): it must have at least 2 axes, (batch, ..., features); a single sample is "
            "x[None].",
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
            "[dense] `x` has shape (2, 5) but `kernel` has shape (4, 3): x.shape[1] must equal kernel.shape[0].",
        ),
        (
            lambda: dg.layers.Dense(2).compute_output_shape((4,)),
            ValueError,
            "[dense] `x` has shape (4,): it must have at least 2 axes, (batch, ..., features); a single sample is "
            "x[None].",
        ),
        (
            lambda: dg.layers.Dense(2, name="d").bias,
            AttributeError,
            "[d] has no `bias` before it is built: call it on data or `build()` it.",
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
    assert text is None or str(info.value) == text


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


def test_forgotten_super_init_of_a_model():
    class Forgetful(dg.Model):
        def __init__(self):
            self.count = 1

        def call(self, x):
            return x

    for use in (
        lambda: Forgetful()(rows(1, 2)),
        lambda: Forgetful().predict(rows(1, 2)),
        lambda: Forgetful().compile("sgd", "mse"),
        lambda: Forgetful().fit(rows(1, 2), rows(1, 2)),
        lambda: Forgetful().weights,
    ):
        with pytest.raises(RuntimeError) as info:
            use()
        assert str(info.value) == "[Forgetful] `super().__init__()` was not called: call it first in `__init__`."


class Doubled(dg.layers.Layer):
    def call(self, x):
        return x + x


def once(model, layer, x, before=lambda model: None):
    """dL/da of `layer`, after `before` ran on the same tape."""
    x = dg.constant(x)
    with dg.GradientTape() as tape:
        tape.watch(x)
        before(model)
        loss = dg.ops.sum(model(x))
    return tape.gradient(loss, layer)


@pytest.mark.parametrize(
    "symbolic",
    [
        lambda m: m.build((None, 3)),
        lambda m: m.summary(print_fn=str),
        lambda m: m.output_shape,
        lambda m: m.outputs,
        lambda m: m.compute_output_shape((None, 3)),
    ],
    ids=["build", "summary", "output_shape", "outputs", "compute_output_shape"],
)
def test_symbolic_runs_are_no_calls(symbolic):
    inner = Doubled()
    nested = dg.Sequential([Doubled(), inner])
    layer = Doubled()
    model = dg.Sequential([dg.layers.Input((3,)), nested, layer, dg.layers.Dense(2)])
    for source in (layer, inner, nested):
        assert once(model, source, rows(2, 3), symbolic).shape == (2, 3)


def test_building_on_a_tape_is_no_call():
    layer, x = Doubled(), dg.constant(rows(2, 3))
    with dg.GradientTape() as tape:
        tape.watch(x)
        model = dg.Sequential([dg.layers.Input((3,)), layer])
        loss = dg.ops.sum(model(x))
    np.testing.assert_array_equal(tape.gradient(loss, layer).numpy(), np.ones((2, 3)))
    model = dg.Sequential([dg.layers.Dense(3), layer])
    assert once(model, layer, rows(2, 3), lambda m: m.build((None, 3))).shape == (2, 3)


def test_first_call_with_a_called_layer():
    layer = Doubled()
    layer(rows(2, 3))
    nested = dg.Sequential([layer])
    nested(rows(2, 3))
    assert once(dg.Sequential([dg.layers.Dense(3), nested]), layer, rows(2, 3)).shape == (2, 3)


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


def copies(value):
    yield copy.deepcopy(value)
    yield pickle.loads(pickle.dumps(value))


def test_copies_of_unbuilt_layers():
    layer = dg.layers.Dense(3, "relu", name="d")
    for other in (*copies(layer), copy.copy(layer)):
        assert other.name == "d" and not other.built and other._key != layer._key
        assert other.activation is activations.relu and other._dtype is layer._dtype
        assert other(rows(2, 4)).dtype == "float32" and not layer.built


def test_a_shallow_copy_is_another_layer():
    layer = Doubled()
    other = copy.copy(layer)
    x = dg.constant(rows(2, 3))
    with dg.GradientTape() as tape:
        tape.watch(x)
        loss = dg.ops.sum(other(layer(x)))
    of_layer, of_other = tape.gradient(loss, [layer, other])
    np.testing.assert_array_equal(of_layer.numpy(), 2 * of_other.numpy())
    other.extra = dg.layers.Dense(2)
    assert layer._sublayers == []


def test_copies_of_built_layers():
    layer = dg.layers.Dense(3, name="d")
    x = rows(2, 4)
    y = layer(x)
    for other in copies(layer):
        np.testing.assert_array_equal(other(x).numpy(), y.numpy())
        assert other.kernel is not layer.kernel and other.kernel.path == "d/kernel" and other.weights[0] is other.kernel
        with dg.GradientTape() as tape:
            loss = dg.ops.sum(other(x)) + dg.ops.sum(layer(x))
        grads = tape.gradient(loss, [other, layer, other.kernel])
        assert all(g is not None for g in grads)
        other.kernel.assign(other.kernel * 0)
        np.testing.assert_array_equal(layer(x).numpy(), y.numpy())
