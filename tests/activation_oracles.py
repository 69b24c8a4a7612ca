"""The elementwise activations in plain NumPy, their slopes, kinks and rounding bounds (see oracles.py).

A bound counts the roundings of the formula in the core: u per operation, 4u for a function of the C library (2 ULP),
each times what the rest of the formula makes of it. Where nothing cancels that is a multiple of |y|; where something
does, of the terms.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from oracles import ULPS, sigmoid, unit

LIBRARY = 2 * ULPS  # of u: one ULP of y is at most 2 u |y|
ERFC = 12  # of u: what glibc's erfc, its worst function here, is granted
INF = np.inf


@dataclasses.dataclass(frozen=True)
class Case:
    """One activation with values of its parameters.

    `value` and `slope` are functions of z; `reach` says how far y moves at most when z moves by e. `value_error` and
    `slope_error` are the errors of the computed value and slope over u, by z.
    """

    name: str
    value: Callable
    slope: Callable
    reach: Callable
    value_error: Callable
    slope_error: Callable
    kinks: tuple[float, ...] = ()
    parameters: dict[str, float] = dataclasses.field(default_factory=dict)
    jump: float = 0.0  # of the value, at a kink

    def __str__(self):
        return " ".join([self.name, *(f"{k}={v}" for k, v in self.parameters.items())])

    def grad(self, z, dy):
        return dy * self.slope(z)

    def bound(self, z, e, dtype):
        """z off by e moves y by its slope, and over a jump where that is within reach."""
        near = [np.abs(z - k) <= e for k in self.kinks if self.jump]
        own = unit(dtype) * self.value_error(z) + np.finfo(dtype).smallest_normal
        return self.reach(z, e) + self.jump * np.any(near, axis=0) + own

    def grad_bound(self, z, dy, dtype):
        own = unit(dtype) * (self.slope_error(z) + np.abs(self.slope(z)))
        return np.abs(dy) * own + np.finfo(dtype).smallest_normal


def pieces(*branches):
    """The first value whose condition holds: (condition, value), ..., value."""
    *conditional, otherwise = branches
    return np.select([c for c, _ in conditional], [v for _, v in conditional], otherwise)


def roundings(f, n):
    """n in a row: the error of f is n |f| u."""
    return lambda z: n * np.abs(f(z))


def lipschitz(largest_slope):
    return lambda z, e: largest_slope * e


def smooth(name, value, slope, steepest, value_error, slope_error, **parameters):
    errors = [roundings(f, n) if isinstance(n, int) else n for f, n in ((value, value_error), (slope, slope_error))]
    return Case(name, value, slope, lipschitz(steepest), *errors, parameters=parameters)


def piecewise(name, value, slope, steepest, n, kinks, jump=0.0, **parameters):
    return Case(
        name, value, slope, lipschitz(steepest), roundings(value, n), roundings(slope, n), kinks, parameters, jump
    )


# ---- Smooth ----------------------------------------------------------------------------------------------------------


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def normal_density(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * pi(z))


def pi(like):
    return np.asarray("3.14159265358979323846264338327950288").astype(np.asarray(like).dtype)


def erf(x):
    """By its series near 0, whose terms are positive."""
    a = np.minimum(np.abs(x), 1.5)
    term = total = a
    for n in range(1, 60):
        term = term * 2 * a * a / (2 * n + 1)
        total = total + term
    return np.where(np.abs(x) < 1.5, np.sign(x) * 2 * total * np.exp(-a * a) / np.sqrt(pi(x)),
                    np.sign(x) * (1 - erfc_far(x)))  # fmt: skip


def erfc_far(x):
    """erfc |x| by its continued fraction, for |x| >= 1.5."""
    a = np.maximum(np.abs(x), 1.5)
    fraction = np.ones_like(a)
    for k in range(300, 0, -1):
        fraction = 1 + k / (2 * a * a) / fraction
    return np.exp(-a * a) / (a * np.sqrt(pi(x)) * fraction)


def erfc(x):
    return np.where(x < 1.5, 1 - erf(x), erfc_far(x))


def normal_cdf(z):
    return erfc(-z / np.sqrt(z.dtype.type(2))) / 2


def gelu(z):
    return z * normal_cdf(z)


def gelu_slope(z):
    return normal_cdf(z) + z * normal_density(z)


def gelu_argument(z):
    """2 u and its derivative times z."""
    c = 2 * np.sqrt(2 / pi(z))
    cubic = np.longdouble("0.044715")
    return c * (z + cubic * z**3), c * (z + 3 * cubic * z**3)


def tanh_gelu(z):
    return z * sigmoid(gelu_argument(z)[0])


def tanh_gelu_slope(z):
    argument, rise = gelu_argument(z)
    return sigmoid(argument) * (1 + sigmoid(-argument) * rise)


def tanh_gelu_error(z):
    """The argument rounds 6 times, which the sigmoid multiplies by its size."""
    argument = gelu_argument(z)[0]
    return (6 * np.abs(argument) * sigmoid(-argument) + 6) * np.abs(tanh_gelu(z))


def tanh_gelu_slope_error(z):
    argument, rise = gelu_argument(z)
    terms = sigmoid(argument) * (1 + sigmoid(-argument) * np.abs(rise))
    return (12 * np.abs(argument) + 40) * terms


def mish_gate(z):
    """tanh softplus z, and its derivative: (1 - t^2) sigmoid(z), where 1 - t^2 = 1 / cosh^2."""
    return np.tanh(softplus(z)), sigmoid(z) / np.cosh(softplus(z)) ** 2


def mish_slope(z):
    gate, rise = mish_gate(z)
    return gate + z * rise


def minus_tanh(z):
    """(z cosh z - sinh z) / cosh z, whose numerator is a series of positive terms."""
    power, total = np.abs(z) ** 3 / 6, 0 * z
    for n in range(1, 40):
        total = total + 2 * n * power
        power = power * z * z / ((2 * n + 2) * (2 * n + 3))
    return np.copysign(total / np.cosh(z), z)


def silu_slope(z):
    return sigmoid(z) * (1 + z * sigmoid(-z))


def squareplus(z, b=4.0):
    r = np.sqrt(z * z + b)
    return np.where(z < 0, b / 2 / (r - np.minimum(z, 0)), (r + z) / 2)


SMOOTH = [
    smooth("tanh", np.tanh, lambda z: 1 / np.cosh(z) ** 2, 1, LIBRARY, lambda z: 2 * LIBRARY + 4 + 0 * z),
    smooth("softplus", softplus, sigmoid, 1, 2 * LIBRARY + 1, 3 * LIBRARY + 2),
    smooth("log_sigmoid", lambda z: -softplus(-z), lambda z: sigmoid(-z), 1, 2 * LIBRARY + 1, 3 * LIBRARY + 2),
    smooth("softsign", lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2, 1, 3, 4),
    smooth("silu", lambda z: z * sigmoid(z), silu_slope, 1.1, LIBRARY + 2,
           lambda z: 26 * sigmoid(z) * (1 + np.abs(z) * sigmoid(-z))),
    smooth("gelu", gelu, gelu_slope, 1.13, ERFC + 3, lambda z: 16 * (normal_cdf(z) + np.abs(z) * normal_density(z))),
    smooth("gelu", tanh_gelu, tanh_gelu_slope, 1.13, tanh_gelu_error, tanh_gelu_slope_error, approximate=True),
    smooth("mish", lambda z: z * mish_gate(z)[0], mish_slope, 1.09, 26,
           lambda z: 55 * (mish_gate(z)[0] + np.abs(z) * mish_gate(z)[1])),
    smooth("squareplus", squareplus, lambda z: squareplus(z) / np.sqrt(z * z + 4), 1, 6, 15),
    smooth("squareplus", lambda z: squareplus(z, 0.25), lambda z: squareplus(z, 0.25) / np.sqrt(z * z + 0.25), 1, 6, 15,
           b=0.25),
    smooth("tanh_shrink", minus_tanh, lambda z: np.tanh(z) ** 2, 1, 4 * LIBRARY, 2 * LIBRARY + 2),
]  # fmt: skip
SMOOTH.append(Case("exponential", np.exp, np.exp, lambda z, e: np.exp(z) * np.expm1(e), roundings(np.exp, LIBRARY),
                   roundings(np.exp, LIBRARY + 1)))  # fmt: skip

# ---- From pieces -----------------------------------------------------------------------------------------------------


def elu(**parameters):
    """alpha and the sum y + alpha round, and y is off by 6 |alpha| u."""
    alpha = parameters.get("alpha", 1.0)

    def below(z):
        return np.minimum(z, 0)

    return Case("elu", lambda z: pieces((z > 0, z), alpha * np.expm1(below(z))),
                lambda z: pieces((z > 0, 1 + 0 * z), alpha * np.exp(below(z))), lipschitz(max(1, abs(alpha))),
                lambda z: 6 * np.abs(alpha * np.expm1(below(z))), lambda z: 9 * abs(alpha) * (z <= 0), (0.0,),
                parameters)  # fmt: skip


def celu(**parameters):
    alpha = parameters.get("alpha", 1.0)

    def below(z):
        return np.minimum(z, 0) / alpha

    steepest = 1 if alpha > 0 else np.exp(4 / -alpha)  # rows draw |z| <= 4
    return Case("celu", lambda z: pieces((z > 0, z), alpha * np.expm1(below(z))),
                lambda z: pieces((z > 0, 1 + 0 * z), np.exp(below(z))), lipschitz(steepest),
                lambda z: 8 * np.abs(alpha * np.expm1(below(z))) + 8 * (alpha < 0) * np.abs(z) * np.exp(below(z)),
                lambda z: 11.0 * (z <= 0) * (1 + 2 * np.abs(np.expm1(below(z)))), (0.0,), parameters)  # fmt: skip


SCALE = 1.0507009873554804934193349852946
UNSCALED = elu(alpha=1.6732632423543772848170429916717)
SELU = Case("selu", lambda z: SCALE * UNSCALED.value(z), lambda z: SCALE * UNSCALED.slope(z), lipschitz(1.76),
            lambda z: 8 * np.abs(SCALE * UNSCALED.value(z)), lambda z: 20 + 0 * z, (0.0,))  # fmt: skip


def bounded_relu(**parameters):
    """Keras' three parameters; the derivative at the threshold is 0."""
    slope, threshold = parameters.get("negative_slope", 0.0), parameters.get("threshold", 0.0)
    most = parameters.get("max_value", INF)
    least = 0 if most < INF else -INF

    def value(z):
        return pieces((z > threshold, np.clip(z, least, most)), slope * (z - threshold))

    def derivative(z):
        inside = (z > threshold) & (z >= least) & (z <= most)
        return pieces((inside, 1 + 0 * z), slope * (z < threshold))

    kinks = [k for k in {threshold, most, float(least)} if np.isfinite(k)]
    return piecewise("relu", value, derivative, max(1, abs(slope)), 3, tuple(kinks), abs(threshold), **parameters)


def leaky_relu(**parameters):
    slope = parameters.get("negative_slope", 0.2)
    return piecewise("leaky_relu", lambda z: np.where(z > 0, z, slope * z), lambda z: np.where(z > 0, 1.0, slope),
                     max(1, abs(slope)), 3, (0.0,), **parameters)  # fmt: skip


def soft_shrink(**parameters):
    t = parameters.get("threshold", 0.5)
    return piecewise("soft_shrink", lambda z: np.sign(z) * np.maximum(np.abs(z) - t, 0),
                     lambda z: 1.0 * (np.abs(z) > t), 1, 1, (-t, t), **parameters)  # fmt: skip


def hard_shrink(**parameters):
    t = parameters.get("threshold", 0.5)
    return piecewise("hard_shrink", lambda z: z * (np.abs(z) > t), lambda z: 1.0 * (np.abs(z) > t), 1, 0, (-t, t), t,
                     **parameters)  # fmt: skip


def hard_sigmoid(z):
    return np.clip(z + 3, 0, 6) / 6


def hard_silu_slope(z):
    return pieces((z <= -3, 0 * z), (z >= 3, 1 + 0 * z), (2 * z + 3) / 6)


PIECEWISE = [
    *[elu(**p) for p in ({}, {"alpha": 0.5}, {"alpha": -0.75})],
    SELU,
    *[celu(**p) for p in ({}, {"alpha": 2.0}, {"alpha": -4.0})],
    bounded_relu(negative_slope=0.25),
    bounded_relu(max_value=1.5),
    bounded_relu(threshold=0.75),
    bounded_relu(negative_slope=0.25, max_value=1.5, threshold=0.75),
    bounded_relu(negative_slope=-0.5, max_value=2.0, threshold=-1.0),
    *[leaky_relu(**p) for p in ({}, {"negative_slope": 0.5}, {"negative_slope": -0.5})],
    *[shrink(**p) for shrink in (soft_shrink, hard_shrink) for p in ({}, {"threshold": 1.25})],
    piecewise("relu6", lambda z: np.clip(z, 0, 6), lambda z: 1.0 * ((z > 0) & (z < 6)), 1, 0, (0.0, 6.0)),
    piecewise("hard_sigmoid", hard_sigmoid, lambda z: (np.abs(z) < 3) / (6 + 0 * z), 1 / 6, 3, (-3.0, 3.0)),
    Case("hard_silu", lambda z: z * hard_sigmoid(z), hard_silu_slope, lipschitz(1.5),
         lambda z: 4 * np.abs(z * hard_sigmoid(z)), lambda z: 8 + 0 * z, (-3.0, 3.0)),
    piecewise("hard_tanh", lambda z: np.clip(z, -1, 1), lambda z: 1.0 * (np.abs(z) <= 1), 1, 0, (-1.0, 1.0)),
    piecewise("threshold", lambda z: np.where(z > 0.5, z, -0.25), lambda z: 1.0 * (z > 0.5), 1, 0, (0.5,), 0.75,
              threshold=0.5, default_value=-0.25),
    piecewise("sparse_plus", lambda z: pieces((z <= -1, 0 * z), (z < 1, (z + 1) ** 2 / 4), z),
              lambda z: pieces((z <= -1, 0 * z), (z < 1, (z + 1) / 2), 1 + 0 * z), 1, 4, (-1.0, 1.0)),
    piecewise("sparse_sigmoid", lambda z: np.clip((z + 1) / 2, 0, 1), lambda z: 0.5 * (np.abs(z) < 1), 0.5, 2,
              (-1.0, 1.0)),
]  # fmt: skip
