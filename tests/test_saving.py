"""Objects become plain values and come back; the layout is Keras', so either reads what the other wrote."""

from __future__ import annotations

import json

import densegrad as dg
import numpy as np
import pytest
from densegrad import saving
from samples import rows

deserialize, serialize = saving.deserialize_keras_object, saving.serialize_keras_object


def module_level_activation(x):
    return x * 2.0


class Scale(dg.layers.Layer):
    """A layer without `get_config`: its arguments are plain values."""

    def __init__(self, factor, *, shift=(0.0, 1.0), **kwargs):
        super().__init__(**kwargs)
        self.factor, self.shift = factor, shift

    def call(self, x):
        return x * self.factor + sum(self.shift)


class Closed(dg.layers.Layer):
    """One whose constructor takes neither a name nor anything else."""

    def __init__(self, factor=2):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


class Odd(dg.layers.Layer):
    def __init__(self, *args, value=None):
        super().__init__()


def network(**kwargs):
    return dg.Sequential(
        [dg.Input((4,)), dg.layers.Dense(3, activation="relu", name="hidden"), dg.layers.Dense(2), dg.layers.Softmax()],
        **kwargs,
    )


def round_trip(obj, **kwargs):
    return deserialize(json.loads(json.dumps(serialize(obj))), **kwargs)


@pytest.mark.parametrize(
    "value",
    [None, 1, 2.5, True, "text", [1, [2.0, "a"]], {"a": [1], "b": {"c": None}}, b"bytes", ..., slice(1, None, 2)],
    ids=repr,
)
def test_plain_values_come_back(value):
    assert round_trip(value) == value


def test_values_that_json_does_not_have():
    assert serialize((1, 2)) == (1, 2) and round_trip((1, 2)) == [1, 2]
    assert serialize(np.float32(0.5)) == 0.5 and serialize(np.array(3)) == 3
    assert serialize(np.dtype("float64")) == "float64"
    array = rows(2, 3)
    assert type(round_trip(array)) is np.ndarray
    np.testing.assert_array_equal(round_trip(array), array)
    tensor = round_trip(dg.constant(array))
    assert isinstance(tensor, dg.Tensor) and tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor.numpy(), array)


def test_a_layer_and_its_config():
    layer = dg.layers.Dense(3, "relu", use_bias=False, dtype="float64", name="d", trainable=False)
    config = layer.get_config()
    assert {k: config[k] for k in ("name", "trainable", "units", "activation", "use_bias")} == {
        "name": "d",
        "trainable": False,
        "units": 3,
        "activation": "relu",
        "use_bias": False,
    }
    again = dg.layers.Dense.from_config(config)
    assert again.get_config() == config and again.dtype == "float64" and not again.trainable
    assert dg.layers.deserialize(dg.layers.serialize(layer)).get_config() == config
    assert dg.layers.deserialize({"class_name": "Dense", "config": {"units": 2}}).units == 2


def test_a_built_layer_is_built_again():
    layer = dg.layers.Dense(3)
    assert "build_config" not in serialize(layer)
    layer.build((None, 4))
    assert serialize(layer)["build_config"] == {"input_shape": (None, 4)}
    assert round_trip(layer).kernel.shape == (4, 3)


def test_a_sequential_model():
    model = network(name="net")
    text = model.to_json()
    again = dg.models.model_from_json(text)
    assert again.to_json() == text
    assert again.built and [w.shape for w in again.weights] == [w.shape for w in model.weights]
    again.set_weights(model.get_weights())
    x = rows(5, 4)
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())
    assert json.loads(model.to_json(indent=1)) == json.loads(text)


def test_a_model_without_input_keeps_its_shape_once_it_is_known():
    model = dg.Sequential([dg.layers.Dense(3), dg.layers.Dense(1)])
    assert not dg.models.model_from_json(model.to_json()).built
    model(rows(5, 4))
    again = dg.models.model_from_json(model.to_json())
    assert again.built and again.input_shape == (None, 4)


def test_configs_of_custom_layers_are_their_arguments():
    layer = Scale(3, shift=[1.0, 2.0], name="s", dtype="float64")
    config = layer.get_config()
    assert {k: config[k] for k in ("factor", "shift", "name")} == {"factor": 3, "shift": [1.0, 2.0], "name": "s"}
    again = Scale.from_config(json.loads(json.dumps(config)))
    assert (again.factor, again.shift, again.dtype) == (3, [1.0, 2.0], "float64")
    assert Scale(2).get_config()["shift"] == (0.0, 1.0)
    assert Closed(5).get_config() == {"factor": 5}
    assert round_trip(layer, custom_objects={"Scale": Scale}).factor == 3
    with saving.custom_object_scope({"Scale": Scale}):
        assert round_trip(layer).name == "s"
        with saving.custom_object_scope({"Scale": Closed}):
            assert saving.get_registered_object("Scale") is Closed
        assert saving.get_registered_object("Scale") is Scale
    assert saving.get_registered_object("Scale") is None


def test_registered_classes_and_functions():
    @saving.register_keras_serializable("tests")
    class Twice(dg.layers.Layer):
        def call(self, x):
            return x * 2.0

    @saving.register_keras_serializable("tests", name="twice")
    def twice(x):
        return x * 2.0

    try:
        assert saving.get_registered_name(Twice) == "tests>Twice"
        assert saving.get_registered_object("tests>twice") is twice
        assert serialize(Twice())["registered_name"] == "tests>Twice"
        model = dg.Sequential([dg.Input((2,)), Twice(), dg.layers.Dense(1, activation=twice)])
        again = dg.models.model_from_json(model.to_json())
        assert isinstance(again.layers[0], Twice) and again.layers[1].activation is twice
        assert dg.activations.get("tests>twice") is twice
    finally:
        for name in ("tests>Twice", "tests>twice"):
            del saving.get_custom_objects()[name]


def test_functions_are_found_by_name():
    layer = dg.layers.Activation(module_level_activation)
    assert layer.get_config()["activation"]["config"] == "module_level_activation"
    custom = {"module_level_activation": module_level_activation}
    assert round_trip(layer, custom_objects=custom).activation is module_level_activation
    assert deserialize(serialize(dg.activations.relu)) is dg.activations.relu
    assert dg.activations.deserialize(dg.activations.serialize(dg.activations.relu)) is dg.activations.relu
    assert dg.activations.deserialize(serialize(dg.activations.relu)) is dg.activations.relu


def test_clone_model():
    model = network(name="net")
    clone = dg.models.clone_model(model)
    assert clone.to_json() == model.to_json() and clone.layers[0] is not model.layers[0]
    assert not np.array_equal(clone.layers[0].kernel.numpy(), model.layers[0].kernel.numpy())
    wide = {"hidden": dg.layers.Dense(7)}
    wider = dg.models.clone_model(
        model, lambda layer: wide.get(layer.name) or type(layer).from_config(layer.get_config())
    )
    assert [w.shape for w in wider.weights] == [(4, 7), (7,), (7, 2), (2,)]
    lazy = dg.Sequential([dg.layers.Dense(2)])
    lazy(rows(3, 5))
    assert dg.models.clone_model(lazy).input_shape == (None, 5)


def test_an_input_layer():
    layer = dg.layers.InputLayer((3,), batch_size=2, dtype="int32", name="in")
    again = round_trip(layer)
    assert again.get_config() == layer.get_config() and tuple(again.batch_shape) == (2, 3)


def broken(**config):
    class Broken:
        def get_config(self):
            return 3

    return Broken()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: serialize(lambda x: x),
            TypeError,
            "[serialize_keras_object] got a lambda, which has no name to find it by: write it as a function with "
            "`def`.",
        ),
        (
            lambda: serialize(1j),
            TypeError,
            "[serialize_keras_object] got 1j, a complex: it must have `get_config`.",
        ),
        (
            lambda: serialize(broken()),
            TypeError,
            "[serialize_keras_object] `Broken.get_config()` gave 3: it must be a dict.",
        ),
        (
            lambda: deserialize({}, safe_mode=False),
            ValueError,
            "[deserialize_keras_object] `safe_mode` is False: it must be True, code is never loaded.",
        ),
        (
            lambda: deserialize(1j),
            TypeError,
            "[deserialize_keras_object] `config` is 1j: it must be made of plain values.",
        ),
        (
            lambda: deserialize({"class_name": "function", "config": 3}),
            TypeError,
            "[deserialize_keras_object] a function has the config 3: it must be its name.",
        ),
        (
            lambda: deserialize({"class_name": "Dense", "config": 3, "module": "keras.layers"}),
            TypeError,
            "[deserialize_keras_object] the config of 'Dense' is 3: it must be a dict.",
        ),
        (
            lambda: deserialize({"class_name": "system", "config": {}, "module": "os", "registered_name": None}),
            TypeError,
            "[deserialize_keras_object] the class 'system' of module 'os' is not known: register it with "
            "`register_keras_serializable`, or pass it in `custom_objects`.",
        ),
        (
            lambda: deserialize({"class_name": "function", "config": "eval", "module": "builtins"}),
            TypeError,
            "[deserialize_keras_object] the function 'eval' of module 'builtins' is not known: register it with "
            "`register_keras_serializable`, or pass it in `custom_objects`.",
        ),
        (
            lambda: deserialize({"class_name": "X", "config": {}}, {"X": object}),
            TypeError,
            "[deserialize_keras_object] 'X' has no `from_config`: define it as a class method.",
        ),
        (
            lambda: deserialize({"class_name": "Zeros", "config": {"a": 1}, "module": "keras.initializers"}),
            TypeError,
            "[deserialize_keras_object] the config {'a': 1} does not fit 'Zeros': Zeros() takes no arguments",
        ),
        (
            lambda: deserialize({"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}),
            ValueError,
            "[deserialize_keras_object] the config holds a lambda: code is never loaded. Write a function with `def` "
            "and pass it in `custom_objects`.",
        ),
        (
            lambda: saving.register_keras_serializable()(object),
            ValueError,
            "[register_keras_serializable] `object` has no `get_config`: define it, so that its objects can be made "
            "again.",
        ),
        (
            lambda: Odd(1).get_config(),
            NotImplementedError,
            "[Odd] `get_config` is not defined and the arguments of the constructor are no plain values: define "
            "`get_config(self)`, and add to what `super().get_config()` returns.",
        ),
        (
            lambda: Scale(1j).get_config(),
            NotImplementedError,
            "[Scale] `get_config` is not defined and the arguments of the constructor are no plain values: define "
            "`get_config(self)`, and add to what `super().get_config()` returns.",
        ),
        (
            lambda: dg.layers.deserialize({"class_name": "DTypePolicy", "module": "keras", "config": {"name": "f"}}),
            TypeError,
            "[layers] `config` is {'class_name': 'DTypePolicy', 'module': 'keras', 'config': {'name': 'f'}}: it must "
            "be the config of a layer.",
        ),
        (
            lambda: dg.models.model_from_json("{}"),
            TypeError,
            "[model_from_config] `config` is {}: it must be the config of a model.",
        ),
        (
            lambda: dg.models.clone_model(3),
            TypeError,
            "[clone_model] `model` is 3: it must be a Model.",
        ),
        (
            lambda: dg.models.clone_model(network(name="n"), lambda layer: None),
            ValueError,
            "[clone_model] `clone_function` returned None for <Dense name=hidden, built=True>: it must return a layer.",
        ),
        (
            lambda: dg.models.clone_model(dg.Model(name="m"), lambda layer: layer),
            ValueError,
            "[clone_model] `clone_function` is given for <Model name=m, built=False>: it needs a Sequential.",
        ),
        (
            lambda: dg.layers.InputLayer((3,), sparse=True),
            NotImplementedError,
            "[InputLayer] `sparse` is True: it must be false, inputs are dense.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
