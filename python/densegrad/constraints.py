"""What weights must satisfy, by Keras' names: an optimizer replaces each weight by what its constraint returns."""

from __future__ import annotations

from densegrad import _core, config
from densegrad._core import Tensor
from densegrad.saving import Names

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

_names = Names("constraints")


@_names.register(path="keras.constraints.Constraint")
class Constraint:
    """Base of constraints: a callable from the weight after a step to the weight to keep; the same one in this class.

    Source: Keras `constraints.Constraint`.
    """

    def __call__(self, w):
        """Return the weight to keep."""
        return w

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Return a new constraint from what `get_config` returned."""
        return cls(**config)


def _norms(w, axis):
    return _core.sqrt(_core.sum(_core.square(w), axis=axis, keepdims=True))


def _scaled(w, desired, norms):
    return _core.multiply(w, _core.divide(desired, _core.add(norms, config.epsilon())))


def _tensor(w):
    return w if isinstance(w, Tensor) else _core.convert(w)


@_names.register()
class MaxNorm(Constraint):
    """w min(|w|, max_value) / (|w| + epsilon), with the Euclidean norm over `axis`.

    Args:
        max_value: float, the largest norm.
        axis: int or tuple; 0 for a dense kernel means the weights of one unit.

    Source: Srivastava et al. (2014); Keras `constraints.MaxNorm`.
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        w = _tensor(w)
        norms = _norms(w, self.axis)
        return _scaled(w, _core.clip(norms, 0.0, self.max_value), norms)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"max_value": self.max_value, "axis": self.axis}


@_names.register()
class NonNeg(Constraint):
    """max(w, 0). Source: Keras `constraints.NonNeg`."""

    def __call__(self, w):
        return _core.maximum(_tensor(w), 0.0)


@_names.register()
class UnitNorm(Constraint):
    """w / (|w| + epsilon), with the Euclidean norm over `axis`.

    Args:
        axis: int or tuple; 0 for a dense kernel means the weights of one unit.

    Source: Keras `constraints.UnitNorm`.
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        w = _tensor(w)
        return _core.divide(w, _core.add(_norms(w, self.axis), config.epsilon()))

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"axis": self.axis}


@_names.register()
class MinMaxNorm(Constraint):
    """w d / (|w| + epsilon) with d = rate clip(|w|, min_value, max_value) + (1 - rate) |w|, norms over `axis`.

    Args:
        min_value, max_value: floats, the bounds of the norm.
        rate: float in [0, 1]: how much of the way to the bounds a step goes.
        axis: int or tuple; 0 for a dense kernel means the weights of one unit.

    Source: Keras `constraints.MinMaxNorm`.
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        w = _tensor(w)
        norms = _norms(w, self.axis)
        bounded = _core.multiply(_core.clip(norms, self.min_value, self.max_value), self.rate)
        return _scaled(w, _core.add(bounded, _core.multiply(norms, 1 - self.rate)), norms)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


get, serialize, deserialize = _names.functions(
    "constraint", "a name, a config, a `Constraint` (or a subclass), a callable on a tensor", "non_neg"
)
