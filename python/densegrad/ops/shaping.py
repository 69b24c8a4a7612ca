"""Operations that change shapes: axes are added, removed, exchanged, joined, cut, repeated, reversed."""

import numpy as np

from densegrad import _core
from densegrad.config import is_integer
from densegrad.errors import InvalidArgumentError
from densegrad.ops._arguments import at, extent, known, one_axis, reshaped, some_axes, tensor, together

__all__ = [
    "expand_dims",
    "flip",
    "moveaxis",
    "ravel",
    "repeat",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "unstack",
]


def ravel(x):
    """The entries of x, in order, along one axis.

    Gradient: reshaped back.
    """
    return _core.reshape(x, -1)


def expand_dims(x, axis):
    """x with an axis of length 1 at `axis`, an integer or a tuple of places in the result.

    Gradient: reshaped back.
    """
    x = tensor(x)
    places = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    places = some_axes("expand_dims", places, x.ndim + len(places))
    return x[tuple(None if a in places else slice(None) for a in range(x.ndim + len(places)))]


def squeeze(x, axis=None):
    """x without axes of length 1: those in `axis`, or all of them.

    Gradient: reshaped back.

    Raises: ValueError if an axis in `axis` is longer.
    """
    x = tensor(x)
    axes = [a for a in range(x.ndim) if x.shape[a] == 1] if axis is None else some_axes("squeeze", axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise InvalidArgumentError(
                f"[squeeze] axis {a} of `x` with shape {x.shape} has not length 1: it cannot be removed."
            )
    return reshaped(x, [n for a, n in enumerate(x.shape) if a not in axes])


def swapaxes(x, axis1, axis2):
    """x with two axes exchanged.

    Gradient: exchanged back.
    """
    x = tensor(x)
    order = list(range(x.ndim))
    a, b = (one_axis("swapaxes", axis, x.ndim) for axis in (axis1, axis2))
    order[a], order[b] = b, a
    return _core.transpose(x, order)


def moveaxis(x, source, destination):
    """x with the axes `source` at the places `destination`, the others in their order.

    Gradient: moved back.
    """
    x = tensor(x)
    pairs = [a if isinstance(a, (list, tuple)) else [a] for a in (source, destination)]
    if len(pairs[0]) != len(pairs[1]):
        raise InvalidArgumentError(
            f"[moveaxis] `source` has {len(pairs[0])} axes but `destination` has {len(pairs[1])}: they must be equal."
        )
    source, destination = ([one_axis("moveaxis", a, x.ndim) for a in axes] for axes in pairs)
    order = [a for a in range(x.ndim) if a not in source]
    for place, a in sorted(zip(destination, source)):
        order.insert(place, a)
    return _core.transpose(x, order)


def stack(xs, axis=0):
    """The tensors `xs`, of one shape, joined along a new axis.

    Gradient: the parts.
    """
    xs = together("stack", *xs)
    if not xs:
        raise InvalidArgumentError("[stack] `xs` is empty: at least one tensor is needed.")
    for i, x in enumerate(xs):
        if x.shape != xs[0].shape:
            raise InvalidArgumentError(
                f"[stack] `xs[0]` has shape {xs[0].shape} but `xs[{i}]` has shape {x.shape}: they must be equal."
            )
    axis = one_axis("stack", axis, xs[0].ndim + 1)
    return _core.concatenate([x[at(axis, None)] for x in xs], axis)


def unstack(x, num=None, axis=0):
    """The slices of x along one axis, as a list of tensors without that axis.

    Gradient: stacked back.

    Raises: ValueError if `num` is given and is not the length of the axis.
    """
    x = tensor(x)
    axis = one_axis("unstack", axis, x.ndim)
    n = extent("unstack", x, axis)
    if num is not None and num != n:
        raise InvalidArgumentError(
            f"[unstack] `num` is {num} but axis {axis} of `x` with shape {x.shape} has length {n}."
        )
    return [x[at(axis, i)] for i in range(n)]


def split(x, indices_or_sections, axis=0):
    """x cut along one axis, as a list: into equal parts by an integer, or before the given indices.

    Gradient: joined back.

    Raises: ValueError if the parts of an integer are not equal.
    """
    x = tensor(x)
    axis = one_axis("split", axis, x.ndim)
    n = extent("split", x, axis)
    if is_integer(indices_or_sections):
        parts = int(indices_or_sections)
        if parts < 1 or n % parts:
            raise InvalidArgumentError(
                f"[split] `indices_or_sections` is {parts} but axis {axis} has length {n}: it must divide it."
            )
        cuts = list(range(0, n + 1, n // parts)) if n else [0] * (parts + 1)
    else:
        cuts = [0, *(int(i) for i in indices_or_sections), n]
    return [x[at(axis, slice(a, b))] for a, b in zip(cuts, cuts[1:])]


def tile(x, repeats):
    """x repeated as a whole: `repeats` times along each axis, counted from the last.

    Gradient: summed over the copies.
    """
    x = tensor(x)
    repeats = [int(r) for r in (repeats if isinstance(repeats, (list, tuple, np.ndarray)) else [repeats])]
    if min(repeats, default=0) < 0:
        raise InvalidArgumentError(f"[tile] `repeats` is {repeats}: it must not be negative.")
    x = reshaped(x, (1,) * (len(repeats) - x.ndim) + x.shape)
    repeats = [1] * (x.ndim - len(repeats)) + repeats
    for axis, times in enumerate(repeats):
        if times != 1:
            known("tile", x)
            shape = x.shape
            before, after = int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))
            x = _core.broadcast_to(_core.reshape(x, (before, 1, after)), (before, times, after))
            x = _core.reshape(x, (*shape[:axis], times * shape[axis], *shape[axis + 1 :]))
    return x


def repeat(x, repeats, axis=None):
    """x with each entry (or slice along `axis`) repeated in place: `repeats` times, one number or one per entry.

    Gradient: summed over the copies.
    """
    x = _core.reshape(x, -1) if axis is None else tensor(x)
    axis = one_axis("repeat", 0 if axis is None else axis, x.ndim)
    return _core.take(x, np.repeat(np.arange(extent("repeat", x, axis)), repeats), axis)


def flip(x, axis=None):
    """x in reversed order along the axes `axis`, or along all.

    Gradient: reversed back.
    """
    x = tensor(x)
    axes = some_axes("flip", axis, x.ndim)
    return x[tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim))]
