"""TensorFlow's signatures of what sums, averages or compares the rows of groups."""

import numpy as np

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError
from densegrad.ops.scattering import highest, lowest, of_groups


def segment_sum(data, segment_ids, name=None):
    """The sums of the rows of each group, for groups numbered from 0 in ascending order."""
    return unsorted_segment_sum(data, segment_ids, _count(segment_ids))


def unsorted_segment_sum(data, segment_ids, num_segments, name=None):
    """The sums of the rows of each of `num_segments` groups; rows of negative groups do not count."""
    data, ids, count = _core.convert(data), _core.convert(segment_ids), int(num_segments)
    counts = ops.reshape(ids >= 0, (-1, *(1,) * (data.ndim - 1)))
    zeros = ops.zeros((count, *data.shape[1:]), data.dtype)
    return ops.scatter_add(zeros, ops.maximum(ids, 0), ops.where(counts, data, _core.constant(0, data.dtype)))


def segment_mean(data, segment_ids, name=None):
    """The means of the rows of each group, for groups numbered from 0 in ascending order; 0 for one without rows."""
    return unsorted_segment_mean(data, segment_ids, _count(segment_ids))


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The means of the rows of each of `num_segments` groups; 0 for one without rows."""
    return unsorted_segment_sum(data, segment_ids, num_segments) / _sizes(data, segment_ids, num_segments)


def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sums of the rows of each of `num_segments` groups, divided by the root of their number."""
    return unsorted_segment_sum(data, segment_ids, num_segments) / ops.sqrt(_sizes(data, segment_ids, num_segments))


def unsorted_segment_max(data, segment_ids, num_segments, name=None):
    """The largest entries of each of `num_segments` groups of rows; the least number for one without rows."""
    return _of_groups(ops.max, lowest, data, segment_ids, num_segments)


def unsorted_segment_min(data, segment_ids, num_segments, name=None):
    """The least entries of each of `num_segments` groups of rows; the largest number for one without rows."""
    return _of_groups(ops.min, highest, data, segment_ids, num_segments)


def unsorted_segment_prod(data, segment_ids, num_segments, name=None):
    """The products of the rows of each of `num_segments` groups; 1 for one without rows."""
    return _of_groups(ops.prod, lambda dtype: 1, data, segment_ids, num_segments)


def segment_max(data, segment_ids, name=None):
    """The largest entries of each group of rows, numbered from 0 in ascending order; 0 for one without rows."""
    return _in_order(unsorted_segment_max, data, segment_ids, 0)


def segment_min(data, segment_ids, name=None):
    """The least entries of each group of rows, numbered from 0 in ascending order; 0 for one without rows."""
    return _in_order(unsorted_segment_min, data, segment_ids, 0)


def segment_prod(data, segment_ids, name=None):
    """The products of the rows of each group, numbered from 0 in ascending order; 1 for one without rows."""
    return _in_order(unsorted_segment_prod, data, segment_ids, 1)


def _count(segment_ids):
    ids = _core.convert(segment_ids).numpy()
    if ids.size and (ids[0] < 0 or np.any(ids[1:] < ids[:-1])):
        raise InvalidArgumentError(
            "[tf.math.segment_*] `segment_ids` must be whole numbers from 0 on in ascending order: the functions "
            "`unsorted_segment_*` take others."
        )
    return int(ids[-1]) + 1 if ids.size else 0


def _sizes(data, segment_ids, num_segments):
    """How many rows each group has, at least 1, as a column."""
    data, ids = _core.convert(data), _core.convert(segment_ids)
    counts = unsorted_segment_sum(ops.ones(ids.shape, data.dtype), ids, num_segments)
    return ops.reshape(ops.maximum(counts, 1), (-1, *(1,) * (data.ndim - 1)))


def _of_groups(reduce, fill, data, segment_ids, num_segments):
    data = _core.convert(data)
    return of_groups(reduce, fill(data.dtype), data, _core.convert(segment_ids), int(num_segments))


def _in_order(function, data, segment_ids, fill):
    data, ids, count = _core.convert(data), _core.convert(segment_ids), _count(segment_ids)
    empty = ~np.isin(np.arange(count), ids.numpy())
    column = ops.reshape(_core.constant(empty), (-1, *(1,) * (data.ndim - 1)))
    return ops.where(column, _core.constant(fill, data.dtype), function(data, ids, count))
