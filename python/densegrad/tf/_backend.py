"""Functions of `keras.backend` with Keras' own arguments and defaults."""

import numpy as np

from densegrad import _core, activations, config, ops
from densegrad.tf import _arrays, _loops, _math, _random


def concatenate(tensors, axis=-1):
    """The tensors joined along one axis."""
    return ops.concatenate(tensors, axis)


def expand_dims(x, axis=-1):
    """x with one axis more."""
    return ops.expand_dims(x, axis)


def softmax(x, axis=-1):
    """The softmax along one axis."""
    return _math.softmax(x, axis)


def argmax(x, axis=-1):
    """The index of the largest entry along one axis."""
    return ops.argmax(x, axis)


def binary_crossentropy(target, output, from_logits=False):
    """The binary cross-entropy, entry by entry."""
    output = _core.convert(output)
    target = _core.convert(target, output.dtype)
    return ops.binary_crossentropy(target[..., None], output[..., None], from_logits)


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """The categorical cross-entropy, one value per sample."""
    return ops.categorical_crossentropy(target, output, from_logits, axis=axis)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """The categorical cross-entropy of integer labels, one value per sample."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits, axis=axis)


def variable(value, dtype=None, name="Variable"):
    """A variable with an initial value."""
    return _core.Variable(value, dtype=dtype, name=name)


def get_value(x):
    """A copy of the values as a NumPy array."""
    return _core.convert(x).numpy()


def set_value(x, value):
    """Assigns a value to a variable."""
    x.assign(value)


def int_shape(x):
    """The extents as a tuple."""
    return tuple(x.shape)


def ndim(x):
    """The number of axes."""
    return len(x.shape)


def image_data_format():
    """The order of image axes: "channels_last"."""
    return "channels_last"


def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """x above `threshold`, at most `max_value`, and alpha (x - threshold) below."""
    return activations.relu(x, alpha, max_value, threshold)


def hard_sigmoid(x):
    """0.2 x + 0.5, cut to [0, 1]: the slope of older Keras; `activations.hard_sigmoid` has 1 / 6."""
    return ops.clip(0.2 * _core.convert(x) + 0.5, 0.0, 1.0)


def cumsum(x, axis=0):
    """The running sums along one axis."""
    return ops.cumsum(x, axis)


def cumprod(x, axis=0):
    """The running products along one axis."""
    return ops.cumprod(x, axis)


def batch_flatten(x):
    """x with all axes but the first as one."""
    return ops.reshape(x, (len(x), -1))


def batch_dot(x, y, axes=None):
    """The sums of products of each sample of x and y over one axis of each: those numbered `axes`, one or a pair."""
    x, y = ops._arguments.together("batch_dot", x, y)
    if axes is None:
        axes = (x.ndim - 1, max(y.ndim - 2, 1))
    a, b = axes if isinstance(axes, (list, tuple)) else (axes, axes)
    x, y = ops.moveaxis(x, a, -1), ops.moveaxis(y, b, 1)
    shape = (*x.shape[:-1], *y.shape[2:])
    k = x.shape[-1]
    z = ops.matmul(ops.reshape(x, (len(x), -1, k)), ops.reshape(y, (len(y), k, -1)))
    return ops.reshape(z, shape if len(shape) > 1 else (*shape, 1))


def repeat_elements(x, rep, axis):
    """x with each slice along an axis `rep` times in place."""
    return ops.repeat(x, rep, axis)


def gather(reference, indices):
    """The rows at indices."""
    return ops.take(reference, indices, 0)


def arange(start, stop=None, step=1, dtype="int32"):
    """The numbers from start up to below stop, or from 0 up to below start."""
    return _arrays.range(start, stop, step, dtype)


def eye(size, dtype=None, name=None):
    """The identity matrix."""
    return _arrays.eye(size, dtype=dtype or config.floatx())


def dtype(x):
    """The dtype as a string."""
    return x.dtype.name


def count_params(x):
    """The number of entries."""
    return int(np.prod(x.shape))


def cast_to_floatx(x):
    """x in the default float dtype: a tensor for a tensor, else a NumPy array."""
    if isinstance(x, (_core.Tensor, _core.Variable)):
        return ops.cast(x, config.floatx())
    return np.asarray(x, config.floatx())


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers of a shape."""
    return _random.normal(shape, mean, stddev, dtype or config.floatx(), seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Uniform numbers in [minval, maxval) of a shape."""
    return _random.uniform(shape, minval, maxval, dtype or config.floatx(), seed)


def dropout(x, level, noise_shape=None, seed=None):
    """x with entries set to 0 with probability `level`, the others divided by 1 - level."""
    return _math.dropout(x, level, noise_shape, seed)


def map_fn(fn, elems, name=None, dtype=None):
    """fn of each slice along the first axis, stacked."""
    return _loops.map_fn(fn, elems, dtype=dtype)


def update(x, new_x):
    """Assigns a value to a variable, which is returned."""
    return x.assign(new_x)


def update_add(x, increment):
    """Adds to a variable, which is returned."""
    return x.assign_add(increment)


def update_sub(x, decrement):
    """Subtracts from a variable, which is returned."""
    return x.assign_sub(decrement)


def backend():
    """Whose functions a script may use on tensors: those in TensorFlow's spelling, so "tensorflow"."""
    return "tensorflow"
