"""TensorFlow's signatures of what writes to places of a tensor, rolls it, or sums rows by their group."""

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError


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


def roll(input, shift, axis, name=None):
    """The entries moved by `shift` places along `axis`; what leaves comes in again."""
    return ops.roll(input, shift, axis)


def segment_sum(data, segment_ids, name=None):
    """The sums of the rows of each group, for groups numbered from 0 in ascending order."""
    ids = _core.convert(segment_ids)
    return unsorted_segment_sum(data, ids, int(ids[-1]) + 1 if ids.size else 0)


def unsorted_segment_sum(data, segment_ids, num_segments, name=None):
    """The sums of the rows of each of `num_segments` groups."""
    data = _core.convert(data)
    zeros = ops.zeros((int(num_segments), *data.shape[1:]), data.dtype)
    return ops.scatter_add(zeros, segment_ids, data)


def segment_mean(data, segment_ids, name=None):
    """The means of the rows of each group, for groups numbered from 0 in ascending order; 0 for one without rows."""
    ids = _core.convert(segment_ids)
    return unsorted_segment_mean(data, ids, int(ids[-1]) + 1 if ids.size else 0)


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The means of the rows of each of `num_segments` groups; 0 for one without rows."""
    data, ids = _core.convert(data), _core.convert(segment_ids)
    counts = unsorted_segment_sum(ops.ones(ids.shape, data.dtype), ids, num_segments)
    counts = ops.reshape(ops.maximum(counts, 1), (-1, *(1,) * (data.ndim - 1)))
    return unsorted_segment_sum(data, ids, num_segments) / counts


def ensure_shape(x, shape, name=None):
    """The tensor; raises InvalidArgumentError unless it has that shape, with None for any extent."""
    x = _core.convert(x)
    if len(x.shape) != len(shape) or any(n is not None and n != m for n, m in zip(shape, x.shape)):
        raise InvalidArgumentError(f"[tf.ensure_shape] `x` has shape {tuple(x.shape)}: it must be {tuple(shape)}.")
    return x
