"""Operations that write to places of a tensor, named by index vectors; the results are new tensors."""

import numpy as np

from densegrad import _core
from densegrad.ops._arguments import at, extent, one_axis, tensor, together
from densegrad.ops.selecting import flat_places

__all__ = ["cumprod", "roll", "scatter", "scatter_update"]


def _places(tag, shape, indices, updates):
    """The rows that the index vectors name, flat, the updates as such rows, and the number and shape of all rows."""
    indices = tensor(indices)
    lead, rest = flat_places(tag, shape, indices)
    rows = int(np.prod(shape[: len(shape) - len(rest)]))
    updates = _core.broadcast_to(updates, (*indices.shape[:-1], *rest))
    return _core.reshape(lead, -1), _core.reshape(updates, (lead.size, *rest)), (rows, *rest)


def scatter(indices, values, shape):
    """Zeros of a shape with values (numbers or slices) added at the index vectors along the last axis of `indices`.

        y[indices[..., 0], indices[..., 1], ...] += values[...]

    Gradient: of values, the entries at the indices.

    Source: Keras `ops.scatter`.
    """
    values, shape = tensor(values), tuple(int(n) for n in shape)
    places, rows, flat = _places("scatter", shape, indices, values)
    return _core.reshape(_core.scatter_add(_core.constant(np.zeros(flat), values.dtype), places, rows), shape)


def scatter_update(inputs, indices, updates):
    """inputs with updates (numbers or slices) written at the index vectors along the last axis of `indices`.

        y[indices[..., 0], indices[..., 1], ...] = updates[...], the last one where indices are equal

    Gradient: of updates, the entries at their indices, 0 for those that were written over; of inputs, 0 there.

    Source: Keras `ops.scatter_update`.
    """
    inputs, updates = together("scatter_update", inputs, updates)
    places, rows, flat = _places("scatter_update", inputs.shape, indices, updates)
    order = _core.argsort(places)  # keeps the order of equal places
    places, rows = _core.take(places, order, 0), _core.take(rows, order, 0)
    last = _core.concatenate([places[1:] != places[:-1], np.ones(places[:1].shape, bool)])
    column = (-1,) + (1,) * (len(flat) - 1)
    rows = _core.where(_core.reshape(last, column), rows, _core.constant(0, rows.dtype))
    zeros = _core.constant(np.zeros(flat), inputs.dtype)
    written = _core.scatter_add(_core.constant(np.zeros(flat[0]), "int32"), places, _core.cast(last, "int32")) > 0
    y = _core.where(_core.reshape(written, column), _core.scatter_add(zeros, places, rows), _core.reshape(inputs, flat))
    return _core.reshape(y, inputs.shape)


def of_groups(reduce, fill, rows, places, count):
    """`reduce` (`ops.max`, ...) over the rows of each of `count` groups, numbered by `places`; `fill` for no rows."""
    groups = _core.constant(np.arange(count)[:, None], places.dtype)
    own = _core.reshape(_core.equal(groups, places), (count, *places.shape, *(1,) * (rows.ndim - 1)))
    fill = _core.constant(fill, rows.dtype)
    if not places.size:
        return _core.broadcast_to(fill, (count, *rows.shape[1:]))
    return reduce(_core.where(own, rows, fill), 1)


def of_places(reduce, fill, tensor, indices, updates):
    """`reduce` over the updates at each index vector, in the shape of `tensor`; `fill` where there is none."""
    places, rows, flat = _places("scatter_nd", tensor.shape, indices, updates)
    return _core.reshape(of_groups(reduce, fill, rows, places, flat[0]), tensor.shape)


def lowest(dtype):
    """The least finite number of a dtype."""
    return (np.finfo if dtype.kind == "f" else np.iinfo)(dtype).min


def highest(dtype):
    """The largest finite number of a dtype."""
    return (np.finfo if dtype.kind == "f" else np.iinfo)(dtype).max


def roll(x, shift, axis=None):
    """x with its entries moved by `shift` places along `axis`, of the flat x if None; what leaves comes in again.

    Args: `shift`, `axis`: integers, or sequences of them of one length.

    Gradient: rolled back.

    Source: NumPy `roll`.
    """
    x = tensor(x)
    if axis is None:
        return _core.reshape(roll(_core.reshape(x, -1), shift, 0), x.shape)
    for step, a in np.broadcast(shift, axis):
        a = one_axis("roll", int(a), x.ndim)
        n = extent("roll", x, a)
        cut = -int(step) % n if n else 0
        x = _core.concatenate([x[at(a, slice(cut, None))], x[at(a, slice(None, cut))]], a)
    return x


def cumprod(x, axis=None):
    """The running products of x along one axis, of the flat x if None.

    Gradient: sums of products of the others, exact where entries are zero.
    """
    x = _core.reshape(x, -1) if axis is None else tensor(x)
    axis = one_axis("cumprod", 0 if axis is None else axis, x.ndim)
    shift, n = 1, extent("cumprod", x, axis)
    while shift < n:  # each entry holds the product of the last `shift` ones
        later = x[at(axis, slice(shift, None))] * x[at(axis, slice(None, -shift))]
        x = _core.concatenate([x[at(axis, slice(None, shift))], later], axis)
        shift *= 2
    return _core.identity(x)
