"""`grad` and its relatives, and the tape's Jacobians: values, structures, errors.

Numbers are small integers or dyadic, so most comparisons are exact.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def cubes(x):
    return dg.ops.sum(x * x * x)


def test_grad_and_value():
    x = np.array([1.0, 2.0])
    value, gradient = dg.value_and_grad(cubes)(x)
    assert float(value) == 9 and gradient.numpy().tolist() == [3, 12]
    assert dg.grad(cubes)(x).numpy().tolist() == [3, 12]
    assert dg.grad(cubes)(np.float32([1, 2])).dtype == np.float32
    assert float(dg.grad(lambda x: x * x)(3.0)) == 6


def test_the_gradient_has_the_structure_of_the_argument():
    tree = {"w": np.array([1.0, 2.0]), "rest": [np.array(3.0), (np.array([4.0]),)]}
    gradient = dg.grad(lambda t: dg.ops.sum(t["w"]) * t["rest"][0] * t["rest"][1][0][0])(tree)
    assert gradient["w"].numpy().tolist() == [12, 12]
    assert float(gradient["rest"][0]) == 12 and gradient["rest"][1][0].numpy().tolist() == [9]


def test_a_list_of_numbers_is_one_array():
    """As a structure of scalars it would reach NumPy's functions as values, and the gradient would be lost."""
    assert dg.grad(lambda x: np.sum(np.square(x)))([1.0, -3.0]).numpy().tolist() == [2, -6]
    assert dg.jacobian(lambda x: x * x)([[1.0], [2.0]]).shape == (2, 1, 2, 1)
    _, slope = dg.jvp(dg.ops.square, ([1.0, 2.0],), ([1.0, 0.0],))
    assert slope.numpy().tolist() == [2, 0]
    pair = dg.grad(lambda p: p[0] * p[1])((2.0, 3.0))
    assert type(pair) is tuple and [float(g) for g in pair] == [3, 2]
    pair = dg.grad(lambda p: dg.ops.sum(p[0] * p[1]))([np.ones(2, "float32"), 3.0])
    assert type(pair) is list and float(pair[1]) == 2


def test_argnums_and_aux():
    def f(a, b, scale=1.0):
        return dg.ops.sum(a * b) * scale, {"product": a * b}

    both = dg.value_and_grad(f, argnums=(0, -1), has_aux=True)
    (value, aux), (da, db) = both(np.float32([1, 2]), np.float32([3, 4]), scale=2.0)
    assert float(value) == 22 and aux["product"].numpy().tolist() == [3, 8]
    assert da.numpy().tolist() == [6, 8] and db.numpy().tolist() == [2, 4]
    gradient, aux = dg.grad(f, argnums=1, has_aux=True)(np.ones(2), np.ones(2))
    assert gradient.numpy().tolist() == [1, 1] and set(aux) == {"product"}


def test_a_variable_as_argument_is_a_value_like_any_other():
    v = dg.Variable([1.0, 2.0])
    assert dg.grad(cubes)(v).numpy().tolist() == [3, 12]
    assert dg.grad(lambda x: dg.ops.sum(x * v))(v).numpy().tolist() == [1, 2]  # the closure's v is a constant


def test_an_unconnected_argument_has_gradient_zero():
    assert dg.grad(lambda x, y: dg.ops.sum(x), argnums=1)(np.ones(2), np.ones(3)).numpy().tolist() == [0, 0, 0]
    assert dg.jacobian(lambda x, y: x, argnums=1)(np.ones(2), np.ones(3)).shape == (2, 3)


def test_derivatives_nest_without_confusing_their_variables():
    """d/dx [x d/dy (x + y)] is 1: the inner derivative must not see the outer variable as its own."""
    nested = dg.grad(lambda x: x * dg.grad(lambda y: x + y)(1.0))(5.0)
    assert float(nested) == 1
    same = dg.grad(lambda x: x * dg.grad(lambda y: x * y)(x))(5.0)  # x * x, and the point is x as well
    assert float(same) == 10
    forward = dg.jvp(lambda x: x * dg.jvp(lambda y: x * y, (x,), (1.0,))[1], (5.0,), (1.0,))[1]
    assert float(forward) == 10
    third = dg.grad(dg.grad(dg.grad(lambda x: x * x * x * x)))(2.0)
    assert float(third) == 48


def test_jacobian_of_structures():
    def f(x, w):
        return {"product": dg.ops.matmul(x, w), "twice": [2.0 * x]}

    w = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
    full = dg.jacobian(f, argnums=(0, 1))(A, w)
    dx, dw = full["product"]
    assert dx.shape == (2, 2, 2, 3) and dw.shape == (2, 2, 3, 2)
    np.testing.assert_array_equal(dx.numpy(), np.einsum("ik,lj->ijkl", np.eye(2), w))
    np.testing.assert_array_equal(dw.numpy(), np.einsum("il,jk->ijlk", A, np.eye(2)))
    np.testing.assert_array_equal(full["twice"][0][0].numpy().reshape(6, 6), 2 * np.eye(6))


def test_hessian_and_its_products():
    x, v = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, -1.0])

    def f(x):
        return cubes(x) + x[0] * x[1] * x[2]

    full = np.diag(6 * x) + np.array([[0, 4, 2], [4, 0, 1], [2, 1, 0]])
    np.testing.assert_array_equal(dg.hessian(f)(x).numpy(), full)
    (gradient,), (product,) = dg.hvp(f, (x,), (v,))
    np.testing.assert_array_equal(gradient.numpy(), 3 * x * x + [8, 4, 2])
    np.testing.assert_array_equal(product.numpy(), full @ v)
    blocks = dg.hessian(lambda a, b: dg.ops.sum(a * a * b), argnums=(0, 1))(x, x)
    np.testing.assert_array_equal(blocks[0][1].numpy(), np.diag(2 * x))


def test_jvp_and_vjp_of_structures():
    value, moved = dg.jvp(lambda d: [d["a"] * d["b"], d["a"]], ({"a": 2.0, "b": 5.0},), ({"a": 1.0, "b": 10.0},))
    assert [float(v) for v in value] == [10, 2] and [float(t) for t in moved] == [25, 1]
    value, pull = dg.vjp(lambda a, b: (a * b, b), A, 2 * A)
    np.testing.assert_array_equal(pull((np.ones((2, 3)), np.zeros((2, 3))))[1].numpy(), A)
    np.testing.assert_array_equal(pull((np.zeros((2, 3)), 3 * np.ones((2, 3))))[1].numpy(), np.full((2, 3), 3))


def test_tape_jacobian_mirrors_sources_and_marks_the_unconnected():
    x, w, other = dg.constant(A), dg.Variable(np.ones((3, 2))), dg.constant(1.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        h = dg.ops.matmul(x, w)
        y = dg.ops.sum(h * h, axis=1)
    found = tape.jacobian(y, {"w": w, "parts": [h, (other,)]})
    assert found["w"].shape == (2, 3, 2) and found["parts"][0].shape == (2, 2, 2)
    assert found["parts"][1][0] is None
    assert tape.jacobian(y, other, unconnected_gradients="zero").numpy().tolist() == [0, 0]
    assert tape.jacobian(y, []) == []
    np.testing.assert_array_equal(tape.jacobian(y, y).numpy(), np.eye(2))
    assert tape.jacobian(dg.constant([1, 2]), x) is None  # an integer target has no derivative
    np.testing.assert_array_equal(
        tape.jacobian(y, h).numpy(), np.einsum("ij,ik->ijk", np.eye(2), 2 * A @ np.ones((3, 2)))
    )


def test_a_jacobian_can_be_differentiated_again():
    x = dg.constant(np.array([1.0, 2.0]))
    with dg.GradientTape() as outer:
        outer.watch(x)
        with dg.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        jacobian = inner.jacobian(y, x)
    second = outer.jacobian(jacobian, x).numpy()
    expected = np.zeros((2, 2, 2))
    expected[[0, 1], [0, 1], [0, 1]] = [6, 12]
    np.testing.assert_array_equal(second, expected)


def test_a_custom_gradient_that_reads_values_is_looped_in_a_jacobian():
    @dg.custom_gradient
    def square(x):
        return x * x, lambda dy: dy * np.asarray(dy) * 7.0  # not linear, but it says which cotangent it got

    np.testing.assert_array_equal(dg.jacobian(square)(np.array([1.0, 2.0])).numpy(), 7 * np.eye(2))


V, T = ValueError, TypeError


@pytest.mark.parametrize(
    "call,kind,message",
    [
        (lambda: dg.grad(lambda x: x)(A), V, r"\[grad\] the function returned a tensor of shape \(2, 3\)"),
        (lambda: dg.grad(lambda x: [x])(1.0), V, r"\[grad\] the function returned a structure of type list"),
        (lambda: dg.grad(cubes)(1), T, r"\[grad\] argument 0 is int32: it must be float32 or float64"),
        (lambda: dg.grad(cubes, argnums=1)(A), T, r"\[grad\] `argnums` has 1 for 1 positional arguments"),
        (lambda: dg.grad(cubes, argnums="x")(A), T, r"\[grad\] `argnums` has 'x'"),
        (lambda: dg.grad(cubes, has_aux=True)(A), T, r"\[grad\] `has_aux` is True but the function did not return"),
        (lambda: dg.jvp(cubes, A, A), T, r"\[jvp\] `primals` and `tangents` must be tuples"),
        (lambda: dg.jvp(cubes, (A,), (A[0],)), V, r"\[jvp\] `tangents` has a tensor of shape \(3,\) where \(2, 3\)"),
        (lambda: dg.grad(dg.ops.argmax)(A[0]), T, r"\[grad\] the function returned int64, which has no derivative"),
        (lambda: dg.jacobian(dg.ops.argmax)(A[0]), T, r"\[jacobian\] the function returned int64, which has no"),
        (lambda: dg.jvp(dg.ops.argmax, (A[0],), (A[0],)), T, r"\[jvp\] the function returned int64, which has no"),
        (lambda: dg.vjp(lambda x: (x, x > 0), A), T, r"\[vjp\] the function returned bool, which has no derivative"),
        (lambda: dg.grad(lambda x: None)(A), T, r"\[grad\] the function returned None: it must return tensors"),
        (lambda: dg.jacobian(lambda x: [x, None])(A), T, r"\[jacobian\] the function returned a structure with None"),
        (lambda: dg.jvp(lambda x: None, (A,), (A,)), T, r"\[jvp\] the function returned None"),
        (lambda: dg.vjp(lambda x: None, A), T, r"\[vjp\] the function returned None"),
        (lambda: dg.hvp(lambda x: x, (A,), (A,)), V, r"\[hvp\] the function returned a tensor of shape \(2, 3\)"),
        (lambda: dg.hvp(cubes, (A,), (A[0],)), V, r"\[hvp\] `tangents` has a tensor of shape \(3,\)"),
        (lambda: dg.hvp(cubes, A, (A,)), T, r"\[hvp\] `primals` and `tangents` must be tuples"),
        (lambda: dg.hessian(lambda x: x)(A), V, r"\[hessian\] the function returned a tensor of shape \(2, 3\)"),
        (lambda: dg.hessian(cubes)(1), T, r"\[hessian\] argument 0 is int32: it must be float32 or float64"),
        (lambda: dg.jacobian(lambda x: x)(np.ones(2**23, "float32")), MemoryError, r"\[jacobian\] the Jacobian of a"),
        (lambda: dg.hessian(cubes)(np.ones(2**23, "float32")), MemoryError, r"\[hessian\] .* takes 281475 GB"),
        (lambda: dg.grad(cubes, argnums=(0, 0))(A), V, r"\[grad\] `argnums` is \(0, 0\): every argument may be named"),
        (lambda: dg.jacobian(cubes, argnums=(0, -1))(A), V, r"\[jacobian\] `argnums` is \(0, -1\): every argument"),
        (lambda: dg.jvp(cubes, (A,), ()), V, r"\[jvp\] `tangents` has 0 entries and `primals` 1"),
        (lambda: dg.jvp(cubes, (A,), (A, A)), V, r"\[jvp\] `tangents` has 2 entries and `primals` 1"),
        (lambda: dg.jvp(cubes, ([A, A],), ([A],)), V, r"\[jvp\] `tangents` lacks 1 of 2 tensors"),
        (lambda: dg.vjp(cubes, A)[1](A), V, r"\[vjp\] `cotangents` has a tensor of shape \(2, 3\) where \(\)"),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
