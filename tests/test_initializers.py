"""Initial weights are Keras' for the same seed, bit for bit, and seeds are drawn as Keras draws them."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core, config, initializers, random


def test_known_values_without_keras():
    random.set_random_seed(42)
    layer = dg.layers.Dense(3)
    assert layer.kernel_initializer.seed == 686579304
    layer.build((None, 2))
    np.testing.assert_array_equal(layer.kernel.numpy()[0], np.array([0.78475308, 0.35630131, -0.30954921], np.float32))
    random.set_random_seed(7)
    assert [dg.layers.Dense(1).kernel_initializer.seed for _ in range(3)] == [347712783, 161973070, 423938500]


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


def test_identity_and_arrays():
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)).numpy(), 3 * np.eye(2, 3, dtype=np.float32))
    assert initializers.get("identity")((2, 2), "float64").dtype == np.float64
    values = np.arange(6.0).reshape(2, 3)
    given = initializers.get(values)((2, 3), "float32")
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given.numpy(), values)
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((2, 2)).numpy(), [[1, 2], [1, 2]])


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (2, 3, 4), (5, 1), (0, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_orthogonal_matrices_are_orthogonal(shape, dtype):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype).numpy().reshape(-1, shape[-1]) / 2
    product = q.T @ q if len(q) >= shape[-1] else q @ q.T
    # Each entry is a sum of at most 7 products of numbers below 1, each rounded, of factors rounded once.
    np.testing.assert_allclose(product, np.eye(len(product)), rtol=0, atol=3 * 7 * np.finfo(dtype).eps)


def test_truncated_numbers_are_within_two_deviations():
    values = random.truncated_normal((100, 101), mean=1.0, stddev=0.5, seed=2).numpy()
    assert 1.9 < values.max() <= 2.0 and 0.0 <= values.min() < 0.1
    # The standard error of the mean is 0.5 / 100.
    assert abs(values.mean() - 1.0) < 6 * 0.5 * 0.88 / 100


def test_a_seed_generator_moves_on_and_its_state_is_a_variable():
    generator = random.SeedGenerator(5)
    assert [generator.next().numpy().tolist() for _ in range(3)] == [[5, 0], [5, 1], [5, 2]]
    assert generator.state.path == "seed_generator/seed_generator_state" and not generator.state.trainable
    generator.state.assign([5, 1])
    second = random.uniform((3,), seed=generator).numpy()
    generator = random.SeedGenerator.from_config(generator.get_config())
    draws = [random.uniform((3,), seed=generator).numpy() for _ in range(2)]
    np.testing.assert_array_equal(draws[1], second)
    assert not np.array_equal(*draws)
    many = initializers.GlorotUniform(seed=random.SeedGenerator(5))
    assert not np.array_equal(many((2, 3)).numpy(), many((2, 3)).numpy())
    again = initializers.deserialize(initializers.serialize(many))
    assert again.seed.get_config() == many.seed.get_config()


def test_a_seed_generator_leaves_no_trace_on_a_tape():
    generator = random.SeedGenerator(5)
    with dg.GradientTape() as tape:
        random.normal((2,), seed=generator)
        assert tape.watched_variables() == ()


def test_draws_without_a_seed_follow_the_process_seed():
    random.set_random_seed(4)
    first = [random.normal((3,)).numpy() for _ in range(2)]
    assert not np.array_equal(*first)
    random.set_random_seed(4)
    np.testing.assert_array_equal([random.normal((3,)).numpy() for _ in range(2)], first)


def test_integers():
    values = random.randint((1000,), -2, 3, seed=1).numpy()
    assert set(values) == {-2, -1, 0, 1, 2} and values.dtype == np.int32
    assert random.randint((2,), 0, 2**40, "int64", seed=1).dtype == np.int64


CONFIGS = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": 2.0},
    "Identity": {"gain": 2.0},
    "Orthogonal": {"seed": 3, "gain": 2.0},
    "RandomUniform": {"seed": 3, "minval": -1.0, "maxval": 2.0},
    "RandomNormal": {"seed": 3, "mean": 1.0, "stddev": 2.0},
    "TruncatedNormal": {"seed": 3, "mean": 1.0, "stddev": 2.0},
    "VarianceScaling": {
        "seed": 3,
        "scale": 2.0,
        "mode": "fan_out",
        "distribution": "uniform",
        "input_axes": None,
        "output_axes": None,
    },
    **{
        f"{who}{what}": {"seed": 3, "input_axes": [0], "output_axes": [1]}
        for who in ("Glorot", "He", "Lecun")
        for what in ("Uniform", "Normal")
    },
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name):
    made = getattr(initializers, name)(**CONFIGS[name])
    assert made.get_config() == CONFIGS[name]
    for again in (made.clone(), initializers.deserialize(initializers.serialize(made))):
        assert type(again) is type(made)
        np.testing.assert_array_equal(again((3, 4)).numpy(), made((3, 4)).numpy())
    assert type(initializers.get(config.snake_case(name))) is type(initializers.get(name)) is type(made)
    assert type(initializers.get({"class_name": name, "config": CONFIGS[name]})) is type(made)


def test_a_clone_without_a_seed_draws_another_one():
    made = initializers.GlorotUniform()
    assert made.clone().seed != made.seed


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
            "[initializers] `glorot` is not known: it must be one of constant, zeros, ones, identity, "
            "random_uniform, random_normal, truncated_normal, variance_scaling, glorot_uniform, glorot_normal, "
            "he_uniform, he_normal, lecun_uniform, lecun_normal, orthogonal.",
        ),
        (
            lambda: initializers.get(3),
            TypeError,
            "[initializers] `identifier` is 3: it must be None, a name or a callable.",
        ),
        (
            lambda: initializers.GlorotUniform(seed=1.5),
            ValueError,
            "[GlorotUniform] `seed` is 1.5: it must be an integer, a SeedGenerator or None.",
        ),
        (
            lambda: initializers.GlorotUniform(seed=-(2**70)),
            ValueError,
            f"[GlorotUniform] `seed` is {-(2**70)}: it must be in [-2**63, 2**63).",
        ),
        (
            lambda: initializers.RandomUniform(seed=2**70),
            ValueError,
            f"[RandomUniform] `seed` is {2**70}: it must be in [-2**63, 2**63).",
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
        (
            lambda: initializers.VarianceScaling(scale=0),
            ValueError,
            "[VarianceScaling] Argument `scale` must be positive float. It is 0.",
        ),
        (
            lambda: initializers.VarianceScaling(mode="fan"),
            ValueError,
            "[VarianceScaling] Invalid `mode` argument: 'fan'. It must be one of 'fan_in', 'fan_out', 'fan_avg'.",
        ),
        (
            lambda: initializers.VarianceScaling(distribution="gamma"),
            ValueError,
            "[VarianceScaling] Invalid `distribution` argument: 'gamma'. It must be one of 'uniform', "
            "'truncated_normal', 'untruncated_normal'.",
        ),
        (
            lambda: initializers.Constant([1.0, 2.0])((2, 3)),
            ValueError,
            "[Constant] `value` has shape (2,) but `shape` is (2, 3): it must broadcast to it.",
        ),
        (lambda: initializers.Identity()((2,)), ValueError, "[Identity] `shape` is (2,): it must have two axes."),
        (
            lambda: initializers.Orthogonal()((2,)),
            ValueError,
            "[Orthogonal] `shape` is (2,): it must have at least two axes.",
        ),
        (
            lambda: initializers.get(np.ones(3))((2, 2)),
            ValueError,
            "[initializers] Expected `shape` to be (3,), that of the array. It is (2, 2).",
        ),
        (
            lambda: random.SeedGenerator(seed="a"),
            ValueError,
            "[SeedGenerator] `seed` is 'a': it must be an integer or None.",
        ),
        (
            lambda: random.normal((2,), seed=0.5),
            ValueError,
            "[normal] `seed` is 0.5: it must be an integer, a SeedGenerator or None.",
        ),
        (lambda: random.normal((2,), stddev="a"), TypeError, "[normal] `stddev` is 'a': it must be a number."),
        (lambda: random.uniform((2,), minval="a"), TypeError, "[uniform] `minval` is 'a': it must be a number."),
        (
            lambda: random.uniform((2,), dtype="int32"),
            ValueError,
            "[uniform] `dtype` is 'int32': it must be 'float32' or 'float64'.",
        ),
        (lambda: random.randint((2,), 0.0, 1), TypeError, "[randint] `minval` is 0.0: it must be an integer."),
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
