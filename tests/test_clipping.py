"""Clipping by value and by norm: exact values on 3-4-5 triangles, derivatives by differences, forms, messages."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from gradcheck import check, dyadic, tape_gradient


def joined(clipped_and_norm):
    """Both clipped tensors in one."""
    return dg.ops.concatenate(clipped_and_norm[0], 0)


FUNCTIONS = {
    "by norm, clipped": (lambda x: dg.clip_by_norm(x, 0.5), 1),
    "by norm, not clipped": (lambda x: dg.clip_by_norm(x, 64.0), 1),
    "by norm over an axis": (lambda x: dg.clip_by_norm(x, 0.25, axes=1), 1),
    "by global norm, clipped": (lambda x, y: joined(dg.clip_by_global_norm([x, y], 0.5)), 2),
    "by global norm, not clipped": (lambda x, y: joined(dg.clip_by_global_norm([x, y], 64.0)), 2),
    "global norm": (lambda x, y: dg.global_norm([x, y]), 2),
    "by value": (lambda x: dg.clip_by_value(x, -1.03, 0.94), 1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_finite_differences(name, seed):
    function, count = FUNCTIONS[name]
    rng = np.random.default_rng(seed)
    inputs = [dyadic(rng.choice([0.4, 0.6, 1.5], (3, 4)) * rng.choice([-1, 1], (3, 4))) for _ in range(count)]
    wrt = tuple(range(count))
    check(function, lambda x, w: tape_gradient(function, x, wrt, w), inputs, wrt, rng)


def test_gradients_of_gradients():
    """d/dt of (t c / |t|) . v is linear in 1/|t|: against the formula c (v - u (u.v)) / |t|, u = t / |t|."""
    t, v = dg.constant([3.0, 4.0], "float64"), np.array([1.0, 2.0])
    with dg.GradientTape() as outer:
        outer.watch(t)
        with dg.GradientTape() as inner:
            inner.watch(t)
            loss = dg.ops.sum(dg.clip_by_norm(t, 2.0) * v)
        first = inner.gradient(loss, t)
    u = np.array([0.6, 0.8])
    eps = np.finfo(np.float64).eps
    np.testing.assert_allclose(first.numpy(), 2 * (v - u * (u @ v)) / 5, rtol=0, atol=16 * eps)
    # The second derivative, contracted with ones: -2 [(1.u)(v - u (u.v)) + (v - u (u.v)).1 u + (u.v)(1 - u (u.1))] / 25
    one, p = np.ones(2), v - u * (u @ v)
    expected = -2 * ((one @ u) * p + (p @ one) * u + (u @ v) * (one - u * (u @ one))) / 25
    np.testing.assert_allclose(outer.gradient(first, t).numpy(), expected, rtol=0, atol=16 * eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_forms(dtype):
    t = np.array([[3, 4], [6, 8]], dtype)
    strided = np.zeros((4, 4), dtype)
    strided[::2, ::2] = t
    read_only = t.copy()
    read_only.flags.writeable = False
    for x in (t, np.asfortranarray(t), strided[::2, ::2], read_only, dg.constant(t), dg.Variable(t)):
        found = dg.clip_by_norm(x, 2.5, axes=1)
        assert found.dtype == t.dtype
        np.testing.assert_array_equal(found.numpy(), [[1.5, 2], [1.5, 2]])
        np.testing.assert_array_equal(dg.clip_by_value(x, 3.5, 6.0).numpy(), [[3.5, 4], [6, 6]])
    limit = dg.constant(2.5, dtype)
    np.testing.assert_array_equal(dg.clip_by_norm(t[0], limit).numpy(), [1.5, 2])
    np.testing.assert_array_equal(dg.clip_by_norm(t[0], dg.constant(-2.5, dtype)).numpy(), [0, 0])
    (a, nothing, b), norm = dg.clip_by_global_norm((t[0, :1], None, t[0, 1:]), limit)
    assert nothing is None and float(norm) == 5 and norm.dtype == t.dtype
    assert a.numpy() == [1.5] and b.numpy() == [2]
    assert dg.clip_by_global_norm([], 1.0)[0] == [] and float(dg.global_norm([])) == 0
    assert dg.clip_by_norm(np.zeros((0, 3), dtype), 1.0).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: dg.global_norm(dg.constant([1.0])),
            TypeError,
            "[global_norm] `t_list` is a densegrad._core.Tensor: it must be a list of tensors.",
        ),
        (
            lambda: dg.clip_by_global_norm("ab", 1.0),
            TypeError,
            "[clip_by_global_norm] `t_list` is a str: it must be a list of tensors.",
        ),
        (
            lambda: dg.clip_by_value(np.ones(2, np.float32), np.zeros((3, 2), np.float32), 1.0),
            ValueError,
            "[clip_by_value] `t` has shape (2,) but the result would have shape (3, 2): the bounds must broadcast to "
            "the shape of `t`.",
        ),
        (
            lambda: dg.clip_by_norm(np.ones(2, np.float32), np.ones((3, 1), np.float32)),
            ValueError,
            "[clip_by_norm] `t` has shape (2,) but the result would have shape (3, 2): `clip_norm` must broadcast to "
            "the shape of `t`.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
