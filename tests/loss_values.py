"""Losses in plain NumPy: the values of rows, and their gradients (times a cotangent d of the row, where they take one).

Written independently of the package, and exact for arrays of a wide precision. t are labels as numbers (one-hot for a
sparse loss), p probabilities or predictions, z logits. Some bounds are written out, like those of oracles.py.
"""

from __future__ import annotations

import numpy as np
from oracles import gamma, log_softmax, sigmoid, softmax, softmax_relative, total, unit

EPSILON = 1e-7


def mse(t, p):
    return np.square(p - t).mean(axis=-1)


def mse_grad(t, p, d):
    return 2 * (p - t) / p.shape[-1] * d


def mse_bound(t, p, dtype):
    """All terms are positive: the difference counts twice, square, n - 1 additions, the quotient."""
    return gamma(p.shape[-1] + 3, dtype) * mse(t, p)


def mse_grad_bound(t, p, d, dtype):
    return gamma(4, dtype) * np.abs(mse_grad(t, p, d))


def bce(t, p):
    return -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(axis=-1)


def bce_grad(t, p, d):
    return ((1 - t) / (1 - p) - t / p) / p.shape[-1] * d


def bce_bound(t, p, dtype):
    """1 - p rounds, which moves its logarithm by u; a logarithm is off by 4u, a term and the sum round n + 4 times."""
    q = np.abs(t * np.log(p)) + np.abs(1 - t) * np.abs(np.log1p(-p))
    return ((8 * unit(dtype) + gamma(p.shape[-1] + 1, dtype)) * q + unit(dtype) * np.abs(1 - t)).mean(axis=-1)


def bce_grad_bound(t, p, d, dtype):
    terms = (np.abs(1 - t) / (1 - p) + np.abs(t) / p) / p.shape[-1]
    return gamma(6, dtype) * terms * np.abs(d)


def bce_logits(t, z):
    return (np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).mean(axis=-1)


def bce_logits_grad(t, z, d):
    return (sigmoid(z) - t) / z.shape[-1] * d


def bce_logits_bound(t, z, dtype):
    """Two terms: (step(z) - t) z of three roundings, and log1p(e) >= e / (1 + e), for which e may be off by 4u."""
    linear_term, soft = np.abs((z >= 0) - t) * np.abs(z), np.log1p(np.exp(-np.abs(z)))
    return ((10 * unit(dtype) + gamma(z.shape[-1] + 1, dtype)) * (linear_term + soft)).mean(axis=-1)


def bce_logits_grad_bound(t, z, d, dtype):
    return gamma(8, dtype) * (sigmoid(z) + np.abs(t)) / z.shape[-1] * np.abs(d)


def cce(t, p):
    return -(t * np.log(p / total(p))).sum(axis=-1)


def cce_grad(t, p, d):
    return (total(t) / total(p) - t / p) * d[..., None]


def cce_bound(t, p, dtype):
    """p / sum p is off by gamma(n), which moves its logarithm by as much."""
    n = p.shape[-1]
    log_q = np.abs(np.log(p / total(p)))
    return (np.abs(t) * (gamma(n + 1, dtype) + (gamma(n + 1, dtype) + 6 * unit(dtype)) * log_q)).sum(axis=-1)


def cce_grad_bound(t, p, d, dtype):
    """(e - sum e q) / sum p with e = t / q: q is off by gamma(n), e q by 2 gamma(n), their sum by n more."""
    n = p.shape[-1]
    return gamma(4 * n + 10, dtype) * (total(np.abs(t)) / total(p) + np.abs(t) / p) * np.abs(d[..., None])


def cce_logits(t, z):
    return -(t * log_softmax(z)).sum(axis=-1)


def cce_logits_grad(t, z, d):
    return (softmax(z) * total(t) - t) * d[..., None]


def cce_logits_bound(t, z, dtype):
    """log_softmax is off by (|z - max| + log n + n + 6) 2u absolutely; the weighted sum rounds n + 1 times."""
    n, u = z.shape[-1], unit(dtype)
    away = np.abs(z - z.max(axis=-1, keepdims=True)) if z.size else z
    each = (away.max(axis=-1, keepdims=True, initial=0) + np.log(max(n, 1)) + n + 6) * 2 * u
    return (np.abs(t) * (each + gamma(n + 1, dtype) * np.abs(log_softmax(z)))).sum(axis=-1)


def cce_logits_grad_bound(t, z, d, dtype):
    n = z.shape[-1]
    terms = softmax(z) * total(np.abs(t)) * (softmax_relative(z, dtype) + gamma(n + 3, dtype))
    return (terms + gamma(4, dtype) * np.abs(t)) * np.abs(d[..., None])


# ---- Losses whose bounds are analysed -------------------------------------------------------------------------------


def mae(t, p):
    return np.abs(p - t).mean(axis=-1)


def mae_grad(t, p):
    return np.sign(p - t) / p.shape[-1]


def mape(t, p):
    return 100 * np.abs((t - p) / np.maximum(np.abs(t), EPSILON)).mean(axis=-1)


def mape_grad(t, p):
    return 100 * np.sign(p - t) / np.maximum(np.abs(t), EPSILON) / p.shape[-1]


def msle(t, p):
    return np.square(np.log1p(p) - np.log1p(t)).mean(axis=-1)


def msle_grad(t, p):
    return 2 * (np.log1p(p) - np.log1p(t)) / (1 + p) / p.shape[-1]


def huber(t, p, delta=1.0):
    e = np.abs(p - t)
    return np.where(e <= delta, e * e / 2, delta * e - delta * delta / 2).mean(axis=-1)


def huber_grad(t, p, delta=1.0):
    return np.clip(p - t, -delta, delta) / p.shape[-1]


def log_cosh(t, p):
    return (np.logaddexp(p - t, t - p) - np.log(2)).mean(axis=-1)


def log_cosh_grad(t, p):
    return np.tanh(p - t) / p.shape[-1]


def poisson(t, p):
    return (p - t * np.log(p + EPSILON)).mean(axis=-1)


def poisson_grad(t, p):
    return (1 - t / (p + EPSILON)) / p.shape[-1]


def kld(t, p):
    return (t * np.log(t / p)).sum(axis=-1)


def kld_grad(t, p):
    return -t / p


def cosine(t, p):
    return -(t * p).sum(axis=-1) / np.sqrt((t * t).sum(axis=-1) * (p * p).sum(axis=-1))


def cosine_grad(t, p):
    t, length = t / np.sqrt(total(t * t)), np.sqrt(total(p * p))
    return -(t - total(t * p) * p / length**2) / length


def hinge(t, p):
    return np.maximum(1 - t * p, 0).mean(axis=-1)


def hinge_grad(t, p):
    return np.where(t * p <= 1, -t, 0) / p.shape[-1]


def squared_hinge(t, p):
    return np.square(np.maximum(1 - t * p, 0)).mean(axis=-1)


def squared_hinge_grad(t, p):
    return -2 * t * np.maximum(1 - t * p, 0) / p.shape[-1]


def margins(t, p):
    wrong = (1 - t) * p
    largest = wrong.max(axis=-1, keepdims=True) if wrong.size else wrong
    return wrong, largest, largest - total(t * p) + 1


def categorical_hinge(t, p):
    return np.maximum(margins(t, p)[2], 0).sum(axis=-1)


def categorical_hinge_grad(t, p):
    wrong, largest, margin = margins(t, p)
    tie = wrong == largest
    return np.where(margin >= 0, tie / total(tie) * (1 - t) - t, 0)


def binary_focal(t, p, gamma=2.0, alpha=0.25, apply_class_balancing=False):
    weight = t * alpha + (1 - t) * (1 - alpha) if apply_class_balancing else 1
    miss = t * (1 - p) + (1 - t) * p
    return -(weight * miss**gamma * (t * np.log(p) + (1 - t) * np.log1p(-p))).mean(axis=-1)


def binary_focal_grad(t, p, gamma=2.0, alpha=0.25, apply_class_balancing=False):
    weight = t * alpha + (1 - t) * (1 - alpha) if apply_class_balancing else 1
    miss = t * (1 - p) + (1 - t) * p
    entropy, slope = -(t * np.log(p) + (1 - t) * np.log1p(-p)), (1 - t) / (1 - p) - t / p
    return weight * (gamma * miss ** (gamma - 1) * (1 - 2 * t) * entropy + miss**gamma * slope) / p.shape[-1]


def categorical_focal(t, p, gamma=2.0, alpha=0.25):
    q = p / total(p)
    return -(alpha * t * (1 - q) ** gamma * np.log(q)).sum(axis=-1)


def categorical_focal_grad(t, p, gamma=2.0, alpha=0.25):
    q = p / total(p)
    slope = alpha * t * (gamma * (1 - q) ** (gamma - 1) * np.log(q) - (1 - q) ** gamma / q)
    return (slope - total(slope * q)) / total(p)


def generalized(t, p, q=0.5):
    return (1 - (t * p).sum(axis=-1) ** q) / q


def generalized_grad(t, p, q=0.5):
    return -t * total(t * p) ** (q - 1)
