"""What TensorFlow's variables have besides: assignment to parts, scatters, references."""

import numpy as np

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError
from densegrad.ops import scattering

_DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"
_get = _core.Variable.__getitem__


class VariableSlice(_core.PlacedTensor):
    """A part `v[index]` of a variable: a tensor, and what writes to that part."""

    def __init__(self, part, variable, index):
        super().__init__(part)
        self._variable, self._index = variable, index

    def assign(self, value):
        """Writes a value, broadcast to the part and cast to the variable's dtype; returns the variable.

        Source: TensorFlow, `assign` of a sliced variable.
        """
        variable = self._variable
        with _core.Pause():
            shape, size = variable.shape, variable.value.size
            index = self._index if isinstance(self._index, tuple) else (self._index,)
            places = np.arange(size).reshape(shape)[tuple(map(_plain, index))]
            value = _core.convert(value, variable.dtype)
            if np.broadcast_shapes(value.shape, places.shape) != places.shape:
                raise InvalidArgumentError(
                    f"[Variable] `value` has shape {tuple(value.shape)} but the part has shape {places.shape}: it must "
                    f"broadcast to that."
                )
            rows = _core.reshape(_core.broadcast_to(value, places.shape), (places.size,))
            origin = np.arange(size)  # of each entry among the old ones, followed by the new ones
            origin[places.ravel()] = size + np.arange(places.size)
            both = _core.concatenate([_core.reshape(variable.value, (size,)), rows], 0)
            return variable.assign(_core.reshape(_core.take(both, origin, 0), shape))


def _plain(entry):
    return int(entry) if isinstance(entry, (_core.Tensor, _core.Variable)) else entry


def _getitem(self, index):
    part = _get(self, index)
    entries = index if isinstance(index, tuple) else (index,)
    return VariableSlice(part, self, index) if all(map(_is_basic, entries)) else part


def _is_basic(entry):
    if isinstance(entry, (_core.Tensor, _core.Variable)):
        return entry.ndim == 0 and entry.dtype != bool
    return entry is None or entry is ... or isinstance(entry, (int, np.integer, slice)) and not isinstance(entry, bool)


class Reference:
    """What stands for a tensor or variable in sets and as a key of dicts: equal for the same object alone.

    Source: TensorFlow `Tensor.ref`.
    """

    def __init__(self, value):
        self._value = value

    def deref(self):
        """The tensor or variable."""
        return self._value

    def __eq__(self, other):
        return isinstance(other, Reference) and self._value is other._value

    def __hash__(self):
        return id(self._value)

    def __repr__(self):
        return f"<Reference wrapping {self._value!r}>"


def ref(self):
    """A reference that can be hashed. Source: TensorFlow `Tensor.ref`."""
    return Reference(self)


def read_value(self):
    """The value as a tensor, recorded as a read of the variable. Source: TensorFlow `Variable.read_value`."""
    return self.value()


def gather_nd(self, indices, name=None):
    """The entries at index vectors. Source: TensorFlow `Variable.gather_nd`."""
    return ops.gather_nd(self, indices)


def sparse_read(self, indices, name=None):
    """The rows at indices. Source: TensorFlow `Variable.sparse_read`."""
    return ops.take(self, indices, 0)


def scatter_nd_update(self, indices, updates, name=None):
    """Writes updates at index vectors; returns the variable. Source: TensorFlow, the variable's method."""
    with _core.Pause():
        return self.assign(ops.scatter_update(self.value, indices, _core.convert(updates, self.dtype)))


def scatter_nd_add(self, indices, updates, name=None):
    """Adds updates at index vectors; returns the variable. Source: TensorFlow, the variable's method."""
    with _core.Pause():
        return self.assign_add(ops.scatter(indices, _core.convert(updates, self.dtype), self.shape))


def scatter_nd_sub(self, indices, updates, name=None):
    """Subtracts updates at index vectors; returns the variable. Source: TensorFlow, the variable's method."""
    with _core.Pause():
        return self.assign_sub(ops.scatter(indices, _core.convert(updates, self.dtype), self.shape))


def scatter_nd_max(self, indices, updates, name=None):
    """Writes the larger of entry and update at index vectors; returns the variable. Source: TensorFlow, the same."""
    with _core.Pause():
        updates = _core.convert(updates, self.dtype)
        largest = scattering.of_places(ops.max, scattering.lowest(self.dtype), self, indices, updates)
        return self.assign(ops.maximum(self.value, largest))


def scatter_nd_min(self, indices, updates, name=None):
    """Writes the smaller of entry and update at index vectors; returns the variable. Source: TensorFlow, the same."""
    with _core.Pause():
        updates = _core.convert(updates, self.dtype)
        least = scattering.of_places(ops.min, scattering.highest(self.dtype), self, indices, updates)
        return self.assign(ops.minimum(self.value, least))


def _scatter_nd_mul(self, indices, updates, name=None):
    """Multiplies entries at index vectors by updates; returns the variable."""
    with _core.Pause():
        updates = _core.convert(updates, self.dtype)
        return self.assign(self.value * scattering.of_places(ops.prod, 1, self, indices, updates))


def _scatter_nd_div(self, indices, updates, name=None):
    """Divides entries at index vectors by updates; returns the variable."""
    with _core.Pause():
        updates = _core.convert(updates, self.dtype)
        return self.assign(self.value / scattering.of_places(ops.prod, 1, self, indices, updates))


def _by_rows(method):
    def scatter(self, sparse_delta, use_locking=False, name=None):
        return method(self, ops.expand_dims(sparse_delta.indices, -1), sparse_delta.values)

    scatter.__name__ = scatter.__qualname__ = method.__name__.replace("_nd", "").lstrip("_")
    text = method.__doc__.split("; returns")[0].replace("at index vectors", "in rows")
    scatter.__doc__ = f"{text}, by an `IndexedSlices`; returns the variable. Source: TensorFlow, the same method."
    return scatter


_SCATTERS = (scatter_nd_update, scatter_nd_add, scatter_nd_sub, scatter_nd_max, scatter_nd_min)
_OWN = (read_value, gather_nd, sparse_read, *_SCATTERS)


def install():
    """Gives Variable its methods, and both classes what they have for TensorFlow's sake."""
    for method in (*_OWN, *map(_by_rows, (*_SCATTERS, _scatter_nd_mul, _scatter_nd_div))):
        setattr(_core.Variable, method.__name__, method)
    _core.Variable.__getitem__ = _getitem
    for cls in (_core.Tensor, _core.Variable):
        cls.ref, cls.device = ref, _DEVICE
