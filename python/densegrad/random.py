"""densegrad's own random generator: Python's and NumPy's global generators are neither read nor changed."""

from __future__ import annotations

import random as _python_random

import numpy as np

__all__ = ["set_random_seed"]

# Two streams: shuffling must not move the seeds of later layers, which follow Keras' draw for draw.
_seeds = _python_random.Random()
_shuffles = _python_random.Random()


def set_random_seed(seed: int) -> None:
    """Seed everything random in densegrad: initial weights and the order in which `fit` visits the samples.

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
    _seeds.seed(int(seed))
    _shuffles.seed(f"densegrad shuffle {int(seed)}")


def make_seed() -> int:
    """Return the next seed for an initializer, an integer in [1, 10**9]; Keras `random.make_default_seed`."""
    return _seeds.randint(1, 10**9)


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
