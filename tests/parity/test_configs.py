"""Keras reads densegrad's configs, and densegrad reads Keras'."""

from __future__ import annotations

import json

import densegrad as dg
import pytest

keras = pytest.importorskip("keras")


def layers(lib):
    return [
        lib.layers.Dense(3, activation="relu", kernel_regularizer="l2", bias_constraint="max_norm", name="a"),
        lib.layers.Dense(3, use_bias=False, kernel_initializer="ones", dtype="float64", name="b"),
        lib.layers.Activation("sigmoid", name="c"),
        lib.layers.Softmax(axis=1, name="e", trainable=False),
        lib.layers.InputLayer((3,), name="f"),
        lib.layers.PReLU(alpha_regularizer="l2", shared_axes=[1], name="g"),
        lib.layers.Dot((1, 2), normalize=True, name="h"),
        lib.layers.ActivityRegularization(0.1, 0.2, name="i"),
        lib.layers.Identity(name="j"),
        lib.layers.Activation("sparsemax", name="k"),
        lib.layers.Conv2D(
            2, 3, kernel_regularizer="l2", activity_regularizer="l2", bias_constraint="non_neg", name="l"
        ),
        lib.layers.Conv2D(4, (3, 2), padding="same", dilation_rate=(1, 2), groups=2, name="m"),
        lib.layers.MaxPooling2D((2, 3), padding="same", name="n"),
        lib.layers.AveragePooling2D(3, (1, 2), data_format="channels_first", name="o"),
        lib.layers.BatchNormalization(1, momentum=0.9, scale=False, beta_regularizer="l2", name="r"),
        lib.layers.LayerNormalization((1, 2), gamma_constraint="non_neg", name="s"),
        lib.layers.GlobalMaxPooling2D(keepdims=True, name="p"),
        lib.layers.GlobalAveragePooling2D("channels_first", dtype="float64", name="q"),
    ]


def plain(obj):
    return json.loads(json.dumps(obj))


def matches(ours, theirs):
    """Whether every entry of our config is in theirs, which may know more arguments, at their defaults."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(k in theirs and matches(v, theirs[k]) for k, v in ours.items())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(matches, ours, theirs))
    return ours == theirs


@pytest.mark.parametrize("i", range(len(layers(dg))))
def test_layers(i):
    ours, theirs = layers(dg)[i], layers(keras)[i]
    config, other = plain(dg.saving.serialize_keras_object(ours)), plain(keras.saving.serialize_keras_object(theirs))
    assert matches(config, other)
    assert plain(keras.layers.serialize(keras.layers.deserialize(config))) == other
    assert plain(dg.layers.serialize(dg.layers.deserialize(other))) == config


def doubled(x, by=2):
    """A function that a config names."""
    return x * by


def test_functions_as_layers():
    def layer(lib):
        return lib.layers.Lambda(doubled, (3,), arguments={"by": 4}, name="a")

    ours, theirs = plain(dg.layers.serialize(layer(dg))), plain(keras.layers.serialize(layer(keras)))
    assert matches(ours, theirs)
    assert plain(keras.layers.serialize(keras.layers.deserialize(plain(ours), {"doubled": doubled}))) == theirs
    again = dg.layers.deserialize(theirs, {"doubled": doubled})
    assert plain(dg.layers.serialize(again)) == ours and again(dg.constant([1.0])).numpy() == 4
    assert plain(layer(dg).get_config()) == plain(layer(keras).get_config())


@pytest.mark.parametrize("built", [False, True])
def test_sequential(built):
    def network(lib):
        first = [lib.Input((4,), name="in") if lib is keras else lib.layers.InputLayer((4,), name="in")]
        return lib.Sequential([*(first if built else []), *layers(lib)[:4]], name="net")

    ours, theirs = network(dg).to_json(), network(keras).to_json()
    assert matches(json.loads(ours), json.loads(theirs))
    assert json.loads(keras.models.model_from_json(ours).to_json()) == json.loads(theirs)
    assert json.loads(dg.models.model_from_json(theirs).to_json()) == json.loads(ours)


def test_a_compiled_model_of_keras_is_read_without_its_optimizer():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2, kernel_regularizer="l2", bias_constraint="non_neg")]
    )
    model.compile("adam", "mse")
    again = dg.models.model_from_json(model.to_json())
    assert not again.compiled and again.layers[0].kernel_regularizer.l2 == 0.01
    assert isinstance(again.layers[0].bias_constraint, dg.constraints.NonNeg)
