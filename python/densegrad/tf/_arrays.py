"""TensorFlow's signatures of what makes, moves and chooses entries, on densegrad's operations."""

import numpy as np

from densegrad import _core, ops
from densegrad._core import Tensor, Variable
from densegrad.errors import InvalidArgumentError
from densegrad.tf._integers import kept
from densegrad.tf._scattering import IndexedSlices


def constant(value, dtype=None, shape=None, name="Const"):
    """A tensor with a copy of a value, repeated or brought to `shape`."""
    t = _core.constant(*kept(value, dtype))
    if shape is None:
        return t
    return ops.full(shape, t) if t.size == 1 else ops.reshape(t, shape)


def convert_to_tensor(value, dtype=None, dtype_hint=None, name=None):
    """The value as a tensor; a tensor of that dtype is returned as it is."""
    return _core.convert(*kept(value.to_dense() if isinstance(value, IndexedSlices) else value, dtype))


def zeros(shape, dtype="float32", name=None):
    """A tensor of zeros."""
    return ops.zeros(shape, dtype)


def ones(shape, dtype="float32", name=None):
    """A tensor of ones."""
    return ops.ones(shape, dtype)


def fill(dims, value, name=None):
    """A tensor of a shape that holds one value."""
    return ops.full(dims, _core.convert(value))


def eye(num_rows, num_columns=None, batch_shape=None, dtype="float32", name=None):
    """The identity matrix, repeated along `batch_shape`."""
    matrix = ops.eye(num_rows, num_columns, 0, dtype)
    return matrix if batch_shape is None else ops.broadcast_to(matrix, (*batch_shape, *matrix.shape))


def range(start, limit=None, delta=1, dtype=None, name="range"):
    """start, start + delta, ... below limit; from 0 if only one number is given."""
    return ops.arange(start, limit, delta, dtype)


def linspace(start, stop, num, name=None):
    """`num` numbers from start to stop at equal distances, float32 unless the ends are float64."""
    ends = [x for x in (start, stop) if hasattr(x, "dtype")]
    return ops.linspace(start, stop, num, dtype=str(np.result_type("float32", *(e.dtype for e in ends))))


def shape(input, out_type="int32", name=None):
    """The extents as an integer tensor."""
    return _core.constant(np.array(_core.convert(input).shape, out_type))


def size(input, out_type="int32", name=None):
    """The number of entries as an integer tensor."""
    return _core.constant(_core.convert(input).size, out_type)


def rank(input, name=None):
    """The number of axes as an integer tensor."""
    return _core.constant(_core.convert(input).ndim)


def is_tensor(x):
    """Whether x is a tensor or a variable."""
    return isinstance(x, (Tensor, Variable))


def transpose(a, perm=None, conjugate=False, name=None):
    """a with its axes in the order `perm`, or reversed."""
    return ops.transpose(a, perm)


def concat(values, axis, name=None):
    """The tensors joined along one axis."""
    return ops.concatenate(values, axis)


def slice(input_, begin, size, name=None):
    """`size` entries along each axis from `begin` on, all that follow where the size is -1."""
    input_ = _core.convert(input_)
    begin, size = np.asarray(begin).tolist(), np.asarray(size).tolist()
    if not len(begin) == len(size) == input_.ndim or any(
        not 0 <= b <= n or not (s == -1 or 0 <= s <= n - b) for b, s, n in zip(begin, size, input_.shape)
    ):
        raise InvalidArgumentError(
            f"[tf.slice] `begin` is {begin} and `size` {size} but `input_` has shape {input_.shape}: the slice must "
            f"lie inside."
        )
    return input_[tuple(np.s_[b : n if s == -1 else b + s] for b, s, n in zip(begin, size, input_.shape))]


def split(value, num_or_size_splits, axis=0, num=None, name=None):
    """value cut along one axis: into equal parts by an integer, or into parts of the given sizes."""
    if isinstance(num_or_size_splits, (list, tuple)):
        sizes = list(num_or_size_splits)
        if -1 in sizes:
            sizes[sizes.index(-1)] += _core.convert(value).shape[axis] - sum(sizes)
        return ops.split(value, np.cumsum(sizes[:-1]).astype(int).tolist(), axis)
    return ops.split(value, num_or_size_splits, axis)


def reverse(tensor, axis, name=None):
    """tensor in reversed order along the axes `axis`."""
    return ops.flip(tensor, axis)


def pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    """tensor with a value, or its own entries mirrored, around it: one pair (before, after) per axis."""
    widths = np.asarray(paddings).tolist()
    if mode.upper() in ("REFLECT", "SYMMETRIC"):
        tensor = _core.convert(tensor)
        for axis, pair in enumerate(widths):
            order = np.pad(np.arange(tensor.shape[axis]), pair, mode.lower())
            tensor = ops.take(tensor, order, axis)
        return tensor
    if mode.upper() != "CONSTANT":
        raise InvalidArgumentError(f"[tf.pad] `mode` is {mode!r}: it must be 'CONSTANT', 'REFLECT' or 'SYMMETRIC'.")
    if not constant_values:
        return ops.pad(tensor, widths)
    tensor = _core.convert(tensor)
    return ops.where(ops.pad(ops.ones_like(tensor, "float32"), widths) > 0, ops.pad(tensor, widths), constant_values)


def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The slices of params at `indices` along one axis, for each entry of the first `batch_dims` axes its own."""
    params, indices = _core.convert(params), _core.convert(indices)
    axis = batch_dims if axis is None else axis % params.ndim
    if not batch_dims:
        return ops.take(params, indices, axis)
    if axis != batch_dims:
        raise InvalidArgumentError(f"[tf.gather] `axis` is {axis} and `batch_dims` {batch_dims}: they must be equal.")
    lead, n = params.shape[:axis], params.shape[axis]
    rows = np.arange(int(np.prod(lead))).reshape(lead + (1,) * (indices.ndim - axis)) * n
    flat = ops.reshape(params, (int(np.prod(lead)) * n, *params.shape[axis + 1 :]))
    return ops.take(flat, ops.take(np.arange(n), indices) + rows, 0)


def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """The entries (or slices) of tensor where the mask holds; the mask's axes begin at `axis`."""
    tensor, mask = _core.convert(tensor), _core.cast(mask, "bool")
    if not axis:
        return tensor[mask]
    first = list(np.arange(axis, axis + mask.ndim))
    picked = ops.moveaxis(tensor, first, list(np.arange(mask.ndim)))[mask]
    return ops.moveaxis(picked, 0, axis)


def where(condition, x=None, y=None, name=None):
    """x where the condition holds, else y; the indices of its true entries without them."""
    if x is None and y is None:
        return _core.constant(np.argwhere(_core.convert(condition).numpy()).astype(np.int64))
    return ops.where(condition, x, y)


def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """`on_value` at each index along a new axis, `off_value` elsewhere."""
    if dtype is None:
        dtype = next((v.dtype for v in (on_value, off_value) if hasattr(v, "dtype")), "float32")
    y = ops.one_hot(indices, int(depth), dtype)
    on, off = (1 if on_value is None else on_value), (0 if off_value is None else off_value)
    if on_value is not None or off_value is not None:
        y = ops.where(y != 0, *(_core.convert(v, dtype) for v in (on, off)))
    return y if axis in (None, -1) else ops.moveaxis(y, -1, axis)


def argmax(input, axis=None, output_type="int64", name=None):
    """The index of the largest entry along `axis`, 0 if None."""
    return ops.cast(ops.argmax(input, 0 if axis is None else axis), output_type)


def argmin(input, axis=None, output_type="int32", name=None):
    """The index of the smallest entry along `axis`, 0 if None."""
    return ops.cast(ops.argmin(input, 0 if axis is None else axis), output_type)


def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """The int32 indices that sort one axis."""
    return ops.cast(ops.argsort(values, axis, direction == "DESCENDING"), "int32")


def sort(values, axis=-1, direction="ASCENDING", name=None):
    """The values sorted along one axis."""
    return ops.sort(values, axis, direction == "DESCENDING")


def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    """The running sums of x along one axis, without the entry itself if `exclusive`, from the end if `reverse`."""
    x = ops.flip(x, axis) if reverse else _core.convert(x)
    y = ops.cumsum(x, axis)
    y = y - x if exclusive else y
    return ops.flip(y, axis) if reverse else y


def meshgrid(*args, indexing="xy", name=None):
    """The coordinates of a grid, one tensor for each vector."""
    n = len(args)
    args = [_core.convert(a) for a in args]
    places = [1, 0, *np.arange(2, n)] if indexing == "xy" and n > 1 else list(np.arange(n))
    shape = [0] * n
    for a, place in zip(args, places):
        shape[place] = a.shape[0]
    grids = [ops.reshape(a, [-1 if i == place else 1 for i in np.arange(n)]) for a, place in zip(args, places)]
    return [ops.broadcast_to(g, shape) for g in grids]
