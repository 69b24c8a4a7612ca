"""The oracle of every loss by (name, form): value of a row, its bound, gradient times a cotangent, its bound.

Where loss_values.py has no bound, it is the running error analysis (bounds.py) of Keras' expression for the loss
(loss_formulas.py). How labels and predictions are drawn, and where the kinks are, stands here too.
"""

from __future__ import annotations

import bounds
import loss_values as v
import numpy as np
from loss_formulas import FORMULAS, Bounded
from oracles import sigmoid, sigmoid_grad, softmax, softmax_grad


def _of_logits(value, grad, activation):
    """A loss of probabilities as a loss of z; `activation` gives them and applies its transposed derivative."""
    forward, backward = activation
    return (
        lambda t, z, **o: value(t, forward(z), **o),
        lambda t, z, **o: backward(z, grad(t, forward(z), **o)),
    )


ANALYSED = {
    ("mean_absolute_error", "values"): (v.mae, v.mae_grad),
    ("mean_absolute_percentage_error", "values"): (v.mape, v.mape_grad),
    ("mean_squared_logarithmic_error", "values"): (v.msle, v.msle_grad),
    ("huber", "values"): (v.huber, v.huber_grad),
    ("log_cosh", "values"): (v.log_cosh, v.log_cosh_grad),
    ("poisson", "values"): (v.poisson, v.poisson_grad),
    ("kl_divergence", "values"): (v.kld, v.kld_grad),
    ("cosine_similarity", "values"): (v.cosine, v.cosine_grad),
    ("hinge", "values"): (v.hinge, v.hinge_grad),
    ("squared_hinge", "values"): (v.squared_hinge, v.squared_hinge_grad),
    ("categorical_hinge", "values"): (v.categorical_hinge, v.categorical_hinge_grad),
    ("binary_focal_crossentropy", "values"): (v.binary_focal, v.binary_focal_grad),
    ("categorical_focal_crossentropy", "values"): (v.categorical_focal, v.categorical_focal_grad),
    ("categorical_generalized_cross_entropy", "values"): (v.generalized, v.generalized_grad),
    ("binary_focal_crossentropy", "logits"): _of_logits(v.binary_focal, v.binary_focal_grad, (sigmoid, sigmoid_grad)),
    ("categorical_focal_crossentropy", "logits"): _of_logits(
        v.categorical_focal, v.categorical_focal_grad, (softmax, softmax_grad)
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
        wrong, _, margin = v.margins(t, p)
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
    ("mean_squared_error", "values"): (v.mse, v.mse_bound, lambda t, p, d: v.mse_grad(t, p, d[..., None]),
                                       lambda t, p, d, dtype: v.mse_grad_bound(t, p, d[..., None], dtype)),
    ("binary_crossentropy", "values"): (v.bce, v.bce_bound, lambda t, p, d: v.bce_grad(t, p, d[..., None]),
                                        lambda t, p, d, dtype: v.bce_grad_bound(t, p, d[..., None], dtype)),
    ("binary_crossentropy", "logits"): (v.bce_logits, v.bce_logits_bound,
                                        lambda t, z, d: v.bce_logits_grad(t, z, d[..., None]),
                                        lambda t, z, d, dtype: v.bce_logits_grad_bound(t, z, d[..., None], dtype)),
    ("categorical_crossentropy", "values"): (v.cce, v.cce_bound, v.cce_grad, v.cce_grad_bound),
    ("categorical_crossentropy", "logits"): (v.cce_logits, v.cce_logits_bound, v.cce_logits_grad,
                                             v.cce_logits_grad_bound),
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
