"""Reductions and scans that are made of other operations."""

import numpy as np

from densegrad import _core
from densegrad.config import is_number
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import at, extent, flattened, one_axis, some_axes, tensor, together, with_kept_axes

__all__ = ["all", "any", "argmin", "average", "count_nonzero", "cumsum", "min", "norm", "prod", "std", "var"]


def min(x, axis=None, keepdims=False):
    """The smallest entry along `axis`, all axes if None; NaN if there is one.

    Gradient: shared equally by ties.
    """
    return -_core.max(-tensor(x), axis, keepdims)


def argmin(x, axis=None):
    """The int64 index of the smallest entry along `axis`, of the flat x if None; the first of ties, a NaN wins."""
    return _core.argmax(-tensor(x), axis)


def prod(x, axis=None, keepdims=False):
    """The product of the entries along `axis`, all axes if None; 1 without entries.

    Gradient: the product of the others, exact where entries are zero.
    """
    x = tensor(x)
    y, shape = flattened("prod", x, axis)
    n = y.shape[-1]
    while n > 1:  # halves are multiplied, so no derivative ever divides
        half = n // 2
        rest = [y[..., 2 * half :]] if n % 2 else []
        y = _core.concatenate([y[..., :half] * y[..., half : 2 * half], *rest], -1)
        n = half + n % 2
    y = y[..., 0] if n else _core.broadcast_to(_core.constant(1, x.dtype), shape)
    return with_kept_axes("prod", y, axis, x.shape, keepdims)


def var(x, axis=None, keepdims=False, ddof=0):
    """The variance along `axis`, all axes if None: sum((x - mean(x))**2) / (n - ddof).

    Gradient: 2 (x - mean(x)) / (n - ddof).
    """
    x = tensor(x)
    squares = _core.square(x - _core.mean(x, axis, True))
    if not ddof:
        return _core.mean(squares, axis, keepdims)
    n = 1
    for a in some_axes("var", axis, x.ndim):
        n *= extent("var", x, a)
    return _core.sum(squares, axis, keepdims) / float(np.maximum(n - ddof, 0))


def std(x, axis=None, keepdims=False, ddof=0):
    """The standard deviation along `axis`, all axes if None: sqrt(var(x)).

    Gradient: (x - mean(x)) / (n - ddof) / std(x), NaN for a constant x.
    """
    return _core.sqrt(var(x, axis, keepdims, ddof))


def average(x, axis=None, weights=None):
    """sum(weights * x) / sum(weights) along `axis`; the mean without weights.

    Args: `weights`: of x's shape, or a vector along the one `axis`.

    Gradient: weights / sum(weights); to weights (x - average) / sum(weights).
    """
    if weights is None:
        return _core.mean(tensor(x), axis)
    x, weights = together("average", x, weights)
    if weights.shape != x.shape:
        if axis is None or weights.ndim != 1:
            raise InvalidArgumentError(
                f"[average] `weights` has shape {weights.shape} but `x` has shape {x.shape}: they must be equal, or "
                f"`weights` a vector along the one `axis`."
            )
        axis = one_axis("average", axis, x.ndim)
        weights = _core.reshape(weights, (-1,) + (1,) * (x.ndim - axis - 1))
    weights = _core.broadcast_to(weights, x.shape)
    return _core.sum(x * weights, axis) / _core.sum(weights, axis)


def cumsum(x, axis=None):
    """The running sums of x along one axis, of the flat x if None.

    Gradient: the running sums of the cotangent from the end.
    """
    x = _core.reshape(x, -1) if axis is None else tensor(x)
    axis = one_axis("cumsum", 0 if axis is None else axis, x.ndim)
    shift, n = 1, extent("cumsum", x, axis)
    while shift < n:  # each entry holds the sum of the last `shift` ones
        later = x[at(axis, slice(shift, None))] + x[at(axis, slice(None, -shift))]
        x = _core.concatenate([x[at(axis, slice(None, shift))], later], axis)
        shift *= 2
    return _core.identity(x)


def norm(x, ord=None, axis=None, keepdims=False):
    """A norm of vectors along one axis, or of matrices in two.

        ord None: sqrt(sum(x**2)) over `axis`, all axes if None
        vectors: inf: max|x|, -inf: min|x|, 0: the number of non-zeros, p: sum(|x|**p)**(1/p)
        matrices: "fro": as None, 1 and -1: largest and smallest sum |x| of a column, inf and -inf: of a row

    Gradient: x / norm(x) for ord None and 2, NaN at 0; sign(x) for 1; shared by ties for inf.

    Raises: ValueError for the norms that need singular values (2, -2, "nuc" of matrices).

    Source: NumPy `linalg.norm`.
    """
    x = tensor(x)
    if ord is None:
        return _core.sqrt(_core.sum(_core.square(x), axis, keepdims))
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis] if axis is not None else list(range(x.ndim))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise InvalidArgumentError(
            f"[norm] `axis` is {axis} and `x` has shape {x.shape}: a norm with `ord` needs one or two axes."
        )
    if ord in ("fro", "euclidean"):
        return _core.sqrt(_core.sum(_core.square(x), axes, keepdims))
    if not is_number(ord) or abs(ord) not in (1, np.inf):
        raise InvalidArgumentError(f"[norm] `ord` is {ord!r}: for matrices it must be None, 'fro', 1, -1, inf or -inf.")
    row, column = (one_axis("norm", a, x.ndim) for a in axes)
    inner, outer = (row, column) if abs(ord) == 1 else (column, row)
    sums = _core.sum(_core.abs(x), inner, True)
    y = (_core.max if ord > 0 else min)(sums, outer, True)
    return y if keepdims else _without(y, row, column)


def _without(y, *axes):
    """`y` without two axes of length 1."""
    return _core.reshape(y, [-1 if n is None else n for a, n in enumerate(y.shape) if a not in axes])


def _vector_norm(x, ord, axis, keepdims):
    if not is_number(ord):
        raise InvalidArgumentError(f"[norm] `ord` is {ord!r}: for vectors it must be None or a number.")
    if ord == 2:
        return _core.sqrt(_core.sum(_core.square(x), axis, keepdims))
    size = _core.abs(x)
    if ord == np.inf:
        return _core.max(size, axis, keepdims)
    if ord == -np.inf:
        return min(size, axis, keepdims)
    if ord == 0:
        return _core.cast(count_nonzero(x, axis, keepdims), x.dtype)
    if ord == 1:
        return _core.sum(size, axis, keepdims)
    return _core.power(_core.sum(_core.power(size, float(ord)), axis, keepdims), 1 / float(ord))


def count_nonzero(x, axis=None, keepdims=False):
    """The int32 number of entries that are not zero along `axis`, all axes if None."""
    return _core.sum(_core.cast(_core.cast(x, "bool"), "int32"), axis, keepdims)


def any(x, axis=None, keepdims=False):
    """Whether an entry is true (not zero) along `axis`, all axes if None."""
    return count_nonzero(x, axis, keepdims) > 0


def all(x, axis=None, keepdims=False):
    """Whether every entry is true (not zero) along `axis`, all axes if None."""
    return _core.sum(_core.where(_core.cast(x, "bool"), 0, 1), axis, keepdims) == 0
