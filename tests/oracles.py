"""Activations and losses in plain NumPy, written independently of the package, with bounds of the rounding error.

Every function here takes arrays of a precision wider than the one under test and is exact for its purposes. A bound is
first order in the unit roundoff u plus the ULPs that an elementary function is granted; it says, componentwise, how far
a program in the narrow precision may be from the exact result for exactly representable inputs.
"""

from __future__ import annotations

import numpy as np

ULPS = 2  # what exp, log, log1p and sigmoid may be off by; one ULP of y is at most 2 u |y|


def unit(dtype):
    """The unit roundoff of a dtype."""
    return float(np.finfo(dtype).eps) / 2


def gamma(n, dtype):
    """The relative error of n roundings in a row."""
    u = unit(dtype)
    return n * u / (1 - n * u)


def ulp(y, dtype):
    """The distance between neighbours in `dtype` at each |y|, the smallest subnormal below the normal range."""
    return np.spacing(np.abs(np.asarray(y, np.float64)).astype(dtype)).astype(np.float64)


# ---- Activations: value, slope applied to a cotangent, and how an error e of z (and the own roundings) reach y -------


def linear(z):
    return z


def linear_grad(z, dy):
    return dy


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def sigmoid_grad(z, dy):
    return dy * sigmoid(z) * sigmoid(-z)


def relu(z):
    return np.where(z > 0, z, 0)


def relu_grad(z, dy):
    return np.where(z > 0, dy, 0)


def softmax(z):
    if z.size == 0:
        return z
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_grad(z, dy):
    y = softmax(z)
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def total(x):
    return x.sum(axis=-1, keepdims=True)


def log_softmax(z):
    if z.size == 0:
        return z
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(total(np.exp(shifted)))


def linear_bound(z, e, dtype):
    """y is z."""
    return e + 0 * np.abs(z)


def sigmoid_bound(z, e, dtype):
    """The slope is at most 1/4, also over an interval of width e around z; then 2 ULP."""
    return e / 4 + ULPS * ulp(sigmoid(z), dtype)


def softmax_relative(z, dtype):
    """(|z - max| + n + 6) 2u: the subtraction rounds once, which exp turns into u |z - max| (reliability.md, 2.2)."""
    if z.size == 0:
        return z
    return (np.abs(z - z.max(axis=-1, keepdims=True)) + z.shape[-1] + 6) * 2 * unit(dtype)


def softmax_bound(z, e, dtype):
    """log y_j moves by e_j + max e at most when every z moves by e; then the relative error of `softmax_relative`."""
    if z.size == 0:
        return z
    e = np.broadcast_to(np.asarray(e, np.float64), z.shape)
    moved = np.expm1(np.asarray(e + e.max(axis=-1, keepdims=True), np.float64))
    return softmax(z) * (moved + (1 + moved) * softmax_relative(z, dtype)) + np.finfo(dtype).smallest_normal


def linear_grad_bound(z, dy, dtype):
    return 0 * dy


def sigmoid_grad_bound(z, dy, dtype):
    """y is off by 4u y, which y (1 - y) passes on with a slope below 1; 1 - y and two products add 3u y at most."""
    return 7 * unit(dtype) * np.abs(dy) * sigmoid(z) + np.finfo(dtype).smallest_normal


def softmax_grad_bound(z, dy, dtype):
    """y (dy - dot): y is off by r relatively, twice; the dot product and three operations by gamma(n + 3)."""
    if z.size == 0:
        return z
    y, r = softmax(z), softmax_relative(z, dtype).max(axis=-1, keepdims=True)
    terms = np.abs(dy) + (np.abs(dy) * y).sum(axis=-1, keepdims=True)
    return y * terms * (2 * r + gamma(z.shape[-1] + 3, dtype)) + np.finfo(dtype).smallest_normal


def log_softmax_grad(z, dy):
    return dy - softmax(z) * dy.sum(axis=-1, keepdims=True)


def log_softmax_bound(z, e, dtype):
    """log y_j moves by e_j + max e; the bound of `softmax_relative`, and the logarithm of a sum of n terms up to 1."""
    if z.size == 0:
        return z
    n, e = z.shape[-1], np.broadcast_to(np.asarray(e, np.float64), z.shape)
    own = softmax_relative(z, dtype).max(axis=-1, keepdims=True) + 2 * unit(dtype) * np.log(n)
    return e + e.max(axis=-1, keepdims=True) + own + unit(dtype) * np.abs(log_softmax(z))


def log_softmax_grad_bound(z, dy, dtype):
    """exp(y) is off by the error of y relatively, and by 4u; the sum of dy by gamma(n)."""
    if z.size == 0:
        return z
    relative = log_softmax_bound(z, 0, dtype) + gamma(z.shape[-1] + 6, dtype)
    terms = softmax(z) * np.abs(dy).sum(axis=-1, keepdims=True)
    return terms * relative + unit(dtype) * np.abs(log_softmax_grad(z, dy)) + np.finfo(dtype).smallest_normal


ACTIVATIONS = {
    "linear": (linear, linear_bound, linear_grad, linear_grad_bound),
    "sigmoid": (sigmoid, sigmoid_bound, sigmoid_grad, sigmoid_grad_bound),
    "relu": (relu, linear_bound, relu_grad, linear_grad_bound),
    "softmax": (softmax, softmax_bound, softmax_grad, softmax_grad_bound),
    "log_softmax": (log_softmax, log_softmax_bound, log_softmax_grad, log_softmax_grad_bound),
}
