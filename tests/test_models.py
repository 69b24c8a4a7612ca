"""`Sequential` and subclassed models: building, names, weights, summary."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import densegrad as dg
import numpy as np
import pytest
from densegrad import config
from samples import rows


def net(*first):
    return dg.Sequential([*first, dg.layers.Dense(3, activation="relu"), dg.layers.Dense(2, activation="softmax")])


def test_built_at_the_first_call():
    model = net()
    assert not model.built and model.weights == []
    y = model(rows(5, 4))
    assert y.shape == (5, 2) and model.built
    assert [w.path for w in model.weights] == [
        "sequential/dense/kernel",
        "sequential/dense/bias",
        "sequential/dense_1/kernel",
        "sequential/dense_1/bias",
    ]
    assert model.input_shape == (None, 4) and model.output_shape == (None, 2)
    assert model.inputs[0].is_symbolic and model.outputs[0].shape == (None, 2)


@pytest.mark.parametrize("first", [dg.layers.Input((4,)), dg.layers.InputLayer((4,))], ids=["Input", "InputLayer"])
def test_built_from_an_input(first):
    model = net(first)
    assert model.built and model.output_shape == (None, 2)
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert model.count_params() == 23
    assert model(rows(2, 4)).shape == (2, 2)


@pytest.mark.parametrize("old", [{"input_shape": (4,)}, {"batch_input_shape": (None, 4)}], ids=lambda old: [*old][0])
def test_an_input_layer_takes_the_old_names_of_its_shape(old):
    layer = dg.layers.InputLayer(**old)
    assert layer.batch_shape == (None, 4) and net(layer).input_shape == (None, 4)


@pytest.mark.parametrize("options", [{"input_shape": (4,)}, {"input_dim": 4}])
def test_built_from_the_first_layer(options):
    layer = dg.layers.Dense(3, **options)
    assert not layer.built
    assert dg.Sequential([layer]).built and layer.built


def test_value_equals_the_layers():
    model = net()
    x = rows(5, 4)
    y = model(x)
    a, b = model.layers
    np.testing.assert_array_equal(b(a(x)).numpy(), y.numpy())
    assert y.z.shape == (5, 2)


def test_add_and_pop():
    model = dg.Sequential([dg.layers.Dense(3)])
    model.build((None, 4))
    model.add(dg.layers.Dense(2))
    assert model.layers[1].built and model.output_shape == (None, 2)
    assert model.weights[2].path == "sequential/dense_1/kernel"
    popped = model.pop()
    assert popped.units == 2 and model.output_shape == (None, 3) and len(model.weights) == 2
    model = dg.Sequential()
    model.add(dg.layers.Input((4,)))
    model.add(dg.layers.Dense(1))
    assert model.built
    model = dg.Sequential()
    model.add(dg.layers.Dense(1))
    assert not model.built


def test_failed_add_leaves_the_model():
    model = dg.Sequential([dg.layers.Dense(3)])
    model.build((None, 4))
    other = dg.layers.Dense(2)
    other.build((None, 7))
    with pytest.raises(ValueError):
        model.add(other)
    assert len(model.layers) == 1 and model(rows(2, 4)).shape == (2, 3)


def test_failed_first_call_builds_nothing():
    other = dg.layers.Dense(2)
    other.build((None, 7))
    model = dg.Sequential([dg.layers.Dense(3), other])
    for x in (rows(2, 4), rows(4)):
        with pytest.raises(ValueError):
            model(x)
    assert not model.built and not model.layers[0].built


def test_get_layer_and_weights():
    model = net(dg.layers.Input((4,)))
    assert model.get_layer("dense_1") is model.layers[1] is model.get_layer(index=1) is model.get_layer(index=-1)
    weights = [w + 1 for w in model.get_weights()]
    model.set_weights(weights)
    for a, b in zip(model.get_weights(), weights):
        np.testing.assert_array_equal(a, b)


def test_nested_model():
    inner = net()
    model = dg.Sequential([dg.layers.Input((4,)), inner, dg.layers.Dense(1)])
    assert model.output_shape == (None, 1) and len(model.weights) == 6
    assert model.weights[0].path == "sequential_1/sequential/dense/kernel"
    assert model(rows(3, 4)).shape == (3, 1)


def test_gradient_order_is_keras():
    model = net()
    x = rows(5, 4)
    with dg.GradientTape() as tape:
        loss = dg.losses.SparseCategoricalCrossentropy()([0, 1, 0, 1, 1], model(x))
    grads = tape.gradient(loss, model.trainable_variables)
    assert [g.shape for g in grads] == [(4, 3), (3,), (3, 2), (2,)]


def test_subclassed_model():
    class Skip(dg.Model):
        def __init__(self):
            super().__init__()
            self.a = dg.layers.Dense(4, activation="relu")
            self.b = dg.layers.Dense(1)

        def call(self, x):
            return self.b(x + self.a(x))

    model = Skip()
    assert model(rows(3, 4)).shape == (3, 1)
    assert [w.path for w in model.weights] == [
        "skip/dense/kernel",
        "skip/dense/bias",
        "skip/dense_1/kernel",
        "skip/dense_1/bias",
    ]
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]


def test_frozen_model():
    model = net(dg.layers.Input((4,)))
    model.layers[0].trainable = False
    assert [w.path for w in model.trainable_weights] == ["sequential/dense_1/kernel", "sequential/dense_1/bias"]
    assert len(model.non_trainable_weights) == 2
    assert dg.Sequential([dg.layers.Dense(2)], trainable=False).layers[0].trainable is False


def test_float64_model():
    model = dg.Sequential([dg.layers.Dense(3, dtype="float64"), dg.layers.Dense(2, dtype="float64")])
    assert model(rows(2, 4)).dtype == "float64"
    config.set_floatx("float64")
    try:
        assert net()(rows(2, 4)).dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_dropped_models_are_collected():
    model = net()
    model.compile("sgd", "mse")
    model.fit(rows(4, 4), rows(4, 2), verbose=0)
    refs = [weakref.ref(model), weakref.ref(model.layers[0])]
    del model
    gc.collect()
    assert [r() for r in refs] == [None, None]


BUILT = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)                   │ (None, 8)              │            40 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 3)              │            27 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 203 (816.00 B)
 Trainable params: 67 (268.00 B)
 Non-trainable params: 0 (0.00 B)
 Optimizer params: 136 (548.00 B)
"""


def summary(model, **options):
    texts = []
    model.summary(print_fn=texts.append, **options)
    assert len(texts) == 1
    return texts[0]


def test_summary_is_keras_look():
    model = dg.Sequential([dg.layers.Input((4,)), dg.layers.Dense(8), dg.layers.Dense(3)])
    model.compile("adam", "mse")
    model.fit(rows(4, 4), rows(4, 3), verbose=0)
    assert summary(model, line_length=76) == BUILT


@pytest.mark.parametrize(
    "options",
    [{}, {"line_length": 60}, {"show_trainable": True, "line_length": 80}, {"expand_nested": True}],
    ids=str,
)
def test_summary_equals_keras(options):
    keras = pytest.importorskip("keras")
    keras.backend.clear_session()

    def make(lib, inputs):
        inner = lib.Sequential([lib.layers.Dense(2000), lib.layers.Dense(3)])
        frozen = lib.layers.Dense(7, name="a_very_long_name_for_a_layer_that_wraps", trainable=False)
        return lib.Sequential([inputs, frozen, lib.layers.Activation("relu"), inner])

    ours = make(dg, dg.layers.Input((4,)))
    theirs = make(keras, keras.Input((4,)))
    texts = []
    theirs.summary(print_fn=texts.append, **options)
    assert summary(ours, **options).rstrip("\n") == texts[0].rstrip("\n")


def test_summary_unbuilt(capsys):
    net().summary(line_length=76)
    out = capsys.readouterr().out
    assert "│ dense (Dense)                   │ ?                      │   0 (unbuilt) │" in out
    assert " Total params: 0 (0.00 B)" in out


def test_summary_of_a_subclassed_model():
    class Two(dg.Model):
        def __init__(self):
            super().__init__()
            self.a = dg.layers.Dense(3)
            self.b = dg.layers.Dense(2)

        def call(self, x):
            return self.b(self.a(x))

    model = Two()
    assert summary(model).count("?") == 2
    model(rows(5, 4))
    text = summary(model)
    assert "(None, 3)" in text and "(None, 2)" in text and "?" not in text


@pytest.mark.parametrize("first", [[], [dg.layers.Input((4,))]], ids=["unbuilt", "built"])
def test_copies_of_models(first):
    model = net(*first)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.copy(model)):
        assert other.built == model.built and [x.name for x in other.layers] == [x.name for x in model.layers]
        other.add(dg.layers.Dense(5))
        assert len(model.layers) == 2 and other(rows(2, 4)).shape == (2, 5)
        if first:
            assert other.input_shape == (None, 4)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_of_trained_models(how):
    x, y = rows(8, 4), np.arange(8) % 2
    model = net()
    model.compile(dg.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    other = how(model)
    before = model.predict(x, verbose=0)
    np.testing.assert_array_equal(other.predict(x, verbose=0), before)
    with dg.GradientTape() as tape:
        loss = dg.ops.sum(other(x)) + dg.ops.sum(model(x))
    assert all(g is not None for g in tape.gradient(loss, [other.layers[0], model.layers[0]]))
    other.fit(x, y, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    assert int(other.optimizer.iterations) == 2 and int(model.optimizer.iterations) == 1
    model.fit(x, y, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_build_without_a_shape_is_nothing_to_do_where_the_input_is_known():
    model = dg.Sequential([dg.layers.Dense(2, input_shape=(3,))])
    before = [w.numpy() for w in model.weights]
    model.build()
    assert len(before) == 2 and all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
