"""Initial values of weights by Keras' names; the same seed gives the same values as Keras, bit for bit."""

from __future__ import annotations

import math

import numpy as np

from densegrad import _core, config, random

__all__ = [
    "Constant",
    "GlorotUniform",
    "Initializer",
    "Ones",
    "RandomUniform",
    "Zeros",
    "constant",
    "get",
    "glorot_uniform",
    "ones",
    "random_uniform",
    "zeros",
]


class Initializer:
    """Base of initializers: a callable `(shape, dtype=None) -> tensor` that returns the same values at every call.

    Source: Keras `initializers.Initializer`.
    """

    def __call__(self, shape, dtype=None):
        """Return a tensor of `shape` and `dtype` (None: `floatx()`)."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `__call__(self, shape, dtype=None)`.")


class Constant(Initializer):
    """Every entry is `value`.

    Source: Keras `initializers.Constant`.
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return _core.constant(np.full(_shape(self, shape), self.value, dtype or config.floatx()))


class Zeros(Constant):
    """Every entry is 0. Source: Keras `initializers.Zeros`."""

    def __init__(self):
        super().__init__(0)


class Ones(Constant):
    """Every entry is 1. Source: Keras `initializers.Ones`."""

    def __init__(self):
        super().__init__(1)


class _Seeded(Initializer):
    def __init__(self, seed=None):
        if seed is not None and not config.is_integer(seed):
            raise ValueError(f"[{type(self).__name__}] `seed` is {seed!r}: it must be an integer or None.")
        if seed is not None and not 0 <= seed < 2**64:
            raise ValueError(f"[{type(self).__name__}] `seed` is {seed!r}: it must be in [0, 2**64).")
        self.seed = random.make_seed() if seed is None else int(seed)

    def _uniform(self, shape, dtype, minval, maxval):
        dtype = config.float_dtype(dtype, type(self).__name__)
        # Keras hands the limits to the generator as float32, for float64 weights too.
        minval, maxval = float(np.float32(minval)), float(np.float32(maxval))
        return _core.random_uniform(_shape(self, shape), minval, maxval, self.seed, dtype)


class RandomUniform(_Seeded):
    """Uniform on [minval, maxval).

    Args:
        minval, maxval: floats.
        seed: integer; None draws one from densegrad's generator now, so that two initializers differ.

    Source: Keras `initializers.RandomUniform`.
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape, dtype=None):
        return self._uniform(shape, dtype, self.minval, self.maxval)


class GlorotUniform(_Seeded):
    """Uniform on [-L, L) with L = sqrt(6 / (fan_in + fan_out)), for a kernel of shape (fan_in, fan_out).

    Args:
        seed: integer; None draws one from densegrad's generator now, so that two initializers differ.

    Source: Glorot and Bengio (2010); Keras `initializers.GlorotUniform`.
    """

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = _fans(_shape(self, shape))
        # Keras' order of operations: the last bit of the limit decides the last bit of every weight.
        limit = math.sqrt(3.0 * (1.0 / max(1.0, (fan_in + fan_out) / 2.0)))
        return self._uniform(shape, dtype, -limit, limit)


def _shape(initializer, shape) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or not all(config.is_integer(n) and n >= 0 for n in shape):
        name = type(initializer).__name__
        raise ValueError(f"[{name}] `shape` is {shape!r}: it must be a tuple of non-negative integers, such as (3,).")
    return tuple(shape)


def _fans(shape) -> tuple[int, int]:
    if len(shape) < 2:
        size = shape[0] if len(shape) else 1
        return size, size
    receptive = math.prod(shape[:-2])
    return shape[-2] * receptive, shape[-1] * receptive


zeros = Zeros
ones = Ones
constant = Constant
random_uniform = RandomUniform
glorot_uniform = GlorotUniform
_CLASSES = (Zeros, Ones, Constant, RandomUniform, GlorotUniform)
_BY_NAME = {config.snake_case(c.__name__): c for c in _CLASSES} | {c.__name__: c for c in _CLASSES}


def get(identifier):
    """Return the initializer that `identifier` means.

    Args:
        identifier: a name such as `"glorot_uniform"`, an `Initializer` (or a subclass), a callable
            `(shape, dtype) -> array`, or None, which stays None.

    Returns:
        A callable, or None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `initializers.get`.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        if identifier not in _BY_NAME:
            known = ", ".join(name for name in _BY_NAME if name.islower())
            raise ValueError(f"[initializers] `{identifier}` is not known: it must be one of {known}.")
        return _BY_NAME[identifier]()
    if isinstance(identifier, type):
        return identifier()
    if not callable(identifier):
        raise TypeError(f"[initializers] `identifier` is {identifier!r}: it must be a name or a callable.")
    return identifier
