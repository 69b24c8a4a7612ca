"""What counts as a call of a layer: symbolic runs, building, sources of gradients; the `training` argument, copies."""

from __future__ import annotations

import copy
import pickle

import densegrad as dg
import numpy as np
import pytest
from densegrad import activations
from samples import rows


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


def test_symbolic_input():
    x = dg.layers.Input((4,))
    y = dg.layers.Dense(3, "relu")(x)
    assert y.is_symbolic and y.shape == (None, 3)
    assert dg.layers.Activation("softmax")(y).shape == (None, 3)
    assert dg.layers.Input((4,), batch_size=2).shape == (2, 4)
    assert dg.layers.Input(batch_shape=(None, 5), dtype="float64").dtype == "float64"


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


class Counts(dg.layers.Layer):
    """Counts its calls and adds up its inputs, in a layer inside of it that is built by the first call."""

    class Inner(dg.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(initializer="zeros")
            self.scale.assign(2)
            self.total = self.add_weight((4,), initializer="zeros", trainable=False)

        def call(self, x):
            self.total.assign_add(dg.ops.sum(x, axis=0))
            return x * self.scale

    def __init__(self):
        super().__init__()
        self.inner = self.Inner()
        self.calls = dg.Variable(0, trainable=False)

    def call(self, x):
        self.calls.assign_add(1)
        return self.inner(x)


def test_symbolic_runs_assign_nothing_but_what_build_does():
    layer = Counts()
    model = dg.Model(x := dg.Input((4,)), layer(x))
    assert layer.compute_output_shape((None, 4)) == (None, 4)
    assert (int(layer.calls), layer.inner.total.numpy().tolist(), float(layer.inner.scale)) == (0, [0] * 4, 2)
    x = np.arange(8, dtype="float32").reshape(2, 4)
    np.testing.assert_array_equal(model(x).numpy(), 2 * x)
    model(x)
    assert (int(layer.calls), layer.inner.total.numpy().tolist()) == (2, [8, 12, 16, 20])

    class Wrong(dg.layers.Layer):
        total = dg.Variable(np.zeros(3, "float32"))

        def call(self, x):
            self.total.assign(dg.ops.sum(x, axis=0))
            return x

    with pytest.raises(ValueError, match=r"`value` has shape \(4,\) but variable 'Variable' has shape \(3,\)"):
        Wrong()(dg.Input((4,)))
    Wrong.total.assign([1, 2, 3])  # the rehearsal ended with the error
    assert Wrong.total.numpy().tolist() == [1, 2, 3]


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
