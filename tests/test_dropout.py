"""`Dropout`: masks, scaling, seeds, the training flag, gradients, configs, messages."""

from __future__ import annotations

import copy

import densegrad as dg
import numpy as np
import pytest
from samples import rows

L = dg.layers


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kept_entries_are_scaled(rate, dtype):
    x = np.ones((200, 50), dtype)
    y = L.Dropout(rate, seed=1, dtype=dtype)(x, training=True).numpy()
    assert np.unique(y).tolist() == [0, np.array(1.0 / (1.0 - rate), dtype).item()]
    n, kept = y.size, np.count_nonzero(y)
    assert abs(kept - n * (1 - rate)) < 6 * np.sqrt(n * rate * (1 - rate))  # six standard deviations


def test_only_while_training():
    x = dg.constant(rows(4, 5))
    layer = L.Dropout(0.5)
    for y in (layer(x), layer(x, training=False), L.Dropout(0)(x, training=True)):
        np.testing.assert_array_equal(y.numpy(), x.numpy())
    assert not L.Dropout(1)(x, training=True).numpy().any()
    assert np.count_nonzero(layer(x, training=True).numpy()) < 20


def test_seeds():
    x = np.ones((8, 8), "f")
    first, same, other = L.Dropout(0.5, seed=3), L.Dropout(0.5, seed=3), L.Dropout(0.5, seed=4)
    a, b = first(x, training=True).numpy(), first(x, training=True).numpy()
    assert np.any(a != b)  # a new mask at each call
    np.testing.assert_array_equal(same(x, training=True).numpy(), a)
    following = copy.deepcopy(same)
    np.testing.assert_array_equal(following(x, training=True).numpy(), b)
    assert np.any(other(x, training=True).numpy() != a)


def test_noise_shape():
    y = L.Dropout(0.5, noise_shape=(None, 1), seed=2)(np.ones((50, 4), "f"), training=True).numpy()
    assert np.all(y == y[:, :1]) and 0 < np.count_nonzero(y[:, 0]) < 50


def test_the_gradient_has_the_mask():
    x = dg.constant(rows(6, 5))
    layer = L.Dropout(0.5, seed=5)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        value = dg.ops.sum(y * y)
    g = tape.gradient(value, x).numpy()
    np.testing.assert_array_equal(g, np.where(y.numpy() != 0, 2 * y.numpy() * 2, 0))


def test_in_models():
    x = rows(16, 4)
    chain = dg.Sequential([dg.Input((4,)), L.Dense(3), L.Dropout(0.5, seed=1)])
    given = dg.Input((4,))
    graph = dg.Model(given, L.Dropout(0.5, seed=1)(chain.layers[0](given)))
    np.testing.assert_array_equal(chain(x, training=True).numpy(), graph(x, training=True).numpy())
    np.testing.assert_array_equal(chain(x).numpy(), graph(x).numpy())
    assert np.any(chain(x, training=True).numpy() != chain(x).numpy())
    assert len(chain.weights) == 2 and not chain.layers[1].weights
    chain.compile(dg.optimizers.SGD(0.1), "mse")
    before = chain.layers[1].seed_generator.state.numpy()[1]
    chain.fit(x, x[:, :3], batch_size=8, epochs=2, verbose=0)
    assert chain.layers[1].seed_generator.state.numpy()[1] == before + 4  # a draw per step, none to infer shapes
    chain.predict(x, verbose=0)
    assert chain.layers[1].seed_generator.state.numpy()[1] == before + 4


def test_config():
    layer = L.Dropout(0.3, noise_shape=(None, 1), seed=7, name="d")
    other = L.Dropout.from_config(layer.get_config())
    assert other.get_config() == layer.get_config() and (other.rate, other.seed) == (0.3, 7)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: L.Dropout(1.5),
            ValueError,
            "[Dropout] Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
            "Received: rate=1.5.",
        ),
        (
            lambda: L.Dropout("a"),
            ValueError,
            "[Dropout] Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
            "Received: rate='a'.",
        ),
        (
            lambda: L.Dropout(0.5, noise_shape=3),
            ValueError,
            "[Dropout] Invalid value received for argument `noise_shape`. Expected a tuple or list of integers. "
            "Received: noise_shape=3.",
        ),
        (
            lambda: L.Dropout(0.5, noise_shape=(1.0, None)),
            ValueError,
            "[Dropout] Invalid value received for argument `noise_shape`. Expected all elements to be integers or "
            "None. Received: noise_shape=(1.0, None).",
        ),
        (
            lambda: L.Dropout(0.5, noise_shape=(0, None)),
            ValueError,
            "[Dropout] Invalid value received for argument `noise_shape`. Expected all dimensions to be positive "
            "integers or None. Received: noise_shape=(0, None).",
        ),
        (
            lambda: L.Dropout(0.5, noise_shape=(None,), name="d")(np.ones((2, 2)), training=True),
            ValueError,
            "[d] `noise_shape` is (None,) but `x` has shape (2, 2): both must have as many axes.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


@pytest.mark.parametrize(
    "layer", [L.Dropout, L.GaussianDropout, L.GaussianNoise, L.AlphaDropout], ids=lambda cls: cls.__name__
)
def test_in_a_batch_all_examples_share_a_draw(layer):
    """As every draw inside of `vmap`; where nothing is known but a shape, nothing is drawn."""
    x = np.ones((5, 20), "f")
    one = layer(0.5, seed=3)(x[:1], training=True)[0]
    batch = dg.vmap(lambda row: layer(0.5, seed=3)(row[None], training=True)[0])(x)
    np.testing.assert_array_equal(batch, np.stack([one] * 5))
    assert not np.array_equal(one, x[0])
    drawn, fresh = layer(0.5, seed=3), layer(0.5, seed=3)
    drawn(dg.Input((20,), batch_size=1), training=True)
    np.testing.assert_array_equal(drawn(x, training=True), fresh(x, training=True))
