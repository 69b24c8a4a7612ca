"""Unary operations, activations and losses in mpmath, from their definitions alone: no derivative stands here.

Activations take z and their parameters; losses a row of labels and of predictions (or logits), as lists.
"""

from __future__ import annotations

import mpmath as mp

EPSILON = mp.mpf(1e-7)


def logistic(z):
    return 1 / (1 + mp.exp(-z))


def softplus(z):
    return mp.log1p(mp.exp(z))


def clip(z, low, high):
    return min(max(z, low), high)


UNARY = {
    "negative": lambda x: -x,
    "square": lambda x: x * x,
    "sqrt": mp.sqrt,
    "exp": mp.exp,
    "log": mp.log,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "abs": abs,
    "sign": mp.sign,
    "expm1": mp.expm1,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "arcsinh": mp.asinh,
    "arccosh": mp.acosh,
    "arctanh": mp.atanh,
    "tanh": mp.tanh,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfinv": mp.erfinv,
    "erfcinv": lambda x: mp.erfinv(1 - x),
    "lgamma": mp.loggamma,
    "digamma": mp.digamma,
    "identity": lambda x: x,
    "cast": lambda x: x,
    "clip": lambda x: clip(x, -0.5, 1),
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / mp.sqrt(x),
}


def gelu(z, approximate=False):
    if approximate:
        return z * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z**3))) / 2
    return z * mp.ncdf(z)


def elu(z, alpha=1.0):
    return z if z > 0 else alpha * mp.expm1(z)


def relu(z, negative_slope=0.0, max_value=mp.inf, threshold=0.0):
    """With a largest value, what is above the threshold but below 0 is 0."""
    if z < threshold:
        return negative_slope * (z - threshold)
    return clip(z, 0, max_value) if max_value < mp.inf else z


def leaky_relu(z, negative_slope=None):
    return z if z > 0 else z / 5 if negative_slope is None else negative_slope * z


def selu(z):
    alpha, scale = mp.mpf("1.6732632423543772848170429916717"), mp.mpf("1.0507009873554804934193349852946")
    return scale * elu(z, alpha)


ACTIVATIONS = {
    "linear": lambda z: z,
    "sigmoid": logistic,
    "tanh": mp.tanh,
    "softplus": softplus,
    "log_sigmoid": lambda z: -softplus(-z),
    "softsign": lambda z: z / (1 + abs(z)),
    "silu": lambda z: z * logistic(z),
    "gelu": gelu,
    "mish": lambda z: z * mp.tanh(softplus(z)),
    "squareplus": lambda z, b=4.0: (z + mp.sqrt(z * z + b)) / 2,
    "tanh_shrink": lambda z: z - mp.tanh(z),
    "exponential": mp.exp,
    "elu": elu,
    "selu": selu,
    "celu": lambda z, alpha=1.0: z if z > 0 else alpha * mp.expm1(z / alpha),
    "relu": relu,
    "leaky_relu": leaky_relu,
    "relu6": lambda z: clip(z, 0, 6),
    "soft_shrink": lambda z, threshold=0.5: z - clip(z, -threshold, threshold),
    "hard_shrink": lambda z, threshold=0.5: z if abs(z) > threshold else mp.mpf(0),
    "hard_sigmoid": lambda z: clip(z + 3, 0, 6) / mp.mpf(6),
    "hard_silu": lambda z: z * clip(z + 3, 0, 6) / 6,
    "hard_tanh": lambda z: clip(z, -1, 1),
    "threshold": lambda z, threshold, default_value: z if z > threshold else default_value,
    "sparse_plus": lambda z: mp.mpf(0) if z <= -1 else (z + 1) ** 2 / 4 if z < 1 else z,
    "sparse_sigmoid": lambda z: clip((z + 1) / 2, 0, 1),
}


def softmax(zs):
    total = sum(mp.exp(z) for z in zs)
    return [mp.exp(z) / total for z in zs]


VECTORS = {"softmax": softmax, "log_softmax": lambda zs: [mp.log(p) for p in softmax(zs)]}

# ---- Losses of a row ------------------------------------------------------------------------------------------------


def mean(terms):
    terms = list(terms)
    return sum(terms) / len(terms)


def normalised(ps):
    total = sum(ps)
    return [p / total for p in ps]


def unit(xs):
    length = mp.sqrt(sum(x * x for x in xs))
    return [x / length for x in xs]


def entropy(t, p):
    return -(t * mp.log(p) + (1 - t) * mp.log(1 - p))


def categorical_crossentropy(ts, ps):
    return -sum(t * mp.log(p) for t, p in zip(ts, normalised(ps)))


def huber(e, delta):
    return e * e / 2 if abs(e) <= delta else delta * abs(e) - delta * delta / 2


def categorical_hinge(ts, ps):
    return max(max((1 - t) * p for t, p in zip(ts, ps)) - sum(t * p for t, p in zip(ts, ps)) + 1, 0)


def binary_focal_crossentropy(ts, ps, gamma=2.0, alpha=0.25, apply_class_balancing=False):
    def one(t, p):
        weight = t * alpha + (1 - t) * (1 - alpha) if apply_class_balancing else 1
        return weight * (t * (1 - p) + (1 - t) * p) ** gamma * entropy(t, p)

    return mean(map(one, ts, ps))


def categorical_focal_crossentropy(ts, ps, gamma=2.0, alpha=0.25):
    return -sum(alpha * t * (1 - p) ** gamma * mp.log(p) for t, p in zip(ts, normalised(ps)))


LOSSES = {
    "mean_squared_error": lambda ts, ps: mean((t - p) ** 2 for t, p in zip(ts, ps)),
    "mean_absolute_error": lambda ts, ps: mean(abs(t - p) for t, p in zip(ts, ps)),
    "mean_absolute_percentage_error": lambda ts, ps: 100 * mean(abs(t - p) / abs(t) for t, p in zip(ts, ps)),
    "mean_squared_logarithmic_error": lambda ts, ps: mean((mp.log1p(t) - mp.log1p(p)) ** 2 for t, p in zip(ts, ps)),
    "huber": lambda ts, ps, delta=1.0: mean(huber(t - p, delta) for t, p in zip(ts, ps)),
    "log_cosh": lambda ts, ps: mean(mp.log(mp.cosh(p - t)) for t, p in zip(ts, ps)),
    "poisson": lambda ts, ps: mean(p - t * mp.log(p + EPSILON) for t, p in zip(ts, ps)),
    "kl_divergence": lambda ts, ps: sum(t * mp.log(t / p) for t, p in zip(ts, ps)),
    "cosine_similarity": lambda ts, ps: -sum(t * p for t, p in zip(unit(ts), unit(ps))),
    "hinge": lambda ts, ps: mean(max(1 - t * p, 0) for t, p in zip(ts, ps)),
    "squared_hinge": lambda ts, ps: mean(max(1 - t * p, 0) ** 2 for t, p in zip(ts, ps)),
    "categorical_hinge": categorical_hinge,
    "binary_crossentropy": lambda ts, ps: mean(map(entropy, ts, ps)),
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": categorical_crossentropy,
    "binary_focal_crossentropy": binary_focal_crossentropy,
    "categorical_focal_crossentropy": categorical_focal_crossentropy,
    "categorical_generalized_cross_entropy": lambda ts, ps, q=0.5: (1 - sum(t * p for t, p in zip(ts, ps)) ** q) / q,
}
