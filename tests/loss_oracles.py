"""Losses in plain NumPy by (name, form): value of a row, gradient times a cotangent of the row, their bounds.

t are labels as numbers (one-hot for a sparse loss), p probabilities or predictions, z logits. As in oracles.py, values
and gradients are exact for arrays of a wide precision, and written independently of the package. Where a bound is not
written out, it is the running error analysis (bounds.py) of Keras' expression for the loss (loss_formulas.py).
"""

from __future__ import annotations

import bounds
import numpy as np
from loss_formulas import FORMULAS, Bounded
from oracles import gamma, sigmoid, sigmoid_grad, softmax, softmax_grad, softmax_relative, unit

EPSILON = 1e-7


def total(x):
    return x.sum(axis=-1, keepdims=True)


def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True) if z.size else z
    return shifted - np.log(total(np.exp(shifted)))


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


def _margin(t, p):
    wrong = (1 - t) * p
    largest = wrong.max(axis=-1, keepdims=True) if wrong.size else wrong
    return wrong, largest, largest - total(t * p) + 1


def categorical_hinge(t, p):
    return np.maximum(_margin(t, p)[2], 0).sum(axis=-1)


def categorical_hinge_grad(t, p):
    wrong, largest, margin = _margin(t, p)
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


def _of_logits(value, grad, activation):
    """A loss of probabilities as a loss of z; `activation` gives them and applies its transposed derivative."""
    forward, backward = activation
    return (
        lambda t, z, **o: value(t, forward(z), **o),
        lambda t, z, **o: backward(z, grad(t, forward(z), **o)),
    )


ANALYSED = {
    ("mean_absolute_error", "values"): (mae, mae_grad),
    ("mean_absolute_percentage_error", "values"): (mape, mape_grad),
    ("mean_squared_logarithmic_error", "values"): (msle, msle_grad),
    ("huber", "values"): (huber, huber_grad),
    ("poisson", "values"): (poisson, poisson_grad),
    ("kl_divergence", "values"): (kld, kld_grad),
    ("cosine_similarity", "values"): (cosine, cosine_grad),
    ("hinge", "values"): (hinge, hinge_grad),
    ("squared_hinge", "values"): (squared_hinge, squared_hinge_grad),
    ("categorical_hinge", "values"): (categorical_hinge, categorical_hinge_grad),
    ("binary_focal_crossentropy", "values"): (binary_focal, binary_focal_grad),
    ("categorical_focal_crossentropy", "values"): (categorical_focal, categorical_focal_grad),
    ("categorical_generalized_cross_entropy", "values"): (generalized, generalized_grad),
    ("binary_focal_crossentropy", "logits"): _of_logits(binary_focal, binary_focal_grad, (sigmoid, sigmoid_grad)),
    ("categorical_focal_crossentropy", "logits"): _of_logits(
        categorical_focal, categorical_focal_grad, (softmax, softmax_grad)
    ),
}  # fmt: skip
# Beside the defaults.
OPTIONS = {
    "huber": [{"delta": 0.5}],
    "binary_focal_crossentropy": [{"gamma": 1.5, "alpha": 0.3, "apply_class_balancing": True}],
    "categorical_focal_crossentropy": [{"gamma": 1.5, "alpha": 0.3}],
    "categorical_generalized_cross_entropy": [{"q": 0.7}],
}
# Labels that are all 0 or 1, or where the kinks of a loss are, would make a draw special: eighths and odd sixteenths.
LATTICE = {
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "huber",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
}
SPARSE = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")


def drawn(name, form, rng, shape):
    """Labels and predictions (or logits) of a shape, in float64."""
    if name in SPARSE:
        labels = rng.integers(0, shape[-1], shape[:-1])
    elif name in LATTICE:
        return rng.integers(1, 17, shape) * rng.choice([-1, 1], shape) / 8, (rng.integers(-16, 16, shape) + 0.5) / 8
    else:
        labels = rng.uniform(0.05, 0.95, shape)
    return labels, rng.uniform(0.05, 0.95, shape) if form == "values" else rng.uniform(-4, 4, shape)


def kink(name, t, p, **options):
    """The distance of labels and predictions from the nearest kink, in steps of both."""
    if name in ("mean_absolute_error", "mean_absolute_percentage_error"):
        return np.abs(p - t).min(initial=np.inf) / 2
    if name == "huber":
        return np.abs(np.abs(p - t) - options.get("delta", 1)).min(initial=np.inf) / 2
    if name in ("hinge", "squared_hinge"):  # |dt p + t dp| <= 4 steps
        return np.abs(1 - t * p).min(initial=np.inf) / 4
    if name == "categorical_hinge":  # each term moves by 5 steps at most
        wrong, _, margin = _margin(t, p)
        gap = np.diff(np.sort(wrong, axis=-1)[..., -2:], axis=-1)
        return min(gap.min(initial=np.inf) / 10, np.abs(margin).min(initial=np.inf) / (5 * (p.shape[-1] + 1)))
    return np.inf


def analysed(name, form, **options):
    """(value, its bound, gradient, its bound) of an entry of ANALYSED with these options."""
    value, grad = ANALYSED[name, form]

    def nodes(t, p, dtype):
        machine = bounds.Machine(dtype, bounds.DG_ULPS)
        p = machine.leaf(p)
        return p, FORMULAS[name](Bounded, form, machine.const(t), p, **options)

    def value_bound(t, p, dtype):
        return nodes(t, p, dtype)[1].error[..., 0]

    def grad_bound(t, p, d, dtype):
        p, values = nodes(t, p, dtype)
        return bounds.gradient(values * p.machine.const(d[..., None]), [p])[0].error

    return (
        lambda t, p: value(t, p, **options),
        value_bound,
        lambda t, p, d: grad(t, p, **options) * d[..., None],
        grad_bound,
    )


LOSSES = {
    ("mean_squared_error", "values"): (mse, mse_bound, lambda t, p, d: mse_grad(t, p, d[..., None]),
                                       lambda t, p, d, dtype: mse_grad_bound(t, p, d[..., None], dtype)),
    ("binary_crossentropy", "values"): (bce, bce_bound, lambda t, p, d: bce_grad(t, p, d[..., None]),
                                        lambda t, p, d, dtype: bce_grad_bound(t, p, d[..., None], dtype)),
    ("binary_crossentropy", "logits"): (bce_logits, bce_logits_bound,
                                        lambda t, z, d: bce_logits_grad(t, z, d[..., None]),
                                        lambda t, z, d, dtype: bce_logits_grad_bound(t, z, d[..., None], dtype)),
    ("categorical_crossentropy", "values"): (cce, cce_bound, cce_grad, cce_grad_bound),
    ("categorical_crossentropy", "logits"): (cce_logits, cce_logits_bound, cce_logits_grad, cce_logits_grad_bound),
}  # fmt: skip
for loss in ("binary_crossentropy", "categorical_crossentropy"):
    LOSSES[loss, "fused"] = LOSSES[loss, "logits"]  # the same function of z, of the head's output
for form in ("values", "logits", "fused"):
    LOSSES["sparse_categorical_crossentropy", form] = LOSSES["categorical_crossentropy", form]
LOSSES |= {key: analysed(*key) for key in ANALYSED}
HEADS = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
}
