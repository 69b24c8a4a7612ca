"""Custom gradients: right values at every order, and errors that leave things usable.

Asserted with exact values (small integers). That their cycles are collected is in test_collection.py.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core


def gradient(function, *arguments, target=lambda y: y):
    xs = [dg.constant(x) for x in arguments]
    with dg.GradientTape() as tape:
        tape.watch(xs)
        y = target(function(*xs))
    return tape.gradient(y, xs)


@dg.custom_gradient
def tripled_identity(x):
    """The identity whose derivative claims to be 3."""
    return dg.ops.identity(x), lambda dy: 3.0 * dy


def test_the_supplied_derivative_replaces_the_true_one():
    (g,) = gradient(tripled_identity, [1.0, 2.0], target=lambda y: y * y)
    assert np.array_equal(g, [6, 12]) and np.array_equal(tripled_identity([1.0, 2.0]), [1, 2])
    assert tripled_identity.__name__ == "tripled_identity" and "identity" in tripled_identity.__doc__


def test_several_inputs_and_outputs_in_structures():
    @dg.custom_gradient
    def f(x, w):
        return {"sum": x + w, "rest": [x * w]}, lambda d_rest, d_sum: (d_sum + d_rest * w, d_sum + d_rest * x)

    def target(y):
        return y["sum"] * 10.0 + y["rest"][0]

    dx, dw = gradient(f, [2.0], [5.0], target=target)
    assert float(dx[0]) == 15 and float(dw[0]) == 12
    dx, dw = gradient(f, [2.0], [5.0], target=lambda y: y["rest"][0])  # the cotangent of an unused output is zero
    assert float(dx[0]) == 5 and float(dw[0]) == 2


def test_none_means_no_gradient():
    @dg.custom_gradient
    def f(x, w):
        return x * w, lambda dy: (dy * w, None)

    dx, dw = gradient(f, 2.0, 5.0)
    assert float(dx) == 5 and dw is None
    (g,) = gradient(dg.custom_gradient(lambda x: (x * 1.0, lambda dy: None)), 2.0)
    assert g is None


def test_arrays_and_numbers_are_accepted_and_cast_to_the_inputs_dtype():
    f = dg.custom_gradient(lambda x: (x * x, lambda dy: np.array([1.0, 2.0])))
    (g,) = gradient(f, np.array([3.0, 4.0], "float32"))
    assert g.dtype == "float32" and np.array_equal(g, [1, 2])


@pytest.mark.parametrize(
    "result,message",
    [
        (lambda dy: (dy, dy), r"returned 2 values but the function has 1 differentiable arguments: it must return one"),
        (lambda dy: [], r"returned 0 values but the function has 1 differentiable arguments"),
        (lambda dy: np.ones(3), r"gradient 0 has shape \(3,\) but the argument has shape \(2,\): they must be equal"),
        (lambda dy: 1.0, r"gradient 0 has shape \(\) but the argument has shape \(2,\)"),
    ],
)
def test_a_wrong_count_or_shape_is_refused(result, message):
    f = dg.custom_gradient(lambda x: (x * x, result))
    with pytest.raises(ValueError, match=r"^\[custom_gradient\] .*" + message):
        gradient(f, [1.0, 2.0])
    assert not _core.recording()
    assert np.array_equal(gradient(tripled_identity, [1.0, 2.0])[0], [3, 3])


@pytest.mark.parametrize("result", ["text", object(), {"a": 1}, np.array([1, None], object)])
def test_a_gradient_that_is_no_tensor_is_refused(result):
    f = dg.custom_gradient(lambda x: (x * x, lambda dy: result))
    with pytest.raises((TypeError, ValueError)):
        gradient(f, [1.0, 2.0])
    assert np.array_equal(gradient(tripled_identity, [1.0, 2.0])[0], [3, 3])


@pytest.mark.parametrize("bad", [lambda x: x, lambda x: (x, 3), lambda x: (x, lambda dy: dy, 1), lambda x: None])
def test_a_function_that_returns_no_pair_is_refused(bad):
    with pytest.raises(TypeError, match=r"\[custom_gradient\] the function must return a pair \(y, grad\)"):
        dg.custom_gradient(bad)(dg.constant(1.0))
    assert not _core.recording()


def test_hidden_variables_are_refused_and_arguments_are_not():
    v = dg.Variable(2.0, name="hidden_one")
    f = dg.custom_gradient(lambda x: (x * v, lambda dy: dy * v))
    with pytest.raises(
        TypeError, match=r"reads the variables \['hidden_one'\], which would get no gradient: pass them"
    ):
        f(dg.constant(1.0))
    g = dg.custom_gradient(lambda x, w: (x * w, lambda dy: (dy * w, dy * x)))
    with dg.GradientTape() as tape:
        y = g(dg.constant(3.0), v)
    assert float(tape.gradient(y, v)) == 3
    frozen = dg.Variable(2.0, trainable=False)
    assert float(dg.custom_gradient(lambda x: (x * frozen, lambda dy: dy * frozen))(3.0)) == 6


def test_second_and_third_order_are_those_of_the_supplied_derivative():
    cube = dg.custom_gradient(lambda x: (x * x * x, lambda dy: 3.0 * x * x * dy))
    x = dg.constant(2.0)
    with dg.GradientTape() as t3:
        t3.watch(x)
        with dg.GradientTape() as t2:
            t2.watch(x)
            with dg.GradientTape() as t1:
                t1.watch(x)
                y = cube(x)
            first = t1.gradient(y, x)
        second = t2.gradient(first, x)
    assert [float(first), float(second), float(t3.gradient(second, x))] == [12, 12, 6]


def test_higher_orders_follow_the_values_that_the_derivative_kept():
    """The closure's e depends on x as well: as in TensorFlow's own example, log(1 + e^x)."""

    @dg.custom_gradient
    def f(x):
        e = dg.ops.exp(x)
        return dg.ops.identity(e), lambda dy: 3.0 * e * dy

    x, e = np.array([0.5, -1.0]), np.exp([0.5, -1.0])

    def total(x):
        return dg.ops.sum(f(x))

    for second in (
        np.diagonal(dg.hessian(total)(x).numpy()),
        dg.hvp(total, (x,), (np.ones(2),))[1][0].numpy(),
        dg.grad(lambda x: dg.jvp(total, (x,), (np.ones(2),))[1])(x).numpy(),
        dg.vmap(dg.hessian(f))(x).numpy(),
        dg.grad(lambda x: dg.ops.sum(dg.vmap(dg.grad(f))(x)))(x).numpy(),
    ):
        np.testing.assert_allclose(second, 3 * e, rtol=4 * np.finfo(float).eps)
    tape = dg.GradientTape(persistent=True)
    with tape:
        t = dg.constant(x)
        tape.watch(t)
        y = f(t)
    np.testing.assert_allclose(tape.gradient(y, t).numpy(), 3 * e, rtol=4 * np.finfo(float).eps)
    assert tape.explain(y, t).connected


def test_nested_custom_gradients_call_the_outer_one_only():
    calls = []

    @dg.custom_gradient
    def inner(x):
        return x * 1.0, lambda dy: calls.append("inner")

    outer = dg.custom_gradient(lambda x: (inner(x) * 1.0, lambda dy: 7.0 * dy))
    assert float(gradient(outer, 1.0)[0]) == 7 and calls == []


def test_grad_is_called_once_per_gradient():
    calls = []

    @dg.custom_gradient
    def f(x):
        return x * x, lambda dy: (calls.append(float(dy)), 2.0 * x * dy)[1]

    x = dg.constant(3.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x)
    assert float(tape.gradient(y, x)) == 6 and float(tape.gradient(y * 1.0, y) or 0) == 0 and calls == [1.0]
    assert float(tape.gradient(y, x)) == 6 and calls == [1.0, 1.0]


def test_exceptions_in_the_function_and_in_grad_reach_the_caller_and_leave_no_trace():
    def fail(*args):
        raise KeyError("mine")

    x = dg.constant(2.0)
    with pytest.raises(KeyError, match="mine"):
        with dg.GradientTape() as tape:
            tape.watch(x)
            dg.custom_gradient(fail)(x)
    assert not _core.recording()
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = dg.custom_gradient(lambda a: (a * a, fail))(x)
        z = x * x
    for _ in range(3):
        with pytest.raises(KeyError, match="mine"):
            tape.gradient(y, x)
        assert float(tape.gradient(z, x)) == 4
    with dg.GradientTape() as outer:
        outer.watch(x)
        with pytest.raises(KeyError):
            tape.gradient(y, x)
        w = x * x
    assert float(outer.gradient(w, x)) == 4


def test_grad_may_use_tapes_of_its_own():
    def grad_of(x):
        def grad(dy):
            with dg.GradientTape() as tape:
                tape.watch(x)
                y = x * x * x
            return dy * tape.gradient(y, x)

        return grad

    f = dg.custom_gradient(lambda x: (x * 1.0, grad_of(x)))
    assert float(gradient(f, 2.0)[0]) == 12
