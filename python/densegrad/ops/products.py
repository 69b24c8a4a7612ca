"""Products of vectors, matrices and tensors, all of them lowered to `matmul`."""

import numpy as np

from densegrad import _core
from densegrad.config import is_integer
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import one_axis, together

__all__ = ["dot", "inner", "outer", "tensordot", "vdot"]


def dot(x1, x2):
    """The product of vectors or matrices; with more axes the sum over the last of x1 and the second to last of x2.

    Gradient: as of `matmul`.

    Source: NumPy `dot`.
    """
    x1, x2 = together("dot", x1, x2)
    if not x1.ndim or not x2.ndim:
        return x1 * x2
    if x1.ndim <= 2 and x2.ndim <= 2:
        return _core.matmul(x1, x2)
    return tensordot(x1, x2, ([-1], [-2 if x2.ndim > 1 else -1]))


def inner(x1, x2):
    """The sum of products over the last axes of x1 and x2.

    Gradient: as of `matmul`.
    """
    x1, x2 = together("inner", x1, x2)
    return tensordot(x1, x2, ([-1], [-1])) if x1.ndim and x2.ndim else x1 * x2


def vdot(x1, x2):
    """The sum of products of all entries of x1 and x2, in order.

    Gradient: x2 to x1, x1 to x2.
    """
    x1, x2 = together("vdot", x1, x2)
    return _core.matmul(_core.reshape(x1, -1), _core.reshape(x2, -1))


def outer(x1, x2):
    """y[i, j] = x1[i] x2[j] for the flat x1 and x2.

    Gradient: products with x2, with x1.
    """
    x1, x2 = together("outer", x1, x2)
    return _core.reshape(x1, (-1, 1)) * _core.reshape(x2, (1, -1))


def _axes(axes, x1, x2):
    if is_integer(axes):
        if not 0 <= axes <= np.minimum(x1.ndim, x2.ndim):
            raise InvalidArgumentError(
                f"[tensordot] `axes` is {axes} but `x1` has shape {x1.shape} and `x2` has shape {x2.shape}: it must be "
                f"between 0 and their ranks."
            )
        return list(range(x1.ndim - axes, x1.ndim)), list(range(axes))
    pair = [list(a) if isinstance(a, (list, tuple, np.ndarray)) else [a] for a in axes]
    if len(pair) != 2 or len(pair[0]) != len(pair[1]):
        raise InvalidArgumentError(
            f"[tensordot] `axes` is {axes}: it must be an integer or two sequences of one length."
        )
    return [[one_axis("tensordot", a, x.ndim, "axes") for a in part] for part, x in zip(pair, (x1, x2))]


def tensordot(x1, x2, axes=2):
    """The sum of products over pairs of axes: the last `axes` of x1 with the first of x2, or two lists of axes.

    Gradient: as of `matmul`.

    Raises: ValueError if the lengths of a pair differ.

    Source: NumPy `tensordot`.
    """
    x1, x2 = together("tensordot", x1, x2)
    first, second = _axes(axes, x1, x2)
    for a, b in zip(first, second):
        if x1.shape[a] != x2.shape[b]:
            raise InvalidArgumentError(
                f"[tensordot] `x1` has shape {x1.shape} and `x2` has shape {x2.shape}: axis {a} of `x1` and axis {b} "
                f"of `x2` must be equal."
            )
    rows = [a for a in range(x1.ndim) if a not in first]
    columns = [b for b in range(x2.ndim) if b not in second]
    shape = [x1.shape[a] for a in rows] + [x2.shape[b] for b in columns]
    inner = int(np.prod([x2.shape[b] for b in second]))
    m = int(np.prod([x2.shape[b] for b in columns]))
    n = -1 if None in shape else int(np.prod([x1.shape[a] for a in rows]))
    left = _core.reshape(_core.transpose(x1, rows + first), (n, inner))
    right = _core.reshape(_core.transpose(x2, second + columns), (inner, m))
    return _core.reshape(_core.matmul(left, right), [-1 if d is None else d for d in shape])
