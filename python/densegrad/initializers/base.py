"""`Initializer`, and what all initializers share: their names, the check of shapes, the sizes of a kernel."""

from __future__ import annotations

import math

from densegrad import config
from densegrad.saving import Names

names = Names("initializers")


@names.register(path="keras.Initializer")
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


def checked_shape(initializer, shape) -> tuple[int, ...]:
    """Return `shape` as a tuple, or raise if it is none of non-negative integers."""
    if not isinstance(shape, (tuple, list)) or not all(config.is_integer(n) and n >= 0 for n in shape):
        name = type(initializer).__name__
        raise ValueError(f"[{name}] `shape` is {shape!r}: it must be a tuple of non-negative integers, such as (3,).")
    return tuple(shape)


def fans(shape, input_axes=None, output_axes=None) -> tuple[int, int]:
    """Return how many inputs an entry of the output of this kernel has, and how many outputs an entry of its input."""
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        size = shape[0] if len(shape) else 1
        return size, size
    receptive = math.prod(shape[:-2])
    return shape[-2] * receptive, shape[-1] * receptive
