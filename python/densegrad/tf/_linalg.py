"""TensorFlow's signatures of linear algebra on the matrices in the last two axes."""

import numpy as np

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError


def solve(matrix, rhs, adjoint=False, name=None):
    """The matrices X with matrix X = rhs, or with the transposed matrix if `adjoint`."""
    return _core.solve(matrix, rhs, adjoint)


def inv(input, adjoint=False, name=None):
    """The inverses of the matrices, transposed if `adjoint`."""
    y = ops.inv(input)
    return ops.swapaxes(y, -1, -2) if adjoint else y


def det(input, name=None):
    """The determinants of the matrices."""
    return ops.det(input)


def slogdet(input, name=None):
    """The signs of the determinants, and the logarithms of their absolute values."""
    return ops.slogdet(input)


def logdet(matrix, name=None):
    """The logarithms of the determinants of symmetric positive definite matrices."""
    return ops.logdet(matrix)


def cholesky(input, name=None):
    """The lower triangular factors L of L @ L^T."""
    return ops.cholesky(input)


def eigh(tensor, name=None):
    """The eigenvalues of symmetric matrices in ascending order, and their eigenvectors in columns."""
    return ops.eigh(tensor)


def eigvalsh(tensor, name=None):
    """The eigenvalues of symmetric matrices in ascending order."""
    return ops.eigvalsh(tensor)


def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """The singular values of the matrices in descending order, for `compute_uv=False`: vectors are not computed."""
    if compute_uv:
        raise InvalidArgumentError(
            "[tf.linalg.svd] `compute_uv` is True: only singular values are computed; pass compute_uv=False, or "
            "take the vectors from eigh(matmul(a, a, transpose_a=True))."
        )
    return ops.svdvals(tensor)


def triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
    """The X with T X = rhs, for T a triangle of each matrix, transposed if `adjoint`."""
    matrix = ops.swapaxes(matrix, -1, -2) if adjoint else matrix
    return ops.solve_triangular(matrix, rhs, bool(lower) != bool(adjoint))


def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, name=None):
    """The matrix product of a and b, each transposed if asked."""
    return ops.matmul(a, b, transpose_a or adjoint_a, transpose_b or adjoint_b)


def matvec(a, b, transpose_a=False, adjoint_a=False, name=None):
    """The products of the matrices a and the vectors b in the last axis."""
    return ops.squeeze(ops.matmul(a, _core.convert(b)[..., None], transpose_a or adjoint_a), -1)


def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """a with its last two axes exchanged."""
    return ops.swapaxes(a, -1, -2)


def tensordot(a, b, axes, name=None):
    """The sum of products over pairs of axes."""
    return ops.tensordot(a, b, axes)


def norm(tensor, ord="euclidean", axis=None, keepdims=False, name=None):
    """The norm of a vector or of all entries; of the matrices in two axes."""
    if ord in ("euclidean", "fro"):
        return ops.norm(tensor, None, axis, keepdims)
    if axis is not None:
        return ops.norm(tensor, ord, axis, keepdims)
    tensor = _core.convert(tensor)
    y = ops.norm(ops.ravel(tensor), ord)
    return ops.reshape(y, (1,) * tensor.ndim) if keepdims else y


def diag(diagonal, name="diag", k=0):
    """The square matrices with the vectors of the last axis on their diagonal."""
    x = _core.convert(diagonal)
    return ops.diag(x, k) if x.ndim == 1 or k else ops.where(ops.eye(x.shape[-1]) > 0, x[..., None], 0)


def diag_part(input, name="diag_part", k=0):
    """The diagonals of the matrices in the last two axes."""
    return ops.diagonal(input, k, -2, -1)


def cross(a, b, name=None):
    """The cross products of the vectors of 3 entries in the last axis."""
    a, b = ops._arguments.together("tf.linalg.cross", a, b)
    if a.shape != b.shape or a.ndim < 1 or a.shape[-1] != 3:
        raise InvalidArgumentError(
            f"[tf.linalg.cross] `a` has shape {tuple(a.shape)} and `b` has shape {tuple(b.shape)}: they must be equal, "
            f"and the last axis must have 3 entries."
        )
    following, last = [1, 2, 0], [2, 0, 1]
    a_1, a_2, b_1, b_2 = (ops.take(x, places, -1) for x in (a, b) for places in (following, last))
    return a_1 * b_2 - a_2 * b_1


def set_diag(input, diagonal, name="set_diag", k=0):
    """The matrices with other entries on a diagonal."""
    x, diagonal = ops._arguments.together("tf.linalg.set_diag", input, diagonal)
    rows, columns = (np.arange(n) for n in x.shape[-2:])
    on = np.subtract.outer(rows, columns) == -k
    places = np.minimum.outer(rows, columns)  # the number of an entry on its diagonal
    wide = ops.take(diagonal, np.where(on, places, 0), -1)
    return ops.where(on, wide, x)


def band_part(input, num_lower, num_upper, name=None):
    """The matrices with zeros outside of so many diagonals below and above the main one; -1 keeps all of a side."""
    x, low, up = _core.convert(input), int(num_lower), int(num_upper)
    below = np.subtract.outer(np.arange(x.shape[-2]), np.arange(x.shape[-1]))
    kept = ((low < 0) | (below <= low)) & ((up < 0) | (-below <= up))
    return ops.where(kept, x, _core.constant(0, x.dtype))


def trace(x, name=None):
    """The sums of the diagonals of the matrices in the last two axes."""
    return ops.trace(x, 0, -2, -1)


def tensor_diag(diagonal, name=None):
    """The tensor with the entries of another where its indices occur twice, and 0 elsewhere."""
    x = _core.convert(diagonal)
    return ops.reshape(ops.diag(ops.ravel(x)), (*x.shape, *x.shape))


def tensor_diag_part(input, name=None):
    """The entries of a tensor where the first half of the indices is the second half."""
    x = _core.convert(input)
    shape = x.shape[: x.ndim // 2]
    if x.ndim % 2 or x.shape != shape * 2 or not shape:
        raise InvalidArgumentError(
            f"[tf.linalg.tensor_diag_part] `input` has shape {tuple(x.shape)}: it must be a shape twice over."
        )
    size = int(np.prod(shape))
    return ops.reshape(ops.diagonal(ops.reshape(x, (size, size))), shape)


def adjoint(matrix, name=None):
    """The transposed matrices: numbers are real."""
    return matrix_transpose(matrix)


def normalize(tensor, ord="euclidean", axis=None, name=None):
    """The tensor divided by its norm, and the norm with its axes kept."""
    tensor = _core.convert(tensor)
    size = norm(tensor, ord, axis, keepdims=True)
    return tensor / size, size


def cholesky_solve(chol, rhs, name=None):
    """The X with L L^T X = rhs, for lower triangular L."""
    return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True)


def lstsq(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
    """The X of least |matrix X - rhs|^2 + l2_regularizer |X|^2, by the normal equations; of least |X| if wide.

    Where these have no unique solution, because the rows or columns depend on each other, it raises or is inaccurate.
    """
    a, b = ops._arguments.together("tf.linalg.lstsq", matrix, rhs)
    at, wide = matrix_transpose(a), a.shape[-2] < a.shape[-1]
    gram = ops.matmul(a, at) if wide else ops.matmul(at, a)
    gram = gram + float(l2_regularizer) * ops.eye(gram.shape[-1], dtype=gram.dtype)
    return ops.matmul(at, solve(gram, b)) if wide else solve(gram, ops.matmul(at, b))
