"""The inverse error functions and the gamma function in plain NumPy, and their rounding bounds."""

from __future__ import annotations

import numpy as np
from activation_oracles import erf, erfc, pi
from oracles import gamma
from rows import ulps

LGAMMA = ulps(4)  # what glibc grants its own
SHIFT = 12  # up to x + 12 by recurrence: there the first term that the series below lack is less than 1e-19
# B_2j
BERNOULLI = [
    np.longdouble(a) / b
    for a, b in ((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798))
]


def erfinv(x):
    """By Newton's method, from Winitzki's approximation, which is off by less than 1 %."""
    a = np.asarray(0.147, x.dtype)
    log = np.log1p(-x * x)
    half = 2 / (pi(x) * a) + log / 2
    y = np.sign(x) * np.sqrt(np.sqrt(half * half - log / a) - half)
    for _ in range(5):
        y = y + (x - erf(y)) * np.exp(y * y) * np.sqrt(pi(x)) / 2
    return y


def erfcinv(x):
    """As far as 1 - x is exact."""
    y = erfinv(1 - x)
    return y + (erfc(y) - x) * np.exp(y * y) * np.sqrt(pi(x)) / 2


def lgamma(x):
    """For x > 0, by Stirling's series."""
    product = np.prod([x + k for k in range(SHIFT)], axis=0)
    z = x + SHIFT
    series = sum(b / (2 * j * (2 * j - 1) * z ** (2 * j - 1)) for j, b in enumerate(BERNOULLI, 1))
    return (z - 0.5) * np.log(z) - z + np.log(2 * pi(x)) / 2 + series - np.log(product)


def digamma(x):
    """For x > 0, by the derivative of that."""
    z = x + SHIFT
    series = sum(b / (2 * j * z ** (2 * j)) for j, b in enumerate(BERNOULLI, 1))
    return np.log(z) - 0.5 / z - series - sum(1 / (x + k) for k in range(SHIFT))


def polygamma(n, x):
    """For n >= 1 and x > 0, by the derivatives of that."""
    z, s = x + SHIFT, n + 1
    factorial = np.vectorize(lambda k: np.prod(np.arange(1, k + 1, dtype=np.longdouble)), otypes=[np.longdouble])(n)
    rising, tail = factorial / n, z ** (1 - s) * factorial / n + z**-s * factorial / 2
    for j, b in enumerate(BERNOULLI, 1):
        rising = rising * (n + 2 * j - 2) * (n + 2 * j - 1) / ((2 * j - 1) * (2 * j))
        tail = tail + b * rising * z ** (-n - 2 * j)
    return (-1) ** s * (tail + factorial * sum((x + k) ** -s for k in range(SHIFT)))


def digamma_bound(value, dtype, x):
    """Ten reciprocals of at most 1 / x + H_9, a logarithm of at most 3 and a series, in two dozen operations."""
    return gamma(24, dtype) * (1 / x + 6)


def polygamma_bound(value, dtype, n, x):
    """Powers of two roundings, of one sign; as many sums and products as terms, some 40."""
    return gamma(44, dtype) * np.abs(value)


def draw_lgamma(rng, shapes):
    """Not next to its zeros 1 and 2, where the oracle cancels."""
    x = rng.uniform(0.2, 8.6, shapes[0])
    return [x + 0.2 * (x > 0.9) + 0.2 * (x > 1.7)]


def draw_polygamma(rng, shapes):
    return [rng.integers(1, 4, shapes[0]).astype(float), rng.uniform(0.5, 6, shapes[1])]
