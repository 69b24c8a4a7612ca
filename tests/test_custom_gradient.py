"""Custom gradients: right values at every order, and errors that leave things usable.

Asserted with exact values (small integers). That their cycles are collected is in test_collection.py.
"""

from __future__ import annotations

import copy
import pickle

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from replaying import replayed


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
        (lambda dy: (dy, dy), r"returned 2 gradients but the function has 1 arguments and variables: it must return"),
        (lambda dy: [], r"returned 0 gradients but the function has 1 arguments"),
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


def test_captured_variables_have_gradients_if_grad_takes_them():
    v, w = dg.Variable(2.0, name="one"), dg.Variable([5.0, 7.0], name="two")
    frozen = dg.Variable(3.0, trainable=False)
    seen = []

    @dg.custom_gradient
    def f(x):
        def grad(dy, variables=None):
            seen.append(variables)
            return dy * 10.0, [dg.ops.sum(dy) * 100.0, None]

        return x * v * frozen + w, grad

    x = dg.constant([1.0, 4.0])
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x)
    dx, dv, dw, none = tape.gradient(y, [x, v, w, frozen])
    assert dx.numpy().tolist() == [10, 10] and float(dv) == 200 and dw is None and none is None
    assert [a is b for a, b in zip(seen[0], (v, w), strict=True)] == [True, True]
    assert tape.jacobian(y, v).numpy().tolist() == [100, 100]
    assert float(dg.custom_gradient(lambda x: (x * frozen, lambda dy: dy * frozen))(3.0)) == 9


def test_captured_variables_need_a_grad_that_returns_their_gradients():
    v = dg.Variable(2.0, name="hidden_one")

    def of(grad):
        with dg.GradientTape() as tape:
            y = dg.custom_gradient(lambda x: (x * v, grad))(dg.constant(1.0))
        return tape.gradient(y, v)

    with pytest.raises(
        TypeError, match=r"reads the variables \['hidden_one'\]: its grad must accept the keyword `vari"
    ):
        of(lambda dy: dy * v)
    assert not _core.recording()
    for result in (1.0, (1.0, 2.0), (1.0, [2.0], [3.0])):
        with pytest.raises(
            ValueError, match=r"^\[custom_gradient\] the gradient function got `variables`: it must return"
        ):
            of(lambda dy, variables, result=result: result)
    with pytest.raises(
        ValueError, match=r"returned 2 gradients of variables but got 1 variables: it must return one per"
    ):
        of(lambda dy, variables: (dy, [dy, dy]))
    with pytest.raises(
        ValueError, match=r"returned 3 gradients but the function has 2 arguments and variables: it must"
    ):
        of(lambda dy, variables: ((dy, dy), [dy]))
    assert float(of(lambda dy, **keywords: (dy, [4.0 * dy for _ in keywords["variables"]]))) == 4


def test_variables_as_arguments_are_no_captured_ones():
    v = dg.Variable(2.0)
    kinds = []
    g = dg.custom_gradient(lambda x, w: (kinds.append(type(w)) or x * w, lambda dy: (dy * w, dy * x)))
    with dg.GradientTape() as tape:
        y = g(dg.constant(3.0), v)
    assert float(tape.gradient(y, v)) == 3 and kinds == [dg.Variable]
    h = dg.custom_gradient(lambda x, scale=None: (x * scale, lambda dy: dy * scale))
    with dg.GradientTape() as tape:  # a keyword has no gradient
        y = h(x := dg.Variable(3.0), scale=v)
    assert [None if g is None else float(g) for g in tape.gradient(y, [x, v])] == [2, None]


def test_arguments_in_structures_and_numbers_that_stay_numbers():
    @dg.custom_gradient
    def f(pair, k):
        a, b = pair["a"], pair["b"][0]
        return a**k * b, lambda dy: ({"a": 3.0 * dy, "b": [5.0 * dy]}, None)

    a, b = dg.constant(2.0), dg.constant(7.0)
    with dg.GradientTape() as tape:
        tape.watch([a, b])
        y = f({"b": [b], "a": a}, 2)
    assert float(y) == 28 and [float(g) for g in tape.gradient(y, [a, b])] == [3, 5]


def test_captured_variables_in_forward_mode_batches_and_programs():
    v = dg.Variable(2.0, dtype="float64")

    @dg.custom_gradient
    def f(x):
        return x * x * v, lambda dy, variables: (dy * 3.0 * v, [dg.ops.sum(dy * x) * 5.0])

    x = np.array([1.0, 4.0])
    with dg.ForwardAccumulator(v, dg.constant(10.0, "float64")) as accumulator:
        y = f(dg.constant(x))
    assert accumulator.jvp(y).numpy().tolist() == [50, 200]  # the transpose of 5 sum(dy x)
    assert dg.jvp(f, (x,), (np.ones(2),))[1].numpy().tolist() == [6, 6]
    with dg.GradientTape() as tape:
        y = dg.vmap(dg.grad(f))(x) + dg.vmap(f)(x)
    assert y.numpy().tolist() == [8, 38] and float(tape.gradient(y, v)) == 6 + 25

    def step(x):
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, v])

    assert [g.numpy().tolist() for g in replayed(step, [x], [x + 1])] == [[6, 6], 35]


class Doubler:
    factor = 2.0

    @dg.custom_gradient
    def scaled(self, x):
        return x * self.factor, lambda dy: dy * 50.0


@dg.custom_gradient()
def in_brackets(x):
    return x * 1.0, lambda dy: dy * 6.0


def test_methods_decorators_in_brackets_and_copies():
    assert float(gradient(Doubler().scaled, 3.0)[0]) == 50 and float(Doubler().scaled(3.0)) == 6
    assert float(gradient(in_brackets, 3.0)[0]) == 6
    for copied in (copy.deepcopy(in_brackets), pickle.loads(pickle.dumps(in_brackets))):
        assert copied is in_brackets


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
