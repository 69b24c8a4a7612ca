"""Elementwise operations, with NumPy's broadcasting."""

from densegrad import _core, config
from densegrad.ops._arguments import together


def add(x1, x2):
    """x1 + x2, entry by entry.

    Gradient: d/dx1 = 1, d/dx2 = 1.
    """
    return _core.add(x1, x2)


def subtract(x1, x2):
    """x1 - x2, entry by entry.

    Gradient: d/dx1 = 1, d/dx2 = -1.
    """
    return _core.subtract(x1, x2)


def multiply(x1, x2):
    """x1 * x2, entry by entry.

    Gradient: d/dx1 = x2, d/dx2 = x1.
    """
    return _core.multiply(x1, x2)


def divide(x1, x2):
    """x1 / x2, entry by entry; division by zero gives inf or NaN. Of integers it is a `floatx()`.

    Gradient: d/dx1 = 1 / x2, d/dx2 = -x1 / x2**2.
    """
    if not any(map(_is_float, (x1, x2))):
        x1, x2 = (_core.cast(x, config.floatx()) for x in together("divide", x1, x2))
    return _core.divide(x1, x2)


def _is_float(x):
    kind = getattr(getattr(x, "dtype", None), "kind", None)
    return kind == "f" if kind else not isinstance(x, int)


def power(x1, x2):
    """x1 ** x2, entry by entry.

    Gradient: d/dx1 = x2 * x1**(x2 - 1), d/dx2 = x1**x2 * log(x1) for x1 > 0, else 0.
    """
    return _core.power(x1, x2)


def floor_divide(x1, x2):
    """floor(x1 / x2), entry by entry, in the dtype of the operands.

    Gradient: None.

    Raises: ZeroDivisionError if an integer x2 is zero.

    Source: Keras `ops.floor_divide`.
    """
    return _core.floor_divide(x1, x2)


def mod(x1, x2):
    """The remainder x1 - floor(x1 / x2) x2, entry by entry; it has the sign of x2, and is NaN where a float x2 is zero.

    Gradient: d/dx1 = 1, d/dx2 = -floor(x1 / x2).

    Raises: ZeroDivisionError if an integer x2 is zero.

    Source: Keras `ops.mod`.
    """
    return _core.mod(x1, x2)


def maximum(x1, x2):
    """The larger of x1 and x2, entry by entry; NaN if either is.

    Gradient: ties go to x1; a NaN sends the gradient to x2.
    """
    return _core.maximum(x1, x2)


def minimum(x1, x2):
    """The smaller of x1 and x2, entry by entry; NaN if either is.

    Gradient: ties go to x1; a NaN sends the gradient to x2.
    """
    return _core.minimum(x1, x2)


def negative(x):
    """-x.

    Gradient: d/dx = -1.
    """
    return _core.negative(x)


def square(x):
    """x * x.

    Gradient: d/dx = 2 x.
    """
    return _core.square(x)


def sqrt(x):
    """The square root of x; NaN for x < 0.

    Gradient: d/dx = 1 / (2 sqrt(x)); a zero cotangent stays zero at x = 0.
    """
    return _core.sqrt(x)


def exp(x):
    """e ** x.

    Gradient: d/dx = exp(x).
    """
    return _core.exp(x)


def expm1(x):
    """exp(x) - 1, exact for small x.

    Gradient: d/dx = exp(x).
    """
    return _core.expm1(x)


def log(x):
    """The natural logarithm of x; -inf at 0, NaN for x < 0.

    Gradient: d/dx = 1 / x.
    """
    return _core.log(x)


def log1p(x):
    """log(1 + x), exact for small x.

    Gradient: d/dx = 1 / (1 + x).
    """
    return _core.log1p(x)


def abs(x):
    """The absolute value of x.

    Gradient: d/dx = sign(x), 0 at 0.
    """
    return _core.abs(x)


def sign(x):
    """-1, 0 or 1 by the sign of x; NaN for NaN.

    Gradient: zero.
    """
    return _core.sign(x)


def floor(x):
    """The largest whole number that is not above x.

    Gradient: None.
    """
    return _core.floor(x)


def ceil(x):
    """The smallest whole number that is not below x.

    Gradient: None.
    """
    return _core.ceil(x)


def round(x):
    """The nearest whole number; halves go to the even one.

    Gradient: None.
    """
    return _core.round(x)


def greater(x1, x2):
    """x1 > x2, entry by entry, as bool."""
    return _core.greater(x1, x2)


def greater_equal(x1, x2):
    """x1 >= x2, entry by entry, as bool."""
    return _core.greater_equal(x1, x2)


def less(x1, x2):
    """x1 < x2, entry by entry, as bool."""
    return _core.less(x1, x2)


def less_equal(x1, x2):
    """x1 <= x2, entry by entry, as bool."""
    return _core.less_equal(x1, x2)


def equal(x1, x2):
    """x1 == x2, entry by entry, as bool."""
    return _core.equal(x1, x2)


def not_equal(x1, x2):
    """x1 != x2, entry by entry, as bool."""
    return _core.not_equal(x1, x2)


def where(condition, x1, x2):
    """x1 where the bool `condition` holds, else x2.

    Gradient: masked to each branch.
    """
    return _core.where(condition, x1, x2)


def clip(x, x_min, x_max):
    """min(max(x, x_min), x_max), with Python numbers as bounds.

    Gradient: 1 on [x_min, x_max], ends included, 0 outside.
    """
    return _core.clip(x, x_min, x_max)


def cast(x, dtype):
    """x in another dtype.

    Gradient: cast back; None through an integer dtype.
    """
    return _core.cast(x, dtype)
