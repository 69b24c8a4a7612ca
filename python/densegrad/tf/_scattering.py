"""TensorFlow's signatures of what writes to places of a tensor, or rolls it."""

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError
from densegrad.ops.scattering import highest, lowest, of_places


class IndexedSlices:
    """Rows `values` at places `indices` of a tensor of shape `dense_shape`, which is 0 elsewhere.

    No gradient is one here, all are whole tensors; `tf.convert_to_tensor` adds up the rows of each place.

    Source: TensorFlow `IndexedSlices`.
    """

    def __init__(self, values, indices, dense_shape=None):
        self.values, self.indices = _core.convert(values), _core.convert(indices)
        self.dense_shape = None if dense_shape is None else _core.convert(dense_shape)

    @property
    def dtype(self):
        """The dtype of `values`."""
        return self.values.dtype

    def to_dense(self):
        """The whole tensor.

        Raises:
            ValueError: if its shape is not known.
        """
        if self.dense_shape is None:
            raise InvalidArgumentError("[tf.IndexedSlices] `dense_shape` is None: it must be given to make a tensor.")
        return ops.scatter_add(ops.zeros(self.dense_shape.numpy().tolist(), self.dtype), self.indices, self.values)


def scatter_nd(indices, updates, shape, name=None):
    """Zeros of a shape with updates added at index vectors."""
    return ops.scatter(indices, updates, _core.convert(shape).numpy().tolist())


def tensor_scatter_nd_update(tensor, indices, updates, name=None):
    """The tensor with updates written at index vectors."""
    return ops.scatter_update(tensor, indices, updates)


def tensor_scatter_nd_add(tensor, indices, updates, name=None):
    """The tensor with updates added at index vectors."""
    tensor = _core.convert(tensor)
    return tensor + ops.scatter(indices, _core.convert(updates, tensor.dtype), tensor.shape)


def tensor_scatter_nd_sub(tensor, indices, updates, name=None):
    """The tensor with updates subtracted at index vectors."""
    tensor = _core.convert(tensor)
    return tensor - ops.scatter(indices, _core.convert(updates, tensor.dtype), tensor.shape)


def tensor_scatter_nd_max(tensor, indices, updates, name=None):
    """The tensor with the larger of entry and update at index vectors."""
    tensor = _core.convert(tensor)
    updates = _core.convert(updates, tensor.dtype)
    return ops.maximum(tensor, of_places(ops.max, lowest(tensor.dtype), tensor, indices, updates))


def tensor_scatter_nd_min(tensor, indices, updates, name=None):
    """The tensor with the smaller of entry and update at index vectors."""
    tensor = _core.convert(tensor)
    updates = _core.convert(updates, tensor.dtype)
    return ops.minimum(tensor, of_places(ops.min, highest(tensor.dtype), tensor, indices, updates))


def roll(input, shift, axis, name=None):
    """The entries moved by `shift` places along `axis`; what leaves comes in again."""
    return ops.roll(input, shift, axis)


def ensure_shape(x, shape, name=None):
    """The tensor; raises InvalidArgumentError unless it has that shape, with None for any extent."""
    x = _core.convert(x)
    if len(x.shape) != len(shape) or any(n is not None and n != m for n, m in zip(shape, x.shape)):
        raise InvalidArgumentError(f"[tf.ensure_shape] `x` has shape {tuple(x.shape)}: it must be {tuple(shape)}.")
    return x
