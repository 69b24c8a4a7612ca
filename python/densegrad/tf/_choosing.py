"""TensorFlow's signatures of what counts, finds and groups entries."""

import collections

import numpy as np

from densegrad import _core, ops
from densegrad.errors import InvalidArgumentError

_Unique = collections.namedtuple("Unique", "y idx")
_UniqueWithCounts = collections.namedtuple("UniqueWithCounts", "y idx count")


def in_top_k(targets, predictions, k, name=None):
    """Whether the prediction for each target is among the k largest of its row; ties count."""
    predictions, targets = _core.convert(predictions), _core.convert(targets)
    own = ops.take_along_axis(predictions, ops.expand_dims(targets, 1), 1)
    larger = ops.sum(ops.cast(predictions > own, "int32"), 1)
    return ops.logical_and(larger < int(k), ops.all(ops.isfinite(own), 1))


def sequence_mask(lengths, maxlen=None, dtype="bool", name=None):
    """Rows whose first `lengths` entries are true, of `maxlen` entries, the largest length if None."""
    lengths = _core.convert(lengths)
    columns = int(ops.max(lengths)) if maxlen is None else int(maxlen)
    return ops.cast(ops.arange(columns, dtype=lengths.dtype) < ops.expand_dims(lengths, -1), dtype)


def unique(x, out_idx="int32", name=None):
    """The different entries of a vector in the order of their first places, and the number of each entry there."""
    values, places, _ = _unique(x)
    return _Unique(values, _core.constant(places, out_idx))


def unique_with_counts(x, out_idx="int32", name=None):
    """As `unique`, and how often each of them occurs."""
    values, places, counts = _unique(x)
    return _UniqueWithCounts(values, _core.constant(places, out_idx), _core.constant(counts, out_idx))


def _unique(x):
    x = _core.convert(x)
    _, first, inverse, counts = np.unique(x.numpy(), return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return ops.take(x, first[order], 0), rank[inverse.reshape(-1)], counts[order]


def bincount(arr, weights=None, minlength=None, maxlength=None, dtype="int32", name=None):
    """How often, or with what weight, each number from 0 on occurs."""
    arr = ops.ravel(arr)
    size = max(int(ops.max(arr)) + 1 if arr.size else 0, int(minlength or 0))
    size = size if maxlength is None else min(size, int(maxlength))
    values = ops.ones(arr.shape, dtype) if weights is None else ops.ravel(weights)
    fits = arr < size
    return ops.scatter(ops.expand_dims(arr, -1)[fits], values[fits], (size,))


def searchsorted(sorted_sequence, values, side="left", out_type="int32", name=None):
    """Where values would be put into sorted vectors, before equal ones or behind."""
    row, values = _core.convert(sorted_sequence), _core.convert(values)
    compare = ops.less if side == "left" else ops.less_equal
    below = compare(ops.expand_dims(row, -2), ops.expand_dims(values, -1))
    return ops.sum(ops.cast(below, out_type), -1)


def dynamic_partition(data, partitions, num_partitions, name=None):
    """The rows of data whose number in `partitions` is 0, 1, ..., as a list of tensors."""
    data, partitions = _core.convert(data), _core.convert(partitions)
    return [data[partitions == i] for i in np.arange(int(num_partitions))]


def dynamic_stitch(indices, data, name=None):
    """The tensor whose rows at `indices[k]` are those of `data[k]`."""
    places = ops.concatenate([ops.ravel(i) for i in indices], 0)
    rows = []
    for i, part in zip(indices, data, strict=True):
        part, rank = _core.convert(part), np.ndim(i)
        rows.append(ops.reshape(part, (-1, *part.shape[rank:])))
    rows = ops.concatenate(rows, 0)
    size = int(ops.max(places)) + 1 if places.size else 0
    return ops.scatter_update(ops.zeros((size, *rows.shape[1:]), rows.dtype), ops.expand_dims(places, -1), rows)


def get_static_value(tensor, partial=False):
    """The values of a tensor as an array; None for a variable, and for a tensor without values."""
    if not isinstance(tensor, _core.Tensor):
        return None
    return None if tensor.is_symbolic else np.asarray(tensor.numpy())


def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """The result of the function beside the first condition that holds, else of `default`."""
    for pred, function in pred_fn_pairs:
        if bool(pred):
            return function()
    if default is None:
        raise InvalidArgumentError("[tf.case] no condition holds and `default` is None: it must be a function.")
    return default()


def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
    """The result of the function with this number, of `default` or the last one where there is none."""
    numbered = dict(branch_fns if isinstance(branch_fns, dict) else enumerate(branch_fns))
    return numbered.get(int(branch_index), default or numbered[max(numbered)])()
