"""TensorFlow's signatures of functions of numbers that few programs use."""

import numpy as np

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError
from densegrad.ops.selecting import TopK


def ndtri(x, name=None):
    """The quantiles of the standard normal distribution: infinite at 0 and 1, NaN beyond."""
    return -(2.0**0.5) * ops.erfcinv(2.0 * _core.convert(x))


def lbeta(x, name=None):
    """The logarithm of the beta function of the vectors in the last axis: sum of lgamma(x) - lgamma(sum of x)."""
    x = _core.convert(x)
    return ops.sum(ops.lgamma(x), -1) - ops.lgamma(ops.sum(x, -1))


def reciprocal_no_nan(x, name=None):
    """1 / x, 0 where x is 0."""
    x = _core.convert(x)
    return ops.divide_no_nan(ops.ones_like(x), x)


def accumulate_n(inputs, shape=None, tensor_dtype=None, name=None):
    """The sum of tensors of one shape."""
    return ops.sum(ops.stack(inputs), 0)


def real(input, name=None):
    """The tensor: numbers are real."""
    return _core.convert(input)


def conj(x, name=None):
    """The tensor: numbers are real."""
    return _core.convert(x)


def top_k(input, k=1, sorted=True, index_type="int32", name=None):
    """The k largest entries along the last axis, and their places."""
    values, places = ops.top_k(input, int(k), sorted)
    return TopK(values, ops.cast(places, index_type))


def invert_permutation(x, name=None):
    """The places of 0, 1, ... in a vector that has each of these numbers once."""
    x = _core.convert(x)
    if x.ndim != 1 or x.dtype.kind != "i" or not np.array_equal(np.sort(x.numpy()), np.arange(x.size)):
        raise InvalidArgumentError(
            f"[tf.math.invert_permutation] `x` is {x.numpy()}: it must be a vector of the numbers 0, 1, ..., each once."
        )
    return ops.cast(ops.argsort(x), x.dtype)


def is_non_decreasing(x, name=None):
    """Whether no entry is less than the one before it."""
    x = ops.ravel(x)
    return ops.all(x[1:] >= x[:-1])


def is_strictly_increasing(x, name=None):
    """Whether every entry is larger than the one before it."""
    x = ops.ravel(x)
    return ops.all(x[1:] > x[:-1])
