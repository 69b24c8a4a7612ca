"""Functions of `keras.ops` with Keras' own arguments, defaults and dtypes, and what goes around the arithmetic."""

import numpy as np

from densegrad import _core, custom, ops
from densegrad.tf import _arrays, _backend, _choosing, _linalg, _loops, _nest, _program, _segments

# The same under Keras' names.
SHARED = {
    "binary_crossentropy": _backend.binary_crossentropy,
    "cross": _linalg.cross,
    "custom_gradient": custom.custom_gradient,
    "is_tensor": _arrays.is_tensor,
    "vectorized_map": _loops.vectorized_map,
}


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """x as a tensor, of `dtype` if given."""
    return _core.convert(x) if dtype is None else ops.cast(x, dtype)


def convert_to_numpy(x):
    """The values of a tensor as a NumPy array."""
    return np.array(_core.convert(x).numpy())


def shape(x):
    """The extents of x as a tuple of integers."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def argmax(x, axis=None, keepdims=False):
    """The int32 index of the largest entry along one axis, of the flat x if None; of ties the first."""
    return _indices(ops.argmax, x, axis, keepdims)


def argmin(x, axis=None, keepdims=False):
    """The int32 index of the least entry along one axis, of the flat x if None; of ties the first."""
    return _indices(ops.argmin, x, axis, keepdims)


def _indices(function, x, axis, keepdims):
    x = ops._arguments.tensor(x)
    places = ops.cast(function(x, axis), "int32")
    if not keepdims:
        return places
    return ops.reshape(places, (1,) * x.ndim) if axis is None else ops.expand_dims(places, axis)


def argsort(x, axis=-1):
    """The int32 indices that sort x along one axis, of the flat x if None."""
    x, axis = (ops.ravel(x), -1) if axis is None else (x, axis)
    return ops.cast(ops.argsort(x, axis), "int32")


def in_top_k(targets, predictions, k):
    """Whether the prediction for each target is among the k largest of its row; ties count."""
    return _choosing.in_top_k(targets, predictions, k)


def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """The sums of the rows of each group, of `num_segments` of them or as many as the largest number needs."""
    count = int(ops.max(segment_ids)) + 1 if num_segments is None else num_segments
    return _segments.unsorted_segment_sum(data, segment_ids, count)


def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """The largest entries of each group of rows, of `num_segments` or as many as the largest number needs."""
    count = int(ops.max(segment_ids)) + 1 if num_segments is None else num_segments
    return _segments.unsorted_segment_max(data, segment_ids, count)


def slice(inputs, start_indices, shape):
    """The part of a shape that starts at some indices."""
    return _core.convert(inputs)[tuple(_part(start_indices, shape))]


def _part(starts, shape):
    starts = [int(n) for n in starts]
    return [np.s_[a : a + int(n)] for a, n in zip(starts, shape, strict=True)]


def slice_update(inputs, start_indices, updates):
    """inputs with the part that starts at some indices replaced by `updates`."""
    inputs, updates = ops._arguments.together("slice_update", inputs, updates)
    places = np.arange(inputs.size).reshape(inputs.shape)[tuple(_part(start_indices, updates.shape))]
    flat = ops.scatter_update(ops.ravel(inputs), places.reshape(-1, 1), ops.ravel(updates))
    return ops.reshape(flat, inputs.shape)


def tril(x, k=0):
    """The matrices with zeros above the k-th diagonal."""
    return _triangle(x, lambda rows, columns: columns - rows <= k)


def triu(x, k=0):
    """The matrices with zeros below the k-th diagonal."""
    return _triangle(x, lambda rows, columns: columns - rows >= k)


def _triangle(x, kept):
    x = ops._arguments.tensor(x)
    return ops.where(np.fromfunction(kept, x.shape[-2:], dtype=int), x, _core.constant(0, x.dtype))


def hstack(xs):
    """The tensors joined along the second axis, vectors along their one."""
    xs = [ops._arguments.tensor(x) for x in xs]
    return ops.concatenate(xs, 0 if xs[0].ndim == 1 else 1)


def vstack(xs):
    """The tensors joined along the first axis; vectors one behind the other, as in Keras, and not as rows."""
    return ops.concatenate(xs, 0)


def meshgrid(*x, indexing="xy"):
    """Tensors of the coordinates of all points of a grid."""
    return _arrays.meshgrid(*x, indexing=indexing)


def diff(a, n=1, axis=-1):
    """The differences of entries that follow each other along one axis, n times over."""
    a = ops.moveaxis(a, axis, -1)
    for _ in np.arange(n):
        a = a[..., 1:] - a[..., :-1]
    return ops.moveaxis(a, -1, axis)


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with NaN and infinities replaced by numbers, the latter by the largest ones if None."""
    x = _core.convert(x)
    info = np.finfo(x.dtype if x.dtype.kind == "f" else "float32")
    values = (nan, info.max if posinf is None else posinf, info.min if neginf is None else neginf)
    for place, value in zip((ops.isnan(x), x == np.inf, x == -np.inf), values):
        x = ops.where(place, value, x)
    return x


def cond(pred, true_fn, false_fn):
    """true_fn() if pred holds, else false_fn()."""
    return _program.cond(pred, true_fn, false_fn)


def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """loop_vars after body(*loop_vars) has replaced them as long as cond(*loop_vars) holds."""
    alone = not isinstance(loop_vars, (tuple, list))
    result = _program.while_loop(
        cond, body, (loop_vars,) if alone else loop_vars, maximum_iterations=maximum_iterations
    )
    return result[0] if alone else tuple(result)


def fori_loop(lower, upper, body_fun, init_val):
    """The value after value = body_fun(i, value) for i from `lower` up to below `upper`."""
    value = init_val
    for i in np.arange(int(lower), int(upper)):
        value = body_fun(_core.constant(i, "int32"), value)
    return value


def map(f, xs):
    """f of the rows of a tensor, or of several side by side, stacked."""
    return _nest.map_structure(lambda *ys: ops.stack(ys), *(f(row) for row in _rows(xs)))


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """The last carry, and the stacked outputs, of (carry, output) = f(carry, row) over the rows."""
    rows = [None] * int(length) if xs is None else list(_rows(xs))
    outputs = []
    for row in reversed(rows) if reverse else rows:
        init, output = f(init, row)
        outputs.append(output)
    outputs = outputs[::-1] if reverse else outputs
    if not outputs or outputs[0] is None:
        return init, None
    return init, _nest.map_structure(lambda *ys: ops.stack(ys), *outputs)


def _rows(xs):
    """The structures of the rows of a structure of tensors."""
    leaves = [ops.unstack(x) for x in _nest.flatten(xs)]
    return [_nest.pack_sequence_as(xs, row) for row in zip(*leaves, strict=True)]
