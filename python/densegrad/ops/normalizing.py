"""Means, variances, and what they normalize."""

from __future__ import annotations

from densegrad import _core, config
from densegrad.ops._arguments import one_axis, some_axes, tensor
from densegrad.ops.derived import rsqrt

__all__ = ["batch_normalization", "layer_normalization", "moments"]


def centred(x, axes):
    """The mean of `x` along `axes`, x - mean and the variance; the axes stay, with length 1."""
    mean = _core.mean(x, axes, True)
    deviations = x - mean
    return mean, deviations, _core.mean(_core.square(deviations), axes, True)


def normalized(deviations, variance, offset, scale, epsilon):
    """deviations / sqrt(variance + epsilon) scale + offset; `scale` and `offset` may be None."""
    factor = rsqrt(variance + epsilon)
    y = deviations * (factor if scale is None else factor * scale)
    return y if offset is None else y + offset


def along(tag, name, v, x, axes):
    """`v`, whose shape is that of `axes` of `x`, with length 1 for the others, or raise."""
    if v is None:
        return None
    v = tensor(v, x.dtype)
    lengths = tuple(x.shape[a] for a in axes)
    if tuple(v.shape) != lengths:
        raise ValueError(
            f"[{tag}] `{name}` has shape {tuple(v.shape)} but `x` has shape {tuple(x.shape)}: it must have shape "
            f"{lengths}, that of `axis`."
        )
    if axes == list(range(x.ndim - len(axes), x.ndim)):
        return v
    return _core.reshape(v, [x.shape[a] if a in axes else 1 for a in range(x.ndim)])


def moments(x, axes, keepdims=False, synchronized=False):
    """The mean and the variance of x along `axes`.

        mean = sum(x) / n,    variance = sum((x - mean)**2) / n

    Args: `axes`: an integer or several.   `synchronized`: changes nothing, there is one device.

    Returns: (mean, variance).

    Gradient: of the mean 1 / n, of the variance 2 (x - mean) / n.

    Source: Keras `ops.moments`.
    """
    x = tensor(x)
    axes = some_axes("moments", axes, x.ndim)
    mean, _, variance = centred(x, axes)
    if keepdims:
        return mean, variance
    shape = [-1 if n is None else n for a, n in enumerate(x.shape) if a not in axes]
    return _core.reshape(mean, shape), _core.reshape(variance, shape)


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) scale + offset, with one mean, variance, ... for each place on `axis`.

    Args:
        x: a tensor.   mean, variance, offset, scale: vectors of the length of `axis`; offset and scale may be None.

    Returns: a tensor of the shape of x.

    Gradient: scale / sqrt(variance + epsilon), and so on.

    Source: Ioffe and Szegedy (2015); Keras `ops.batch_normalization`.
    """
    x = tensor(x)
    axes = [one_axis("batch_normalization", axis, x.ndim)]
    given = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
    mean, variance, offset, scale = (along("batch_normalization", n, v, x, axes) for n, v in given.items())
    return normalized(x - mean, variance, offset, scale, epsilon)


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None):
    """(x - mean) / sqrt(variance + epsilon) gamma + beta, with the mean and the variance of x along `axis`.

    Args:
        x: a tensor.   gamma, beta: of the shape that x has in `axis`, or None.
        axis: an integer or several.   epsilon: `config.epsilon()` if None.

    Returns: a tensor of the shape of x.

    Gradient: the part of gamma dy that changes neither mean nor variance, over the root.

    Source: Ba et al. (2016); Keras `ops.layer_normalization`.
    """
    return layer_normalized("layer_normalization", x, gamma, beta, axis, epsilon)


def layer_normalized(tag, x, gamma, beta, axis, epsilon, rms_scaling=False):
    """`layer_normalization` whose messages begin with `tag`; with `rms_scaling`, of x in the place of x - mean."""
    x = tensor(x)
    axes = some_axes(tag, axis, x.ndim)
    gamma, beta = along(tag, "gamma", gamma, x, axes), along(tag, "beta", beta, x, axes)
    _, deviations, variance = centred(x, axes)
    epsilon = config.epsilon() if epsilon is None else epsilon
    return normalized(x if rms_scaling else deviations, variance, beta, gamma, epsilon)
