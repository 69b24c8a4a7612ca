"""Loops over the rows of tensors, and the list of tensors that they fill."""

import numpy as np

from densegrad import _core, batching, errors, nest, ops


def map_fn(fn, elems, **options):
    """The results of fn for each slice of elems along axis 0, stacked."""
    results = [fn(row) for row in _rows(elems)]
    columns = zip(*map(nest.flatten, results))
    return nest.pack_as(results[0], [ops.stack(column) for column in columns])


def vectorized_map(fn, elems, fallback_to_while_loop=True, warn=True):
    """The results of fn for each slice of elems along axis 0, as one operation on the batch for each in fn."""
    return batching.vmap(fn)(elems)


def scan(fn, elems, initializer=None, reverse=False, **options):
    """a_i = fn(a_(i-1), elems_i) for all i, stacked; a_0 is elems_0 without an initializer."""
    rows = list(_rows(elems))
    rows = rows[::-1] if reverse else rows
    steps = [] if initializer is not None else [rows.pop(0)]
    last = initializer if initializer is not None else steps[0]
    for row in rows:
        last = fn(last, row)
        steps.append(last)
    steps = steps[::-1] if reverse else steps
    columns = zip(*map(nest.flatten, steps))
    return nest.pack_as(steps[0], [ops.stack(column) for column in columns])


def foldl(fn, elems, initializer=None, **options):
    """The last a_i = fn(a_(i-1), elems_i), from the initializer or elems_0 on."""
    return _fold(fn, list(_rows(elems)), initializer)


def foldr(fn, elems, initializer=None, **options):
    """As `foldl`, from the last row to the first."""
    return _fold(fn, list(_rows(elems))[::-1], initializer)


def _fold(fn, rows, value):
    for row in rows:
        value = row if value is None else fn(value, row)
    return value


def _rows(elems):
    leaves = [list(_core.convert(leaf)) for leaf in nest.flatten(elems)]
    return (nest.pack_as(elems, list(row)) for row in zip(*leaves))


class TensorArray:
    """A list of tensors for loops: `write` returns the array itself, `stack` one tensor of all.

    Source: TensorFlow `TensorArray`.
    """

    def __init__(self, dtype, size=None, dynamic_size=None, clear_after_read=None, element_shape=None, **options):
        self.dtype = np.dtype(dtype)
        self._items, self._grows = [None] * int(size or 0), bool(dynamic_size) or size is None

    def write(self, index, value, name=None):
        """Puts a value in a place; returns the array."""
        index = int(index)
        if index >= len(self._items) and self._grows:
            self._items += [None] * (index + 1 - len(self._items))
        if not 0 <= index < len(self._items):
            raise errors.OutOfRangeError(
                f"[TensorArray.write] `index` is {index} but the size is {len(self._items)}: it is fixed."
            )
        self._items[index] = _core.convert(value, self.dtype)
        return self

    def read(self, index, name=None):
        """The value in a place."""
        item = self._items[int(index)]
        if item is None:
            raise ValueError(f"[TensorArray.read] nothing was written at {int(index)}.")
        return item

    def size(self, name=None):
        """The number of places, an int32 tensor."""
        return _core.constant(len(self._items), "int32")

    def stack(self, name=None):
        """All values along a new first axis; places without one are zeros."""
        shape = next((item.shape for item in self._items if item is not None), ())
        zeros = _core.constant(np.zeros(shape), self.dtype)
        return ops.stack([zeros if item is None else item for item in self._items] or np.zeros((0, 0)))

    def concat(self, name=None):
        """All values joined along their first axis."""
        return ops.concatenate([self.read(i) for i in range(len(self._items))], 0)

    def unstack(self, value, name=None):
        """Fills the array with the rows of a value; returns it."""
        self._items = list(_core.convert(value, self.dtype))
        return self
