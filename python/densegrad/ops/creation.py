"""Tensors that are made of a shape or a range. The default dtype of floats is `config.floatx()`."""

import numpy as np

from densegrad import _core, config
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import TENSORS

__all__ = ["arange", "eye", "full", "full_like", "linspace", "ones", "ones_like", "zeros", "zeros_like"]


def full(shape, fill_value, dtype=None):
    """A tensor of a shape that holds one value; the dtype is the value's, `floatx()` for a Python number."""
    if isinstance(fill_value, TENSORS):
        value = fill_value if dtype is None else _core.cast(fill_value, dtype)
        return _core.broadcast_to(value, shape)
    if dtype is None and not hasattr(fill_value, "dtype"):
        dtype = config.floatx()
    return _core.broadcast_to(_core.constant(fill_value, dtype), shape)


def zeros(shape, dtype=None):
    """A tensor of zeros."""
    return full(shape, 0, dtype or config.floatx())


def ones(shape, dtype=None):
    """A tensor of ones."""
    return full(shape, 1, dtype or config.floatx())


def full_like(x, fill_value, dtype=None):
    """A tensor of x's shape, and of its dtype unless another is given, that holds one value."""
    x = x if isinstance(x, TENSORS) else _core.constant(x)
    return full(x.shape, fill_value, dtype or x.dtype)


def zeros_like(x, dtype=None):
    """A tensor of zeros of x's shape, and of its dtype unless another is given."""
    return full_like(x, 0, dtype)


def ones_like(x, dtype=None):
    """A tensor of ones of x's shape, and of its dtype unless another is given."""
    return full_like(x, 1, dtype)


def eye(N, M=None, k=0, dtype=None):
    """The (N, M) matrix with ones on the k-th diagonal, zeros elsewhere; M is N if it is None."""
    if min(N, N if M is None else M) < 0:
        raise InvalidArgumentError(f"[eye] `N` is {N} and `M` is {M}: they must not be negative.")
    return _core.constant(np.eye(N, M, k), dtype or config.floatx())


def arange(start, stop=None, step=1, dtype=None):
    """start, start + step, ... below stop; from 0 if only one number is given.

    The dtype is int32 for integers, `floatx()` for floats, unless one is given.
    """
    start, stop, step = (x.item() if isinstance(x, TENSORS) else x for x in (start, stop, step))
    if not step:
        raise InvalidArgumentError("[arange] `step` is 0: it must be another number.")
    values = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    return _core.constant(values, dtype or ("int32" if values.dtype.kind in "iu" else config.floatx()))


def linspace(start, stop, num=50, endpoint=True, dtype=None):
    """`num` numbers from start to stop at equal distances; stop is the last one unless `endpoint` is False.

    Gradient: with f going from 0 to 1, d/dstart = 1 - f, d/dstop = f, for ends that are tensors of floats.
    """
    dtype = dtype or config.floatx()
    if any(isinstance(x, TENSORS) and np.dtype(x.dtype).kind == "f" for x in (start, stop)):
        start, stop = (_core.cast(x, dtype) for x in (start, stop))
        part = np.linspace(0, 1, int(num), endpoint).reshape(-1, *[1] * max(len(start.shape), len(stop.shape)))
        return start * (1 - part).astype(dtype) + stop * part.astype(dtype)
    start, stop = (x.numpy() if isinstance(x, TENSORS) else x for x in (start, stop))
    return _core.constant(np.linspace(start, stop, int(num), endpoint), dtype)
