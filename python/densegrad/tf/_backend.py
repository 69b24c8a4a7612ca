"""Functions of `keras.backend` with Keras' own arguments and defaults."""

from densegrad import _core, ops
from densegrad.tf import _math


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
