"""Truth values, entry by entry: logical operations and tests of numbers. None has a gradient."""

import numpy as np

from densegrad import _core
from densegrad.ops._arguments import tensor

__all__ = ["isfinite", "isinf", "isnan", "logical_and", "logical_not", "logical_or", "logical_xor"]


def logical_and(x1, x2):
    """Whether x1 and x2 are true (not zero), entry by entry."""
    return _core.where(_core.cast(x1, "bool"), _core.cast(x2, "bool"), False)


def logical_or(x1, x2):
    """Whether x1 or x2 is true (not zero), entry by entry."""
    return _core.where(_core.cast(x1, "bool"), True, _core.cast(x2, "bool"))


def logical_xor(x1, x2):
    """Whether exactly one of x1 and x2 is true (not zero), entry by entry."""
    return _core.cast(x1, "bool") != _core.cast(x2, "bool")


def logical_not(x):
    """Whether x is false (zero), entry by entry."""
    return _core.where(_core.cast(x, "bool"), False, True)


def isnan(x):
    """Whether x is NaN, entry by entry."""
    x = tensor(x)
    return x != x


def isinf(x):
    """Whether x is inf or -inf, entry by entry."""
    return _core.abs(tensor(x)) == np.inf


def isfinite(x):
    """Whether x is neither infinite nor NaN, entry by entry."""
    return _core.abs(tensor(x)) < np.inf
