"""The words in which tests write a formula once, to run it on tensors, as fine primitives, or on nodes with bounds."""

from __future__ import annotations

import bounds
import densegrad as dg
import numpy as np


class Fine:
    """The vocabulary of the formulas on tensors."""

    exp, log, sqrt = (staticmethod(f) for f in (dg.ops.exp, dg.ops.log, dg.ops.sqrt))

    @staticmethod
    def total(x):
        return dg.ops.sum(x, axis=-1, keepdims=True)

    @staticmethod
    def masked(x, mask):
        return dg.ops.where(mask, x, dg.ops.cast(0.0, x.dtype))

    @staticmethod
    def product(a, b):
        return dg.ops.matmul(a, b)

    @staticmethod
    def const(x, like):
        return dg.constant(x, like.dtype)


class Bounded:
    """The same on nodes."""

    exp, log, sqrt = (staticmethod(f) for f in (bounds.exp, bounds.log, bounds.sqrt))
    masked, product = staticmethod(bounds.masked), staticmethod(bounds.matmul)
    sigmoid = softmax = None

    @staticmethod
    def total(x):
        return bounds.total(x, -1, keepdims=True)

    @staticmethod
    def const(x, like):
        return like.machine.rounded(np.asarray(x))


class BoundedCoarse(Bounded):
    """The nodes of a coarse layer: a derivative from the output where the primitive has one."""

    sigmoid = staticmethod(bounds.sigmoid)


def numbers(x):
    return x.value if isinstance(x, bounds.Node) else x.numpy()


def absolute(f, x):
    positive = numbers(x) >= 0
    return f.masked(x, positive) - f.masked(x, ~positive)


class BoundedLosses(Bounded):
    """The nodes of a loss of logits: libraries differentiate the sigmoid and softmax in it from their outputs."""

    sigmoid, softmax = staticmethod(bounds.sigmoid), staticmethod(bounds.softmax)


def sigmoid(f, z):
    """1 / (1 + exp(-z))."""
    one = f.const(1.0, z)
    return f.sigmoid(z) if getattr(f, "sigmoid", None) else one / (one + f.exp(-z))


def softmax(f, z):
    """exp(z - max z) / sum exp(z - max z)."""
    if getattr(f, "softmax", None):
        return f.softmax(z)
    e = f.exp(z - f.const(numbers(z).max(axis=-1, keepdims=True), z))
    return e / f.total(e)


def kinked(x):
    """x, where crossing zero is a kink: counted if the rounding error reaches it."""
    if isinstance(x, bounds.Node):
        x.machine.kinks += int(np.count_nonzero((np.abs(x.value) <= x.error) & (x.error > 0)))
    return x


def clip(f, x, low=-np.inf, high=np.inf):
    """x kept in [low, high]; both ends pass the gradient."""
    v = numbers(x)
    for end in (low, high):
        if np.isfinite(end):
            kinked(x - f.const(end, x))
    outside = np.where(v < low, low, np.where(v > high, high, 0.0))
    return f.masked(x, (v >= low) & (v <= high)) + f.const(outside, x)


def largest(f, x):
    """The maximum over the last axis, kept as 1; those that attain it share the gradient."""
    v = numbers(x)
    if v.shape[-1] > 1 and v.size:
        top = np.sort(v, axis=-1)
        if isinstance(x, bounds.Node):
            gap, reach = top[..., -1] - top[..., -2], 2 * x.error.max(axis=-1)
            x.machine.kinks += int(np.count_nonzero((gap <= reach) & (reach > 0)))
    best = v == v.max(axis=-1, keepdims=True) if v.size else v.astype(bool)
    return f.total(f.masked(x, best)) / f.const(best.sum(axis=-1, keepdims=True).astype(float), x)


def power(f, x, exponent):
    """x^exponent for x > 0, by its logarithm where the exponent is not a small integer."""
    if exponent == 0:
        return f.const(np.ones(numbers(x).shape), x)
    if exponent == 1:
        return x
    if exponent == 2:
        return x * x
    return f.exp(f.const(exponent, x) * f.log(x))
