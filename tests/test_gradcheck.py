"""Derivatives of every row: orders one to three against finite differences, the checker against planted bugs.

Tolerances come from the step and the magnitude of the terms: see gradcheck.py. Coarse against decomposed is in
test_decomposition.py.
"""

from __future__ import annotations

import densegrad as dg
import gradcheck
import numpy as np
import pytest
from gradcheck import GradientError, check, tape_gradient
from rows import generator
from tables import ROWS

DIFFERENTIABLE = [row for row in ROWS if row.wrt]


def drawn(row, seed, *keys):
    """The row's example inputs in float64, away from the kinks."""
    return gradcheck.drawn(row, generator(seed, row, *keys), row.shapes[row.example])


def vjp_of(row):
    """(inputs, weights) -> gradients, as the checker wants them."""
    return lambda inputs, weights: tape_gradient(row.call, inputs, row.wrt, weights)


def weighted(row, cotangent, power=1):
    """A scalar of the row's output whose derivatives of every order depend on the row."""
    raised = dg.ops.square if power == 2 else dg.ops.identity  # not **, whose third derivative at 0 is 0 * inf
    return lambda *x: dg.ops.sum(dg.ops.multiply(cotangent, raised(row.call(*x))))


def nested(function, wrt):
    """x -> sum over wrt of sum(square(gradient of function)): one order more, recorded by outer tapes."""

    def squared(*inputs):
        tensors = [dg.constant(x) if not isinstance(x, dg.Tensor) else x for x in inputs]
        with dg.GradientTape() as tape:
            tape.watch([tensors[i] for i in wrt])
            y = function(*tensors)
        grads = tape.gradient(y, [tensors[i] for i in wrt])
        assert None not in grads, "the derivative left the primitive set"
        return sum((dg.ops.sum(dg.ops.square(g)) for g in grads[1:]), dg.ops.sum(dg.ops.square(grads[0])))

    return squared


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_vjp_equals_finite_differences(row, seed):
    ratio = check(row.call, vjp_of(row), drawn(row, seed), row.wrt, generator(seed, row, "weights"))
    assert ratio < 1e-5  # the tolerance, relative to the terms: a wrong formula is never this close


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_every_input_alone_gets_the_same_gradient_as_among_others(row, seed):
    """The mask of wanted inputs changes what is computed, not its value."""
    inputs, rng = drawn(row, seed), generator(seed, row, "mask")
    weights = rng.normal(size=np.shape(row.call(*inputs)))
    together = tape_gradient(row.call, inputs, row.wrt, weights)
    for i, g in zip(row.wrt, together):
        (alone,) = tape_gradient(row.call, inputs, (i,), weights)
        assert alone.numpy().tobytes() == g.numpy().tobytes()


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_second_order_equals_finite_differences_of_the_vjp(row, seed):
    """d/dx of sum(square(vjp)): the vjp of the vjp. Squares of outputs keep linear rows from being trivial."""
    inputs = drawn(row, seed, "second")
    cotangent = generator(seed, row, "cotangent").normal(size=np.shape(row.call(*inputs)))
    function = nested(weighted(row, cotangent, 2), row.wrt)
    check(function, lambda x, w: tape_gradient(function, x, row.wrt, w), inputs, row.wrt, generator(seed, row), 128)


@pytest.mark.parametrize("row", [r for r in DIFFERENTIABLE if r.name != "sign"], ids=str)  # sign: a constant zero
def test_third_order_equals_finite_differences(row, seed):
    """Three nested tapes never meet a primitive without a derivative."""
    inputs = [x / 2 if x.dtype.kind == "f" and row.primitive == "matmul" else x for x in drawn(row, seed, "third")]
    cotangent = generator(seed, row, "cotangent").normal(size=np.shape(row.call(*inputs)))
    function = nested(nested(weighted(row, cotangent, 2), row.wrt), row.wrt)
    check(function, lambda x, w: tape_gradient(function, x, row.wrt, w), inputs, row.wrt, generator(seed, row), 512, 1)


# ---- The checker itself ---------------------------------------------------------------------------------------------


def product(derivative_of_x, derivative_of_w):
    """x @ w with derivatives of our own."""

    @dg.custom_gradient
    def f(x, w):
        return x @ w, lambda dy: (derivative_of_x(x, w, dy), derivative_of_w(x, w, dy))

    return f


PLANTED = {
    "2.001 instead of 2": (dg.custom_gradient(lambda x: (x * x, lambda dy: 2.001 * x * dy)), [(7,)]),
    "2 + 1e-6 instead of 2": (dg.custom_gradient(lambda x: (x * x, lambda dy: (2 + 1e-6) * x * dy)), [(7,)]),
    "wrong sign": (dg.custom_gradient(lambda x: (dg.ops.exp(-x), lambda dy: dy * dg.ops.exp(-x))), [(7,)]),
    "missing 1/n": (
        dg.custom_gradient(lambda x: (dg.ops.mean(x), lambda dy: dg.ops.broadcast_to(dy, x.shape))),
        [(7,)],
    ),
    "missing transpose of w": (product(lambda x, w, dy: dy @ w, lambda x, w, dy: x.T @ dy), [(3, 4), (4, 4)]),
    "missing transpose of x": (product(lambda x, w, dy: dy @ w.T, lambda x, w, dy: x @ dy), [(4, 4), (4, 3)]),
    "one input without a gradient": (product(lambda x, w, dy: dy @ w.T, lambda x, w, dy: None), [(3, 4), (4, 2)]),
    "last entry left out": (
        dg.custom_gradient(lambda x: (x * x, lambda dy: 2 * x * dy * np.array([1.0] * 6 + [0.0]))),
        [(7,)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted_wrong_derivative_is_found(name, seed):
    function, shapes = PLANTED[name]
    inputs = [generator(seed, name).uniform(0.5, 2, s) for s in shapes]
    wrt = tuple(range(len(inputs)))
    with pytest.raises(GradientError, match="worst entry: input"):
        check(function, lambda x, w: tape_gradient(function, x, wrt, w), inputs, wrt, generator(seed, name, "w"))


def test_the_right_derivatives_beside_the_planted_ones_pass(seed):
    square = dg.custom_gradient(lambda x: (x * x, lambda dy: 2 * x * dy))
    matmul = product(lambda x, w, dy: dy @ w.T, lambda x, w, dy: x.T @ dy)
    for function, shapes in ((square, [(7,)]), (matmul, [(3, 4), (4, 4)]), (matmul, [(4, 4), (4, 3)])):
        inputs = [generator(seed, "right").uniform(0.5, 2, s) for s in shapes]
        wrt = tuple(range(len(inputs)))
        check(function, lambda x, w, f=function: tape_gradient(f, x, range(len(x)), w), inputs, wrt, generator(seed))


def test_the_worst_entry_is_named(seed):
    wrong = dg.custom_gradient(lambda x: (x * x, lambda dy: 2 * x * dy + np.array([0.0, 0, 0.5, 0])))
    with pytest.raises(GradientError, match=r"worst entry: input 0 at \(2,\)"):
        check(wrong, lambda x, w: tape_gradient(wrong, x, (0,), w), [np.arange(1.0, 5)], (0,), generator(seed))


def test_a_gradient_of_the_wrong_shape_or_not_finite_is_found(seed):
    x = [np.arange(1.0, 4)]
    for bad, text in ((np.ones((3, 1)), "has shape"), (np.array([1.0, np.nan, 1]), "not finite")):
        with pytest.raises(GradientError, match=text):
            check(lambda a: a * a, lambda inputs, w, g=bad: [g], x, (0,), generator(seed))
