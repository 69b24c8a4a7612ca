"""Unary operations, activations and losses against mpmath at 50 digits: value, vjp, jvp and vjp of vjp.

mpmath differentiates the definition numerically, with digits to spare, at inputs that both dtypes hold exactly: the
whole error is densegrad's. The value and the vjp by predictions obey the bounds of their rows; the jvp and the second
derivative ROUNDINGS roundings (gradcheck.py) of their terms, which are at most the size of the inputs and 1, a factor
for each derivative, where the derivative itself is a difference of terms.
"""

from __future__ import annotations

import mpmath as mp
import mpmath_formulas as formulas
import numpy as np
import pytest
from gradcheck import ROUNDINGS, both_modes_and_orders, drawn
from oracles import unit
from rows import generator, named, narrow, widen
from tables import ELEMENTWISE, ROWS

BY_NAME = {row.name: row for row in ROWS}
SELECTED = [row for row in ROWS if row.primitive in ("activation", "loss") or row.name in formulas.UNARY]
POINTS, VECTORS = 7, 2  # numbers; rows of three


def shapes_of(row):
    if row.primitive == "loss":
        return [(VECTORS, 3) if 0 in row.wrt else (VECTORS,), (VECTORS, 3)]
    return [(VECTORS, 3)] if row.name in formulas.VECTORS else [(POINTS,)]


def definition(row, labels):
    """A list of variables -> a list of outputs: a number, a vector, or labels (if not given) and predictions."""
    word, rest, options = named(row.name)
    if row.primitive != "loss":
        if word in formulas.VECTORS:
            return formulas.VECTORS[word]
        function = formulas.ACTIVATIONS[word] if row.primitive == "activation" else formulas.UNARY[word]
        return lambda xs: [function(xs[0], **options)]

    def loss(xs):
        ts, ps = (xs[:3], xs[3:]) if labels is None else (labels, xs)
        if rest != "values":
            ps = [formulas.logistic(z) for z in ps] if word.startswith("binary") else formulas.softmax(ps)
        return [formulas.LOSSES[word](ts, ps, **options)]

    return loss


def partial(function, xs, output, *by):
    """The derivative of one output by the variables numbered `by`; what 50 digits cannot tell from 0 is 0."""
    order = [by.count(i) for i in range(len(xs))]
    return mp.chop(mp.diff(lambda *point: function(list(point))[output], tuple(xs), tuple(order)), 1e-30)


def exact(row, inputs):
    """Outputs (points, m), J (points, m, n) and T (points, m, n, n) of numbers of mpmath."""
    columns = [inputs[i].reshape(len(inputs[i]), -1) for i in row.wrt]
    points = np.concatenate(columns, axis=1)
    found = []
    for number, point in enumerate(points):
        labels = np.eye(3)[inputs[0][number]] if row.primitive == "loss" and 0 not in row.wrt else None
        function = definition(row, labels)
        xs = [mp.mpf(float(x)) for x in point]
        ys, n = function(xs), range(len(xs))
        slopes = [[partial(function, xs, i, j) for j in n] for i in range(len(ys))]
        bends = [[[partial(function, xs, i, j, k) for k in n] for j in n] for i in range(len(ys))]
        found.append((ys, slopes, bends))
    return [np.array(part, object) for part in zip(*found)]


def rows_of(arrays):
    """Arrays beside each other, one row per point, as numbers of mpmath."""
    parts = [np.asarray(a, np.float64).reshape(len(a), -1) for a in arrays]
    return np.vectorize(mp.mpf, otypes=[object])(np.concatenate(parts, axis=1))


def products(slopes, bends, u, t, w):
    """vjp, jvp and vjp of vjp, point by point."""
    every = zip(slopes, bends, u, t, w, strict=True)
    parts = [(c @ j, j @ d, np.tensordot(c, b, 1) @ e) for j, b, c, d, e in every]
    return [np.array(part) for part in zip(*parts)]


def largest_terms(derivatives, inputs, order):
    """The magnitudes of the terms that an entry of the derivative is made of."""
    reach = 1 + max(np.abs(x).max() for x in inputs if x.dtype.kind == "f")
    return np.abs(derivatives) + reach**order * (derivatives != 0)


def check(found, expected, bound, what):
    error = np.abs(rows_of(found) - expected).astype(float)
    bound = np.asarray(bound, float)
    bound = np.broadcast_to(bound.reshape(len(expected), -1) if bound.ndim else bound, error.shape)
    assert np.all(error <= bound), f"{what}: the largest excess is {(error - bound).max():.3g}, of {error.max():.3g}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", SELECTED, ids=str)
def test_value_and_derivatives(row, dtype, seed):
    inputs = drawn(row, generator(seed, row, "mpmath"), shapes_of(row))
    given, wide = narrow(inputs, dtype), widen(inputs)
    rng = generator(seed, row, "weights")
    u = rng.normal(size=np.shape(row.call(*given))).astype(dtype)
    ts, ws = ([rng.normal(size=inputs[i].shape).astype(dtype) for i in row.wrt] for _ in range(2))
    y, first, tangent, second = both_modes_and_orders(row, given, row.wrt, u, ts, ws)
    with mp.workdps(50):
        values, slopes, bends = exact(row, inputs)
        check([y], values, row.bound(values.astype(float).reshape(y.shape), dtype, *wide), "value")
        directions = rows_of([u]), rows_of(ts), rows_of(ws)
        expected = products(slopes, bends, *directions)
        if np.any(bends):
            slopes, bends = largest_terms(slopes, inputs, 1), largest_terms(bends, inputs, 2)
        terms = products(np.abs(slopes), np.abs(bends), *map(np.abs, directions))
        for found, right, size, what in zip((first, [tangent], second), expected, terms, ("vjp", "jvp", "vjp of vjp")):
            check(found, right, ROUNDINGS * unit(dtype) * size, what)
        if f"{row.name}_grad" in BY_NAME:
            last = rows_of(first[-1:]).shape[1]  # the predictions: labels come before
            bound = BY_NAME[f"{row.name}_grad"].bound(None, dtype, *wide, u.astype(np.longdouble))
            check(first[-1:], expected[0][:, -last:], bound, "vjp by the row's bound")


def test_every_unary_operation_and_loss_has_a_definition():
    unary = {row.name for row in ELEMENTWISE if row.wrt and len(row.shapes[0]) == 1}
    assert unary <= set(formulas.UNARY)
    words = {named(row.name)[0] for row in ROWS if row.primitive == "activation"}
    assert words <= set(formulas.ACTIVATIONS) | set(formulas.VECTORS)
    assert {named(row.name)[0] for row in ROWS if row.primitive == "loss"} <= set(formulas.LOSSES)
