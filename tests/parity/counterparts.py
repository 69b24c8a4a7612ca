"""What a row of tables.py is called in TensorFlow and Keras.

`reduction axis=0` is a function by that name with these arguments, found in the libraries' namespaces; `x_grad` is the
gradient of the counterpart of `x`. Only what is called differently is written out.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from rows import named

K = keras.ops


@tf.custom_gradient
def custom_square(x):
    return x * x, lambda dy: 2 * x * dy


def scatter_add(x, i, updates):
    return tf.tensor_scatter_nd_add(x, i[:, None], updates)


def average(x, w):
    return tf.reduce_sum(x * w[:, None], 0) / tf.reduce_sum(w)


def conv(x, kernel, data_format="channels_last", **options):
    """TensorFlow's CPU has only channels that come last, and no gradients of several groups."""
    if data_format == "channels_first":
        return K.moveaxis(conv(K.moveaxis(x, 1, -1), kernel, **options), -1, 1)
    groups = x.shape[-1] // kernel.shape[-2]
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([K.conv(a, b, **options) for a, b in parts], -1)


def layer_normalization(x, scale, offset, axis):
    """Keras' and tf.nn.moments keep the mean fixed in the second derivative."""
    variance = K.mean(tf.square(x - K.mean(x, axis, keepdims=True)), axis, keepdims=True)
    return (x - K.mean(x, axis, keepdims=True)) * tf.math.rsqrt(variance + 1e-7) * scale + offset


def norm(x, axis=None, ord="euclidean"):
    """TensorFlow's norms of vectors and Frobenius'; those of other matrices and the orders 0 and -inf are Keras'."""
    if ord == "fro":
        return tf.norm(x, ord, (0, 1))
    if axis is None and ord != "euclidean" or ord in (0, -float("inf")):
        return K.norm(x, ord, axis)
    return tf.norm(x, ord, axis)


def take_flat(x, i):
    x = tf.reshape(x, [-1])
    return tf.gather(x, tf.where(i < 0, i + tf.size(x, i.dtype), i))


def projected(a):
    v = tf.linalg.matrix_transpose(tf.linalg.eigh(a)[1])
    return v[..., :, None] * v[..., None, :]


def of_symmetric(function):
    return lambda x: function((x + tf.linalg.matrix_transpose(x)) / 2)


NAMED = {
    "erf": tf.math.erf,
    "erfc": tf.math.erfc,
    "exponential": keras.activations.exponential,
    "round": tf.round,
    "identity": tf.identity,
    "cast": lambda x: tf.cast(tf.cast(x, "float64"), x.dtype),
    "clip": lambda x: tf.clip_by_value(x, -0.5, 1.0),
    "power": tf.pow,
    "mean": tf.reduce_mean,
    "sum": tf.reduce_sum,
    "max": tf.reduce_max,
    "min": tf.reduce_min,
    "prod": tf.reduce_prod,
    "logsumexp": tf.reduce_logsumexp,
    "any": lambda x, axis: tf.reduce_any(x != 0, axis),
    "all": lambda x, axis: tf.reduce_all(x != 0, axis),
    "std": tf.math.reduce_std,
    "var": lambda x, axis, ddof=0: tf.math.reduce_variance(x, axis) * (1 if ddof == 0 else x.shape[axis] /
                                                                       (x.shape[axis] - ddof)),
    "norm": norm,
    "moments mean": lambda x: tf.nn.moments(x, [0])[0],
    "moments variance": lambda x: tf.math.reduce_variance(x, 0, keepdims=True),
    "batch_normalization": lambda x, m, v, o, s, axis: K.batch_normalization(x, m, v, axis, o, s),
    "layer_normalization": layer_normalization,
    "conv": conv,
    "broadcast_to": lambda x: tf.broadcast_to(x, (4, 2, 3)),
    "sum_to": lambda x: tf.reduce_sum(x, 1, keepdims=True),
    "reshape": lambda x: tf.reshape(x, (-1, 3)),
    "transpose": lambda x: tf.transpose(x, (2, 0, 1)),
    "transpose reversed": tf.transpose,
    "concatenate": lambda *xs: tf.concat(xs, 1),
    "slice": lambda x: x[1:, ..., ::-2],
    "pad": lambda x: tf.pad(x, ((1, 0), (2, 3))),
    "take": lambda x, i, axis=0: tf.gather(x, i, axis=axis),
    "scatter_add": scatter_add,
    "one_hot": lambda i: tf.one_hot(i, 4),
    "matmul a^T": lambda a, b: tf.matmul(a, b, transpose_a=True),
    "matmul b^T": lambda a, b: tf.matmul(a, b, transpose_b=True),
    "matmul a^T b^T": lambda a, b: tf.matmul(a, b, transpose_a=True, transpose_b=True),
    "solve a^T": lambda a, b: tf.linalg.solve(a, b, adjoint=True),
    "slogdet": lambda a: tf.linalg.slogdet(a)[1],
    "slogdet sign": lambda a: tf.linalg.slogdet(a)[0],
    "cholesky": of_symmetric(tf.linalg.cholesky),
    "cholesky upper=True": of_symmetric(lambda a: K.cholesky(a, upper=True)),
    "solve_triangular": lambda a, b: tf.linalg.triangular_solve(a, b, lower=False),
    "solve_triangular lower=True": tf.linalg.triangular_solve,
    "eigvalsh": of_symmetric(tf.linalg.eigvalsh),
    "svdvals": lambda a: tf.linalg.svd(a, compute_uv=False),
    "eigh projections": of_symmetric(projected),
    "logdet": of_symmetric(tf.linalg.logdet),
    "custom_gradient": custom_square,
    "expand_dims": lambda x: tf.expand_dims(tf.expand_dims(x, 0), -2),
    "swapaxes": lambda x: K.swapaxes(x, 0, -1),
    "moveaxis": lambda x: K.moveaxis(x, (0, 1), (-1, 0)),
    "stack": lambda *xs: tf.stack(xs, 1),
    "unstack": lambda x: tf.concat(tf.unstack(x, axis=1)[::-1], 0),
    "split": lambda x: tf.concat(tf.split(x, 3, 1)[::-1], 1),
    "split at indices": lambda x: tf.concat([x[4:], x[1:4], x[1:1], x[:1]], 0),
    "tile": lambda x: K.tile(x, (2, 1, 3)),
    "repeat": lambda x: tf.repeat(x, [1, 0, 2], 1),
    "repeat flat": lambda x: tf.repeat(x, 2),
    "flip": lambda x: tf.reverse(x, (0, len(x.shape) - 1)),
    "take_along_axis": lambda x, i: K.take_along_axis(x, i, 1),
    "take_along_axis flat": take_flat,
    "gather_nd": tf.gather_nd,
    "argsort": lambda x: tf.argsort(x, -1, stable=True),
    "argsort descending": lambda x: tf.argsort(x, 0, "DESCENDING", stable=True),
    "sort": tf.sort,
    "sort descending": lambda x: tf.sort(x, 0, "DESCENDING"),
    "top_k": lambda x: tf.math.top_k(x, 2)[0],
    "diagonal": lambda x: K.diagonal(x, 1, -1, 0),
    "diag": lambda x: K.diag(x, -1),
    "full_like": lambda x: tf.fill(x.shape, tf.cast(3, x.dtype)),
    "average": average,
    "cumsum axis=None": lambda x: tf.cumsum(tf.reshape(x, [-1])),
    "cumprod axis=None": lambda x: tf.math.cumprod(tf.reshape(x, [-1])),
    "cumprod": lambda x, axis: tf.math.cumprod(x, axis),
    "roll": lambda x: tf.roll(x, (2, -1), (0, 1)),
    "roll flat": lambda x: tf.reshape(tf.roll(tf.reshape(x, [-1]), -4, 0), x.shape),
    "scatter": lambda i, v: tf.scatter_nd(i, v, (3, 4)),
    "scatter_update": tf.tensor_scatter_nd_update,
    "tensordot": lambda a, b: tf.tensordot(a, b, 2),
    "tensordot 0": lambda a, b: tf.tensordot(a, b, 0),
    "tensordot pairs": lambda a, b: tf.tensordot(a, b, ([0, 2], [2, 0])),
    "rsqrt": tf.math.rsqrt,
    "reciprocal": tf.math.reciprocal,
    "squared_difference": tf.math.squared_difference,
    "divide_no_nan": tf.math.divide_no_nan,
    "divide_no_nan by zeros": tf.math.divide_no_nan,
    "l2_normalize": tf.math.l2_normalize,
    "einsum ij,ij->ij": tf.multiply,  # TensorFlow's einsum broadcasts no named axis
}  # fmt: skip


def activation(name):
    """TensorFlow cannot differentiate the gradient of its softsign: that one is its formula."""
    return getattr(keras.activations, name) if name != "softsign" else lambda z: z / (1 + tf.abs(z))


def gradient(function, position, *inputs):
    """The vjp of `function` by the input at `position`; the cotangent comes last."""
    *inputs, cotangent = inputs
    with tf.GradientTape() as tape:
        tape.watch(inputs[position])
        y = function(*inputs)
    return tape.gradient(y, inputs[position], output_gradients=cotangent)


def counterpart(row):
    """The function of TensorFlow or Keras that a row stands for; LookupError if there is none."""
    name = row.name
    if name.endswith("_grad"):
        base = function_of(name.removesuffix("_grad"), row.primitive.removesuffix("_grad"))
        position = 1 if row.primitive == "loss_grad" else 0
        return lambda *inputs: gradient(base, position, *inputs)
    return function_of(name, row.primitive)


def function_of(name, primitive):
    word, rest, arguments = named(name)
    if primitive == "activation" or name == "linear":
        return lambda z: activation(word)(z, **arguments)
    if primitive == "dense":
        return lambda x, w, b: activation(rest)(tf.tensordot(x, w, 1) + b)
    if primitive == "loss":
        if rest != "values":
            arguments["from_logits"] = True
        if word == "categorical_generalized_cross_entropy":
            arguments.setdefault("q", 0.5)  # the class has this default, the function none
        return lambda t, p: getattr(keras.losses, word)(t, p, **arguments)
    if name in NAMED:
        return NAMED[name]
    if word == "einsum":
        return lambda *xs: tf.einsum(rest, *xs)
    if word in NAMED:
        return lambda *xs: NAMED[word](*xs, **arguments)
    for space in (K, tf, tf.math, tf.linalg):
        if callable(getattr(space, word, None)):
            return lambda *xs: getattr(space, word)(*xs, **arguments)
    raise LookupError(name)
