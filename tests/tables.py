"""One row per primitive (and its variants), activation and loss of the compiled core.

A row names what is called, an oracle in plain NumPy, how to draw its inputs, the shapes to try, where its kinks are,
and a bound of the rounding error. The tests of test_tables.py, test_gradcheck.py and test_isa.py run over all rows,
so whoever adds an activation, a loss or a primitive adds a row here and has it tested.
"""

from __future__ import annotations

import dataclasses

import densegrad as dg
import numpy as np
import special_oracles as special
from activation_oracles import ERFC, PIECEWISE, SMOOTH, erf, erfc
from compositions import COMPOSITIONS
from densegrad import _core
from linalg_rows import LINALG
from loss_oracles import HEADS, LOSSES, OPTIONS, SPARSE, analysed, drawn, kink
from normalization_rows import NORMALIZATIONS
from oracles import ACTIVATIONS, ULPS, gamma, ulp, unit
from rows import PAIRS, SAME, Row, apart, box, distinct, exact, lattice, nearest, quotients, signed, ulps, whole
from window_rows import WINDOWS


def unary(name, oracle, draw, bound, kink=None):
    f = getattr(dg.ops, name)
    kink = kink or (lambda *inputs: np.inf)
    return Row(name, name, f, oracle, draw, [(s,) for s in SAME], bound, kink, name, (0,), 15)


def binary(name, oracle, draw, bound, kink=None, wrt=(0, 1)):
    shapes = [(s, s) for s in SAME] + PAIRS
    kink = kink or (lambda *inputs: np.inf)
    return Row(name, name, getattr(dg.ops, name), oracle, draw, shapes, bound, kink, name, wrt, len(SAME) + 3)


def compared(name):
    def draw(rng, shapes):
        return [rng.integers(-2, 3, s) / 2 for s in shapes]

    return dataclasses.replace(binary(name, getattr(np, name), draw, exact, wrt=()), example=SAME.index((5, 13)))


ELEMENTWISE = [
    unary("negative", np.negative, box(-3, 3), exact),
    unary("square", np.square, box(-3, 3), ulps(0.51)),
    unary("sqrt", np.sqrt, box(0.1, 9), ulps(0.51)),
    unary("exp", np.exp, box(-5, 5), ulps(ULPS)),
    unary("log", np.log, box(0.1, 9), ulps(ULPS)),
    unary("log1p", np.log1p, box(-0.8, 9), ulps(ULPS)),
    unary("abs", np.abs, signed(0.1, 3), exact, nearest(0)),
    unary("sign", np.sign, signed(0.1, 3), exact, nearest(0)),
    unary("expm1", np.expm1, signed(0.001, 5), ulps(ULPS)),
    *[unary(n, getattr(np, n), box(low, high), ulps(ULPS)) for n, low, high in (
        ("sin", -9, 9), ("cos", -9, 9), ("tan", -1.2, 1.2), ("arcsin", -0.8, 0.8), ("arccos", -0.8, 0.8),
        ("arctan", -9, 9), ("sinh", -4, 4), ("cosh", -4, 4), ("arcsinh", -9, 9), ("arccosh", 1.3, 9),
        ("arctanh", -0.8, 0.8))],
    dataclasses.replace(unary("tanh", np.tanh, signed(0.001, 9), ulps(ULPS)), call=_core.tanh, op=None),
    unary("erf", erf, signed(0.001, 4), ulps(ULPS)),
    unary("erfc", erfc, box(-3, 5), ulps(ERFC / 2)),
    unary("erfinv", special.erfinv, box(-0.95, 0.95), ulps(ULPS)),
    unary("erfcinv", special.erfcinv, box(0.05, 1.95), ulps(ULPS)),
    unary("lgamma", special.lgamma, special.draw_lgamma, special.LGAMMA),
    unary("digamma", special.digamma, box(0.2, 12), special.digamma_bound),
    binary("polygamma", special.polygamma, special.draw_polygamma, special.polygamma_bound, wrt=(1,)),
    *[dataclasses.replace(unary(name, oracle, signed(0.1, 9), exact), wrt=())
      for name, oracle in (("floor", np.floor), ("ceil", np.ceil), ("round", np.rint))],
    unary("identity", lambda x: x, box(-3, 3), exact),
    dataclasses.replace(unary("stop_gradient", lambda x: x, box(-3, 3), exact), wrt=()),
    binary("add", np.add, box(-3, 3), ulps(0.51)),
    binary("subtract", np.subtract, box(-3, 3), ulps(0.51)),
    binary("multiply", np.multiply, box(-3, 3), ulps(0.51)),
    binary("divide", np.divide, signed(0.5, 3), ulps(0.51)),
    binary("power", np.power, box(0.3, 3), ulps(ULPS)),
    binary("maximum", np.maximum, lattice, exact, apart),
    binary("minimum", np.minimum, lattice, exact, apart),
    binary("floor_divide", np.floor_divide, quotients, exact, wrt=()),
    binary("mod", np.mod, quotients, ulps(0.51), whole),
    binary("arctan2", np.arctan2, signed(0.5, 3), ulps(ULPS)),
    *[compared(n) for n in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")],
    Row("where", "where", dg.ops.where, np.where,
        lambda rng, s: [rng.random(s[0]) < 0.5, rng.normal(size=s[1]), rng.normal(size=s[2])],
        [(s, s, s) for s in SAME] + [((3, 1), (4,), (3, 4)), ((4,), (), (2, 4)), ((2, 1, 1), (3, 1), (5,))],
        exact, op="where", wrt=(1, 2)),
    Row("clip", "clip", lambda x: dg.ops.clip(x, -0.5, 1.0), lambda x: np.clip(x, -0.5, 1),
        lambda rng, s: [x + 3 / 16 for x in lattice(rng, s)], [(s,) for s in SAME], exact, nearest(-0.5, 1.0), "clip",
        (0,), 15),
    Row("cast", "cast", lambda x: dg.ops.cast(dg.ops.cast(x, "float64"), x.dtype.name), lambda x: x, box(-3, 3),
        [(s,) for s in SAME], exact, op="cast", wrt=(0,), example=15),
]  # fmt: skip

# ---- Reductions, movement, products ---------------------------------------------------------------------------------


def sum_bound(axis):
    def bound(value, dtype, x):
        n = x.size if axis is None else int(np.prod([x.shape[a] for a in np.atleast_1d(axis)]))
        return gamma(max(n - 1, 0), dtype) * np.abs(x).sum(axis=axis).reshape(np.shape(value))

    return bound


def mean_bound(axis):
    def bound(value, dtype, x):
        n = max(1, x.size if axis is None else x.shape[axis])
        return gamma(n, dtype) * np.abs(x).mean(axis=axis) + ulp(value, dtype)

    return bound


def logsumexp(x, axis=None):
    m = x.max(axis=axis, keepdims=True)
    return np.log(np.exp(x - m).sum(axis=axis)) + np.squeeze(m, axis=axis)


def logsumexp_bound(axis):
    """Each exponential is off by u |x - m| + 4u, their sum by gamma(n): absolute errors of the logarithm."""

    def bound(value, dtype, x):
        n, u = x.size if axis is None else x.shape[axis], unit(dtype)
        spread = x.max(axis=axis) - x.min(axis=axis)
        return (spread + 4) * u + gamma(n, dtype) + 4 * u * np.log(n) + u * np.abs(value)

    return bound


def reduced(name, oracle, bound, draw, kink=None, nonempty=False):
    rows = []
    for axis in (None, 0, -1, (0, 2)):
        if axis == (0, 2) and name != "sum":
            continue
        rank = 3 if axis == (0, 2) else 1 if axis is None else 1
        shapes = [(s,) for s in [*SAME, (300, 3), (3, 1000), (4, 5, 6)] if len(s) >= rank]
        if nonempty:
            shapes = [s for s in shapes if 0 not in s[0]]
        f = getattr(dg.ops, name)
        rows.append(
            Row(f"{name} axis={axis}", name if name != "mean" else None, lambda x, f=f, a=axis: f(x, axis=a),
                lambda x, a=axis: oracle(x, axis=a), draw, shapes, bound(axis), kink or (lambda x: np.inf), name, (0,),
                [s[0] for s in shapes].index((2, 3, 5)))
        )  # fmt: skip
    return rows


def argmax_row(axis):
    return Row(f"argmax axis={axis}", "argmax", lambda x: dg.ops.argmax(x, axis), lambda x: np.argmax(x, axis),
               distinct, [((7,),), ((33, 17),), ((2, 3, 5),)], exact, op="argmax")  # fmt: skip


def fixed(name, primitive, call, oracle, shapes, draw=None, bound=exact, wrt=(0,), op=None):
    return Row(name, primitive, call, oracle, draw or box(-3, 3), shapes, bound, op=op, wrt=wrt)


def indices(n, upto):
    """x, and integer rows of it with repetitions."""
    return lambda rng, s: [rng.normal(size=s[0]), rng.integers(0, upto, n), *[rng.normal(size=t) for t in s[2:]]]


def scattered(x, i, updates):
    y = x.copy()
    np.add.at(y, i, updates)
    return y


def product_bound(value, dtype, a, b, *bias):
    k = a.shape[-1] if a.ndim else 1
    rest = sum((np.abs(c) for c in bias), 0)
    return gamma(k + len(bias), dtype) * (np.abs(a) @ np.abs(b) + rest)


def swapped(x):
    return np.swapaxes(x, -1, -2)


def matmul_row(name, ta, tb, shapes):
    return Row(name, "matmul", lambda a, b: _core.matmul(a, b, ta, tb),
               lambda a, b: np.matmul(swapped(a) if ta else a, swapped(b) if tb else b), box(-2, 2), shapes,
               lambda v, d, a, b: product_bound(v, d, swapped(a) if ta else a, swapped(b) if tb else b), op="matmul",
               wrt=(0, 1))  # fmt: skip


PRODUCTS = [((2, 3), (3, 4)), ((17, 33), (33, 15)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((64, 31), (31, 65))]
VECTORS = [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 1, 3, 4), (5, 4, 2)), ((5, 2, 3), (3, 2))]
VECTORS += [((2, 3), (3, 4))]
STRUCTURAL = [
    *reduced("sum", np.sum, sum_bound, box(-3, 3)),
    *reduced("mean", np.mean, mean_bound, box(-3, 3), nonempty=True),
    *reduced("max", np.max, lambda axis: exact, distinct, nonempty=True),
    *reduced("logsumexp", logsumexp, logsumexp_bound, box(-5, 5), nonempty=True),
    argmax_row(-1),
    argmax_row(0),
    fixed("broadcast_to", "broadcast_to", lambda x: dg.ops.broadcast_to(x, (4, 2, 3)),
          lambda x: np.broadcast_to(x, (4, 2, 3)), [((),), ((3,),), ((4, 1, 1),), ((2, 1),)], op="broadcast_to"),
    fixed("sum_to", "sum_to", lambda x: dg.ops.sum_to(x, (3, 1)), lambda x: x.sum((0, 1, 3))[:, None] if x.ndim == 4
          else x.sum(1, keepdims=True), [((3, 17),), ((3, 0),), ((4, 5, 3, 2),), ((3, 5),)], op="sum_to",
          bound=lambda v, d, x: gamma(40, d) * np.abs(x).sum()),
    fixed("reshape", "reshape", lambda x: dg.ops.reshape(x, (-1, 3)), lambda x: x.reshape(-1, 3),
          [((6,),), ((3,),), ((2, 3, 5),)], op="reshape"),
    fixed("transpose", "transpose", lambda x: dg.ops.transpose(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1),
          [((0, 2, 3),), ((17, 1, 33),), ((2, 3, 5),)], op="transpose"),
    fixed("transpose reversed", "transpose", dg.ops.transpose, np.transpose, [(s,) for s in SAME[:-3]], op="transpose"),
    fixed("concatenate", "concatenate", lambda *xs: dg.ops.concatenate(xs, 1), lambda *xs: np.concatenate(xs, 1),
          [((2, 0), (2, 3), (2, 1)), ((17, 2), (17, 5), (17, 3))], wrt=(0, 1, 2), op="concatenate"),
    fixed("slice", "slice", lambda x: dg.constant(x)[1:, ..., ::-2] if isinstance(x, np.ndarray) else x[1:, ..., ::-2],
          lambda x: x[1:, ..., ::-2], [((1, 3),), ((17, 16),), ((3, 2, 5),)]),
    fixed("pad", "place", lambda x: dg.ops.pad(x, ((1, 0), (2, 3))), lambda x: np.pad(x, ((1, 0), (2, 3))),
          [((0, 2),), ((17, 16),), ((3, 5),)], op="pad"),
    fixed("take", "take", lambda x, i: dg.ops.take(x, i, 0), lambda x, i: x[i], [((5,), (9,)), ((5, 3), (9,))],
          indices(9, 5), op="take"),
    fixed("take axis=1", "take", lambda x, i: dg.ops.take(x, i, 1), lambda x, i: x[:, i], [((2, 5, 3), (9,))],
          indices(9, 5), op="take"),
    fixed("scatter_add", "scatter_add", dg.ops.scatter_add, scattered, [((5, 3), (9,), (9, 3))], indices(9, 5),
          lambda v, d, x, i, u: gamma(10, d) * scattered(np.abs(x), i, np.abs(u)), (0, 2), "scatter_add"),
    fixed("one_hot", "one_hot", lambda i: dg.ops.one_hot(i, 4), lambda i: (i[..., None] == np.arange(4)) * 1.0,
          [((7,),), ((3, 2),)], lambda rng, s: [rng.integers(-1, 6, s[0])], wrt=(), op="one_hot"),
    matmul_row("matmul", False, False, PRODUCTS + VECTORS),
    matmul_row("matmul a^T", True, False, [((b, a), c) for (a, b), c in PRODUCTS]),
    matmul_row("matmul b^T", False, True, [(a, (c, b)) for a, (b, c) in PRODUCTS]),
    matmul_row("matmul a^T b^T", True, True, [((b, a), (d, c)) for (a, b), (c, d) in PRODUCTS]),
]  # fmt: skip

# ---- Coarse: dense, activations, losses, and their gradients as functions ------------------------------------------


def gradient_of(function, x, cotangent):
    """The vjp of `function` at x, as a function that outer tapes can differentiate."""
    x = _core.convert(x)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x, output_gradients=_core.convert(cotangent, y.dtype))


def activation_rows(label, name, parameters, f, bound, grad, grad_bound, kinks):
    def call(z):
        return getattr(dg.activations, name)(z, **parameters)

    kink = nearest(*kinks) if kinks else lambda *inputs: np.inf
    draw = signed(0.1, 4)
    shapes = [s for s in SAME if "softmax" not in name or (s and s[-1] != 1)]  # no scalars; one class: a warning
    yield Row(label, "activation" if name != "linear" else None, call, f, draw, [(s,) for s in shapes],
              lambda v, d, z: bound(z, 0, d), kink, name, (0,), shapes.index((2, 3, 5)))  # fmt: skip
    if name != "linear":
        yield Row(f"{label}_grad", "activation_grad", lambda z, dy: gradient_of(call, z, dy), grad, draw,
                  [(s, s) for s in shapes], lambda v, d, z, dy: grad_bound(z, dy, d), kink, None, (0, 1),
                  shapes.index((2, 3, 5)))  # fmt: skip

    if parameters:
        return

    def dense_bound(value, dtype, x, w, b):
        return bound(x @ w + b, product_bound(value, dtype, x, w, b), dtype)

    shapes = [((n, k), (k, m), (m,)) for n, k, m in ((0, 3, 2), (1, 1, 1), (2, 0, 3), (17, 33, 15), (65, 31, 64))]
    shapes += [((2, 5, 3), (3, 4), (4,)), ((4, 3), (3, 5), (5,))]
    # z moves by up to (3 + 3 + 1) steps when x, w and b move by one: hence its kink at a distance of |z| / 8
    yield Row(f"dense {name}", "dense", lambda x, w, b: dg.ops.dense(x, w, b, name), lambda x, w, b: f(x @ w + b),
              box(-1, 1), shapes, dense_bound, lambda x, w, b: kink(x @ w + b) / 8, "dense", (0, 1, 2))  # fmt: skip


def loss_rows(name, form, **options):
    value, value_bound, grad, grad_bound = analysed(name, form, **options) if options else LOSSES[name, form]
    sparse, head = name in SPARSE, HEADS.get(name)

    def labels(t, p):
        return np.eye(p.shape[-1], dtype=p.dtype)[t].reshape(p.shape) if sparse else t

    def draw(rng, shapes):
        return [*drawn(name, form, rng, shapes[1]), *[rng.normal(size=s) for s in shapes[2:]]]

    def call(t, p):
        p = _core.convert(p)
        p = _core.activation(head, p) if form == "fused" else p
        return _core.loss(name, t, p, from_logits=form == "logits", reduction="none", **options)

    shapes = [(3, 2 if "categorical" in name else 1), (0, 3), (17, 33), (2, 3, 4), (5, 4)]
    pairs = [(s[:-1] if sparse else s, s) for s in shapes]
    wrt = (1,) if sparse else (0, 1)
    title = " ".join([name, *(f"{key}={value}" for key, value in options.items()), form])

    def distance(t, p, *rest):
        return kink(name, t, p, **options)

    yield Row(title, "loss", call, lambda t, p: value(labels(t, p), p), draw, pairs,
              lambda v, d, t, p: value_bound(labels(t, p), p, d), distance, name, wrt)  # fmt: skip
    yield Row(f"{title}_grad", "loss_grad", lambda t, p, d: gradient_of(lambda x: call(t, x), p, d),
              lambda t, p, d: grad(labels(t, p), p, d), draw, [(*a, s[:-1]) for a, s in zip(pairs, shapes)],
              lambda v, dtype, t, p, d: grad_bound(labels(t, p), p, d, dtype), distance, wrt=(*wrt, 2))  # fmt: skip


def draws(seed, n):
    """The first n words of a stream by Philox 4x32 with 10 rounds (Salmon et al. 2011), keyed as Keras' is."""

    def rounds(c, k):
        for r in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            a, b = (k[0] + r * 0x9E3779B9) % 2**32, (k[1] + r * 0xBB67AE85) % 2**32
            c = [(q >> 32) ^ c[1] ^ a, q % 2**32, (p >> 32) ^ c[3] ^ b, p % 2**32]
        return c

    halves = [int(n) % (2**31 - 2) for n in seed]
    *key, upper, top = rounds([halves[0], 0, halves[1], 0], [0x3EC8F720, 0x02461E29])
    return np.array([w for i in range(-(-n // 4)) for w in rounds([i, 0, upper, top], key)][:n])


def decayed(step):
    """8 / (1 + step / 2)."""
    return _core.schedule("inverse_time_decay", step, [8, 2, 1, 0], step.dtype)


@dg.custom_gradient
def custom_square(x):
    """x^2 by a derivative of its own."""
    return x * x, lambda dy: 2 * x * dy


ACTIVATION_CASES = [(name, name, {}, *ACTIVATIONS[name], (0.0,) if name == "relu" else ()) for name in ACTIVATIONS]
ACTIVATION_CASES += [(str(c), c.name, c.parameters, c.value, c.bound, c.grad, c.grad_bound, c.kinks)
                     for c in SMOOTH + PIECEWISE]  # fmt: skip
COARSE = [row for case in ACTIVATION_CASES for row in activation_rows(*case)]
COARSE += [row for key in LOSSES for row in loss_rows(*key)]
COARSE += [row for name in OPTIONS for options in OPTIONS[name] for row in loss_rows(name, "values", **options)]
COARSE += [Row("custom_gradient", "custom_gradient", custom_square, np.square, box(-3, 3), [(s,) for s in SAME],
               ulps(0.51), wrt=(0,), example=15)]  # fmt: skip
STATELESS = [
    fixed("random", "random", lambda seed: _core.random_integers((3, 5), -7, 100, seed),
          lambda seed: draws(seed, 15).reshape(3, 5) % 107 - 7, [((2,),)],
          lambda rng, s: [rng.integers(0, 2**31, s[0])], wrt=()),
    fixed("schedule", "schedule", lambda x: decayed(dg.constant(x)), lambda x: 8 / (1 + x / 2),
          [((),), ((5,),), ((0, 3),)], box(0, 9), ulps(2), wrt=()),
]  # fmt: skip
ROWS = ELEMENTWISE + STRUCTURAL + LINALG + COARSE + STATELESS + COMPOSITIONS + WINDOWS + NORMALIZATIONS
COARSE_PRIMITIVES = {"dense", "activation", "activation_grad", "loss", "loss_grad"}
