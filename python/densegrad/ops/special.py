"""The error function, the gamma function, and what inverts or differentiates them, entry by entry."""

from densegrad import _core

__all__ = ["digamma", "erf", "erfc", "erfcinv", "erfinv", "lgamma", "polygamma"]


def erf(x):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Gradient: d/dx = 2 / sqrt(pi) exp(-x^2).
    """
    return _core.erf(x)


def erfc(x):
    """1 - erf(x), exact for large x.

    Gradient: d/dx = -2 / sqrt(pi) exp(-x^2).
    """
    return _core.erfc(x)


def erfinv(x):
    """The y with erf(y) = x: infinite at -1 and 1, NaN beyond.

    Gradient: d/dx = sqrt(pi) / 2 exp(y^2).
    """
    return _core.erfinv(x)


def erfcinv(x):
    """The y with erfc(y) = x, exact for small x: infinite at 0 and 2, NaN beyond.

    Gradient: d/dx = -sqrt(pi) / 2 exp(y^2).
    """
    return _core.erfcinv(x)


def lgamma(x):
    """log |gamma(x)|; infinite at 0, -1, -2, ...

    Gradient: d/dx = digamma(x).
    """
    return _core.lgamma(x)


def digamma(x):
    """psi(x), the derivative of log gamma(x); NaN at 0, -1, -2, ...

    Gradient: d/dx = polygamma(1, x).
    """
    return _core.digamma(x)


def polygamma(n, x):
    """The derivative of digamma(x) of order n, for n = 0, 1, 2, ...; NaN for other n.

    Gradient: d/dx = polygamma(n + 1, x); None for n.
    """
    return _core.polygamma(n, x)
