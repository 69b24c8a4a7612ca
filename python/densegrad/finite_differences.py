"""Slopes of a function along a line, from its values alone: the independent judge of every gradient.

Central differences D(k) = (f(k) - f(-k)) / 2k with k = h, h/2, h/4 give two Richardson values R1 (h, h/2) and R2
(h/2, h/4), off by c h^4 and c (h/2)^4 to first order, so that

    |R2 - f'(0)| <= |R2 - R1|  +  rounding      (the truncation of R2 is about |R2 - R1| / 15: a margin of 15)

Where E bounds the rounding error of f, |error of D(k)| <= E / k, and R2 = (4 D(h/4) - D(h/2)) / 3 is off by at most
(16/3 + 2/3) E / h = 6 E / h. The quotients of one side, F(k) = (f(k) - f(0)) / k, are off by 2 E / k; extrapolated
twice, (4 (2 F(h/4) - F(h/2)) - (2 F(h/2) - F(h))) / 3, by (64 + 24 + 2) E / 3h = 30 E / h. If the two sides differ by
more than their errors, f has a kink between -h and h, and a smaller h shows whether it is at 0.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

SHRINK = 2.0**-6  # from one step to the next, smaller one
TRIES = 4


def derivative(f, h):
    """f'(0) of a function of one number, and a bound of its truncation error; entrywise if f returns an array."""
    d = {k: (f(k) - f(-k)) / (2 * k) for k in (h, h / 2, h / 4)}
    first, second = ((4 * d[k / 2] - d[k]) / 3 for k in (h, h / 2))
    return second, abs(second - first)


def noise(f):
    """The standard deviation of the rounding errors of f near 0, for each of its entries; f(1), f(2) ... are close.

    The k-th differences of a smooth function vanish at a small spacing, those of rounding errors have the variance
    (2k)! / (k!)^2 times that of one error. The points lie beside 0, where a kink or jump
    may be; the quieter side counts.

    Source: More and Wild, "Estimating computational noise", 2011.
    """
    sides = []
    for side in (1, -1):
        table, deviations = np.array([f(side * i) for i in range(1, 10)]), []
        for k in range(1, 7):
            table = np.diff(table, axis=0)
            if k > 3:
                gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
                deviations.append(np.sqrt(gamma * np.mean(table**2, axis=0)))
        sides.append(np.nan_to_num(np.max(deviations, axis=0), nan=np.inf))
    quiet = np.minimum(*sides)
    return np.where(np.isfinite(quiet), quiet, 0.0)


@dataclasses.dataclass(frozen=True)
class Slope:
    """The slope of a function at 0, or why it has none."""

    kind: str  # "smooth", "kink", "jump", or "edge": not finite beside the point
    value: float  # the derivative; at a kink the mean of the two slopes
    tolerance: float  # how far value may be off
    left: float
    right: float


def slope(f, weights, error, h):
    """The slope of <weights, f(s)> at s = 0.

    Args:
        f: a number -> float64 array of one axis.
        weights: float64 array like the values of f.
        error: (which entries of f have moved: bools) -> a bound of the rounding error of <weights, f>.
        h: the largest step; the smallest tolerance of TRIES steps is taken.
    """
    zero, best, worst, discord = f(0.0), None, None, math.inf
    for _ in range(TRIES):
        found, truncation, gap = _at(f, zero, weights, error, h)
        if found.kind != "smooth":
            discord = gap
            if worst is None or found.kind != worst.kind or found.tolerance < worst.tolerance:
                worst = found
        elif found.tolerance < discord / 4:  # else it cannot tell what was seen at a larger step
            if best is None or found.tolerance < best.tolerance:
                best = found
            if truncation * SHRINK <= found.tolerance - truncation:
                break  # the rounding of a smaller step outweighs what it gains
        h *= SHRINK
    return best or worst


def _at(f, zero, weights, error, h):
    """The slope with the step h, the truncation error in its tolerance, and how large a slope a kink or jump hides."""
    samples = {side * k: f(side * k) for k in (h, h / 2, h / 4) for side in (1, -1)}
    if not all(np.all(np.isfinite(y)) for y in samples.values()):
        return Slope("edge", math.nan, math.inf, math.nan, math.nan), math.inf, math.inf
    rounding = error(np.any([y != zero for y in samples.values()], axis=0)) / h
    value, truncation = derivative(samples.__getitem__, h)
    value, truncation = float(weights @ value), float(abs(weights) @ truncation)
    left, left_error = _one_sided(samples, zero, weights, -h)
    right, right_error = _one_sided(samples, zero, weights, h)
    far, near = (max(abs(float(weights @ (samples[s * k] - zero))) for s in (1, -1)) / h for k in (h, h / 4))
    if near > 0.75 * far and far > 60 * rounding:  # a slope reaches a quarter as far
        return Slope("jump", value, math.inf, left, right), truncation, far
    if abs(right - left) > left_error + right_error + 60 * rounding:
        return Slope("kink", value, truncation + 30 * rounding, left, right), truncation, abs(right - left)
    return Slope("smooth", value, truncation + 6 * rounding, left, right), truncation, 0.0


def _one_sided(samples, zero, weights, h):
    """The extrapolated quotient of one side, and its truncation error."""
    f = [(samples[k] - zero) / k for k in (h, h / 2, h / 4)]
    first, second = 2 * f[1] - f[0], 2 * f[2] - f[1]
    last = (4 * second - first) / 3
    return float(weights @ last), float(abs(weights) @ abs(last - second))
