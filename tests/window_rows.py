"""Rows of tables.py for convolutions and pooling; the oracles go from window to window.

Bounds count the roundings: a sum of n products rounds n times whatever its order, a mean of n entries n times.
"""

from __future__ import annotations

import functools
import itertools

import densegrad as dg
import numpy as np
from oracles import gamma
from rows import Row, box, distinct

ops = dg.ops


def windows(x, sizes, strides=1, steps=1, padding="valid"):
    """(index of the window, its entries (n, sizes ..., channels), which of them are no padding) for each window."""
    rank = x.ndim - 2
    strides, steps = (np.broadcast_to(v, rank) for v in (strides, steps))
    reach = (np.array(sizes) - 1) * steps + 1
    extents = np.array(x.shape[1:-1])
    counts, before = (extents - reach) // strides + 1, np.zeros(rank, int)
    if padding == "same":
        counts = -(-extents // strides)
        before = np.maximum((counts - 1) * strides + reach - extents, 0) // 2
    for index in itertools.product(*map(range, counts)):
        places = [i * s - b + np.arange(k) * d for i, s, b, k, d in zip(index, strides, before, sizes, steps)]
        inside = [(p >= 0) & (p < n) for p, n in zip(places, extents)]
        taken = np.ix_(range(len(x)), *[p.clip(0, n - 1) for p, n in zip(places, extents)], range(x.shape[-1]))
        yield index, x[taken], functools.reduce(np.logical_and.outer, inside)


def assembled(entries, like):
    """The results of all windows in one array: (n, counts ..., channels)."""
    entries = dict(entries)
    shape = np.max(list(entries), axis=0) + 1
    y = np.empty((len(like), *shape, next(iter(entries.values())).shape[-1]), like.dtype)
    for index, value in entries.items():
        y[(slice(None), *index)] = value
    return y


def of_windows(x, sizes, function, **options):
    """function(entries (n, size, channels) of a window without its padding) for each window."""

    def entries(taken, inside):
        return taken.reshape(len(x), inside.size, x.shape[-1])[:, inside.ravel()]

    return assembled(((i, function(entries(t, inside))) for i, t, inside in windows(x, sizes, **options)), x)


def convolved(x, kernel, **options):
    """Each window times the part of the kernel that is inside."""
    sizes, channels, filters = kernel.shape[:-2], *kernel.shape[-2:]
    groups = x.shape[-1] // channels

    def product(g, taken, inside):
        weights = kernel[..., g * filters // groups : (g + 1) * filters // groups]
        return np.tensordot(np.where(inside[..., None], taken, 0), weights, len(sizes) + 1)

    parts = [assembled(((i, product(g, t, inside)) for i, t, inside in windows(
        x[..., g * channels : (g + 1) * channels], sizes, **options)), x) for g in range(groups)]  # fmt: skip
    return np.concatenate(parts, -1)


def titled(name, options):
    return " ".join([name, *(f"{key}={value}".replace(", ", ",") for key, value in options.items())])


def first_as_last(function, data_format):
    """`function` of (n, channels, ...) by the one of (n, ..., channels)."""
    if data_format != "channels_first":
        return function
    return lambda x, *rest: np.moveaxis(function(np.moveaxis(x, 1, -1), *rest), -1, 1)


def pooling(name, shapes, pool_size, data_format=None, **options):
    sizes = np.broadcast_to(pool_size, len(shapes[0]) - 2)
    reduce = np.max if name == "max_pool" else np.mean
    where = {"strides": pool_size, **options}
    given = {"pool_size": pool_size, **options, **({"data_format": data_format} if data_format else {})}

    def oracle(x):
        return of_windows(x, sizes, lambda entries: reduce(entries, 1), **where)

    def bound(value, dtype, x):
        f = first_as_last(oracle, data_format)
        return 0.0 if name == "max_pool" else gamma(int(np.prod(sizes)), dtype) * f(np.abs(x))

    return Row(titled(name, given), None, lambda x: getattr(ops, name)(x, **given), first_as_last(oracle, data_format),
               distinct, [(s,) for s in shapes], bound, op=name, wrt=(0,))  # fmt: skip


def convolution(shapes, data_format=None, dilation_rate=1, **options):
    given = {**options, **({"dilation_rate": dilation_rate} if dilation_rate != 1 else {}),
             **({"data_format": data_format} if data_format else {})}  # fmt: skip
    oracle = first_as_last(lambda x, k: convolved(x, k, steps=dilation_rate, **options), data_format)
    return Row(titled("conv", given), None, lambda x, k: ops.conv(x, k, **given), oracle, box(-2, 2), shapes,
               lambda v, d, x, k: gamma(k[..., 0].size + 1, d) * oracle(np.abs(x), np.abs(k)), op="conv",
               wrt=(0, 1))  # fmt: skip


WINDOWS = [
    *[row for name in ("max_pool", "average_pool") for row in (
        pooling(name, [(0, 4, 4, 2), (2, 9, 7, 3), (1, 4, 5, 2)], 2),
        pooling(name, [(3, 7, 5, 2), (1, 4, 5, 2)], (3, 2), strides=(1, 2), padding="same"),
        pooling(name, [(2, 7, 9, 1), (2, 4, 5, 1)], 1, strides=3, padding="same"),
        pooling(name, [(2, 3, 6, 5), (1, 2, 5, 4)], (2, 3), strides=1, padding="same", data_format="channels_first"),
        pooling(name, [(2, 9, 3), (2, 6, 2)], 4, strides=2, padding="same"),
    )],
    convolution([((0, 4, 4, 2), (2, 2, 2, 3)), ((2, 9, 7, 3), (3, 2, 3, 5)), ((1, 3, 4, 2), (2, 2, 2, 2))]),
    convolution([((3, 7, 5, 2), (3, 3, 2, 2)), ((1, 4, 3, 1), (3, 2, 1, 2))], strides=(2, 1), padding="same"),
    convolution([((2, 7, 8, 2), (3, 2, 2, 2)), ((1, 5, 4, 1), (3, 2, 1, 2))], dilation_rate=(2, 1), padding="same"),
    convolution([((2, 3, 5, 6), (2, 3, 3, 2)), ((1, 2, 3, 4), (2, 2, 2, 2))], data_format="channels_first"),
    convolution([((2, 9, 3), (4, 3, 2)), ((2, 6, 2), (3, 2, 2))], strides=2),
    convolution([((2, 5, 4, 6), (2, 3, 2, 6)), ((1, 3, 3, 4), (2, 2, 2, 4))], padding="same"),
]  # fmt: skip
