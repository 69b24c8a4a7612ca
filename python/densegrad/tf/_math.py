"""TensorFlow's signatures of arithmetic and `tf.nn`, on densegrad's operations."""

from densegrad import _core, activations, ops


def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """t cut to an interval; the gradient is 1 inside and at its ends."""
    if all(isinstance(v, (int, float)) for v in (clip_value_min, clip_value_max)):
        return ops.clip(t, clip_value_min, clip_value_max)
    return ops.maximum(ops.minimum(t, clip_value_max), clip_value_min)


def add_n(inputs, name=None):
    """The sum of a list of tensors."""
    first, *rest = inputs
    return sum(rest, _core.convert(first))


def count_nonzero(input, axis=None, keepdims=None, dtype="int64", name=None):
    """The number of entries that are not zero."""
    return ops.cast(ops.count_nonzero(input, axis, bool(keepdims)), dtype)


# ---- tf.nn ----------------------------------------------------------------------------------------------------------


def _along(name):
    def function(logits, axis=-1, name=None):
        return _core.activation(function.__name__, _core.convert(logits), -1 if axis is None else axis)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The {name} of logits along one axis; it knows its logits as `.z`."
    return function


softmax = _along("softmax")
log_softmax = _along("log_softmax")


def leaky_relu(features, alpha=0.2, name=None):
    """features where positive, else alpha times them."""
    return activations.leaky_relu(features, alpha)


def gelu(features, approximate=False, name=None):
    """x times the normal distribution function of x, or its approximation by tanh."""
    return activations.gelu(features, approximate)


def silu(features, beta=1.0):
    """x sigmoid(beta x)."""
    features = _core.convert(features)
    return activations.silu(features) if beta == 1 else features * activations.sigmoid(features * beta)


def bias_add(value, bias, data_format=None, name=None):
    """value + bias along the last axis."""
    return ops.add(value, bias)


def l2_loss(t, name=None):
    """sum(t**2) / 2."""
    return ops.sum(ops.square(t)) / 2


def zero_fraction(value, name=None):
    """The part of the entries that are zero."""
    value = _core.convert(value)
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def moments(x, axes, shift=None, keepdims=False, name=None):
    """The mean and the variance over some axes."""
    return ops.mean(x, axes, keepdims), ops.var(x, axes, keepdims)


def _crossentropy(name, labels, logits, axis=-1):
    logits = _core.convert(logits)
    labels = labels if name.startswith("sparse") else _core.convert(labels, logits.dtype)
    return _core.loss(name, labels, logits, from_logits=True, axis=axis, reduction="none")


def softmax_cross_entropy_with_logits(labels, logits, axis=-1, name=None):
    """-sum(labels * log(softmax(logits))) along one axis."""
    return _crossentropy("categorical_crossentropy", labels, logits, axis)


def sparse_softmax_cross_entropy_with_logits(labels, logits, name=None):
    """-log(softmax(logits)) at each label, along the last axis."""
    return _crossentropy("sparse_categorical_crossentropy", labels, logits)


def sigmoid_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """-labels log(sigmoid(logits)) - (1 - labels) log(1 - sigmoid(logits)), entry by entry."""
    logits = _core.convert(logits)
    labels = _core.convert(labels, logits.dtype)
    return _crossentropy("binary_crossentropy", labels[..., None], logits[..., None])
