"""Trigonometric and hyperbolic functions and their inverses, entry by entry."""

from densegrad import _core

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
]


def sin(x):
    """The sine of x, in radians.

    Gradient: d/dx = cos(x).
    """
    return _core.sin(x)


def cos(x):
    """The cosine of x, in radians.

    Gradient: d/dx = -sin(x).
    """
    return _core.cos(x)


def tan(x):
    """The tangent of x, in radians.

    Gradient: d/dx = 1 / cos(x)**2.
    """
    return _core.tan(x)


def arcsin(x):
    """The angle in [-pi/2, pi/2] whose sine is x; NaN for |x| > 1.

    Gradient: d/dx = 1 / sqrt(1 - x**2).
    """
    return _core.arcsin(x)


def arccos(x):
    """The angle in [0, pi] whose cosine is x; NaN for |x| > 1.

    Gradient: d/dx = -1 / sqrt(1 - x**2).
    """
    return _core.arccos(x)


def arctan(x):
    """The angle in [-pi/2, pi/2] whose tangent is x.

    Gradient: d/dx = 1 / (1 + x**2).
    """
    return _core.arctan(x)


def sinh(x):
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    Gradient: d/dx = cosh(x).
    """
    return _core.sinh(x)


def cosh(x):
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    Gradient: d/dx = sinh(x).
    """
    return _core.cosh(x)


def arcsinh(x):
    """The number whose hyperbolic sine is x.

    Gradient: d/dx = 1 / sqrt(x**2 + 1).
    """
    return _core.arcsinh(x)


def arccosh(x):
    """The number >= 0 whose hyperbolic cosine is x; NaN for x < 1.

    Gradient: d/dx = 1 / sqrt(x**2 - 1).
    """
    return _core.arccosh(x)


def arctanh(x):
    """The number whose hyperbolic tangent is x; NaN for |x| > 1.

    Gradient: d/dx = 1 / (1 - x**2).
    """
    return _core.arctanh(x)


def arctan2(x1, x2):
    """The angle in [-pi, pi] from the direction (1, 0) to (x2, x1), entry by entry.

    Gradient: d/dx1 = x2 / (x1**2 + x2**2), d/dx2 = -x1 / (x1**2 + x2**2).
    """
    return _core.arctan2(x1, x2)
