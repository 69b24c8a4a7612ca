"""Linear algebra on the matrices in the last two axes; leading axes are batches."""

from typing import NamedTuple

import numpy as np

from densegrad import _core
from densegrad._core import Tensor
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import together
from densegrad.ops.selecting import diagonal
from densegrad.ops.shaping import flip, swapaxes

__all__ = ["cholesky", "det", "eigh", "eigvalsh", "inv", "logdet", "slogdet", "solve", "solve_triangular", "svdvals"]


class SlogDet(NamedTuple):
    """The result of `slogdet`, by TensorFlow's names."""

    sign: Tensor
    log_abs_determinant: Tensor


class Eigh(NamedTuple):
    """The result of `eigh`, by NumPy's names."""

    eigenvalues: Tensor
    eigenvectors: Tensor


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


def solve_triangular(a, b, lower=False):
    """The x with t @ x = b, for t the upper triangle of a, or the lower one.

    Args: `a`, `b`: as for `solve`.   `lower`: which triangle is read.

    Gradient: that of `solve`; 0 for the other triangle.

    Raises: ValueError if the shapes do not fit, or an entry of the diagonal is 0.

    Source: Keras `ops.solve_triangular`.
    """
    a, b = together("solve_triangular", a, b)
    n = a.shape[-1] if a.ndim else 0
    mask = np.tri(n, dtype=bool)
    return solve(_core.where(mask if lower else mask.T, a, 0), b)


def eigh(a):
    """The eigenvalues of symmetric matrices in ascending order, and the eigenvectors in columns: a @ v = v * w.

    Only the lower triangles are read. The sign of an eigenvector is arbitrary: what is computed from it should not
    depend on it.

    Gradient: that of a symmetric a, itself symmetric: v (diag(dw) + v^T dv / (w_k - w_i)) v^T. Pairs of equal values
        count as 0 in the second term, which is right for what does not depend on the choice of their eigenvectors.

    Returns: `(eigenvalues, eigenvectors)`, of shapes (..., m) and (..., m, m).

    Source: Keras `ops.eigh`.
    """
    return Eigh(*_core.eigh(a))


def eigvalsh(a):
    """The eigenvalues of symmetric matrices in ascending order; only the lower triangles are read.

    Gradient: v_k v_k^T for eigenvalue k, with its eigenvector v_k.

    Source: NumPy `linalg.eigvalsh`.
    """
    return _core.eigh(a)[0]


def svdvals(a):
    """The singular values of matrices in descending order: of a (..., m, n) the smaller of m and n.

    They are the largest eigenvalues of [[0, a], [a^T, 0]], which, unlike those of a^T a, are as exact as a is.

    Gradient: u_k v_k^T for value k, with its singular vectors u_k and v_k.

    Source: NumPy `linalg.svdvals`.
    """
    a = _core.convert(a)
    if a.ndim < 2:
        raise InvalidArgumentError(f"[svdvals] `a` has shape {a.shape}: it must have at least 2 axes, (..., m, n).")
    m, n = a.shape[-2:]
    batch = [(0, 0)] * (a.ndim - 1)
    above, below = _core.pad(a, [*batch, (m, 0)]), _core.pad(swapaxes(a, -1, -2), [*batch, (0, n)])
    values = flip(eigvalsh(_core.concatenate([above, below], -2)), -1)
    return _core.maximum(values[..., : min(m, n)], 0)
