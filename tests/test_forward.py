"""Forward mode of every row: the adjoint identity with reverse mode, alone and nested, and finite differences.

For a cotangent u and a tangent t, <u, J t> and <J^T u, t> are sums of the same terms u_i J_ij t_j in two orders. Each
side is off by at most ROUNDINGS roundings of these terms' magnitudes (gradcheck.py): that is the whole tolerance.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from gradcheck import ROUNDINGS, U, dyadic, tape_gradient
from rows import generator
from test_gradcheck import DIFFERENTIABLE, drawn


def split(row, inputs):
    """The row as a function of its differentiable inputs alone, and these."""

    def function(*xs):
        full = list(inputs)
        for i, x in zip(row.wrt, xs):
            full[i] = x
        return row.call(*full)

    return function, [dg.constant(dyadic(inputs[i])) for i in row.wrt]


def dot(a, b):
    """<a, b> and the sum of the terms' magnitudes."""
    terms = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    return terms.sum(), np.abs(terms).sum()


def jacobian_magnitude(function, xs, u, ts):
    """sum |u_i| |J_ij| |t_j|."""
    total = 0.0
    for j, t in zip(dg.jacobian(function, tuple(range(len(xs))))(*xs), ts, strict=True):
        total += np.abs(u).ravel() @ np.abs(j.numpy()).reshape(u.size, t.size) @ np.abs(t).ravel()
    return total


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_jvp_is_the_adjoint_of_vjp(row, seed):
    rng = generator(seed, row, "adjoint")
    inputs = drawn(row, seed, "adjoint")
    function, xs = split(row, inputs)
    ts = [rng.normal(size=x.shape) for x in xs]
    value, tangent = dg.jvp(function, xs, ts)
    assert tangent.shape == value.shape and tangent.dtype == value.dtype
    np.testing.assert_array_equal(value.numpy(), np.asarray(function(*xs)))
    u = rng.normal(size=value.shape)
    grads = tape_gradient(function, xs, range(len(xs)), u)
    forward, _ = dot(u, tangent)
    backward = sum(dot(g, t)[0] for g, t in zip(grads, ts, strict=True) if g is not None)
    magnitude = jacobian_magnitude(function, xs, u, ts)
    assert abs(forward - backward) <= 2 * ROUNDINGS * U * magnitude
    if row.name != "sign":  # whose derivative is zero
        assert magnitude > 0


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_hessians_by_both_modes_agree(row, seed):
    """Forward over reverse, reverse over forward and reverse over reverse give one Hessian-vector product."""
    rng = generator(seed, row, "hessian")
    function, xs = split(row, drawn(row, seed, "hessian"))
    ts = [rng.normal(size=x.shape) for x in xs]
    positions = tuple(range(len(xs)))
    weights = rng.normal(size=function(*xs).shape)

    def scalar(*args):
        return dg.ops.sum(dg.ops.square(function(*args)) * weights)

    def directional(*args):
        return dg.jvp(scalar, args, ts)[1]

    def projected(*args):
        return sum(dg.ops.sum(g * t) for g, t in zip(dg.grad(scalar, positions)(*args), ts))

    over_reverse = dg.hvp(scalar, xs, ts)[1]
    over_forward = dg.grad(directional, positions)(*xs)
    twice = dg.grad(projected, positions)(*xs)
    full = dg.hessian(scalar, positions)(*xs)
    for i, x in enumerate(xs):
        rows = [np.abs(h.numpy()).reshape(x.size, t.size) @ np.abs(t).ravel() for h, t in zip(full[i], ts)]
        # terms that cancel in the Hessian itself are as large as the products of first derivatives
        magnitude = sum(rows).reshape(x.shape) + second_terms(function, xs, ts, weights)[i]
        for other in (over_forward[i], twice[i]):
            assert np.all(np.abs(over_reverse[i].numpy() - other.numpy()) <= 4 * ROUNDINGS * U * magnitude)


def second_terms(function, xs, ts, weights):
    """sum_j |J|^T (|w| |J| |t|) + |f w| (1 + |J|^2): what the Hessian of sum w f^2 is summed from, up to f''."""
    jacobians = [j.numpy().reshape(weights.size, -1) for j in dg.jacobian(function, tuple(range(len(xs))))(*xs)]
    moved = sum(np.abs(j) @ np.abs(t).ravel() for j, t in zip(jacobians, ts))
    value = np.abs(function(*xs).numpy()).ravel()
    span = sum(np.abs(t).sum() for t in ts)
    w = np.abs(weights).ravel()
    return [
        (np.abs(j).T @ (w * (moved + value * span)) + (w * value).sum() * span + 1).reshape(x.shape)
        for j, x in zip(jacobians, xs)
    ]


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_float32_tangents_stay_float32(row, seed):
    function, xs = split(row, drawn(row, seed))
    xs = [dg.ops.cast(x, "float32") for x in xs]
    value, tangent = dg.jvp(function, xs, [np.ones(x.shape) for x in xs])
    assert value.dtype == tangent.dtype == np.float32
    assert np.all(np.isfinite(tangent.numpy()))


def test_a_planted_wrong_rule_breaks_the_identity():
    """The tolerance sees an error of one part in 10^10."""
    x, t, u = np.linspace(1, 2, 7), np.linspace(-1, 1, 7), np.linspace(2, 3, 7)
    tangent = dg.jvp(dg.ops.exp, (x,), (t,))[1].numpy()
    backward = dot(tape_gradient(dg.ops.exp, [x], [0], u)[0], t)[0]
    allowed = 2 * ROUNDINGS * U * np.sum(np.abs(u * np.exp(x) * t))
    assert abs(dot(u, tangent)[0] - backward) <= allowed
    assert abs(dot(u, tangent * (1 + 1e-10))[0] - backward) > allowed


def test_only_the_connected_part_of_a_record_is_differentiated():
    """An unconnected target has no tangent; a target that is a source has its own."""
    x, y = dg.constant([1.0, 2.0]), dg.constant([3.0])
    tape = _core.Tape(True, False)
    with tape:
        tape.watch(x)
        z = x * x
    assert [t if t is None else t.numpy().tolist() for t in tape._jvp([z, y, x], [x], [dg.constant([1.0, 10.0])])] == [
        [2.0, 40.0],
        None,
        [1.0, 10.0],
    ]


def test_a_custom_derivative_is_transposed_for_forward_mode():
    """Forward mode follows the derivative that was written, not that of the operations."""

    @dg.custom_gradient
    def product(a, b):
        return [a * b, a + 1.0], lambda dy, dz: (3 * b * dy + dz, 5 * a * dy)

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    (first, second), (moved, shifted) = dg.jvp(product, (a, b), (np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    np.testing.assert_array_equal(moved.numpy(), [9.0, 10.0])
    np.testing.assert_array_equal(shifted.numpy(), [1.0, 0.0])


def test_a_fused_cross_entropy_moves_with_its_pre_activation(seed):
    """The value comes from z; forward mode must too."""
    rng = generator(seed, "fused forward")
    z, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    labels = np.array([0, 2, 1, 1])

    def loss(z):
        return _core.loss("sparse_categorical_crossentropy", labels, dg.activations.softmax(z))

    value, tangent = dg.jvp(loss, (z,), (t,))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    slope = (p - np.eye(3)[labels]) / 4
    assert abs(float(tangent) - np.sum(slope * t)) <= ROUNDINGS * U * np.sum(np.abs(slope * t) + np.abs(t))


def test_the_accumulator_follows_variables_structures_and_itself():
    v, x = dg.Variable([1.0, 2.0]), dg.constant(3.0)
    with dg.ForwardAccumulator({"v": v, "x": x}, {"v": [1.0, 0.0], "x": 10.0}) as accumulator:
        y = v * v * x
        z = dg.constant([1.0])
    assert accumulator.jvp(y).numpy().tolist() == [6 + 10, 40]
    assert accumulator.jvp({"y": [y], "z": z})["z"] is None
    assert accumulator.jvp(z, unconnected_gradients="zero").numpy().tolist() == [0]
    with dg.ForwardAccumulator(x, 1.0) as outer:
        with dg.ForwardAccumulator(x, 1.0) as inner:
            cube = x * x * x
        slope = inner.jvp(cube)
    assert float(slope) == 27 and float(outer.jvp(slope)) == 18
    with dg.GradientTape() as tape:
        tape.watch(x)
        with dg.ForwardAccumulator(x, 1.0) as inner:
            cube = x * x * x
        slope = inner.jvp(cube)
    assert float(tape.gradient(slope, x)) == 18


@pytest.mark.parametrize(
    "call,kind,message",
    [
        (
            lambda: dg.ForwardAccumulator(1.0, 1.0),
            TypeError,
            r"\[ForwardAccumulator\] `primals` holds a value of type float",
        ),
        (lambda: dg.ForwardAccumulator(dg.constant([1]), 1), TypeError, r"`primals` holds a value of type Tensor"),
        (lambda: dg.ForwardAccumulator(dg.constant([1.0]), 1.0), ValueError, r"`tangents` has a tensor of shape \(\)"),
        (lambda: dg.ForwardAccumulator([], []).jvp(1.0), TypeError, r"`target` holds a value of type float"),
        (lambda: dg.ForwardAccumulator([], []).jvp([], "all"), ValueError, r"`unconnected_gradients` is 'all'"),
    ],
)
def test_accumulator_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
