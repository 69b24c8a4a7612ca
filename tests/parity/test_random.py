"""Random numbers and initial weights are Keras' for the same seed."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest

keras = pytest.importorskip("keras")
initializers, random = dg.initializers, dg.random

SHAPES = [(7,), (3, 5), (1, 1), (0, 3), (64, 33), (2, 3, 4), (3, 2, 5, 4)]
SEEDS = [1, 686579304, 10**9, -7, 2**31 - 2, 2**40]
UNIFORM = ("RandomUniform", "GlorotUniform", "HeUniform", "LecunUniform")
NORMAL = ("RandomNormal", "TruncatedNormal", "GlorotNormal", "HeNormal", "LecunNormal")
# sin, cos, log and sqrt are the C library's: each is within an ULP, and the angle, up to 2 pi, is rounded before. In
# units of the standard deviation that is below 6 * 2 pi ULP of 1 (2e-6 is what float32 gives), and the numbers may
# have been scaled and shifted since.
ULPS = 40


def close(ours, theirs, stddev):
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=ULPS * np.finfo(ours.dtype).eps * max(1.0, stddev))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_initializers_bit_for_bit(name, shape, dtype, seed):
    ours = getattr(initializers, name)(seed=seed)(shape, dtype)
    theirs = getattr(keras.initializers, name)(seed=seed)(shape, dtype).numpy()
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NORMAL)
def test_normal_initializers(name, shape, dtype, seed):
    ours = getattr(initializers, name)(seed=seed)(shape, dtype).numpy()
    close(ours, getattr(keras.initializers, name)(seed=seed)(shape, dtype).numpy(), 1.0)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["uniform", "normal", "truncated_normal", "untruncated_normal"])
@pytest.mark.parametrize("axes", [{}, {"input_axes": [1], "output_axes": [0, 2]}], ids=["", "axes"])
def test_variance_scaling(mode, distribution, axes):
    arguments = {"scale": 3.0, "mode": mode, "distribution": distribution, "seed": 5, **axes}
    ours = initializers.VarianceScaling(**arguments)((4, 3, 5)).numpy()
    close(ours, keras.initializers.VarianceScaling(**arguments)((4, 3, 5)).numpy(), 1.0)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 3, 4)], ids=str)
def test_orthogonal(shape):
    ours = initializers.Orthogonal(gain=2.0, seed=5)(shape, "float64").numpy()
    theirs = keras.initializers.Orthogonal(gain=2.0, seed=5)(shape, "float64").numpy()
    # Householder's Q is within n^2 roundings of its columns (Higham 19.4), times the condition of the drawn matrix,
    # which is below 1000 here.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2 * 49 * 1000 * 2.0**-53)


@pytest.mark.parametrize(("name", "arguments"), [("Zeros", {}), ("Ones", {}), ("Constant", {"value": 0.75})])
@pytest.mark.parametrize("shape", [(), *SHAPES], ids=str)
def test_constants(name, arguments, shape):
    for dtype in ("float32", "float64"):
        ours = getattr(initializers, name)(**arguments)(shape, dtype).numpy()
        np.testing.assert_array_equal(ours, getattr(keras.initializers, name)(**arguments)(shape, dtype).numpy())


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_identity(gain):
    for dtype in ("float32", "float64"):
        ours = initializers.Identity(gain)((3, 4), dtype).numpy()
        np.testing.assert_array_equal(ours, keras.initializers.Identity(gain)((3, 4), dtype).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_draws_of_a_seed_generator(dtype):
    mine, theirs = random.SeedGenerator(11), keras.random.SeedGenerator(11)
    for ordered in (True, True, False, True):
        np.testing.assert_array_equal(mine.next(ordered).numpy(), theirs.next(ordered).numpy())
    for shape in ((3, 5), (101,)):
        np.testing.assert_array_equal(
            random.uniform(shape, -0.3, 2.0, dtype, mine).numpy(),
            keras.random.uniform(shape, -0.3, 2.0, dtype, theirs).numpy(),
        )
        for name in ("normal", "truncated_normal"):
            ours = getattr(random, name)(shape, 0.5, 3.0, dtype, mine).numpy()
            close(ours, getattr(keras.random, name)(shape, 0.5, 3.0, dtype, theirs).numpy(), 3.0)
        np.testing.assert_array_equal(mine.state.numpy(), theirs.state.numpy())


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(dtype):
    for seed in SEEDS:
        ours = random.randint((101,), -5, 10**9 + 7, dtype, seed).numpy()
        np.testing.assert_array_equal(ours, keras.random.randint((101,), -5, 10**9 + 7, dtype, seed).numpy())


def test_draws_without_a_seed_follow_the_process_seed():
    keras.utils.set_random_seed(21)
    theirs = [
        keras.random.uniform((4,)).numpy(),
        keras.initializers.HeNormal().seed,
        keras.random.uniform((4,)).numpy(),
    ]
    random.set_random_seed(21)
    ours = [random.uniform((4,)).numpy(), initializers.HeNormal().seed, random.uniform((4,)).numpy()]
    for mine, other in zip(ours, theirs):
        np.testing.assert_array_equal(mine, other)
