"""Convolutions and pooling: what is computed from the windows of a tensor, (n, positions ..., channels)."""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np

from densegrad import _core
from densegrad.config import is_integer
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import at, tensor, together

__all__ = ["average_pool", "conv", "max_pool"]

_COUNTS = {1: "one", 2: "two"}
_AXES = {1: ("length",), 2: ("height", "width")}


def checked_format(data_format, tag):
    """Return "channels_last" or "channels_first", or raise; None means the former."""
    if data_format not in (None, "channels_last", "channels_first"):
        raise InvalidArgumentError(
            f"[{tag}] `data_format` is {data_format!r}: it must be 'channels_last' or 'channels_first'."
        )
    return data_format or "channels_last"


def checked_padding(padding, tag, allowed=("valid", "same")):
    """Return one of `allowed`, or raise."""
    if not isinstance(padding, str) or padding.lower() not in allowed:
        *names, last = map(repr, allowed)
        raise InvalidArgumentError(f"[{tag}] `padding` is {padding!r}: it must be {', '.join(names)} or {last}.")
    return padding.lower()


def per_axis(tag, name, value, rank):
    """Return `value`, a positive integer or one for each of `rank` axes, as a tuple, or raise."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(values) != rank or not all(is_integer(n) and n > 0 for n in values):
        raise InvalidArgumentError(
            f"[{tag}] `{name}` is {value!r}: it must be a positive integer or {_COUNTS[rank]} of them."
        )
    return tuple(int(n) for n in values)


class Words(NamedTuple):
    """How an error calls what was called, and its arguments."""

    tag: str
    x: str = "x"
    kernel: str = "kernel"


class _Windows(NamedTuple):
    """The windows along one axis: window i has the entries i stride - before + k step, k < size, of `extent` ones."""

    extent: int
    size: int
    stride: int
    step: int
    count: int
    before: int
    after: int

    @classmethod
    def of(cls, extent, size, stride, step, padding):
        reach = (size - 1) * step + 1
        if padding == "valid":
            return cls(extent, size, stride, step, (extent - reach) // stride + 1, 0, 0)
        if padding == "causal":
            return cls(extent, size, stride, step, (extent - 1) // stride + 1, reach - 1, 0)
        count = -(-extent // stride)
        missing = max((count - 1) * stride + reach - extent, 0)
        return cls(extent, size, stride, step, count, missing // 2, missing - missing // 2)

    @property
    def slices(self):
        """What entry k of all windows is, for each k, after the padding."""
        last = (self.count - 1) * self.stride + 1
        return [slice(k, k + last, self.stride) for k in range(0, self.size * self.step, self.step)]

    @property
    def sizes(self):
        """How many entries each window has without the padding."""
        first = np.arange(self.count) * self.stride - self.before
        return np.minimum(first + self.size, self.extent) - np.maximum(first, 0)


def windows_of(words, x, sizes, strides, steps, padding, what):
    """Return the `_Windows` of each axis between the first and the last, or raise if there are none."""
    found = [_Windows.of(n, *rest, padding) for *rest, n in zip(sizes, strides, steps, x.shape[1:-1])]
    if any(w.count < 1 for w in found):
        extents, reach = (
            " x ".join(map(str, ns)) for ns in (x.shape[1:-1], [(w.size - 1) * w.step + 1 for w in found])
        )
        raise InvalidArgumentError(f"[{words.tag}] `{words.x}` has {extents} positions: a {what} of {reach} must fit.")
    return found


def checked_rank(words, x, rank, data_format):
    """Raise unless `x` has `rank` axes of positions."""
    if x.ndim != rank + 2:
        names = ("channels", *_AXES[rank]) if data_format == "channels_first" else (*_AXES[rank], "channels")
        raise InvalidArgumentError(
            f"[{words.tag}] `{words.x}` has shape {tuple(x.shape)}: it must have {rank + 2} axes, "
            f"(n, {', '.join(names)})."
        )


def channels_last(words, x, rank, data_format):
    """Return `x` of `rank` axes of positions with its channels at the end, or raise."""
    checked_rank(words, x, rank, data_format)
    return _core.transpose(x, (0, *range(2, rank + 2), 1)) if data_format == "channels_first" else x


def channels_back(y, data_format):
    """Return `y` with its last axis where `data_format` has the channels."""
    return _core.transpose(y, (0, y.ndim - 1, *range(1, y.ndim - 1))) if data_format == "channels_first" else y


def _rank(words, x, *values):
    """How many axes of positions the sizes are for: as many as they have entries, or as `x` has."""
    rank = next((len(v) for v in values if isinstance(v, (tuple, list))), x.ndim - 2)
    if rank not in _COUNTS:
        raise InvalidArgumentError(
            f"[{words.tag}] `{words.x}` has shape {tuple(x.shape)}: it must have 3 or 4 axes, (n, positions, channels)."
        )
    return rank


# ---- Convolution ----------------------------------------------------------------------------------------------------


def convolved(words, x, kernel, bias, activation, strides, padding, steps, groups=None):
    """activation(the convolution of `x`, channels last, plus `bias`); the activation is one of the core's, by name.

    `groups` None: as many as the channels of the kernel go into those of `x`.
    """
    *sizes, channels, filters = kernel.shape
    given, rule = x.shape[-1], f"{words.kernel}.shape[{len(sizes)}] must equal the channels"
    if groups is None:
        groups = max(given // max(channels, 1), 1)
        rule += " or, as each group has them, divide them" if groups > 1 else ""
    elif groups > 1:
        rule += f" of one of the {groups} groups"
    shapes = f"[{words.tag}] `{words.x}` has {given} channels but `{words.kernel}` has shape {tuple(kernel.shape)}"
    if groups * channels != given:
        raise InvalidArgumentError(f"{shapes}: {rule}.")
    if filters % groups:
        raise InvalidArgumentError(
            f"{shapes}: the {groups} groups of {channels} channels must divide the {filters} filters."
        )
    windows = windows_of(words, x, sizes, strides, steps, padding, "kernel")
    if any(w.before or w.after for w in windows):
        x = _core.pad(x, [(0, 0), *[(w.before, w.after) for w in windows], (0, 0)])
    if groups == 1:
        return _product(_laid_out(x, windows), kernel, bias, activation)
    of_group = zip(_cuts(given, groups), _cuts(filters, groups), strict=True)
    z = _core.concatenate([_product(_laid_out(x[..., c], windows), kernel[..., f]) for c, f in of_group], -1)
    return _core.activation(activation, z if bias is None else z + bias)


def _product(windows, kernel, bias=None, activation="linear"):
    return _core.dense(windows, _core.reshape(kernel, (-1, kernel.shape[-1])), bias, activation)


def _cuts(n, parts):
    return [slice(k * n // parts, (k + 1) * n // parts) for k in range(parts)]


def _laid_out(x, windows):
    """The entries of each window along the last axis, in the order of a kernel's."""
    parts = [x[(slice(None), *index)] for index in itertools.product(*(w.slices for w in windows))]
    return parts[0] if len(parts) == 1 else _core.concatenate(parts, x.ndim - 1)


def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A convolution over one axis or two.

        y[n, i, j, f] = sum over u, v, c of x[n, s_0 i + d_0 u, s_1 j + d_1 v, c] kernel[u, v, c, f]

    Args:
        inputs: (n, height, width, channels), or (n, length, channels).
        kernel: (height, width, channels / groups, filters); several groups of channels are convolved side by side.
        strides, dilation_rate: positive integer, or one for each axis.
        padding: "valid" (only whole windows), or "same": zeros around, so that there are ceil(size / stride) windows.
        data_format: "channels_last", the default, or "channels_first" for (n, channels, height, width).

    Returns: (n, rows, columns, filters), or with the filters as the second axis.

    Source: Keras `ops.conv`.
    """
    x, kernel = together("conv", inputs, kernel)
    data_format, padding = checked_format(data_format, "conv"), checked_padding(padding, "conv")
    rank = kernel.ndim - 2
    if rank not in _COUNTS:
        raise InvalidArgumentError(
            f"[conv] `kernel` has shape {tuple(kernel.shape)}: it must have 3 or 4 axes, (sizes, channels, filters)."
        )
    strides, steps = per_axis("conv", "strides", strides, rank), per_axis("conv", "dilation_rate", dilation_rate, rank)
    words = Words("conv", "inputs")
    x = channels_last(words, x, rank, data_format)
    return channels_back(convolved(words, x, kernel, None, "linear", strides, padding, steps), data_format)


# ---- Pooling --------------------------------------------------------------------------------------------------------


def pooled(words, kind, x, pool_size, strides, padding, data_format):
    """The largest entry ("max") or the mean ("average") of each window, for sizes that are tuples."""
    x = channels_last(words, x, len(pool_size), data_format)
    windows = windows_of(words, x, pool_size, strides, (1,) * len(pool_size), padding, "window")
    # One axis after the other, the last one first: of ties the first one in the order of the entries wins.
    for axis, w in reversed(list(enumerate(windows, 1))):
        x = _repeated_ends(x, axis, w) if kind == "max" else _core.pad(x, _zeros_around(x, axis, w))
        parts = [x[at(axis, s)] for s in w.slices]
        x = functools.reduce(_core.maximum if kind == "max" else _core.add, parts)
    return channels_back(x if kind == "max" else _divided(x, windows), data_format)


def _repeated_ends(x, axis, windows):
    """`x` with its first and last entry repeated: padding that is no new candidate for a maximum."""
    if not windows.before and not windows.after:
        return x
    first, last = x[at(axis, slice(0, 1))], x[at(axis, slice(-1, None))]
    return _core.concatenate([first] * windows.before + [x] + [last] * windows.after, axis)


def _zeros_around(x, axis, windows):
    return [(windows.before, windows.after) if a == axis else (0, 0) for a in range(x.ndim)]


def _divided(x, windows):
    """Sums over windows divided by the entries that these have without the padding."""
    sizes = functools.reduce(np.multiply.outer, [w.sizes for w in windows])
    same = sizes.min(initial=1) == sizes.max(initial=1)
    return x / (float(sizes.flat[0]) if same else _core.constant(sizes[..., None], x.dtype))


def _pool(tag, kind, inputs, pool_size, strides, padding, data_format):
    x, words = tensor(inputs), Words(tag, "inputs")
    data_format, padding = checked_format(data_format, tag), checked_padding(padding, tag)
    rank = _rank(words, x, pool_size, strides)
    pool_size = per_axis(tag, "pool_size", pool_size, rank)
    strides = pool_size if strides is None else per_axis(tag, "strides", strides, rank)
    return pooled(words, kind, x, pool_size, strides, padding, data_format)


def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest entry of each window, per channel.

    Args:
        inputs: (n, height, width, channels), or (n, length, channels).
        pool_size: positive integer, or one for each axis: the size of the windows.
        strides: the same: their distance; None means `pool_size`.
        padding: "valid" (only whole windows), or "same": windows that reach over the edge count what they have.
        data_format: "channels_last", the default, or "channels_first" for (n, channels, height, width).

    Returns: (n, rows, columns, channels), NaN where a window has one.

    Gradient: to the first of the largest entries.

    Source: Keras `ops.max_pool`.
    """
    return _pool("max_pool", "max", inputs, pool_size, strides, padding, data_format)


def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window, per channel.

    Args: as of `max_pool`.

    Returns: (n, rows, columns, channels).

    Gradient: shared equally by the entries of a window.

    Source: Keras `ops.average_pool`.
    """
    return _pool("average_pool", "average", inputs, pool_size, strides, padding, data_format)
