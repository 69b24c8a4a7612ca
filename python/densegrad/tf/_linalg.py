"""Linear systems by NumPy's LAPACK, with gradients that are linear systems themselves: any order of derivative."""

import numpy as np

from densegrad import _core, ops
from densegrad.tape import custom_gradient


def solve(matrix, rhs, adjoint=False, name=None):
    """The matrices X with matrix X = rhs, or with the transposed matrix if `adjoint`."""
    matrix, rhs = ops._arguments.together(matrix, rhs)
    if (
        matrix.ndim < 2
        or rhs.ndim != matrix.ndim
        or matrix.shape[:-1] != rhs.shape[:-1]
        or (matrix.shape[-1] != matrix.shape[-2])
    ):
        raise ValueError(
            f"[tf.linalg.solve] `matrix` has shape {matrix.shape} and `rhs` {rhs.shape}: they must be (..., m, m) and "
            f"(..., m, k)."
        )
    return _solve(ops.swapaxes(matrix, -1, -2) if adjoint else matrix, rhs)


def inv(input, adjoint=False, name=None):
    """The inverses of the matrices in the last two axes, transposed if `adjoint`."""
    input = _core.convert(input)
    identity = ops.eye(input.shape[-1], dtype=input.dtype)
    return solve(input, ops.broadcast_to(identity, input.shape), adjoint)


@custom_gradient
def _solve(a, b):
    try:
        x = _core.constant(np.linalg.solve(a.numpy(), b.numpy()))
    except np.linalg.LinAlgError as error:
        raise ValueError("[tf.linalg.solve] `matrix` is singular: it must be invertible.") from error

    def grad(dx):
        db = _solve(ops.swapaxes(a, -1, -2), dx)
        return -ops.matmul(db, ops.swapaxes(_solve(a, b), -1, -2)), db

    return x, grad
