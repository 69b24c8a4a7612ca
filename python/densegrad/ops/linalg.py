"""Linear algebra on the matrices in the last two axes; leading axes are batches."""

from typing import NamedTuple

from densegrad import _core
from densegrad._core import Tensor
from densegrad.ops._arguments import together
from densegrad.ops.selecting import diagonal

__all__ = ["cholesky", "det", "inv", "logdet", "slogdet", "solve"]


class SlogDet(NamedTuple):
    """The result of `slogdet`, by TensorFlow's names."""

    sign: Tensor
    log_abs_determinant: Tensor


def solve(a, b):
    """The x with a @ x = b.

    Args: `a`: (..., m, m).   `b`: (..., m, n), or (..., m) with one axis less than `a`; leading axes broadcast.

    Gradient: to b y = solve(a^T, dx), to a -y @ x^T.

    Raises: ValueError if the shapes do not fit, or a matrix is singular.

    Source: Keras `ops.solve`.
    """
    a, b = together("solve", a, b)
    if b.ndim != a.ndim - 1:
        return _core.solve(a, b)
    return _core.solve(a, b[..., None])[..., 0]


def inv(a):
    """The inverse matrices.

    Gradient: -y^T @ dy @ y^T for y = inv(a).

    Raises: ValueError if a matrix is singular.

    Source: Keras `ops.inv`.
    """
    return _core.inv(a)


def det(a):
    """The determinants.

    Gradient: det(a) inv(a)^T.

    Raises: ValueError, by the gradient, if a matrix is singular.

    Source: Keras `ops.det`.
    """
    return _core.det(a)


def slogdet(a):
    """The signs of the determinants, and the logarithms of their absolute values: 0 and -inf for a singular matrix.

    Gradient: of the logarithm inv(a)^T, of the sign None.

    Source: Keras `ops.slogdet`.
    """
    return SlogDet(*_core.slogdet(a))


def cholesky(a, upper=False):
    """The lower triangular L with L @ L^T = a, or L^T if `upper`; only the lower triangle of a is read.

    Gradient: that of a symmetric a, itself symmetric.

    Raises: ValueError if a matrix is not positive definite.

    Source: Keras `ops.cholesky`.
    """
    y = _core.cholesky(a)
    return _core.transpose(y, [*range(y.ndim - 2), y.ndim - 1, y.ndim - 2]) if upper else y


def logdet(x):
    """The logarithms of the determinants of symmetric positive definite matrices, by their Cholesky factors.

    Gradient: inv(x).

    Raises: ValueError if a matrix is not positive definite.

    Source: Keras `ops.logdet`.
    """
    return 2 * _core.sum(_core.log(diagonal(_core.cholesky(x), 0, -2, -1)), -1)
