"""Keras' expression of every loss, term by term, in the words of vocabulary.py: values per row, kept as (rows, 1).

t are labels as numbers (one-hot for a sparse loss), already smoothed; p probabilities, predictions, or logits where
the form says so. Run on tensors they are decompositions, run on nodes they are error analyses.
"""

from __future__ import annotations

import numpy as np
from vocabulary import BoundedLosses as Bounded
from vocabulary import absolute, clip, kinked, largest, numbers, power, sigmoid, softmax

__all__ = ["FORMULAS", "Bounded"]
EPSILON = 1e-7


def mean(f, x):
    return f.total(x) / f.const(float(numbers(x).shape[-1]), x)


def ends(p):
    """Keras' clipping interval of probabilities, in the dtype of p."""
    dtype = np.float32 if _unit(p) > 2.0**-30 else np.float64
    return float(dtype(EPSILON)), float(dtype(1 - EPSILON))


def _unit(p):
    return p.machine.unit if hasattr(p, "machine") else float(np.finfo(p.dtype).eps)


def mean_squared_error(f, form, t, p):
    return mean(f, (p - t) * (p - t))


def binary_crossentropy(f, form, t, p):
    one = f.const(1.0, p)
    if form == "values":
        return mean(f, -(t * f.log(p) + (one - t) * f.log(one - p)))
    return mean(f, f.masked(p, numbers(p) >= 0) - p * t + f.log(one + f.exp(-absolute(f, p))))


def categorical_crossentropy(f, form, t, p):
    if form == "values":
        return -f.total(t * f.log(p / f.total(p)))
    shifted = p - f.const(numbers(p).max(axis=-1, keepdims=True), p)
    return -f.total(t * (shifted - f.log(f.total(f.exp(shifted)))))


def mean_absolute_error(f, form, t, p):
    return mean(f, absolute(f, kinked(p - t)))


def mean_absolute_percentage_error(f, form, t, p):
    size = clip(f, absolute(f, t), EPSILON)
    return f.const(100.0, p) * mean(f, absolute(f, kinked(t - p) / size))


def mean_squared_logarithmic_error(f, form, t, p):
    one = f.const(1.0, p)
    e = f.log(clip(f, p, EPSILON) + one) - f.log(clip(f, t, EPSILON) + one)
    return mean(f, e * e)


def huber(f, form, t, p, delta=1.0):
    e = p - t
    a = absolute(f, e)
    kinked(a - f.const(delta, p))
    inside = numbers(a) <= delta
    line = f.const(delta, p) * a - f.const(delta * delta / 2, p)
    return mean(f, f.masked(f.const(0.5, p) * e * e, inside) + f.masked(line, ~inside))


def log_cosh(f, form, t, p):
    e, one = p - t, f.const(1.0, p)
    return mean(f, e + f.log(one + f.exp(-(e + e))) - f.const(np.log(2), p))


def poisson(f, form, t, p):
    return mean(f, p - t * f.log(p + f.const(EPSILON, p)))


def kl_divergence(f, form, t, p):
    t, p = clip(f, t, EPSILON, 1.0), clip(f, p, EPSILON, 1.0)
    return f.total(t * f.log(t / p))


def cosine_similarity(f, form, t, p):
    return -f.total(t / f.sqrt(f.total(t * t)) * (p / f.sqrt(f.total(p * p))))


def signed(f, t):
    """Labels that are all 0 or 1 as -1 or 1."""
    if not np.isin(numbers(t), (0, 1)).all():
        return t
    return f.const(2.0, t) * t - f.const(1.0, t)


def hinge(f, form, t, p, power=1):
    m = f.const(1.0, p) - signed(f, t) * p
    h = f.masked(m, numbers(kinked(m)) >= 0)
    return mean(f, h if power == 1 else h * h)


def squared_hinge(f, form, t, p):
    return hinge(f, form, t, p, 2)


def categorical_hinge(f, form, t, p):
    one = f.const(1.0, p)
    m = largest(f, (one - t) * p) - f.total(t * p) + one
    return f.masked(m, numbers(kinked(m)) >= 0)


def binary_focal_crossentropy(f, form, t, p, gamma=2.0, alpha=0.25, apply_class_balancing=False):
    one = f.const(1.0, p)
    p = sigmoid(f, p) if form == "logits" else p
    c = clip(f, p, *ends(p))
    entropy = -(t * f.log(c) + (one - t) * f.log(one - c))
    each = power(f, one - (t * p + (one - t) * (one - p)), gamma) * entropy
    if apply_class_balancing:
        each = each * (t * f.const(alpha, p) + (one - t) * (one - f.const(alpha, p)))
    return mean(f, each)


def categorical_focal_crossentropy(f, form, t, p, gamma=2.0, alpha=0.25):
    p = softmax(f, p) if form == "logits" else p
    c = clip(f, p / f.total(p), *ends(p))
    entropy = -(t * f.log(c))
    return f.total(power(f, f.const(1.0, p) - c, gamma) * f.const(alpha, p) * entropy)


def categorical_generalized_cross_entropy(f, form, t, p, q=0.5):
    return (f.const(1.0, p) - power(f, f.total(p * t), q)) / f.const(q, p)


FORMULAS = {
    function.__name__: function
    for function in (
        mean_squared_error,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_logarithmic_error,
        huber,
        log_cosh,
        poisson,
        kl_divergence,
        cosine_similarity,
        hinge,
        squared_hinge,
        categorical_hinge,
        binary_crossentropy,
        categorical_crossentropy,
        binary_focal_crossentropy,
        categorical_focal_crossentropy,
        categorical_generalized_cross_entropy,
    )
}
FORMULAS["sparse_categorical_crossentropy"] = categorical_crossentropy
