"""TensorFlow's signatures of arithmetic and `tf.nn`, on densegrad's operations."""

import numpy as np

from densegrad import _core, activations, ops, random
from densegrad.ops import normalizing
from densegrad.ops._arguments import tensor


def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """t cut to an interval; the gradient is 1 inside and at its ends."""
    if all(isinstance(v, (int, float)) for v in (clip_value_min, clip_value_max)):
        return ops.clip(t, clip_value_min, clip_value_max)
    return ops.maximum(ops.minimum(t, clip_value_max), clip_value_min)


def divide(x, y, name=None):
    """x / y, float64 for integers."""
    if not (hasattr(x, "dtype") or hasattr(y, "dtype")):
        x, y = _core.convert(x), _core.convert(y)
    return _core.divide(x, y)


def reduce_mean(input_tensor, axis=None, keepdims=False, name=None):
    """The mean over some axes, of integers the integer nearest to it on the side of 0."""
    x = ops._arguments.tensor(input_tensor)
    if x.dtype.kind != "i":
        return _core.mean(x, axis, keepdims)
    total = ops.sum(ops.cast(x, "int64"), axis, keepdims)
    count = x.size // total.size if total.size else 1
    return ops.cast(ops.sign(total) * (ops.abs(total) // max(count, 1)), x.dtype)


def cumulative_logsumexp(x, axis=0, exclusive=False, reverse=False, name=None):
    """log of the running sums of exp(x) along one axis; `exclusive` and `reverse` as for `cumsum`."""
    x = ops.flip(x, axis) if reverse else _core.convert(x)
    x = ops.moveaxis(x, axis, -1)
    n = x.shape[-1]
    kept = np.tri(n, k=-1 if exclusive else 0, dtype=bool)
    y = ops.logsumexp(ops.where(kept, ops.expand_dims(x, -2), -np.inf), -1)
    y = ops.moveaxis(y, -1, axis)
    return ops.flip(y, axis) if reverse else y


def xdivy(x, y, name=None):
    """x / y, 0 where x is 0."""
    x, y = ops._arguments.together("tf.math.xdivy", x, y)
    return ops.where(x == 0, 0, x / ops.where(x == 0, 1, y))


def xlog1py(x, y, name=None):
    """x log(1 + y), 0 where x is 0."""
    x, y = ops._arguments.together("tf.math.xlog1py", x, y)
    return ops.where(x == 0, 0, x * ops.log1p(ops.where(x == 0, 0, y)))


def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """exp(log_input) - targets log_input, and Stirling's formula of log(targets!) where targets > 1, if asked."""
    log_input = _core.convert(log_input)
    targets = _core.convert(targets, log_input.dtype)
    value = ops.exp(log_input) - targets * log_input
    if not compute_full_loss:
        return value
    safe = ops.where(targets > 1, targets, 1)
    return value + ops.where(targets > 1, safe * ops.log(safe) - safe + 0.5 * ops.log(2 * np.pi * safe), 0)


def add_n(inputs, name=None):
    """The sum of a list of tensors."""
    first, *rest = inputs
    return sum(rest, _core.convert(first))


def count_nonzero(input, axis=None, keepdims=None, dtype="int64", name=None):
    """The number of entries that are not zero."""
    return ops.cast(ops.count_nonzero(input, axis, bool(keepdims)), dtype)


def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """sqrt(sum(x**2)) over some axes."""
    return ops.norm(input_tensor, None, axis, keepdims)


def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
    """The running products of x along one axis, without the entry itself if `exclusive`, from the end if `reverse`."""
    x = ops.flip(x, axis) if reverse else _core.convert(x)
    if exclusive:
        axis %= x.ndim
        before = (slice(None),) * axis
        x = ops.concatenate([ops.ones_like(x[(*before, slice(0, 1))]), x[(*before, slice(None, -1))]], axis)
    y = ops.cumprod(x, axis)
    return ops.flip(y, axis) if reverse else y


def multiply_no_nan(x, y, name=None):
    """x y, 0 where y is 0 even if x is infinite or NaN."""
    x, y = ops._arguments.together("tf.math.multiply_no_nan", x, y)
    return ops.where(y == 0, 0, x * y)


def xlogy(x, y, name=None):
    """x log(y), 0 where x is 0."""
    x, y = ops._arguments.together("tf.math.xlogy", x, y)
    return ops.where(x == 0, 0, x * ops.log(ops.where(x == 0, 1, y)))


def polyval(coeffs, x, name=None):
    """The polynomial with these coefficients, the highest power first, by Horner's rule."""
    y, *rest = coeffs
    x = _core.convert(x)
    y = ops.broadcast_to(_core.convert(y, x.dtype), x.shape)
    for c in rest:
        y = y * x + c
    return y


def scalar_mul(scalar, x, name=None):
    """scalar times x."""
    return ops.multiply(scalar, x)


def confusion_matrix(labels, predictions, num_classes=None, weights=None, dtype="int32", name=None):
    """How often (or with what weight) each label, by row, was predicted as each class, by column."""
    labels, predictions = (ops.cast(v, "int64") for v in (labels, predictions))
    if num_classes is None:
        num_classes = int(ops.max(ops.concatenate([labels, predictions], 0))) + 1 if labels.size else 0
    values = ops.ones(labels.shape, dtype) if weights is None else _core.convert(weights, dtype)
    return ops.scatter(ops.stack([labels, predictions], -1), values, (int(num_classes),) * 2)


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


def crelu(features, axis=-1, name=None):
    """relu(features) and relu(-features) side by side."""
    features = _core.convert(features)
    return activations.relu(ops.concatenate([features, -features], axis))


def bias_add(value, bias, data_format=None, name=None):
    """value + bias along the last axis, or along the second one if `data_format` starts with "NC"."""
    if data_format is not None and not str(data_format).startswith("N"):
        raise ValueError(f"[tf.nn.bias_add] `data_format` is {data_format!r}: it must be 'N...C' or 'NC...'.")
    value = _core.convert(value)
    bias = _core.convert(bias, None if isinstance(bias, (_core.Tensor, _core.Variable)) else value.dtype)
    axis = 1 if data_format and data_format.startswith("NC") else value.ndim - 1
    if bias.ndim != 1 or value.ndim < 2 or bias.shape[0] != value.shape[axis]:
        raise ValueError(
            f"[tf.nn.bias_add] `value` has shape {tuple(value.shape)} but `bias` has shape {tuple(bias.shape)}: it "
            f"must be a vector with an entry for each place on axis {axis}."
        )
    return value + ops.reshape(bias, (-1,) + (1,) * (value.ndim - 1 - axis))


def l2_loss(t, name=None):
    """sum(t**2) / 2."""
    return ops.sum(ops.square(t)) / 2


def zero_fraction(value, name=None):
    """The part of the entries that are zero."""
    value = _core.convert(value)
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """(x - mean) / sqrt(variance + variance_epsilon), times `scale` plus `offset` where these are not None."""
    x = _core.convert(x)
    given = (mean, variance, offset, scale)
    mean, variance, offset, scale = (None if v is None else tensor(v, x.dtype) for v in given)
    return normalizing.normalized(x - mean, variance, offset, scale, variance_epsilon)


def moments(x, axes, shift=None, keepdims=False, name=None):
    """The mean and the variance over some axes."""
    return ops.moments(x, axes, keepdims)


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


def weighted_cross_entropy_with_logits(labels, logits, pos_weight, name=None):
    """-pos_weight labels log(sigmoid(logits)) - (1 - labels) log(1 - sigmoid(logits)), entry by entry."""
    logits = _core.convert(logits)
    labels, pos_weight = _core.convert(labels, logits.dtype), _core.convert(pos_weight, logits.dtype)
    weight = 1 + (pos_weight - 1) * labels
    return (1 - labels) * logits - weight * activations.log_sigmoid(logits)


def dropout(x, rate, noise_shape=None, seed=None, name=None):
    """x with entries zero with probability `rate`, the others divided by 1 - rate; the mask has `noise_shape`."""
    x, rate = _core.convert(x), float(rate)
    if not 0 <= rate < 1:
        raise ValueError(f"[tf.nn.dropout] `rate` is {rate}: it must be in [0, 1).")
    if rate == 0:
        return x
    shape = tuple(x.shape) if noise_shape is None else tuple(m or n for m, n in zip(noise_shape, x.shape))
    kept = random.uniform(shape, dtype=x.dtype, seed=seed) >= rate
    return ops.where(kept, x * (1 / (1 - rate)), 0)


def embedding_lookup(params, ids, max_norm=None, name=None):
    """The rows of params at the ids."""
    if max_norm is not None:
        raise ValueError(f"[tf.nn.embedding_lookup] `max_norm` is {max_norm!r}: it must be None.")
    return ops.take(params, ids, 0)


def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None, name=None):
    """The sum of the losses, times their weights, over the number of examples."""
    values = _core.convert(per_example_loss)
    size = values.shape[0] if global_batch_size is None and values.ndim else global_batch_size or 1
    if sample_weight is not None:
        values = values * _core.convert(sample_weight, values.dtype)
    return ops.sum(values) / float(size)
