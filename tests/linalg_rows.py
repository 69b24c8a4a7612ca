"""Rows of tables.py for linear algebra, on matrices up to 4 x 4 whose diagonals dominate their columns.

The oracles are closed formulas by minors (Leibniz, Cramer), so that no elimination judges another. An elimination
without row exchanges factors A + E with |E| <= gamma(m) |L| |U|, where |L| <= 1 and |U| <= 2 max |A| for such matrices;
what E does to a result is its first derivative, and twice that bounds the rest.
"""

from __future__ import annotations

import itertools

import densegrad as dg
import numpy as np
from oracles import ULPS, gamma, ulp
from rows import Row, exact

ops = dg.ops
SHAPES = [((0, 2, 2),), ((1, 1),), ((2, 3, 3),), ((4, 4),), ((3, 3),)]


def dominant(rng, shapes):
    """Matrices with a dominant diagonal of either sign; right-hand sides after them."""
    m = shapes[0][-1]
    signs = np.eye(m) * rng.choice([-1.0, 1.0], m)
    return [rng.uniform(-1, 1, shapes[0]) + 4 * signs, *[rng.uniform(-2, 2, s) for s in shapes[1:]]]


def positive(rng, shapes):
    """Matrices whose symmetric part is positive definite."""
    return [rng.uniform(-1, 1, s) + 4 * np.eye(s[-1]) for s in shapes]


def det(a):
    """Leibniz' sum over permutations."""
    m, total = a.shape[-1], np.zeros(a.shape[:-2], a.dtype)
    for p in itertools.permutations(range(m)):
        sign = (-1) ** sum(p[i] > p[k] for i in range(m) for k in range(i + 1, m))
        total = total + sign * np.prod(a[..., np.arange(m), list(p)], -1)
    return total


def minor(a, row, column):
    return det(np.delete(np.delete(a, row, -2), column, -1))


def inv(a):
    """Cramer's rule."""
    m, y = a.shape[-1], np.empty_like(a)
    for i, k in itertools.product(range(m), repeat=2):
        y[..., i, k] = (-1) ** (i + k) * minor(a, k, i) / det(a)
    return y


def solve(a, b):
    return inv(a) @ b


def symmetric(x):
    return (x + np.swapaxes(x, -1, -2)) / 2


def cholesky(x):
    """By leading minors D: L[i, k] = det of the rows 0..k-1, i and columns 0..k, over sqrt(D_k D_k+1)."""
    a = symmetric(x)
    m, y = a.shape[-1], np.zeros_like(a)
    for i in range(m):
        for k in range(i + 1):
            part = a[..., [*range(k), i], :][..., : k + 1]
            y[..., i, k] = det(part) / np.sqrt(det(a[..., :k, :k]) * det(a[..., : k + 1, : k + 1]))
    return y


def moved(a, dtype):
    """|E| for each matrix, a number; with the roundings of two triangular systems."""
    m = a.shape[-1]
    return 2 * gamma(3 * m, dtype) * 2 * m * np.abs(a).max(axis=(-2, -1), initial=0, keepdims=True)


def solve_bound(value, dtype, a, b):
    """|A^-1| |E| |x|."""
    return np.abs(inv(a)) @ (moved(a, dtype) * np.ones_like(a)) @ np.abs(value)


def det_bound(value, dtype, a):
    """sum |cofactors| |E|, and a product of m factors."""
    cofactors = np.abs(inv(a) * det(a)[..., None, None])
    return (moved(a, dtype) * cofactors).sum(axis=(-2, -1)) + gamma(a.shape[-1], dtype) * np.abs(value)


def logarithms_bound(dtype, errors, pivots):
    """Of a sum of logarithms of pivots with relative errors."""
    m = pivots.shape[-1]
    return (errors + gamma(m + 2 * ULPS, dtype) * np.abs(np.log(pivots))).sum(-1)


def slogdet_bound(value, dtype, a):
    m = a.shape[-1]
    minors = np.stack([np.abs(det(a[..., :k, :k])) for k in range(m + 1)], -1)
    whole = det_bound(det(a), dtype, a) / np.abs(det(a))
    return whole + logarithms_bound(dtype, 0, minors[..., 1:] / minors[..., :-1])


def cholesky_bound(value, dtype, x):
    """|L| |L^-1| |E| |L^-T| with |E| <= gamma(m + 2) |L| |L|^T."""
    y = cholesky(x)
    size, inverse = np.abs(y), np.abs(inv(y))
    e = 2 * gamma(x.shape[-1] + 2, dtype) * size @ np.swapaxes(size, -1, -2)
    return size @ inverse @ e @ np.swapaxes(inverse, -1, -2)


def logdet_bound(value, dtype, x):
    pivots = np.diagonal(cholesky(x), 0, -2, -1)
    errors = np.diagonal(cholesky_bound(value, dtype, x), 0, -2, -1) / pivots
    return 2 * logarithms_bound(dtype, errors, pivots)


def spread(rng, shapes):
    """Matrices whose symmetric parts have eigenvalues at least 2 apart, by Gershgorin's circles (m <= 5)."""
    return [rng.uniform(-0.25, 0.25, s) + 4 * np.diag(np.arange(s[-1]) - 1.0) for s in shapes]


def eigenvalues(x):
    """The roots of det(a - w): NumPy's in float64, after three steps of Newton's method by minors."""
    a, one = symmetric(x), np.eye(x.shape[-1], dtype=x.dtype)
    w = np.linalg.eigvalsh(np.asarray(a, "float64")).astype(x.dtype)
    for _ in range(3):
        rest = a[..., None, :, :] - w[..., None, None] * one
        slope = -sum(minor(rest, i, i) for i in range(x.shape[-1]))
        w = w - det(rest) / slope
    return w


def apart(rng, shapes):
    """Matrices whose singular values are at least 1 apart, by Weyl's inequality (m, n <= 3)."""
    return [rng.uniform(-0.25, 0.25, s) + 4 * np.eye(*s[-2:]) * (1 + np.arange(s[-1])) for s in shapes]


def augmented(x):
    m, n = x.shape[-2:]
    zeros = [np.zeros((*x.shape[:-2], k, k), x.dtype) for k in (m, n)]
    return np.block([[zeros[0], x], [np.swapaxes(x, -1, -2), zeros[1]]])


def singular_values(x):
    """The largest eigenvalues of [[0, x], [x^T, 0]]."""
    return eigenvalues(augmented(x))[..., ::-1][..., : min(x.shape[-2:])]


def projections(x):
    """The products of (a - w_i) / (w_k - w_i) over i, one matrix for each k."""
    a, w, one = symmetric(x), eigenvalues(x), np.eye(x.shape[-1], dtype=x.dtype)
    every = [one + 0 * a for _ in range(x.shape[-1])]
    for k, i in itertools.permutations(range(x.shape[-1]), 2):
        here, there = (w[..., j, None, None] for j in (k, i))
        every[k] = every[k] @ (a - there * one) / (here - there)
    return np.stack(every, -3)


def rotated(x):
    """|E| of Jacobi's rotations in float64: ten rounds, six roundings of two rows and columns each (Wilkinson)."""
    m = x.shape[-1]
    return 2 * gamma(6 * 10 * m * m, "float64") * np.sqrt((symmetric(x) ** 2).sum(axis=(-2, -1)))


def eigenvalues_bound(value, dtype, x):
    """|E|, and one rounding; symmetric(x) in `dtype` is exact but for one rounding of each entry."""
    entries = np.abs(symmetric(x)).sum(-1).max(-1, initial=0) * gamma(2, dtype)
    return (rotated(x) + entries)[..., None] + ulp(value, dtype)


def projections_bound(value, dtype, x):
    """Two vectors that |E| turns by |E| / gap, and the roundings of their entries, which are at most 1."""
    entries = np.abs(symmetric(x)).sum(-1).max(-1, initial=0) * gamma(2, dtype)
    gap = 2
    return 4 * (rotated(x) + entries)[..., None, None, None] / gap + gamma(4, dtype)


def projected(a):
    v = ops.swapaxes(ops.eigh(a)[1], -1, -2)
    return v[..., :, None] * v[..., None, :]


def triangle_bound(value, dtype, a, b):
    return solve_bound(value, dtype, np.triu(a), b)


def of_symmetric(function):
    def call(x):
        x = dg._core.convert(x)
        return function((x + ops.swapaxes(x, -1, -2)) / 2)

    return call


SYSTEMS = [((0, 2, 2), (0, 2, 1)), ((1, 1), (1, 3)), ((2, 3, 3), (2, 3, 2)), ((4, 4), (4, 0))]
LINALG = [
    Row("solve", "solve", ops.solve, solve, dominant, [*SYSTEMS, ((2, 1, 3, 3), (1, 3, 3, 1)), ((3, 3), (3, 2))],
        solve_bound, op="solve", wrt=(0, 1)),
    Row("solve of vectors", None, ops.solve, lambda a, b: solve(a, b[..., None])[..., 0], dominant,
        [((2, 3, 3), (2, 3)), ((3, 3), (3,))],
        lambda v, d, a, b: solve_bound(v[..., None], d, a, b[..., None])[..., 0], op="solve", wrt=(0, 1)),
    Row("solve a^T", "solve", lambda a, b: dg._core.solve(a, b, True), lambda a, b: solve(np.swapaxes(a, -1, -2), b),
        dominant, [*SYSTEMS, ((3, 3), (3, 2))],
        lambda v, d, a, b: solve_bound(v, d, np.swapaxes(a, -1, -2), b) * 2, wrt=(0, 1)),
    Row("inv", None, ops.inv, inv, dominant, SHAPES, lambda v, d, a: solve_bound(v, d, a, None), op="inv", wrt=(0,)),
    Row("det", "det", ops.det, det, dominant, SHAPES, det_bound, op="det", wrt=(0,)),
    Row("slogdet", "slogdet", lambda a: ops.slogdet(a)[1], lambda a: np.log(np.abs(det(a))), dominant, SHAPES,
        slogdet_bound, op="slogdet", wrt=(0,)),
    Row("slogdet sign", None, lambda a: ops.slogdet(a)[0], lambda a: np.sign(det(a)), dominant, SHAPES, exact,
        op="slogdet"),
    Row("cholesky", "cholesky", of_symmetric(ops.cholesky), cholesky, positive, SHAPES, cholesky_bound, op="cholesky",
        wrt=(0,)),
    Row("cholesky upper=True", None, of_symmetric(lambda a: ops.cholesky(a, upper=True)),
        lambda x: np.swapaxes(cholesky(x), -1, -2), positive, SHAPES,
        lambda v, d, x: np.swapaxes(cholesky_bound(v, d, x), -1, -2), op="cholesky", wrt=(0,)),
    Row("logdet", None, of_symmetric(ops.logdet), lambda x: np.log(det(symmetric(x))), positive, SHAPES, logdet_bound,
        op="logdet", wrt=(0,)),
    Row("solve_triangular", None, ops.solve_triangular, lambda a, b: solve(np.triu(a), b), dominant,
        [*SYSTEMS, ((3, 3), (3, 2))], triangle_bound, op="solve_triangular", wrt=(0, 1)),
    Row("solve_triangular lower=True", None, lambda a, b: ops.solve_triangular(a, b, lower=True),
        lambda a, b: solve(np.tril(a), b), dominant, [*SYSTEMS, ((3, 3), (3, 2))],
        lambda v, d, a, b: solve_bound(v, d, np.tril(a), b), op="solve_triangular", wrt=(0, 1)),
    Row("eigvalsh", "eigh", of_symmetric(ops.eigvalsh), eigenvalues, spread, SHAPES, eigenvalues_bound, op="eigvalsh",
        wrt=(0,)),
    Row("svdvals", None, ops.svdvals, singular_values, apart,
        [((0, 2, 2),), ((1, 1),), ((2, 2, 3),), ((3, 2),), ((3, 3),)],
        lambda v, d, x: eigenvalues_bound(v, d, augmented(x)), op="svdvals", wrt=(0,)),
    Row("eigh projections", None, of_symmetric(projected), projections, spread, SHAPES, projections_bound, op="eigh",
        wrt=(0,)),
]  # fmt: skip
