"""Initial values of weights by Keras' names; the same seed gives the same values as Keras, bit for bit."""

from __future__ import annotations

import math

import numpy as np

from densegrad import _core, config, random
from densegrad.saving import Names, deserialize_keras_object, serialize_keras_object

_names = Names("initializers")

__all__ = [
    "Constant",
    "GlorotUniform",
    "Initializer",
    "Ones",
    "RandomUniform",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_uniform",
    "ones",
    "random_uniform",
    "serialize",
    "zeros",
]


@_names.register(path="keras.Initializer")
class Initializer:
    """Base of initializers: a callable `(shape, dtype=None) -> tensor` that returns the same values at every call.

    Source: Keras `initializers.Initializer`.
    """

    def __call__(self, shape, dtype=None):
        """Return a tensor of `shape` and `dtype` (None: `floatx()`)."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `__call__(self, shape, dtype=None)`.")

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Return a new initializer from what `get_config` returned."""
        return cls(**config)

    def clone(self):
        """Return a new initializer of the same config; without a seed it draws one of its own."""
        return type(self).from_config(self.get_config())


@_names.register()
class Constant(Initializer):
    """Every entry is `value`.

    Source: Keras `initializers.Constant`.
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return _full(self, shape, self.value, dtype)

    def get_config(self):
        """Return `value` as a plain value."""
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        """Return a new initializer from what `get_config` returned."""
        return cls(deserialize_keras_object(config["value"]))


@_names.register("zero")
class Zeros(Initializer):
    """Every entry is 0. Source: Keras `initializers.Zeros`."""

    def __call__(self, shape, dtype=None):
        return _full(self, shape, 0, dtype)


@_names.register("one")
class Ones(Initializer):
    """Every entry is 1. Source: Keras `initializers.Ones`."""

    def __call__(self, shape, dtype=None):
        return _full(self, shape, 1, dtype)


def _full(initializer, shape, value, dtype):
    return _core.constant(np.full(_shape(initializer, shape), value, dtype or config.floatx()))


class _Seeded(Initializer):
    def __init__(self, seed=None):
        if seed is not None and not config.is_integer(seed):
            raise ValueError(f"[{type(self).__name__}] `seed` is {seed!r}: it must be an integer or None.")
        if seed is not None and not 0 <= seed < 2**64:
            raise ValueError(f"[{type(self).__name__}] `seed` is {seed!r}: it must be in [0, 2**64).")
        self._init_seed = seed
        self.seed = random.make_seed() if seed is None else int(seed)

    def get_config(self):
        """Return the arguments of the constructor as plain values; a seed that was drawn is none of them."""
        return {"seed": self._init_seed}

    def _uniform(self, shape, dtype, minval, maxval):
        dtype = config.float_dtype(dtype, type(self).__name__)
        # Keras hands the limits to the generator as float32, for float64 weights too.
        minval, maxval = float(np.float32(minval)), float(np.float32(maxval))
        return _core.random_uniform(_shape(self, shape), minval, maxval, self.seed, dtype)


@_names.register("uniform")
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

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


@_names.register()
class GlorotUniform(_Seeded):
    """Uniform on [-L, L) with L = sqrt(6 / (fan_in + fan_out)), for a kernel of shape (fan_in, fan_out).

    Args:
        seed: integer; None draws one from densegrad's generator now, so that two initializers differ.
        input_axes, output_axes: the axes whose sizes make up fan_in and fan_out, for kernels of other layouts.

    Source: Glorot and Bengio (2010); Keras `initializers.GlorotUniform`.
    """

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(seed)
        self.input_axes = input_axes
        self.output_axes = output_axes

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {**super().get_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = _fans(_shape(self, shape), self.input_axes, self.output_axes)
        # Keras' order of operations: the last bit of the limit decides the last bit of every weight.
        limit = math.sqrt(3.0 * (1.0 / max(1.0, (fan_in + fan_out) / 2.0)))
        return self._uniform(shape, dtype, -limit, limit)


def _shape(initializer, shape) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or not all(config.is_integer(n) and n >= 0 for n in shape):
        name = type(initializer).__name__
        raise ValueError(f"[{name}] `shape` is {shape!r}: it must be a tuple of non-negative integers, such as (3,).")
    return tuple(shape)


def _fans(shape, input_axes=None, output_axes=None) -> tuple[int, int]:
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
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
    return _names.get(identifier)


def serialize(initializer):
    """Return the config of `initializer` with its class. Source: Keras `initializers.serialize`."""
    return serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """Return the initializer that a name or a config means.

    Args:
        config: a name such as "zeros", or a dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.

    Raises:
        ValueError: for an unknown name.

    Source: Keras `initializers.deserialize`.
    """
    return _names.deserialize(config, custom_objects)
