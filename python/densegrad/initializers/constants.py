"""Initial values without chance."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config
from densegrad.initializers.base import Initializer, checked_shape, names
from densegrad.saving import deserialize_keras_object, serialize_keras_object


def _full(initializer, shape, value, dtype):
    return _core.constant(np.full(checked_shape(initializer, shape), value, dtype or config.floatx()))


@names.register()
class Constant(Initializer):
    """Every entry is `value`.

    Args:
        value: a number, or an array that broadcasts to the shape.

    Source: Keras `initializers.Constant`.
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        given, wanted = np.shape(self.value), checked_shape(self, shape)
        if len(given) > len(wanted) or any(n not in (1, m) for n, m in zip(given[::-1], wanted[::-1])):
            raise ValueError(f"[Constant] `value` has shape {given} but `shape` is {wanted}: it must broadcast to it.")
        return _full(self, shape, self.value, dtype)

    def get_config(self):
        """Return `value` as a plain value."""
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        """Return a new initializer from what `get_config` returned."""
        return cls(deserialize_keras_object(config["value"]))


@names.register("zero")
class Zeros(Initializer):
    """Every entry is 0. Source: Keras `initializers.Zeros`."""

    def __call__(self, shape, dtype=None):
        return _full(self, shape, 0, dtype)


@names.register("one")
class Ones(Initializer):
    """Every entry is 1. Source: Keras `initializers.Ones`."""

    def __call__(self, shape, dtype=None):
        return _full(self, shape, 1, dtype)


@names.register("IdentityInitializer")
class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Args:
        gain: float.

    Raises:
        ValueError: when called, if `shape` has not two axes.

    Source: Keras `initializers.Identity`.
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(checked_shape(self, shape)) != 2:
            raise ValueError(f"[Identity] `shape` is {tuple(shape)}: it must have two axes.")
        return _core.constant(np.eye(*shape, dtype=dtype or config.floatx()) * self.gain, dtype or config.floatx())

    def get_config(self):
        """Return `gain`, which Keras' own config of this class leaves out."""
        return {"gain": self.gain}
