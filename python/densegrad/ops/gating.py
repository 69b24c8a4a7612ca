"""Activations that mix the entries of an axis, made of other operations."""

from densegrad import _core
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import at, extent, one_axis, tensor
from densegrad.ops.creation import arange
from densegrad.ops.selecting import sort
from densegrad.ops.statistics import cumsum

__all__ = ["glu", "sparsemax"]


def glu(x, axis=-1):
    """The gated linear unit: a = u sigmoid(v) for the halves u and v of z along `axis`.

    Args:
        x: tensor or array-like of rank >= 1.
        axis: int, the axis that is halved; its extent must be even.

    Returns:
        A tensor of the dtype of `x`, half as long along `axis`.

    Raises:
        ValueError: if the extent is odd or `axis` is out of range.

    Source: Dauphin et al. (2017); Keras `activations.glu`.
    """
    x = tensor(x)
    axis = one_axis("glu", axis, x.ndim)
    n = extent("glu", x, axis)
    if n % 2:
        raise InvalidArgumentError(f"[glu] `x` has shape {tuple(x.shape)}: axis {axis} must be divisible by 2.")
    return x[at(axis, slice(n // 2))] * _core.activation("sigmoid", x[at(axis, slice(n // 2, None))])


def sparsemax(x, axis=-1):
    """The closest probabilities: a = max(z - tau, 0), with the one tau for which they sum to 1 along `axis`.

    Args:
        x: tensor or array-like of rank >= 1.
        axis: int, the axis that sums to one.

    Returns:
        A tensor of the shape and dtype of `x`; small entries are exactly 0.

    Raises:
        ValueError: if `axis` is out of range.

    Source: Martins and Astudillo (2016); Keras `activations.sparsemax`.
    """
    x = tensor(x)
    axis = one_axis("sparsemax", axis, x.ndim)
    z = sort(_core.stop_gradient(x), axis, descending=True)
    count = _core.reshape(arange(1, extent("sparsemax", x, axis) + 1, dtype=x.dtype), [-1] + [1] * (x.ndim - axis - 1))
    # z_k is in the support while 1 + k z_k > z_1 + ... + z_k, which holds for the first few k.
    last = _core.sum(_core.cast(1 + count * z > cumsum(z, axis), x.dtype), axis, True)
    kept = x >= _core.sum(_core.where(_core.equal(count, last), z, 0), axis, True)
    tau = (_core.sum(_core.where(kept, x, 0), axis, True) - 1) / _core.sum(_core.cast(kept, x.dtype), axis, True)
    return _core.where(kept, x - tau, 0)
