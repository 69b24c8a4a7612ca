"""Operations that choose entries by index or by size."""

from typing import NamedTuple

import numpy as np

from densegrad import _core
from densegrad._core import Tensor
from densegrad.config import is_integer
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import extent, known, one_axis, tensor
from densegrad.ops.shaping import moveaxis

__all__ = ["argsort", "diag", "diagonal", "gather_nd", "sort", "take_along_axis", "top_k", "trace"]


class TopK(NamedTuple):
    """The result of `top_k`."""

    values: Tensor
    indices: Tensor


def _steps(indices, n, stride):
    """indices * stride, with indices checked against n: a row of a table for each."""
    return _core.take(_core.constant(np.arange(n) * stride, "int64"), indices, 0)


def take_along_axis(x, indices, axis=-1):
    """y[..., i, ...] = x[..., indices[..., i, ...], ...]: one choice of its own for each row along `axis`.

    Args: `indices`: integers of x's rank, whose other axes broadcast with x's; negative ones count from the end.
        axis: None takes from the flat x.

    Gradient: scattered back; equal indices add up.

    Source: NumPy `take_along_axis`.
    """
    x, indices = tensor(x), tensor(indices)
    if axis is None:
        x, axis = _core.reshape(x, -1), 0
    axis = one_axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim:
        raise InvalidArgumentError(
            f"[take_along_axis] `indices` has shape {indices.shape} but `x` has shape {x.shape}: the ranks must "
            f"be equal."
        )
    known("take_along_axis", x, indices)
    n, m = x.shape[axis], indices.shape[axis]
    rest = list(np.broadcast_shapes(*(s[:axis] + (1,) + s[axis + 1 :] for s in (x.shape, indices.shape))))
    full = [n if a == axis else d for a, d in enumerate(rest)]
    chosen = [m if a == axis else d for a, d in enumerate(rest)]
    x, indices = _core.broadcast_to(x, full), _core.broadcast_to(indices, chosen)
    starts = np.arange(int(np.prod(full)), dtype=np.int64).reshape(full).take([0], axis) if n else np.int64(0)
    stride = int(np.prod(full[axis + 1 :]))
    steps = _steps(_core.where(indices < 0, indices + n, indices), n, stride)
    return _core.take(_core.reshape(x, -1), steps + starts, 0)


def flat_places(tag, shape, indices):
    """What rows of a tensor of this shape the index vectors name, counted through, and the shape of such a row."""
    depth = extent(tag, indices, indices.ndim - 1) if indices.ndim else 0
    if not 1 <= depth <= len(shape):
        raise InvalidArgumentError(
            f"[{tag}] `indices` has shape {indices.shape} but `x` has shape {shape}: its last axis must have 1 "
            f"to {len(shape)} entries."
        )
    flat = None
    for i, n in enumerate(shape[:depth]):
        steps = _steps(indices[..., i], n, int(np.prod(shape[i + 1 : depth])))
        flat = steps if flat is None else flat + steps
    return flat, tuple(shape[depth:])


def gather_nd(x, indices):
    """The entries (or slices) of x at the index vectors along the last axis of `indices`.

        y[...] = x[indices[..., 0], indices[..., 1], ...]

    Gradient: scattered back; equal indices add up.

    Source: TensorFlow `gather_nd`.
    """
    x = tensor(x)
    flat, rest = flat_places("gather_nd", x.shape, tensor(indices))
    lead = x.shape[: x.ndim - len(rest)]
    return _core.take(_core.reshape(x, (int(np.prod(lead)), *rest)), flat, 0)


def argsort(x, axis=-1, descending=False):
    """The int64 indices that sort x along one axis; equal entries keep their order, NaN goes last."""
    x = _core.reshape(x, -1) if axis is None else tensor(x)
    axis = one_axis("argsort", -1 if axis is None else axis, x.ndim)
    last = moveaxis(_core.stop_gradient(x), axis, -1)
    return moveaxis(_core.argsort(-last if descending else last), -1, axis)


def sort(x, axis=-1, descending=False):
    """x sorted along one axis (None: flat); NaN goes last.

    Gradient: goes to where the entries came from.
    """
    x = _core.reshape(x, -1) if axis is None else tensor(x)
    axis = -1 if axis is None else axis
    return take_along_axis(x, argsort(x, axis, descending), axis)


def top_k(x, k, sorted=True):
    """The k largest entries along the last axis, largest first, and their int32 indices; of ties the first ones.

    Gradient: of the values, to the chosen entries.

    Source: Keras `ops.top_k`.
    """
    x = tensor(x)
    n = extent("top_k", x, one_axis("top_k", -1, x.ndim))
    if not is_integer(k) or not 0 <= k <= n:
        raise InvalidArgumentError(f"[top_k] `k` is {k!r}: it must be an integer in [0, {n}].")
    indices = argsort(x, descending=True)[..., :k]
    return TopK(take_along_axis(x, indices, -1), _core.cast(indices, "int32"))


def diagonal(x, offset=0, axis1=0, axis2=1):
    """The entries x[i, i + offset] of two axes, along a last axis.

    Gradient: put back on the diagonal of zeros.
    """
    x = tensor(x)
    if x.ndim < 2:
        raise InvalidArgumentError(f"[diagonal] `x` has shape {x.shape}: it must have at least two axes.")
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    n, m = x.shape[-2:]
    places = np.diagonal(np.arange(n * m).reshape(n, m), offset)
    return _core.take(_core.reshape(x, (*x.shape[:-2], n * m)), places, -1)


def diag(x, k=0):
    """The k-th diagonal of a matrix, or the square matrix that has the vector x there.

    Gradient: the entries of the diagonal.
    """
    x = tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise InvalidArgumentError(f"[diag] `x` has shape {x.shape}: it must be a vector or a matrix.")
    n = extent("diag", x, 0) + abs(k)
    rows = np.arange(x.shape[0])
    zeros = _core.constant(np.zeros(n * n), x.dtype)
    return _core.reshape(_core.scatter_add(zeros, (rows + max(-k, 0)) * n + rows + max(k, 0), x), (n, n))


def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of a diagonal.

    Gradient: 1 on the diagonal.
    """
    return _core.sum(diagonal(x, offset, axis1, axis2), -1)
