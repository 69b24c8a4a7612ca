"""Initial weights are Keras' for the same seed, bit for bit, and seeds are drawn as Keras draws them."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core, config, initializers, random

SHAPES = [(3, 5), (64, 32), (7,), (2, 3, 4), (1, 1), (0, 3), (17, 16)]


def test_known_values_without_keras():
    random.set_random_seed(42)
    layer = dg.layers.Dense(3)
    assert layer.kernel_initializer.seed == 686579304
    layer.build((None, 2))
    np.testing.assert_array_equal(layer.kernel.numpy()[0], np.array([0.78475308, 0.35630131, -0.30954921], np.float32))
    random.set_random_seed(7)
    assert [dg.layers.Dense(1).kernel_initializer.seed for _ in range(3)] == [347712783, 161973070, 423938500]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["GlorotUniform", "RandomUniform"])
def test_equals_keras(name, shape, dtype):
    keras = pytest.importorskip("keras")
    for seed in (1, 686579304, 10**9):
        ours = getattr(initializers, name)(seed=seed)(shape, dtype)
        theirs = getattr(keras.initializers, name)(seed=seed)(shape, dtype).numpy()
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours.numpy(), theirs)


def test_python_generators_are_untouched():
    import random as python_random

    python_random.seed(1)
    expected = python_random.Random(1).random()
    random.set_random_seed(3)
    dg.layers.Dense(2).build((None, 2))
    random.permutation(5)
    assert python_random.random() == expected


def test_same_instance_same_values_other_instance_other_values():
    one, other = initializers.GlorotUniform(), initializers.GlorotUniform()
    np.testing.assert_array_equal(one((3, 4)).numpy(), one((3, 4)).numpy())
    assert not np.array_equal(one((3, 4)).numpy(), other((3, 4)).numpy())


def test_constants():
    np.testing.assert_array_equal(initializers.get("zeros")((2, 3)).numpy(), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(initializers.get("ones")((2,), "float64").numpy(), np.ones(2))
    np.testing.assert_array_equal(initializers.Constant(2.5)((2,)).numpy(), np.full(2, 2.5, np.float32))
    assert initializers.get(None) is None
    assert isinstance(initializers.get("GlorotUniform"), initializers.GlorotUniform)
    assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)


def test_custom_callable():
    layer = dg.layers.Dense(2, kernel_initializer=lambda shape, dtype: np.full(shape, 3.0, dtype))
    layer.build((None, 2))
    np.testing.assert_array_equal(layer.kernel.numpy(), np.full((2, 2), 3.0))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: initializers.get("glorot"),
            ValueError,
            "[initializers] `glorot` is not known: it must be one of constant, zeros, ones, random_uniform, "
            "glorot_uniform.",
        ),
        (
            lambda: initializers.get(3),
            TypeError,
            "[initializers] `identifier` is 3: it must be None, a name or a callable.",
        ),
        (
            lambda: initializers.GlorotUniform(seed=1.5),
            ValueError,
            "[GlorotUniform] `seed` is 1.5: it must be an integer or None.",
        ),
        (
            lambda: initializers.GlorotUniform(seed=-1),
            ValueError,
            "[GlorotUniform] `seed` is -1: it must be in [0, 2**64).",
        ),
        (
            lambda: initializers.RandomUniform(seed=2**70),
            ValueError,
            f"[RandomUniform] `seed` is {2**70}: it must be in [0, 2**64).",
        ),
        (
            lambda: initializers.Zeros()(3),
            ValueError,
            "[Zeros] `shape` is 3: it must be a tuple of non-negative integers, such as (3,).",
        ),
        (
            lambda: initializers.GlorotUniform()((2, None)),
            ValueError,
            "[GlorotUniform] `shape` is (2, None): it must be a tuple of non-negative integers, such as (3,).",
        ),
        (lambda: random.set_random_seed(-1), ValueError, "[set_random_seed] `seed` is -1: it must be in [0, 2**32)."),
        (
            lambda: config.set_epsilon("a"),
            ValueError,
            "[set_epsilon] `value` is 'a': it must be a non-negative number.",
        ),
        (lambda: config.set_epsilon(-1), ValueError, "[set_epsilon] `value` is -1: it must be a non-negative number."),
        (lambda: random.set_random_seed("a"), TypeError, "[set_random_seed] `seed` is 'a': it must be an integer."),
        (
            lambda: initializers.RandomUniform()((2,), "int32"),
            ValueError,
            "[RandomUniform] `dtype` is 'int32': it must be 'float32' or 'float64'.",
        ),
        (
            lambda: dg.layers.Dense(2, kernel_initializer=lambda s, dtype: np.zeros(3)).build((None, 2)),
            ValueError,
            "[Dense] `initializer` returned shape (3,): it must return (2, 2).",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


def test_large_seed_is_accepted_by_the_generator():
    assert _core.random_uniform((2,), 0.0, 1.0, 2**40).shape == (2,)


def test_epsilon():
    assert config.epsilon() == 1e-7
    try:
        config.set_epsilon(np.float32(0.5))
        assert config.epsilon() == 0.5
    finally:
        config.set_epsilon(1e-7)


def test_public_names():
    for module in (
        dg.activations,
        dg.callbacks,
        dg.config,
        dg.initializers,
        dg.losses,
        dg.metrics,
        dg.optimizers,
        dg.random,
    ):
        assert len(set(module.__all__)) == len(module.__all__)
        for name in module.__all__:
            assert getattr(module, name).__doc__, f"{module.__name__}.{name}"
