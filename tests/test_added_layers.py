"""`Embedding`, `Normalization`, `UnitNormalization`, noise and padding: values, gradients, models, messages."""

from __future__ import annotations

import densegrad as dg
import densegrad.tf as tf
import numpy as np
import pytest
from samples import rows

L = dg.layers
X = rows(4, 3)


def test_embedding():
    table = rows(5, 2)
    layer = L.Embedding(5, 2, weights=table)
    assert layer(np.array([[1, 4], [0, 1]])).numpy().tolist() == table[[[1, 4], [0, 1]]].tolist()
    assert layer(np.array([1.7])).numpy().tolist() == table[[1]].tolist()
    with dg.GradientTape() as tape:
        y = dg.ops.sum(layer(np.array([1, 4, 1])))
    assert tape.gradient(y, layer.embeddings).numpy()[:, 0].tolist() == [0, 2, 0, 0, 1]
    model = dg.Sequential([dg.Input((2,), dtype="int32"), L.Embedding(5, 4), L.Flatten(), L.Dense(1)])
    assert model.output_shape == (None, 1) and model.count_params() == 20 + 9
    model.compile("sgd", "mse")
    model.fit(np.array([[1, 2], [3, 4]]), np.ones(2), verbose=0)
    with pytest.raises(AttributeError, match=r"has no `embeddings` before it is built: call it on data or `build\(\)`"):
        _ = L.Embedding(5, 2).embeddings


def test_normalization():
    layer = L.Normalization(dtype="float64")
    data = rows(7, 3, dtype=np.float64) * 3 + 1
    layer.adapt(data)
    expected = (data - data.mean(0)) / data.std(0)
    np.testing.assert_allclose(layer(data), expected, rtol=0, atol=60 * 2.0**-53)  # of numbers around 1
    parts = L.Normalization(dtype="float64")
    parts.adapt(tf.data.Dataset.from_tensor_slices(data).batch(3))
    np.testing.assert_allclose(parts.variance, layer.variance, rtol=30 * 2.0**-53)
    assert [w.name for w in layer.weights] == ["mean", "variance", "count"] and not layer.trainable_variables
    back = L.Normalization(mean=data.mean(0), variance=data.var(0), invert=True, dtype="float64")
    np.testing.assert_allclose(back(expected), data, rtol=0, atol=60 * 2.0**-53 * np.abs(data).max())
    x = dg.Input((3,))
    model = dg.Model(x, L.Dense(2)(L.Normalization(mean=1.0, variance=4.0)(x)))
    assert model(X).shape == (4, 2) and L.Normalization(axis=None, mean=1.0, variance=4.0)(X).numpy()[0, 0] == (
        X[0, 0] - np.float32(1)
    ) / np.float32(2)


def test_unit_normalization():
    y = L.UnitNormalization(dtype="float64")([[3.0, 4.0], [0.0, 0.0]] * np.ones((2, 2)))
    np.testing.assert_allclose(y, [[0.6, 0.8], [0, 0]], rtol=4 * 2.0**-53)
    assert dg.gradcheck(L.UnitNormalization(axis=[1, 2], dtype="float64"), rows(2, 3, 2, dtype=np.float64), order=2).ok


@pytest.mark.parametrize("layer", [L.GaussianNoise(0.5, seed=3), L.GaussianDropout(0.3, seed=3), L.AlphaDropout(0.3)])
def test_noise(layer):
    n = 20000
    x = np.full((n, 1), 2.0, "float32") if not isinstance(layer, L.AlphaDropout) else rows(n, 1)
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True).numpy()
    assert not np.array_equal(y, layer(x, training=True))
    deviation = {"GaussianNoise": 0.5, "GaussianDropout": 2 * (0.3 / 0.7) ** 0.5}.get(type(layer).__name__, 1.0)
    assert abs(y.mean() - x.mean()) < 5 * deviation * (2 / n) ** 0.5  # five standard errors
    if not isinstance(layer, L.AlphaDropout):
        assert abs(y.std() - deviation) < 5 * deviation / (2 * n) ** 0.5
    else:
        assert abs(y.std() - 1) < 0.1  # of entries with mean 0 and variance 1; the fourth moment is below 10
    v = dg.Variable(x)
    with dg.GradientTape() as tape:
        z = layer(v, training=True)
    assert tape.gradient(z, v).shape == x.shape
    model = dg.Sequential([dg.Input((1,)), layer, L.Dense(1)])
    assert model.output_shape == (None, 1) and not layer.weights
    assert type(layer)(0.0)(x, training=True).numpy() is not None


def test_repeat_and_padding():
    assert L.RepeatVector(2)(X).numpy().tolist() == np.repeat(X[:, None], 2, 1).tolist()
    x = rows(2, 3, 4, 5)
    cases = [
        (L.ZeroPadding1D(2), x[0], ((0, 0), (2, 2), (0, 0))),
        (L.ZeroPadding1D((1, 0), "channels_first"), x[0], ((0, 0), (0, 0), (1, 0))),
        (L.ZeroPadding2D(1), x, ((0, 0), (1, 1), (1, 1), (0, 0))),
        (L.ZeroPadding2D((1, 2)), x, ((0, 0), (1, 1), (2, 2), (0, 0))),
        (L.ZeroPadding2D(((1, 0), (0, 3)), "channels_first"), x, ((0, 0), (0, 0), (1, 0), (0, 3))),
    ]
    for layer, value, widths in cases:
        np.testing.assert_array_equal(layer(value), np.pad(value, widths))
        assert layer.compute_output_shape((None, *value.shape[1:])) == (None, *np.pad(value, widths).shape[1:])
    i = dg.Input((3,))
    model = dg.Model(i, L.ZeroPadding1D(1)(L.RepeatVector(3)(i)))
    assert model.output.shape == (None, 5, 3) and model(X).shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: L.Embedding(0, 2), ValueError, "[Embedding] `input_dim` is 0: it must be a positive integer."),
        (lambda: L.Embedding(2, 2, mask_zero=True), NotImplementedError,
         "[Embedding] `mask_zero` is True: it must be false, no layer makes masks."),
        (lambda: L.Normalization(mean=1.0), ValueError,
         "[Normalization] `mean` is 1.0 and `variance` is None: both must be set, or none."),
        (lambda: L.Normalization(mean=[1.0], variance=1.0), ValueError,
         "[Normalization] `mean` has shape (1,), `variance` (): they must be one."),
        (lambda: L.Normalization(name="n").build((2, None)), ValueError,
         "[n] `input_shape` is (2, None): it must be known along `axis` (-1,)."),
        (lambda: L.Normalization(mean=[[1.0]], variance=[[1.0]], name="n")(X), ValueError,
         "[n] `mean` has shape (1, 1): its rank must be at most that of `axis`, 1."),
        (lambda: L.Normalization(mean=1.0, variance=1.0, name="n").adapt(X), ValueError,
         "[n] `mean` and `variance` were given: there is nothing to adapt."),
        (lambda: L.Normalization(name="n").adapt([]), ValueError,
         "[n] `data` has no entries: statistics need some."),
        (lambda: L.UnitNormalization("a"), TypeError, "[UnitNormalization] Invalid value for `axis` argument: expected "
         "an int or a list/tuple of ints. Received: axis='a'."),
        (lambda: L.GaussianNoise(2), ValueError, "[GaussianNoise] Invalid value received for argument `stddev`. "
         "Expected a float value between 0 and 1. Received: stddev=2."),
        (lambda: L.GaussianDropout(1.0), ValueError, "[GaussianDropout] Invalid value received for argument `rate`. "
         "Expected a float value of at least 0 and less than 1. Received: rate=1.0."),
        (lambda: L.RepeatVector(1.5), TypeError,
         "[RepeatVector] Expected an integer value for `n`, got <class 'float'>."),
        (lambda: L.RepeatVector(0), ValueError,
         "[RepeatVector] Argument `n` should be a positive integer. Received: n=0."),
        (lambda: L.ZeroPadding1D(-1), ValueError,
         "[ZeroPadding1D] `padding` has the entry -1: it must be a non-negative integer, or two of them."),
        (lambda: L.ZeroPadding2D((1, 2, 3)), ValueError,
         "[ZeroPadding2D] `padding` is (1, 2, 3): it must be an integer, or two entries."),
    ],
)  # fmt: skip
def test_messages(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
