"""Rows of tables.py for moments and normalizations."""

from __future__ import annotations

import densegrad as dg
import numpy as np
from compositions import var_bound
from oracles import gamma
from rows import Row, box

ops = dg.ops


def spread(rng, shapes):
    """Inputs whose variance along the last axis is near 3/4, and others in [1/2, 3/2]."""
    x = rng.permuted(np.broadcast_to(np.linspace(-1.5, 1.5, shapes[0][-1]), shapes[0]), axis=-1)
    return [x + rng.uniform(-0.1, 0.1, shapes[0]), *[rng.uniform(0.5, 1.5, s) for s in shapes[1:]]]


def placed(v, x, axis):
    """The vector `v` along one axis of x."""
    return v.reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])


def batch_normalized(axis):
    def parts(x, mean, variance, offset, scale):
        mean, variance, offset, scale = (placed(v, x, axis) for v in (mean, variance, offset, scale))
        return mean, scale / np.sqrt(variance + 1e-3), offset

    def oracle(x, *rest):
        mean, factor, offset = parts(x, *rest)
        return (x - mean) * factor + offset

    def bound(value, dtype, x, *rest):
        """The factor rounds 5 times; also x factor + (offset - mean factor), as TensorFlow has it, is this close."""
        mean, factor, offset = parts(x, *rest)
        return gamma(8, dtype) * ((np.abs(x) + np.abs(mean)) * np.abs(factor) + np.abs(offset))

    shapes = [((0, 3, 2), (3,) if axis == 1 else (2,)), ((4, 3, 5), (3,) if axis == 1 else (5,)),
              ((2, 3, 2), (3,) if axis == 1 else (2,))]  # fmt: skip
    return Row(f"batch_normalization axis={axis}", None,
               lambda x, m, v, o, s: ops.batch_normalization(x, m, v, axis, o, s), oracle, spread,
               [(x, v, v, v, v) for x, v in shapes], bound, op="batch_normalization", wrt=(0, 1, 2, 3, 4))  # fmt: skip


def layer_normalized(axis, shapes):
    kept = (1, 2) if isinstance(axis, tuple) else (-1,)

    def oracle(x, scale, offset):
        d = x - x.mean(kept, keepdims=True)
        return d / np.sqrt((d * d).mean(kept, keepdims=True) + 1e-7) * scale + offset

    def bound(value, dtype, x, scale, offset):
        """With relative error r <= 1/2, variance + epsilon moves its inverse root by less than r of it."""
        mean, variance = (np.asarray(f(x, kept, keepdims=True)) for f in (np.mean, np.var))
        n = int(np.prod([x.shape[a] for a in kept]))
        e = gamma(n + 2, dtype) * (np.abs(x).mean(kept, keepdims=True) + np.abs(x - mean))
        flat = np.moveaxis(x.reshape(*x.shape[: x.ndim - len(kept)], n), -1, 0)
        r = var_bound(None, dtype, flat, 0).reshape(variance.shape) / variance + gamma(8, dtype)
        factor = scale / np.sqrt(variance)
        return (e + (np.abs(x - mean) + e) * r) * np.abs(factor) + gamma(1, dtype) * (np.abs(value) + np.abs(offset))

    return Row(f"layer_normalization axis={axis}".replace(", ", ","), None,
               lambda x, g, b: ops.layer_normalization(x, g, b, axis), oracle, spread, shapes, bound,
               op="layer_normalization", wrt=(0, 1, 2))  # fmt: skip


def moment(name, call, oracle, bound):
    return Row(f"moments {name}", None, call, oracle, box(-3, 3), [((33, 17),), ((4, 3),)], bound, op="moments",
               wrt=(0,))  # fmt: skip


NORMALIZATIONS = [
    moment("mean", lambda x: ops.moments(x, 0)[0], lambda x: x.mean(0),
           lambda v, d, x: gamma(len(x) + 1, d) * np.abs(x).mean(0)),
    moment("variance", lambda x: ops.moments(x, [0], keepdims=True)[1], lambda x: x.var(0, keepdims=True),
           lambda v, d, x: var_bound(v, d, x, 0)[None]),
    batch_normalized(-1),
    batch_normalized(1),
    layer_normalized(-1, [((0, 4), (4,), (4,)), ((5, 9), (9,), (9,)), ((2, 5), (5,), (5,))]),
    layer_normalized((1, 2), [((3, 4, 5), (4, 5), (4, 5)), ((2, 2, 4), (2, 4), (2, 4))]),
]  # fmt: skip
