"""Functional models: graphs of layers and operations, their parts, names, order, copies, gradients."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core, graph
from samples import rows

L = dg.layers


def chain():
    x = dg.Input((4,), name="x")
    h = L.Dense(3, activation="sigmoid", name="h")(x)
    return dg.Model(x, L.Dense(2, name="y")(h), name="m")


def two_by_two():
    """Two inputs, a shared layer, operations in between, two outputs."""
    a, b = dg.Input((4,), name="a"), dg.Input((4,), name="b")
    shared = L.Dense(3, activation="sigmoid", name="shared")
    h, g = shared(a), shared(b * 2)
    return dg.Model([a, b], [L.Dense(2, name="o1")(h + g), dg.ops.concatenate([h, g], axis=1)], name="m")


def test_a_layer_on_an_input_is_not_run():
    x = dg.Input((4,), name="x")
    layer = L.Dense(3)
    y = layer(x)
    assert isinstance(y, dg.Tensor) and y.is_symbolic and y.shape == (None, 3) and y.dtype == "float32"
    assert layer.output is y and layer.input is x and layer.built
    assert [w.path for w in layer.weights] == ["dense/kernel", "dense/bias"]
    assert "name=x" in repr(x) and "name=dense" in repr(y)


def test_a_placeholder_is_no_part_of_a_graph():
    layer = L.Dense(3)
    y = layer(_core.placeholder((None, 4)))
    assert y.is_symbolic and not isinstance(y, graph.SymbolicTensor) and not layer._inbound_nodes


def test_values_equal_the_layers():
    model = chain()
    x = rows(5, 4)
    h, y = model.layers[1:]
    np.testing.assert_array_equal(model(x).numpy(), y(h(x)).numpy())
    assert model.input_shape == (None, 4) and model.output_shape == (None, 2)
    assert model.input is model.inputs[0] and model.output is model.outputs[0]
    assert model.built and model.count_params() == 23
    assert type(model(x)) is dg.Tensor and model.compute_output_shape((7, 4)) == (7, 2)


def test_several_inputs_and_outputs():
    model = two_by_two()
    a, b = rows(5, 4), rows(5, 4)
    o1, o2 = model([a, b])
    shared, head = model.get_layer("shared"), model.get_layer("o1")
    h, g = shared(a), shared(dg.ops.multiply(b, 2))
    np.testing.assert_array_equal(o1.numpy(), head(h + g).numpy())
    np.testing.assert_array_equal(o2.numpy(), np.concatenate([h, g], 1))
    assert [x.name for x in model.layers] == ["b", "a", "shared", "o1"]
    assert [x.name for x in model.operations] == ["b", "a", "multiply", "shared", "add", "o1", "concatenate"]
    assert model.input_names == ["a", "b"] and model.output_names == ["o1", "concatenate"]
    assert model.input_shape == [(None, 4)] * 2 and model.output_shape == [(None, 2), (None, 6)]
    assert model.compute_output_shape([(3, 4), (3, 4)]) == [(3, 2), (3, 6)]
    assert len(model.weights) == 4


@pytest.mark.parametrize("given", ["list", "tuple", "names"])
def test_structures_of_the_input(given):
    model = two_by_two()
    a, b = rows(5, 4), rows(5, 4)
    x = {"list": [a, b], "tuple": (a, b), "names": {"b": b, "a": a, "more": 1}}[given]
    np.testing.assert_array_equal(model(x)[0].numpy(), model([a, b])[0].numpy())


def test_dicts():
    a, b = dg.Input((2,), name="a"), dg.Input((3,), name="b")
    model = dg.Model({"b": b, "a": a}, {"sum": a * 2, "other": [b]})
    given = {"a": rows(5, 2), "b": rows(5, 3)}
    result = model(given)
    assert list(result) == ["sum", "other"]
    np.testing.assert_array_equal(result["sum"].numpy(), 2 * given["a"])
    np.testing.assert_array_equal(result["other"][0].numpy(), given["b"])
    assert model.compute_output_shape({"a": (5, 2), "b": (5, 3)}) == {"sum": (5, 2), "other": [(5, 3)]}


@pytest.mark.parametrize("single", [lambda x: [x], lambda x: (x,), lambda x: {"x": x}, lambda x: x], ids="ltdx")
def test_one_input_in_a_structure(single):
    x = dg.Input((4,), name="x")
    model = dg.Model(single(x), x + 1)
    value = rows(2, 4)
    for given in (value, [value], {"x": value}):
        np.testing.assert_array_equal(model(given).numpy(), value + 1)


def test_ranks_that_differ_by_an_axis_of_one():
    x = dg.Input((1,))
    np.testing.assert_array_equal(dg.Model(x, x * 2)(np.ones(3, "f")).numpy(), np.full((3, 1), 2))
    x = dg.Input(())
    assert dg.Model(x, x * 2)(np.ones((3, 1), "f")).shape == (3,)


OPERATIONS = {
    "x + 1": lambda x: x + 1,
    "1 - x": lambda x: 1 - x,
    "array * x": lambda x: np.arange(4.0, dtype="float32") * x,
    "tensor / x": lambda x: dg.constant(np.arange(4.0, dtype="float32")) / x,
    "variable * x": lambda x: dg.Variable(np.arange(4.0, dtype="float32")) * x,
    "x ** 2": lambda x: x**2,
    "-x": lambda x: -x,
    "abs": lambda x: abs(x),
    "x @ w": lambda x: x @ np.ones((4, 2), "float32"),
    "x > 0": lambda x: x > 0,
    "slice": lambda x: x[:, 1:3],
    "np.exp": lambda x: np.exp(x),
    "np.sum": lambda x: np.sum(x, axis=1),
    "activation": lambda x: dg.activations.softmax(x),
    "where": lambda x: dg.ops.where(x > 0, x, 0.0),
    "mean over the batch": lambda x: dg.ops.mean(x, axis=0),
    "reshape": lambda x: dg.ops.reshape(x, (-1, 2, 2)),
    "dense": lambda x: dg.ops.dense(x, np.ones((4, 3), "float32"), None, "sigmoid"),
    "var": lambda x: dg.ops.var(x, 1),
    "split": lambda x: dg.ops.split(x, 2, 1)[1],
    "stack": lambda x: dg.ops.stack([x, 2 * x], 1),
    "reciprocal": lambda x: dg.ops.reciprocal(x),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    function = OPERATIONS[name]
    x = dg.Input((4,))
    y = function(x)
    value = dg.constant(rows(3, 4))
    expected = function(value)
    result = dg.Model(x, y)(value)
    np.testing.assert_array_equal(np.asarray(result), np.asarray(expected))
    assert len(y.shape) == expected.ndim and all(m in (None, n) for m, n in zip(y.shape, expected.shape))


def test_operations_that_need_the_number_of_samples_say_so():
    x = dg.Input((4,))
    for function in (dg.ops.sort, lambda x: dg.ops.top_k(x, 2), lambda x: dg.ops.tile(x, (1, 2))):
        with pytest.raises(ValueError, match=r"axis 0 of this symbolic tensor is unknown: its length is needed.$"):
            function(x)


def test_an_operation_reads_a_variable_when_it_runs():
    v = dg.Variable(2.0)
    x = dg.Input((1,))
    model = dg.Model(x, x * v)
    v.assign(5.0)
    with dg.GradientTape() as tape:
        y = model(np.ones((1, 1), "f"))
    assert y.numpy() == 5 and tape.gradient(y, v).numpy() == 1


def test_parts_share_layers():
    model = chain()
    x = rows(5, 4)
    hidden = dg.Model(model.inputs, model.layers[1].output)
    rest = dg.Model(model.get_layer("h").output, model.output)
    np.testing.assert_array_equal(rest(hidden(x)).numpy(), model(x).numpy())
    assert hidden.layers[1] is model.layers[1] and rest.layers[1] is model.layers[2]
    assert [type(layer).__name__ for layer in rest.layers] == ["InputLayer", "Dense"] and rest.input_shape == (None, 3)
    assert model.layers[2].output is model.output  # the first call's
    model.layers[1].set_weights([np.zeros((4, 3)), np.zeros(3)])
    np.testing.assert_array_equal(hidden(x).numpy(), 0.5)


@pytest.mark.parametrize("built", ["Input", "build", "call"])
def test_parts_of_sequential(built):
    model = dg.Sequential([dg.Input((4,))] * (built == "Input") + [L.Dense(3, name="h"), L.Dense(2)])
    x = rows(5, 4)
    if built == "build":
        model.build((None, 4))
    elif built == "call":
        model(x)
    part = dg.Model(model.inputs, [model.layers[0].output, model.output])
    h, y = part(x)
    np.testing.assert_array_equal(h.numpy(), model.layers[0](x).numpy())
    np.testing.assert_array_equal(y.numpy(), model(x).numpy())
    assert model.input is model.inputs[0] and model.outputs == [model.output]
    removed = model.pop()
    assert model.output_shape == (None, 3) and model.outputs[0].shape == (None, 3) and removed.units == 2


def test_nested_models():
    inner, chained = chain(), dg.Sequential([L.Dense(4, name="s")])
    x = dg.Input((4,))
    model = dg.Model(x, inner(chained(inner(chained(x))[:, :1] * np.ones(4, "f"))))
    assert len(model.weights) == 6 and [type(layer).__name__ for layer in model.layers[1:]] == [
        "Sequential",
        "Functional",
    ]
    value = rows(3, 4)
    expected = inner(chained(inner(chained(value))[:, :1] * np.ones(4, "f")))
    np.testing.assert_array_equal(model(value).numpy(), expected.numpy())
    assert isinstance(inner, dg.Model)


def test_subclasses_may_have_a_graph():
    class Mine(dg.Model):
        def __init__(self, units):
            x = dg.Input((4,))
            super().__init__(x, L.Dense(units)(x), name="mine")
            self.extra = L.Dense(1)

    model = Mine(3)
    assert model(rows(2, 4)).shape == (2, 3) and model.name == "mine" and model.output_shape == (None, 3)
    model.extra(rows(2, 2))
    assert len(model.weights) == 4
    assert Mine(2)(rows(2, 4)).shape == (2, 2)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies(copied):
    model = two_by_two()
    other = copied(model)
    given = [rows(5, 4), rows(5, 4)]
    for a, b in zip(model(given), other(given)):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert [x.name for x in other.operations] == [x.name for x in model.operations]
    assert (other.layers[2] is model.layers[2]) == (copied is copy.copy)
    assert other.inputs[0] is not model.inputs[0] or copied is copy.copy


def test_dropped_graphs_are_collected():
    model = two_by_two()
    refs = [weakref.ref(model), *(weakref.ref(layer) for layer in model.layers), weakref.ref(model.outputs[0])]
    del model
    gc.collect()
    assert not any(r() is not None for r in refs)


def test_a_layer_that_needs_the_number_of_samples():
    class Flat(L.Layer):
        def call(self, x):
            return dg.ops.reshape(x, (x.shape[0], x.shape[1] * x.shape[2]))

    x = dg.Input((2, 3))
    y = Flat()(x)
    assert y.shape == (None, 6) and dg.Model(x, y)(rows(5, 2, 3)).shape == (5, 6)


def test_gradients():
    model = two_by_two()
    a, b = dg.constant(rows(5, 4)), dg.constant(rows(5, 4))
    shared, head = model.get_layer("shared"), model.get_layer("o1")
    with dg.GradientTape(persistent=True) as tape:
        tape.watch([a, b])
        o1, o2 = model([a, b])
        loss = dg.ops.sum(o1 * o1) + dg.ops.sum(o2)
    with dg.GradientTape() as by_hand:
        by_hand.watch([a, b])
        h, g = shared(a), shared(b * 2)
        out = head(h + g)
        other = dg.ops.sum(out * out) + dg.ops.sum(dg.ops.concatenate([h, g], axis=1))
    sources = [a, b, *model.trainable_variables]
    for x, y in zip(tape.gradient(loss, sources), by_hand.gradient(other, sources)):
        np.testing.assert_array_equal(x.numpy(), y.numpy())  # the same operations in the same order
    np.testing.assert_array_equal(tape.gradient(loss, head).numpy(), 2 * o1.numpy())  # a layer stands for its output
    with pytest.raises(ValueError, match="layer 'shared' was called 2 times on this tape"):
        tape.gradient(loss, shared)


def test_training_reaches_the_layers():
    seen = []

    class Look(L.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    class Wrap(L.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Look()

        def call(self, x):
            return self.inner(x)

    x = dg.Input((2,))
    model = dg.Model(x, Wrap()(Look()(dg.Sequential([Look()])(x))))
    explicit = dg.Model(x, Look()(x, training=True))
    value = rows(1, 2)
    seen.clear()
    for training, expected in ((None, [None] * 3), (True, [True] * 3), (False, [False] * 3)):
        model(value, training=training)
        assert seen == expected
        seen.clear()
    explicit(value), explicit(value, training=False)
    assert seen == [True, False]  # as in Keras, a call's own `training` goes before the graph's


def test_trains():
    model = chain()
    model.compile(dg.optimizers.Adam(0.05), "mse")
    x = rows(32, 4)
    history = model.fit(x, x[:, :2], epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0] / 2
    assert model.predict(x, verbose=0).shape == (32, 2)


@pytest.mark.parametrize("pack", [lambda t: [t], lambda t: (t,)], ids=["list", "tuple"])
@pytest.mark.parametrize("pack_input", [lambda t: t, lambda t: [t]], ids=["input", "list of the input"])
def test_a_lone_output_in_a_list_is_a_tensor(pack, pack_input):
    x = dg.Input((3,))
    y = dg.layers.Dense(2)(x)
    model, alone = dg.Model(pack_input(x), pack(y)), dg.Model(x, y)
    data = rows(4, 3)
    assert model(data).shape == (4, 2) and np.array_equal(model(data), alone(data))
    assert np.array_equal(model.predict(data, verbose=0), alone.predict(data, verbose=0))
    assert model.compute_output_shape((4, 3)) == (4, 2) and model.output_shape == (None, 2)
    assert dg.Model(x, dg.layers.Dense(1)(model(x)))(data).shape == (4, 1)
    again = type(model).from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert np.array_equal(again(data), model(data))
    model.compile("sgd", "mse", metrics=["mae"])
    assert len(model.fit(data, np.zeros((4, 2)), verbose=0).history) == 2
