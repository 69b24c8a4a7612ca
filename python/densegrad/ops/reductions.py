"""Reductions and matrix products."""

from densegrad import _core, config
from densegrad.ops._arguments import tensor


def sum(x, axis=None, keepdims=False):
    """The sum over `axis` (an int, a tuple, or None for all).

    Gradient: broadcast.
    """
    return _core.sum(x, axis, keepdims)


def mean(x, axis=None, keepdims=False):
    """The mean over `axis` (an int, a tuple, or None for all); NaN over nothing; a `floatx()` of integers, bools.

    Gradient: broadcast, divided by the count.
    """
    x = tensor(x)
    if x.dtype.kind != "f":
        x = _core.cast(x, config.floatx())
    return _core.mean(x, axis, keepdims)


def max(x, axis=None, keepdims=False):
    """The largest entry over `axis` (an int, a tuple, or None for all).

    Gradient: ties share equally.
    """
    return _core.max(x, axis, keepdims)


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over `axis`, without overflow.

    Gradient: softmax of x.
    """
    return _core.logsumexp(x, axis, keepdims)


def argmax(x, axis=None):
    """The index (int64) of the largest entry along one axis, or of the flat tensor; the first of ties."""
    return _core.argmax(x, axis)


def matmul(x1, x2, transpose_a=False, transpose_b=False):
    """The matrix product; leading axes broadcast, and a vector is a row on the left, a column on the right.

    Gradient: d/dx1 = dy x2^T, d/dx2 = x1^T dy.
    """
    return _core.matmul(x1, x2, transpose_a, transpose_b)
