"""Elementwise operations and normalisations that are made of others."""

import math

from densegrad import _core, config
from densegrad.config import is_integer
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import tensor, together
from densegrad.ops.statistics import norm

__all__ = [
    "divide_no_nan",
    "l2_normalize",
    "log2",
    "log10",
    "logaddexp",
    "normalize",
    "reciprocal",
    "rsqrt",
    "squared_difference",
]


def reciprocal(x):
    """1 / x.

    Gradient: d/dx = -1 / x**2.
    """
    return 1 / tensor(x)


def rsqrt(x):
    """1 / sqrt(x).

    Gradient: d/dx = -1 / (2 x sqrt(x)).
    """
    return 1 / _core.sqrt(x)


def log2(x):
    """The logarithm of x to base 2.

    Gradient: d/dx = 1 / (x log 2).
    """
    return _core.log(x) * (1 / math.log(2))


def log10(x):
    """The logarithm of x to base 10.

    Gradient: d/dx = 1 / (x log 10).
    """
    return _core.log(x) * (1 / math.log(10))


def squared_difference(x1, x2):
    """(x1 - x2)**2, entry by entry.

    Gradient: d/dx1 = 2 (x1 - x2), d/dx2 = -2 (x1 - x2).
    """
    return _core.square(_core.subtract(x1, x2))


def divide_no_nan(x1, x2):
    """x1 / x2, entry by entry, 0 where x2 is 0.

    Gradient: as of `divide`, 0 where x2 is 0.
    """
    x1, x2 = together("divide_no_nan", x1, x2)
    zero = x2 == 0
    return _core.where(zero, 0, x1 / _core.where(zero, 1, x2))


def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), entry by entry, finite where the exponentials are not.

    Gradient: the softmax of x1 and x2.
    """
    x1, x2 = together("logaddexp", x1, x2)
    high = _core.stop_gradient(_core.where(_core.equal(x1, x2), x1, _core.maximum(x1, x2)))
    finite = _core.where(_core.abs(high) < float("inf"), high, 0)
    return finite + _core.log(_core.exp(x1 - finite) + _core.exp(x2 - finite))


def l2_normalize(x, axis=None, epsilon=1e-12):
    """x / sqrt(max(sum(x**2), epsilon)) over `axis`, all axes if None.

    Gradient: 1 / sqrt(epsilon) at 0.

    Source: TensorFlow `math.l2_normalize`.
    """
    x = tensor(x)
    return x * rsqrt(_core.maximum(_core.sum(_core.square(x), axis, True), epsilon))


def normalize(x, axis=-1, order=2, epsilon=None):
    """x / max(norm(x), epsilon) over `axis`.

    Args: `order`: of the norm, a positive integer.   `epsilon`: `config.epsilon()` if None.

    Gradient: 1 / epsilon at 0.

    Source: Keras `ops.normalize`.
    """
    if not is_integer(order) or order < 1:
        raise InvalidArgumentError(f"[normalize] `order` is {order!r}: it must be a positive integer.")
    x = tensor(x)
    x = x if x.ndim else _core.reshape(x, 1)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        return x * _core.minimum(rsqrt(_core.sum(_core.square(x), axis, True)), 1 / epsilon)
    return x / _core.maximum(norm(x, order, axis, True), epsilon)
