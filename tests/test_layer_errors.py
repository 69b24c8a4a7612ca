"""What layers refuse, in words."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import activations
from samples import rows


def built():
    layer = dg.layers.Dense(3, name="d")
    layer.build((None, 4))
    return layer


L = dg.layers
SINGLE = [
    L.Dense(2),
    L.Conv2D(2, 2),
    L.MaxPooling2D(),
    L.GlobalAveragePooling2D(),
    L.BatchNormalization(),
    L.LayerNormalization(),
    L.Flatten(),
    L.Reshape((-1,)),
    L.Permute((1,)),
    L.Rescaling(2.0),
    L.Dropout(0.5),
    L.PReLU(),
]


@pytest.mark.parametrize("layer", SINGLE, ids=lambda layer: type(layer).__name__)
def test_a_layer_of_one_input_refuses_several(layer):
    x, symbolic = rows(2, 3), dg.Input((3,))
    for several, kind, count in (([x, x], "list", 2), ({"a": x}, "dict", 1), ((symbolic, symbolic), "tuple", 2)):
        with pytest.raises(ValueError) as info:
            layer(several)
        assert str(info.value) == (
            f"[{layer.name}] got a {kind} of {count} inputs: it takes one; call it on each of them, or join them with "
            "`Concatenate`."
        )
    assert not layer.weights


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
            ValueError,
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
            "[activations] `foo` is not known: it must be one of "
            f"{', '.join([*activations._NAME_OF.values(), 'glu', 'sparsemax'])}.",
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
