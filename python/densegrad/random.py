"""densegrad's own random generator: Python's and NumPy's global generators are neither read nor changed."""

from __future__ import annotations

import random as _python_random

import numpy as np

from densegrad import _core, config
from densegrad._core import Variable
from densegrad.saving import Names

__all__ = ["SeedGenerator", "normal", "randint", "set_random_seed", "truncated_normal", "uniform"]

_names = Names("random")

# Two streams: shuffling must not move the seeds of later layers, which follow Keras' draw for draw.
_seeds = _python_random.Random()
_shuffles = _python_random.Random()
_default: dict = {}  # the generators of draws without a seed, once there are any


def set_random_seed(seed: int) -> None:
    """Seed everything random in densegrad: initial weights, draws, and the order in which `fit` visits the samples.

    After `set_random_seed(42)` the first `Dense` starts from the weights that Keras gives it after
    `keras.utils.set_random_seed(42)`, bit for bit.

    Args:
        seed: an integer in [0, 2**32).

    Raises:
        TypeError: if `seed` is not an integer.
        ValueError: if it is out of range.

    Source: Keras `utils.set_random_seed`, which also seeds Python and NumPy.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"[set_random_seed] `seed` is {seed!r}: it must be an integer.")
    if not 0 <= seed < 2**32:
        raise ValueError(f"[set_random_seed] `seed` is {seed!r}: it must be in [0, 2**32).")
    _default.clear()
    _seeds.seed(int(seed))
    _shuffles.seed(f"densegrad shuffle {int(seed)}")


def make_seed() -> int:
    """Return the next seed for an initializer, an integer in [1, 10**9]; Keras `random.make_default_seed`."""
    return _seeds.randint(1, 10**9)


def make_seed_apart() -> int:
    """Return a seed like `make_seed`, for draws that are none of Keras'; the seeds of later layers stay."""
    return _shuffles.randint(1, 10**9)


def generator_apart() -> SeedGenerator:
    """Return the generator of draws without a seed that are none of Keras', such as those of `tf.random`."""
    if "apart" not in _default:
        _default["apart"] = SeedGenerator(make_seed_apart())
    return _default["apart"]


@_names.register()
class SeedGenerator:
    """Hands out seeds, another one for every draw; its state is a variable, so that it can be kept with a model.

    Args:
        seed: integer; None draws one from densegrad's generator now.
        name: str; None takes `seed_generator` with a counter.

    Raises:
        ValueError: if `seed` is not an integer.

    Source: Keras `random.SeedGenerator`.
    """

    def __init__(self, seed=None, name=None):
        if seed is not None and not config.is_integer(seed):
            raise ValueError(f"[SeedGenerator] `seed` is {seed!r}: it must be an integer or None.")
        self.name = name or config.auto_name("seed_generator")
        self._initial_seed = seed
        start = make_seed() if seed is None else checked_seed("SeedGenerator", seed)
        self.state = Variable(np.array([start, 0], np.int64), False, "seed_generator_state", "int64")
        self.state.path = f"{self.name}/seed_generator_state"

    def next(self, ordered=True):
        """Return the seed of the next draw, an int64 tensor of shape (2,), and move on.

        Args:
            ordered: whether the seeds are (seed, 0), (seed, 1), ...; otherwise both numbers jump.

        Source: Keras `SeedGenerator.next`.
        """
        with _core.Pause():  # no derivative depends on a draw
            seed = self.state.value
            if ordered:
                self.state.assign_add(np.array([0, 1], np.int64))
            else:
                self.state.assign((seed + 1) * 5387 % 933199)
        return seed

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Return a new generator from what `get_config` returned; it starts anew."""
        return cls(**config)


def checked_seed(tag, seed):
    """Return `seed`, an integer or a `SeedGenerator`, or raise."""
    if isinstance(seed, SeedGenerator):
        return seed
    if not config.is_integer(seed):
        raise ValueError(f"[{tag}] `seed` is {seed!r}: it must be an integer, a SeedGenerator or None.")
    if not -(2**63) <= seed < 2**63:
        raise ValueError(f"[{tag}] `seed` is {seed!r}: it must be in [-2**63, 2**63).")
    return int(seed)


def _seed_for(tag, seed):
    """Return the seed as the core takes it: an integer, or a tensor of it and the number of the draw."""
    if seed is None:
        if "keras" not in _default:
            _default["keras"] = SeedGenerator()
        return _default["keras"].next(ordered=False)
    seed = checked_seed(tag, seed)
    return seed.next() if isinstance(seed, SeedGenerator) else seed


def _draw(tag, numbers, shape, first, second, dtype, seed):
    for name, value in zip(("minval", "maxval") if tag == "uniform" else ("mean", "stddev"), (first, second)):
        if not config.is_number(value):
            raise TypeError(f"[{tag}] `{name}` is {value!r}: it must be a number.")
    dtype = config.float_dtype(dtype, tag)
    return numbers(shape, first, second, _seed_for(tag, seed), dtype)


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Return normal numbers with the given mean and standard deviation.

    Args:
        shape: tuple of ints.
        mean, stddev: floats.
        dtype: "float32", "float64" or None for `floatx()`.
        seed: integer: the same numbers at every call; `SeedGenerator`: its next ones; None: those of densegrad's own.

    Returns:
        A tensor of `shape`.

    Raises:
        TypeError: if `mean` or `stddev` is not a number.
        ValueError: for any other `dtype` or `seed`.

    Source: Box and Muller (1958); Keras `random.normal`.
    """
    return _draw("normal", _core.random_normal, shape, mean, stddev, dtype, seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Return normal numbers, drawn again where they are not within 2 `stddev` of the mean; arguments as `normal`.

    Source: Keras `random.truncated_normal`.
    """
    return _draw("truncated_normal", _core.random_truncated_normal, shape, mean, stddev, dtype, seed)


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Return numbers on [minval, maxval), all equally likely; other arguments as `normal`.

    Source: Keras `random.uniform`.
    """
    # Keras rounds the limits to float32, for float64 numbers too.
    limits = (float(np.float32(v)) if config.is_number(v) else v for v in (minval, maxval))
    return _draw("uniform", _core.random_uniform, shape, *limits, dtype, seed)


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Return integers on [minval, maxval), all equally likely.

    Args:
        shape: tuple of ints.
        minval, maxval: ints.
        dtype: "int32" or "int64".
        seed: as for `normal`.

    Raises:
        TypeError: if a bound is not an integer or `dtype` is no integer.
        ValueError: if `maxval` is not above `minval`.

    Source: Keras `random.randint`.
    """
    for name, value in (("minval", minval), ("maxval", maxval)):
        if not config.is_integer(value):
            raise TypeError(f"[randint] `{name}` is {value!r}: it must be an integer.")
    return _core.random_integers(shape, minval, maxval, _seed_for("randint", seed), dtype)


def permutation(n: int, block: int | None = None) -> np.ndarray:
    """Return a new random order of `n` samples.

    Args:
        n: number of samples.
        block: if given, samples move only inside consecutive blocks of this length.

    Returns:
        int64 array of shape (n,).
    """
    generator = np.random.Generator(np.random.PCG64(_shuffles.getrandbits(128)))
    if block is None:
        return generator.permutation(n)
    order = np.arange(n)
    for start in range(0, n, block):
        generator.shuffle(order[start : start + block])
    return order
