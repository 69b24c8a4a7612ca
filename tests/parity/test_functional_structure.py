"""Functional models against Keras': structure, order, summary, configs, clones, in both directions."""

from __future__ import annotations

import json

import densegrad as dg
import numpy as np
import pytest
from densegrad import config
from samples import rows

keras = pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def fresh_names():
    keras.backend.clear_session()
    config.clear_session()


def chain(lib):
    x = lib.Input((4,), name="x")
    return lib.Model(x, lib.layers.Dense(2, name="y")(lib.layers.Dense(3, activation="relu", name="h")(x)), name="m")


def operations(lib):
    x = lib.Input((4,), name="x")
    z = lib.ops.square(x) * 2
    return lib.Model(x, lib.layers.Dense(2)(z) + x[:, :2] - 1.0, name="m")


def shared(lib):
    a, b = lib.Input((4,), name="a"), lib.Input((4,), name="b")
    layer = lib.layers.Dense(3, activation="relu", name="shared")
    h, g = layer(a), layer(b)
    merged = lib.layers.Concatenate(axis=1, name="both")([h, g])
    outs = [lib.layers.Dense(2, name="o1")(merged), lib.layers.Dense(1, name="o2")(lib.layers.add([h, g]))]
    return lib.Model([a, b], outs, name="m")


def nested(lib):
    inner = chain(lib)
    stack = lib.Sequential([lib.Input((2,)), lib.layers.Dense(4, name="s")], name="stack")
    x = lib.Input((4,), name="outer")
    return lib.Model({"outer": x}, {"p": stack(inner(x)), "q": inner(x)}, name="n")


def wide(lib):
    """A layer called at two depths, an unused input, a tensor given twice."""
    a, b = lib.Input((3,), name="a"), lib.Input((5,), name="b")
    layer = lib.layers.Dense(3, name="d")
    h = layer(a)
    other = lib.layers.Dense(3, name="e")(h)
    return lib.Model([a, b], [layer(other), lib.layers.multiply([h, other, h], name="p")], name="w")


MODELS = [chain, operations, shared, nested, wide]
OPTIONS = [{}, {"line_length": 70}, {"show_trainable": True, "line_length": 80}, {"expand_nested": True}]


def names_of(model):
    return {
        "layers": [layer.name for layer in model.layers],
        "operations": [o.name for o in model.operations],
        "weights": [(w.path, tuple(w.shape)) for w in model.weights],
        "input_names": list(getattr(model, "input_names", [])) or None,
        "output_names": list(model.output_names),
        "count": model.count_params(),
    }


@pytest.mark.parametrize("make", MODELS)
def test_structure(make):
    ours, theirs = names_of(make(dg)), names_of(make(keras))
    ours["input_names"] = theirs["input_names"] = None
    assert ours == theirs


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_summary(make, options):
    texts = []
    make(keras).summary(print_fn=texts.append, **options)
    make(dg).summary(print_fn=texts.append, **options)
    assert texts[1].rstrip("\n") == texts[0].rstrip("\n")


def inputs_of(model):
    return [rows(5, *x.shape[1:]) for x in model.inputs]


def outputs_of(model, arrays):
    """Called with the structure that the model has: a dict by name for `nested`."""
    struct = model.input
    given = dict(zip(struct, arrays)) if isinstance(struct, dict) else arrays if isinstance(struct, list) else arrays[0]
    result = model(given)
    values = result.values() if isinstance(result, dict) else result if isinstance(result, (list, tuple)) else [result]
    return [np.asarray(v) for v in values]


def assert_close(a, b):
    """float32 products of fewer than 16 terms per layer, four layers: 64 roundings of the largest entry."""
    for x, y in zip(a, b, strict=True):
        assert np.all(np.abs(x - y) <= 64 * np.finfo("f").eps * max(1, np.abs(y).max()))


@pytest.mark.parametrize("make", [chain, shared, nested, wide])
def test_configs_from_keras(make):
    theirs = make(keras)
    ours = dg.models.model_from_json(theirs.to_json())
    ours.set_weights(theirs.get_weights())
    assert names_of(ours)["operations"] == names_of(theirs)["operations"]
    arrays = inputs_of(ours)
    assert_close(outputs_of(ours, arrays), outputs_of(theirs, arrays))


@pytest.mark.parametrize("make", [chain, shared, nested, wide])
def test_configs_to_keras(make):
    ours = make(dg)
    theirs = keras.models.model_from_json(ours.to_json())
    theirs.set_weights(ours.get_weights())
    arrays = inputs_of(ours)
    assert_close(outputs_of(ours, arrays), outputs_of(theirs, arrays))


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize(
    "copied", [lambda m: type(m).from_config(m.get_config()), dg.models.clone_model], ids=["config", "clone"]
)
def test_own_configs(make, copied):
    model = make(dg)
    other = copied(model)
    assert names_of(other)["operations"] == names_of(model)["operations"]
    assert json.dumps(other.get_config()) == json.dumps(model.get_config())
    other.set_weights(model.get_weights())
    arrays = inputs_of(model)
    for a, b in zip(outputs_of(model, arrays), outputs_of(other, arrays)):
        np.testing.assert_array_equal(a, b)


def test_initial_weights_are_keras():
    """Bit for bit, a convolution's fans included."""

    def make(lib):
        x = lib.Input((6, 5, 2))
        y = lib.layers.Conv2D(3, (2, 3), name="c")(x)
        return lib.Model(x, lib.layers.Dense(2, name="d")(lib.layers.Flatten()(y)))

    keras.utils.set_random_seed(7)
    dg.set_random_seed(7)
    for a, b in zip(make(dg).get_weights(), make(keras).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
