"""Penalties on weights and outputs by Keras' names: scalars that `fit` adds to the loss."""

from __future__ import annotations

import math

from densegrad import _core
from densegrad._core import Tensor
from densegrad.saving import Names

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

_names = Names("regularizers")


@_names.register(path="keras.Regularizer")
class Regularizer:
    """Base of regularizers: a callable on a tensor that returns a scalar; 0 in this class.

    Source: Keras `regularizers.Regularizer`.
    """

    def __call__(self, x):
        """Return the penalty of `x`, a scalar."""
        return 0.0

    @classmethod
    def from_config(cls, config):
        """Return a new regularizer from what `get_config` returned."""
        return cls(**config)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `get_config(self)`.")


def validate_float_arg(value, name):
    """Return `value` as a float, or raise ValueError if it is not a finite number >= 0; `name` is for the message.

    Source: Keras `regularizers.validate_float_arg`.
    """
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"[regularizers] `{name}` is {value!r}: expected a non-negative float.")
    return float(value)


def _tensor(x):
    return x if isinstance(x, Tensor) else _core.convert(x)


@_names.register()
class L1(Regularizer):
    """l1 sum |x|, derivative l1 sign(x), 0 at 0.

    Args:
        l1: non-negative float; None means 0.01.

    Raises:
        ValueError: for any other `l1`.

    Source: Keras `regularizers.L1`.
    """

    def __init__(self, l1=0.01):
        self.l1 = validate_float_arg(0.01 if l1 is None else l1, "l1")

    def __call__(self, x):
        return _core.multiply(_core.sum(_core.abs(_tensor(x))), self.l1)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"l1": self.l1}


@_names.register()
class L2(Regularizer):
    """l2 sum x^2, derivative 2 l2 x.

    Args:
        l2: non-negative float; None means 0.01.

    Raises:
        ValueError: for any other `l2`.

    Source: Keras `regularizers.L2`.
    """

    def __init__(self, l2=0.01):
        self.l2 = validate_float_arg(0.01 if l2 is None else l2, "l2")

    def __call__(self, x):
        return _core.multiply(_core.sum(_core.square(_tensor(x))), self.l2)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"l2": self.l2}


@_names.register()
class L1L2(Regularizer):
    """l1 sum |x| + l2 sum x^2.

    Args:
        l1, l2: non-negative floats; None means 0.

    Raises:
        ValueError: for any other `l1` or `l2`.

    Source: Keras `regularizers.L1L2`.
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = validate_float_arg(0.0 if l1 is None else l1, "l1")
        self.l2 = validate_float_arg(0.0 if l2 is None else l2, "l2")

    def __call__(self, x):
        x = _tensor(x)
        # A factor of 0 leaves its term out: 0 times the penalty of an infinite weight would be NaN.
        terms = [kind(factor)(x) for kind, factor in ((L1, self.l1), (L2, self.l2)) if factor]
        return _core.add(*terms) if len(terms) == 2 else terms[0] if terms else _core.constant(0.0, x.dtype)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"l1": self.l1, "l2": self.l2}


@_names.register()
class OrthogonalRegularizer(Regularizer):
    """factor times the mean of |cos| of the angles between any two rows (or columns) of a matrix.

    Args:
        factor: non-negative float.
        mode: "rows" or "columns".

    Raises:
        ValueError: for any other `factor` or `mode`; when called, if the input has not two axes.

    Source: Keras `regularizers.OrthogonalRegularizer`.
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = validate_float_arg(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(
                f"[OrthogonalRegularizer] Invalid value for argument `mode`: {mode!r}. Expected 'rows' or 'columns'."
            )
        self.mode = mode

    def __call__(self, inputs):
        from densegrad import ops

        x = _tensor(inputs)
        if x.ndim != 2:
            raise ValueError(f"[OrthogonalRegularizer] `inputs` has shape {tuple(x.shape)}: it must have rank 2.")
        rows = self.mode == "rows"
        x = ops.normalize(x, axis=1 if rows else 0)
        size = x.shape[0 if rows else 1]
        cosines = _core.matmul(x, x, transpose_a=not rows, transpose_b=rows)
        between = _core.where(ops.eye(size, dtype="bool"), 0.0, _core.abs(cosines))
        pairs = size * (size - 1) / 2
        return _core.divide(_core.multiply(_core.sum(between), self.factor * 0.5), pairs)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


get, serialize, deserialize = _names.functions(
    "regularizer", "a name, a config, a `Regularizer` (or a subclass), a callable on a tensor", "l2"
)
