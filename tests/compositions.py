"""Rows of tables.py for the operations that are made of others in Python; `primitive` is None but where one is alone.

Bounds count the roundings: a sum of n terms rounds n - 1 times whatever its order, an elementwise operation once.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
from oracles import ULPS, gamma, ulp, unit
from rows import PAIRS, SAME, Row, box, distinct, exact, nearest, signed, ulps

ops = dg.ops


def moved(name, call, oracle, shapes=((0, 3), (17, 3), (3, 4)), draw=None, wrt=(0,), op=None):
    """Nothing is rounded."""
    shapes = [s if isinstance(s[0], tuple) else (s,) for s in shapes]
    return Row(name, None, call, oracle, draw or box(-3, 3), shapes, exact, op=op or name.split()[0], wrt=wrt)


def columns(x):
    return [x[:, i] for i in range(x.shape[1])]


def with_integers(low, high, shape):
    """x, and integers in [low, high)."""
    return lambda rng, s: [rng.normal(size=s[0]), rng.integers(low, high, shape)]


def places(rng, shapes):
    """x, different index vectors into it, and what to write there."""
    lead = shapes[0][: shapes[1][-1]]
    chosen = rng.permutation(int(np.prod(lead)))[: shapes[1][0]]
    indices = np.stack(np.unravel_index(chosen, lead), -1)
    return [rng.normal(size=shapes[0]), indices, rng.normal(size=shapes[2])]


def updated(x, i, u):
    y = x.copy()
    y[tuple(np.moveaxis(i, -1, 0))] = u
    return y


def added(x, i, u):
    np.add.at(x, tuple(np.moveaxis(i, -1, 0)), u)
    return x


MOVEMENT = [
    moved("ravel", ops.ravel, np.ravel),
    moved("expand_dims", lambda x: ops.expand_dims(x, (0, -2)), lambda x: np.expand_dims(x, (0, -2))),
    moved("squeeze", ops.squeeze, np.squeeze, [((1, 3, 1),), ((1,),), ((3, 1, 2),)]),
    moved("squeeze axis=1", lambda x: ops.squeeze(x, 1), lambda x: np.squeeze(x, 1), [((1, 1, 0),), ((3, 1, 1),)]),
    moved("swapaxes", lambda x: ops.swapaxes(x, 0, -1), lambda x: np.swapaxes(x, 0, -1), [((2, 3, 4),), ((2, 3),)]),
    moved("moveaxis", lambda x: ops.moveaxis(x, (0, 1), (-1, 0)), lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
          [((2, 3, 4, 2),), ((2, 3, 4),)]),
    moved("stack", lambda *xs: ops.stack(xs, 1), lambda *xs: np.stack(xs, 1), [((2, 0),) * 2, ((5,),) * 3], wrt=(0, 1)),
    moved("unstack", lambda x: ops.concatenate(ops.unstack(x, axis=1)[::-1], 0),
          lambda x: np.concatenate(columns(x)[::-1])),
    moved("split", lambda x: ops.concatenate(ops.split(x, 3, 1)[::-1], 1), lambda x: np.concatenate(
        np.split(x, 3, 1)[::-1], 1), [((2, 6),), ((3, 3),)]),
    moved("split at indices", lambda x: ops.concatenate(ops.split(x, [1, 1, 4])[::-1], 0), lambda x: np.concatenate(
        np.split(x, [1, 1, 4])[::-1]), [((6, 2),), ((5,),)]),
    moved("tile", lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)),
          [((0, 3),), ((2, 2, 2),), ((4,),)]),
    moved("repeat", lambda x: ops.repeat(x, [1, 0, 2], 1), lambda x: np.repeat(x, [1, 0, 2], 1),
          [((2, 3),), ((4, 3, 2),)]),
    moved("repeat flat", lambda x: ops.repeat(x, 2), lambda x: np.repeat(x, 2)),
    moved("flip", lambda x: ops.flip(x, (0, -1)), lambda x: np.flip(x, (0, -1)), [((2, 3, 4),), ((0, 3),), ((3, 4),)]),
    moved("take_along_axis", lambda x, i: ops.take_along_axis(x, i, 1), lambda x, i: np.take_along_axis(x, i, 1),
          [((4, 6), (4, 9)), ((1, 6), (4, 9))], with_integers(-6, 6, (4, 9))),
    moved("take_along_axis flat", lambda x, i: ops.take_along_axis(x, i, None),
          lambda x, i: np.take_along_axis(x, i, None), [((4, 6), (9,))], with_integers(-24, 24, 9)),
    moved("gather_nd", ops.gather_nd, lambda x, i: x[tuple(np.moveaxis(i, -1, 0))],
          [((3, 4), (5, 2)), ((3, 4, 2), (5, 2))], with_integers(0, 3, (5, 2))),
    Row("argsort", "argsort", ops.argsort, lambda x: np.argsort(x, -1, kind="stable"),
        lambda rng, s: [rng.integers(-2, 3, t) / 2 for t in s], [((3, 0),), ((17, 9),), ((7,),)], exact, op="argsort"),
    moved("argsort descending", lambda x: ops.argsort(x, 0, True), lambda x: np.argsort(-x, 0, kind="stable"), wrt=()),
    moved("sort", ops.sort, np.sort, [((3, 0),), ((17, 9),), ((3, 5),)], distinct),
    moved("sort descending", lambda x: ops.sort(x, 0, True), lambda x: -np.sort(-x, 0),
          [((17, 9),), ((4, 3),)], distinct),
    moved("top_k", lambda x: ops.top_k(x, 2)[0], lambda x: -np.sort(-x)[..., :2], [((17, 9),), ((4, 3),)], distinct),
    moved("diagonal", lambda x: ops.diagonal(x, 1, -1, 0), lambda x: np.diagonal(x, 1, -1, 0),
          [((3, 2, 4),), ((4, 3),)]),
    moved("diag", lambda x: ops.diag(x, -1), lambda x: np.diag(x, -1), [((4, 3),), ((3,),)]),
    moved("roll", lambda x: ops.roll(x, (2, -1), (0, 1)), lambda x: np.roll(x, (2, -1), (0, 1)),
          [((0, 3),), ((3, 4),)]),
    moved("roll flat", lambda x: ops.roll(x, -4), lambda x: np.roll(x, -4), [((),), ((3, 5),)]),
    moved("scatter_update", ops.scatter_update, updated, [((3, 4), (5, 2), (5,)), ((6,), (4, 1), (4,)),
          ((4, 3), (3, 1), (3, 3))], places, wrt=(0, 2)),
    Row("scatter", None, lambda i, v: ops.scatter(i, v, (3, 4)), lambda i, v: added(np.zeros((3, 4), v.dtype), i, v),
        lambda rng, s: [rng.integers(0, 3, s[0]), rng.normal(size=s[1])], [((9, 2), (9,)), ((4, 1), (4, 4))],
        lambda v, d, i, u: gamma(9, d) * added(np.zeros((3, 4)), i, np.abs(u)), op="scatter", wrt=(1,)),
    moved("zeros_like", ops.zeros_like, lambda x: 0 * x, [((2,),)], wrt=()),
    moved("ones_like", ops.ones_like, lambda x: 0 * x + 1, [((2,),)], wrt=()),
    moved("full_like", lambda x: ops.full_like(x, 3), lambda x: 0 * x + 3, [((2,),)], wrt=()),
]  # fmt: skip


def count(x, axis):
    return x.size if axis is None else int(np.prod([x.shape[a] for a in np.atleast_1d(axis)]))


def reduction(name, oracle, bound, shapes, draw=None, axis=None, wrt=(0,), **options):
    f = getattr(ops, name)
    label = " ".join([f"{name} axis={axis}", *(f"{k}={v}" for k, v in options.items())])
    return Row(label, None, lambda x: f(x, axis=axis, **options), lambda x: oracle(x, axis), draw or box(-3, 3),
               [(s,) for s in shapes], lambda v, d, x: bound(v, d, x, axis), op=name, wrt=wrt)  # fmt: skip


def relative(roundings):
    """`roundings` more than one for each term, relative to the value."""
    return lambda value, dtype, x, axis: gamma(count(x, axis) + roundings, dtype) * np.abs(value)


def var_bound(value, dtype, x, axis):
    """The mean is off by e, each deviation by e and one rounding, its square by two more."""
    n = count(x, axis)
    d = np.abs(x - x.mean(axis=axis, keepdims=True))
    e = unit(dtype) * d + gamma(n + 1, dtype) * np.abs(x).mean(axis=axis, keepdims=True)
    return (2 * d * e + e * e).mean(axis=axis) + gamma(n + 3, dtype) * ((d + e) ** 2).mean(axis=axis)


def std_bound(value, dtype, x, axis):
    e = var_bound(value, dtype, x, axis)
    return np.sqrt(value**2 + e) - np.sqrt(np.maximum(value**2 - e, 0)) + ulp(value, dtype)


def average_bound(value, dtype, x, w):
    return gamma(2 * x.shape[0] + 3, dtype) * (np.abs(x) * w[:, None]).sum(0) / w.sum()


def halves(rng, shapes):
    return [rng.integers(-2, 3, s) / 2 for s in shapes]


def magnitudes(rng, shapes):
    """Either sign; magnitudes that differ by at least 1/8, none below 1/8."""
    return [np.abs(a - a.min() + 0.25) * rng.choice([-1.0, 1.0], a.shape) for a in distinct(rng, shapes)]


def sparse(rng, shapes):
    return [rng.choice([0.0, 0.0, 0.0, 0.5, 1.0], s) for s in shapes]


def same(value, dtype, x, axis):
    return 0.0


SHAPES = [(7,), (33, 17), (2, 3)]
REDUCTIONS = [
    *[reduction("min", np.min, same, SHAPES, distinct, a) for a in (None, 0)],
    *[reduction("argmin", np.argmin, same, SHAPES, distinct, a, ()) for a in (None, -1)],
    reduction("prod", np.prod, relative(0), [(0,), (1,), (6,), (4, 3), (2, 3)], signed(0.5, 1.5)),
    reduction("prod", lambda x, a: np.prod(x, 0), relative(0), [(0, 2), (3, 2), (5, 3)], signed(0.5, 1.5), 0),
    reduction("prod", lambda x, a: np.prod(x, a, keepdims=True), lambda v, d, x, a: gamma(6, d) * np.abs(v),
              [(2, 4, 3), (2, 2, 2)], signed(0.5, 1.5), (0, 2), keepdims=True),
    *[reduction("var", lambda x, a: np.var(x, a), var_bound, [(33, 17), (3, 4)], None, a) for a in (None, 0)],
    reduction("var", lambda x, a: np.var(x, a, ddof=1), lambda *v: 2 * var_bound(*v), [(5, 17), (3, 4)], None, 0,
              ddof=1),
    *[reduction("std", lambda x, a: np.std(x, a), std_bound, [(33, 17), (3, 4)], None, a) for a in (None, 0)],
    Row("average", None, lambda x, w: ops.average(x, 0, w), lambda x, w: np.average(x, 0, w),
        lambda rng, s: [rng.normal(size=s[0]), rng.uniform(0.5, 2, s[1])], [((9, 3), (9,)), ((4, 2), (4,))],
        average_bound, op="average", wrt=(0, 1)),
    *[Row(f"cumsum axis={a}", None, lambda x, a=a: ops.cumsum(x, a), lambda x, a=a: np.cumsum(x, a), box(-3, 3),
          [((0, 3),), ((33, 5),), ((3, 2),)], lambda v, d, x, a=a: gamma(x.size, d) * np.cumsum(np.abs(x), a),
          op="cumsum", wrt=(0,)) for a in (None, 0)],
    *[Row(f"cumprod axis={a}", None, lambda x, a=a: ops.cumprod(x, a), lambda x, a=a: np.cumprod(x, a),
          signed(0.5, 1.5), [((0, 3),), ((9, 2),), ((3, 2),)],
          lambda v, d, x: gamma(x.size, d) * np.abs(v), op="cumprod", wrt=(0,)) for a in (None, 0)],
    *[reduction("norm", lambda x, a: np.linalg.norm(x, None, a), relative(2), [(33, 17), (3, 4)], signed(0.1, 3), a)
      for a in (None, 0)],
    reduction("norm", lambda x, a: np.linalg.norm(x, 1, a), relative(0), [(33, 17), (3, 4)], signed(0.1, 3), 0, ord=1),
    reduction("norm", lambda x, a: np.linalg.norm(x, 2, a), relative(2), [(33, 17), (3, 4)], signed(0.1, 3), 0, ord=2),
    # Two powers of 2 ULP each; the rounded exponent 1/3 moves the root of a sum below e^9 by 3 roundings.
    reduction("norm", lambda x, a: np.linalg.norm(x, 3, a), relative(12), [(33, 17), (3, 4)], signed(0.3, 3), 0, ord=3),
    reduction("norm", lambda x, a: np.max(np.abs(x), a), same, [(33, 17), (3, 4)], magnitudes, 0, ord=np.inf),
    reduction("norm", lambda x, a: np.min(np.abs(x), a), same, [(33, 17), (3, 4)], magnitudes, 1, ord=-np.inf),
    reduction("norm", lambda x, a: np.linalg.norm(x, 0, a), same, [(33, 17), (3, 4)], halves, 1, (), ord=0),
    reduction("norm", lambda x, a: np.linalg.norm(x, 1), relative(0), [(9, 5), (3, 4)], magnitudes, None, ord=1),
    reduction("norm", lambda x, a: np.linalg.norm(x, -np.inf), relative(0), [(9, 5), (3, 4)], magnitudes, None,
              ord=-np.inf),
    reduction("norm", lambda x, a: np.linalg.norm(x, "fro"), relative(2), [(9, 5), (3, 4)], None, None, ord="fro"),
    reduction("count_nonzero", np.count_nonzero, same, SHAPES, halves, 0, ()),
    reduction("any", np.any, same, [(0, 3), (2, 33)], sparse, 0, ()),
    reduction("all", np.all, same, [(0, 3), (2, 33)], sparse, 0, ()),
    Row("trace", None, ops.trace, np.trace, box(-3, 3), [((5, 4),), ((3, 3, 2),)],
        lambda v, d, x: gamma(5, d) * np.trace(np.abs(x)), op="trace", wrt=(0,)),
]  # fmt: skip


def product(name, call, oracle, shapes):
    def bound(value, dtype, *xs):
        terms = int(np.prod([x.size for x in xs]))  # more than any sum has
        return gamma(terms, dtype) * np.abs(oracle(*map(np.abs, xs)))

    return Row(
        name, None, call, oracle, box(-2, 2), shapes, bound, op=name.split()[0], wrt=tuple(range(len(shapes[0])))
    )


def summed(subscripts, *shapes):
    return product(f"einsum {subscripts}", lambda *xs: ops.einsum(subscripts, *xs),
                   lambda *xs: np.einsum(subscripts, *xs), list(shapes))  # fmt: skip


PRODUCTS = [
    product("dot", ops.dot, np.dot, [((3,), (3,)), ((0,), (0,)),
            ((2, 3), (3, 4)), ((), (3,)), ((2, 3, 4), (5, 4, 2)), ((2, 3), (3,))]),
    product("inner", ops.inner, np.inner, [((3,), (3,)), ((), (2,)), ((2, 1, 3), (4, 3))]),
    product("vdot", ops.vdot, np.vdot, [((), ()), ((2, 3), (3, 2))]),
    product("outer", ops.outer, np.outer, [((2, 3), (4,)), ((0,), (3,)), ((3,), (2,))]),
    product("tensordot", ops.tensordot, np.tensordot, [((2, 3, 4), (3, 4, 2)), ((2, 3), (2, 3))]),
    product("tensordot 0", lambda a, b: ops.tensordot(a, b, 0), lambda a, b: np.tensordot(a, b, 0), [((2, 3), (2,))]),
    product("tensordot pairs", lambda a, b: ops.tensordot(a, b, ([0, 2], [-1, 0])),
            lambda a, b: np.tensordot(a, b, ([0, 2], [-1, 0])), [((2, 3, 4), (4, 1, 2))]),
    summed("ij,jk->ik", ((2, 0), (0, 3)), ((2, 3), (3, 4))),
    summed("ij,jk", ((2, 3), (3, 4))),
    summed("bij,bkj->bik", ((2, 3, 4), (2, 5, 4))),
    summed("...ij,jk->...ik", ((2, 2, 3), (3, 4)), ((2, 3), (3, 4))),
    summed("...i,i...->...", ((2, 3), (3, 2))),
    summed("ij->ji", ((2, 3),)),
    summed("ij->", ((2, 3),)),
    summed("ii->i", ((3, 3),)),
    summed("bii", ((2, 3, 3),)),
    summed("i,j->ij", ((3,), (2,))),
    summed("ij,ij->i", ((2, 3), (2, 3))),
    summed("ij,ij->ij", ((2, 3), (1, 3))),
    summed("ij,kj->", ((2, 3), (4, 3))),
    summed("ij,jk,kl->il", ((2, 3), (3, 2), (2, 2))),
    summed("i,i,i->i", ((3,), (3,), (3,))),
]  # fmt: skip


def logical(name, *, two=True):
    shapes = [(s, s) if two else (s,) for s in [(0, 3), (17,), (5, 13)]]
    return Row(name, None, getattr(ops, name), getattr(np, name), halves, shapes, exact, op=name)


def special(rng, shapes):
    return [rng.choice([np.nan, np.inf, -np.inf, 0.0, 1.5], s) for s in shapes]


def divided(x1, x2):
    return np.where(x2 == 0, 0, x1 / np.where(x2 == 0, 1, x2))


def logaddexp_bound(value, dtype, x1, x2):
    """Each exponential is off by u |x1 - x2| + 2 ULP, their sum by one rounding: absolute errors of the logarithm."""
    return (np.abs(x1 - x2) + 5 + 2 * ULPS) * unit(dtype) + unit(dtype) * np.abs(value)


def normed(name, oracle, axis):
    return Row(f"{name} axis={axis}", None, lambda x: getattr(ops, name)(x, axis), lambda x: oracle(x, axis),
               signed(0.2, 3), [((33, 17),), ((3, 4),)],
               lambda v, d, x: gamma(count(x, axis) + 6, d) * np.abs(v), op=name, wrt=(0,))  # fmt: skip


def unit_norm(x, axis):
    return x / np.sqrt(np.square(x).sum(axis=axis, keepdims=True))


ELEMENTWISE = [
    *[logical(n) for n in ("logical_and", "logical_or", "logical_xor")],
    logical("logical_not", two=False),
    *[Row(n, None, getattr(ops, n), getattr(np, n), special, [((17,),), ((5, 13),)], exact, op=n)
      for n in ("isnan", "isinf", "isfinite")],
    Row("reciprocal", None, ops.reciprocal, lambda x: 1 / x, signed(0.5, 3), [(s,) for s in SAME], ulps(0.51),
        nearest(0), "reciprocal", (0,), 15),
    Row("rsqrt", None, ops.rsqrt, lambda x: 1 / np.sqrt(x), box(0.3, 9), [(s,) for s in SAME],
        lambda v, d, x: gamma(2, d) * v, op="rsqrt", wrt=(0,), example=15),
    *[Row(n, None, getattr(ops, n), getattr(np, n), box(0.1, 9), [(s,) for s in SAME],
          lambda v, d, x: gamma(2 * ULPS + 2, d) * np.abs(v) + ulp(v, d), op=n, wrt=(0,), example=15)
      for n in ("log2", "log10")],
    Row("squared_difference", None, ops.squared_difference, lambda a, b: (a - b) ** 2, box(-3, 3), PAIRS,
        lambda v, d, a, b: gamma(3, d) * v, op="squared_difference", wrt=(0, 1), example=0),
    Row("divide_no_nan", None, ops.divide_no_nan, divided, signed(0.5, 3), PAIRS, ulps(0.51), op="divide_no_nan",
        wrt=(0, 1), example=0),
    Row("divide_no_nan by zeros", None, ops.divide_no_nan, divided, halves, PAIRS, ulps(0.51), op="divide_no_nan",
        wrt=(0,), example=0),
    Row("logaddexp", None, ops.logaddexp, np.logaddexp, box(-5, 5), PAIRS, logaddexp_bound, op="logaddexp", wrt=(0, 1),
        example=0),
    *[normed("l2_normalize", unit_norm, a) for a in (None, 1)],
    *[normed("normalize", unit_norm, a) for a in (-1, 0)],
]  # fmt: skip

COMPOSITIONS = MOVEMENT + REDUCTIONS + PRODUCTS + ELEMENTWISE
GATES = {"glu", "sparsemax"}  # test_small_layers.py; Keras' sparsemax is another function
CREATION = {"arange", "eye", "full", "linspace", "ones", "zeros"}  # of shapes: test_creation.py
