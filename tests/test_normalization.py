"""`BatchNormalization`, `LayerNormalization`: statistics, training flag, programs, models, configs, messages.

Values and derivatives of their operations are rows of tables.py.
"""

from __future__ import annotations

import copy

import densegrad as dg
import numpy as np
import pytest
from samples import rows

L = dg.layers


def built(axis=-1, shape=(5, 4, 3), dtype="float64", **options):
    """A layer whose weights are no ones and zeros."""
    layer = L.BatchNormalization(axis, dtype=dtype, **options)
    layer.build(shape)
    layer.set_weights([rows(*w.shape, dtype=dtype) ** 2 + 0.5 for w in layer.weights])
    return layer


def others(axis, x):
    return tuple(a for a in range(x.ndim) if a != axis % x.ndim)


@pytest.mark.parametrize("axis", [-1, 1, 0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_takes_the_batch_and_moves_the_statistics(axis, dtype):
    layer = built(axis, dtype=dtype, momentum=0.75)
    gamma, beta, mean, variance = (w.astype("float64") for w in layer.get_weights())
    for k in range(3):
        x = (rows(5, 4, 3, dtype=dtype) * (k + 1) + k).astype(dtype)
        statistics = dg.ops.moments(x, others(axis, x))
        expected = dg.ops.batch_normalization(x, *statistics, axis, layer.beta, layer.gamma)
        np.testing.assert_array_equal(layer(x, training=True), expected, strict=True)
        mean = 0.75 * mean + 0.25 * statistics[0].numpy()
        variance = 0.75 * variance + 0.25 * statistics[1].numpy()
        # two products, a sum, and 0.75 and 0.25 are exact: three roundings per update, which the next one shrinks
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            largest = np.abs(value).max() + np.abs(x).max() ** 2
            np.testing.assert_allclose(moving, value, rtol=0, atol=12 * np.finfo(dtype).eps / 2 * largest)
    np.testing.assert_array_equal(gamma, layer.gamma)
    np.testing.assert_array_equal(beta, layer.beta)


def test_inference_takes_the_statistics():
    layer = built(1)
    before = layer.get_weights()
    x = rows(2, 4, 3, dtype="float64")
    expected = dg.ops.batch_normalization(x, layer.moving_mean, layer.moving_variance, 1, layer.beta, layer.gamma)
    for y in (layer(x), layer(x, training=False)):
        np.testing.assert_array_equal(y, expected)
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), expected)
    assert len(layer.non_trainable_weights) == 4 and not layer.trainable_weights
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cls", [L.BatchNormalization, L.LayerNormalization])
def test_scale_and_offset_may_be_left_out(cls):
    x = rows(6, 3, dtype="float64")
    for center, scale in ((False, False), (True, False), (False, True)):
        layer = cls(center=center, scale=scale, dtype="float64", beta_initializer="ones", gamma_initializer="ones")
        y = layer(x, training=True) if cls is L.BatchNormalization else layer(x)
        axis = 0 if cls is L.BatchNormalization else 1
        plain = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-3)
        np.testing.assert_allclose(y, plain + center, rtol=0, atol=64 * 2.0**-53)
        assert [w.name for w in layer.trainable_weights] == ["gamma"] * scale + ["beta"] * center
        assert (layer.gamma is None, layer.beta is None) == (not scale, not center)


def test_rms_scaling_warns_and_keeps_the_mean():
    x = rows(4, 3, dtype="float64")
    with pytest.warns(UserWarning, match=r"^\[LayerNormalization\] `rms_scaling` is true: it is out of use"):
        layer = L.LayerNormalization(rms_scaling=True, scale=False, gamma_initializer="ones", dtype="float64")
    expected = x / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(x), expected, rtol=64 * 2.0**-53)
    assert layer.beta is None and layer.gamma.shape == (3,) and layer.get_config()["rms_scaling"]


def test_weights_and_their_order():
    layer = L.BatchNormalization(name="b", beta_regularizer="l2", gamma_constraint="non_neg")
    layer(rows(2, 5, 3))
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.path for w in layer.weights] == [f"b/{name}" for name in names]
    assert [w.trainable for w in layer.weights] == [True, True, False, False]
    assert len(layer.losses) == 1 and layer.gamma.constraint is not None
    other = L.LayerNormalization((1, -1), name="n")
    other(rows(2, 5, 3))
    assert [(w.path, w.shape) for w in other.weights] == [("n/gamma", (5, 3)), ("n/beta", (5, 3))]


@pytest.mark.parametrize("shape", [(0, 3), (0, 4, 4, 3)], ids=str)
def test_empty_batches(shape):
    x = np.zeros(shape, "f")
    layer = L.BatchNormalization()
    assert layer(x).shape == shape and layer(x, training=True).shape == shape
    assert L.LayerNormalization()(x).shape == shape
    with dg.GradientTape() as tape:
        y = layer(x, training=True)
    assert all(np.all(g.numpy() == 0) for g in tape.gradient(y, layer.trainable_weights))


def test_integers_and_layouts():
    x = np.arange(12).reshape(4, 3)
    for layer in (L.BatchNormalization(), L.LayerNormalization()):
        y = layer(x)
        assert y.dtype == "float32"
        for other in (x.astype("f"), np.asfortranarray(x.astype("f")), np.repeat(x.astype("f"), 2, 0)[::2]):
            np.testing.assert_array_equal(layer(other), y)


def network(name="net"):
    return dg.Sequential(
        [
            dg.Input((6, 6, 2)),
            L.Conv2D(4, 3, use_bias=False),
            L.BatchNormalization(momentum=0.9),
            L.ReLU(),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(5, activation="tanh"),
            L.LayerNormalization(),
            L.Dense(2),
        ],
        name=name,
    )


@pytest.mark.parametrize("batch_size", [8, 5])
def test_a_fit_moves_the_statistics_and_is_the_same_as_a_program(batch_size):
    """The last batch of 16 samples in fives has one sample; its variance is 0."""
    x, y = rows(16, 6, 6, 2), rows(16, 2)
    start = network().get_weights()

    def trained(eagerly):
        model = network()
        model.set_weights(start)
        model.compile(dg.optimizers.Adam(0.01), "mse", run_eagerly=eagerly)
        losses = model.fit(x, y, epochs=3, batch_size=batch_size, shuffle=False, verbose=0).history["loss"]
        moved = model.layers[1].moving_variance.numpy()
        predicted = model.predict(x, verbose=0)
        np.testing.assert_array_equal(model.layers[1].moving_variance, moved)  # not by inference
        return [np.array(losses), np.array(model.evaluate(x, y, verbose=0)), predicted, *model.get_weights()]

    program, python = trained(False), trained(True)
    for a, b in zip(program, python, strict=True):
        np.testing.assert_array_equal(a, b)
    assert all(np.any(a != b) for a, b in zip(program[3:], start, strict=True))


def test_a_recorded_step_moves_the_statistics_at_every_run():
    layers = [L.BatchNormalization(momentum=0.5) for _ in range(2)]
    inputs = [dg.constant(rows(6, 3)) for _ in range(4)]
    recorded = dg.function(lambda x: layers[0](x, training=True))
    for x in inputs:
        np.testing.assert_array_equal(recorded(x), layers[1](x, training=True))
        for a, b in zip(layers[0].get_weights(), layers[1].get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert len(recorded.programs) == 1 and not recorded.refusals


def test_in_functional_models():
    x = dg.Input((4,))
    normalization = L.BatchNormalization()
    model = dg.Model(x, L.LayerNormalization()(normalization(x)))
    assert model.output.shape == (None, 4) and len(model.weights) == 6
    np.testing.assert_array_equal(normalization.moving_mean, np.zeros(4))  # making the model moves nothing
    value = rows(5, 4) + 3
    model(value, training=True)
    np.testing.assert_array_equal(normalization.moving_mean, (dg.ops.moments(value, 0)[0] * (1.0 - 0.99)).numpy())
    other = dg.models.clone_model(model)
    assert other(value).shape == (5, 4) and copy.deepcopy(normalization).get_config() == normalization.get_config()


def test_the_statistics_are_no_part_of_the_gradient():
    layer = built()
    x = dg.constant(rows(5, 4, 3, dtype="float64"))
    with dg.GradientTape() as tape:
        tape.watch(x)
        layer(x, training=True)
        value = dg.ops.sum(layer.moving_mean)
    assert tape.gradient(value, x) is None


@pytest.mark.parametrize(("axis", "shape"), [(-1, (5, 4, 3)), (0, (3, 6)), (1, (3, 2, 4))], ids=str)
def test_the_gradient_is_right_in_training_too(axis, shape):
    layer = built(axis, shape)
    assert dg.gradcheck(lambda x: layer(x, training=True), rows(*shape, dtype="float64"), order=2).ok
    assert dg.gradcheck(layer, rows(*shape, dtype="float64")).ok
    normalization = L.LayerNormalization(axis or -1, dtype="float64")
    assert dg.gradcheck(normalization, rows(*shape, dtype="float64"), order=2).ok


def test_configs():
    layer = L.BatchNormalization(1, 0.9, 1e-5, False, moving_mean_initializer="ones", gamma_regularizer="l2", name="b")
    other = L.BatchNormalization.from_config(layer.get_config())
    assert other.get_config() == layer.get_config()
    assert (other.axis, other.momentum, other.epsilon, other.center) == (1, 0.9, 1e-5, False)
    layer = L.LayerNormalization([2, 1], scale=False, name="n")
    other = L.LayerNormalization.from_config(layer.get_config())
    assert other.get_config() == layer.get_config() and other.axis == [2, 1]
    layer(rows(2, 3, 4))
    assert L.LayerNormalization.from_config(layer.get_config()).axis == [1, 2]


X = np.zeros((2, 3), "f")


def called(layer, x, shape=(2, 3)):
    layer.build(shape)
    return layer(x)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: L.BatchNormalization([1]), TypeError, "[BatchNormalization] `axis` is [1]: it must be an integer."),
        (lambda: L.BatchNormalization(momentum=1.5), ValueError,
         "[BatchNormalization] `momentum` is 1.5: it must be a number in [0, 1]."),
        (lambda: L.BatchNormalization(momentum="high"), ValueError,
         "[BatchNormalization] `momentum` is 'high': it must be a number in [0, 1]."),
        (lambda: L.BatchNormalization(epsilon=-1e-3), ValueError,
         "[BatchNormalization] `epsilon` is -0.001: it must be a number >= 0."),
        (lambda: L.BatchNormalization(renorm=True), NotImplementedError,
         "[BatchNormalization] `renorm` is true: batch renormalization is not here."),
        (lambda: L.BatchNormalization(axis=2, name="b")(X), ValueError,
         "[b] `axis` is 2 but the tensor has 2 axes: it must be in [-2, 2)."),
        (lambda: called(L.BatchNormalization(name="b"), X[:, :2]), ValueError,
         "[b] input 0 of shape (2, 2) is incompatible with the layer: expected axis 1 of size 3, found size 2."),
        (lambda: called(L.BatchNormalization(name="b"), X[None]), ValueError,
         "[b] input 0 of shape (1, 2, 3) is incompatible with the layer: expected ndim=2, found ndim=3."),
        (lambda: L.BatchNormalization(name="b")(X, mask=X[:, 0] > 0), NotImplementedError,
         "[b] `mask` is given: it must be None, no layer here makes masks."),
        (lambda: L.LayerNormalization([]), TypeError,
         "[LayerNormalization] Expected an int or a list/tuple of ints for the argument 'axis', but received: []."),
        (lambda: L.LayerNormalization("last"), TypeError,
         "[LayerNormalization] Expected an int or a list/tuple of ints for the argument 'axis', but received: 'last'."),
        (lambda: L.LayerNormalization(epsilon=None), ValueError,
         "[LayerNormalization] `epsilon` is None: it must be a number >= 0."),
        (lambda: L.LayerNormalization((1, 2), name="n")(X), ValueError,
         "[n] `axis` is 2 but the tensor has 2 axes: it must be in [-2, 2)."),
        (lambda: called(L.LayerNormalization(name="n"), X[:, :2]), ValueError,
         "[n] `gamma` has shape (3,) but `x` has shape (2, 2): it must have shape (2,), that of `axis`."),
        (lambda: dg.ops.batch_normalization(X, [0.0], [1.0], -1), ValueError,
         "[batch_normalization] `mean` has shape (1,) but `x` has shape (2, 3): it must have shape (3,), that of "
         "`axis`."),
        (lambda: dg.ops.layer_normalization(X, beta=[1.0, 2.0]), ValueError,
         "[layer_normalization] `beta` has shape (2,) but `x` has shape (2, 3): it must have shape (3,), that of "
         "`axis`."),
        (lambda: dg.ops.moments(X, [0, 0]), ValueError,
         "[moments] `axis` names axis 0 twice: each axis may occur once."),
    ],
)  # fmt: skip
def test_messages(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
