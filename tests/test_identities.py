"""What counts as the same tensor: values of variables, no-op movements, lists of tensors, the z behind a head."""

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core

Y = np.array([[0.0, 1.0, 0.0]])
Z = np.array([[1.0, 2.0, 3.0]])
SNAPSHOTS = {
    "value": lambda v: v.value(),
    "convert": _core.convert,
    "cast": lambda v: dg.ops.cast(v, "float64"),
    "reshape": lambda v: dg.ops.reshape(v, (3,)),
    "transpose": lambda v: dg.ops.transpose(v, (0,)),
    "T": lambda v: v.T,
    "broadcast_to": lambda v: dg.ops.broadcast_to(v, (3,)),
    "sum_to": lambda v: dg.ops.sum_to(v, (3,)),
    "linear": dg.activations.linear,
    "identity": dg.ops.identity,
    "slice": lambda v: v[:],
}


@pytest.mark.parametrize("snapshot", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_a_value_taken_before_the_tape_is_a_constant(snapshot):
    """d/dv of |v - w0|^2 is 2 (v - w0) for a w0 that was read from v once, exactly."""
    v = dg.Variable(np.array([1.0, 2.0, 3.0]))
    w0 = snapshot(v)
    v.assign([2.0, 2.0, 2.0])
    with dg.GradientTape() as tape:
        distance = dg.ops.sum((v - w0) ** 2.0)
    np.testing.assert_array_equal(tape.gradient(distance, v).numpy(), [2.0, 0.0, -2.0])


@pytest.mark.parametrize("snapshot", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_values_of_one_variable_are_tensors_of_their_own(snapshot):
    """In a a b with a = b = v the gradient by a is 2 a b, and by v it is 3 v^2, exactly."""
    v = dg.Variable(np.array([1.0, 2.0, 3.0]))
    with dg.GradientTape() as tape:
        a, b = snapshot(v), snapshot(v)
        y = dg.ops.sum(a * a * b)
    by_a, by_v = tape.gradient(y, [a, v])
    np.testing.assert_array_equal(by_a.numpy(), [2.0, 8.0, 18.0])
    np.testing.assert_array_equal(by_v.numpy(), [3.0, 12.0, 27.0])


@pytest.mark.parametrize("move", [lambda x: dg.ops.reshape(x, (1, 3)), lambda x: dg.ops.transpose(x, (0, 1))])
def test_a_movement_that_moves_nothing_gives_a_new_tensor(move):
    """d(h x)/dh is x although h holds what x holds."""
    x = dg.constant(Z)
    with dg.GradientTape() as tape:
        tape.watch(x)
        h = move(x)
        y = dg.ops.sum(h * x)
    np.testing.assert_array_equal(tape.gradient(y, h).numpy(), Z)


def test_lists_of_tensors_are_recorded():
    """a * sum([1, 1] * [a, b]) at (1, 2): by a 2 a + b, by b a."""
    a, b = dg.constant(1.0), dg.constant(2.0)
    with dg.GradientTape() as tape:
        tape.watch([a, b])
        y = a * dg.ops.sum(dg.constant([1.0, 1.0]) * [a, b])
    assert [float(g) for g in tape.gradient(y, [a, b])] == [4.0, 1.0]
    assert dg.ops.sum([[a, 1.0], [b, 2.0]], axis=0).numpy().tolist() == [3.0, 3.0]


def test_the_pre_activation_is_followed_only_where_the_probability_is():
    """A softmax made under stop_recording, or before the tape, is a constant for its cross-entropy."""
    loss_fn, z = dg.losses.CategoricalCrossentropy(), dg.constant(Z)
    with dg.GradientTape() as tape:
        tape.watch(z)
        with tape.stop_recording():
            p = dg.ops.softmax(z)
        loss = loss_fn(Y, p) + dg.ops.sum(z * 0.0)
    assert not tape.gradient(loss, z).numpy().any()

    before = dg.ops.softmax(z)
    with dg.GradientTape() as tape:
        tape.watch(z)
        loss = loss_fn(Y, before)
    assert tape.gradient(loss, z) is None


def test_nested_tapes_follow_the_pre_activation_each_for_itself():
    """The outer tape saw the softmax, the inner one did not."""
    z = dg.constant(Z)
    with dg.GradientTape() as outer:
        outer.watch(z)
        p = dg.ops.softmax(z)
        with dg.GradientTape() as inner:
            inner.watch(z)
            loss = dg.losses.CategoricalCrossentropy()(Y, p)
    assert inner.gradient(loss, z) is None
    # Two roundings per entry on either side.
    np.testing.assert_allclose(outer.gradient(loss, z).numpy(), p.numpy() - Y, rtol=0, atol=4 * 2.0**-52)


def test_a_head_whose_rank_is_aligned_stays_stable():
    """sigmoid + binary cross-entropy of (2, 2, 1) outputs and (2, 2) labels: value and dL/dz from z, dL/da on p."""
    z = dg.constant(np.array([[[400.0], [-400.0]], [[1.0], [2.0]]]))
    t = np.array([[0.0, 1.0], [1.0, 0.0]])
    with dg.GradientTape() as tape:
        tape.watch(z)
        p = dg.ops.sigmoid(z)
        loss = dg.losses.BinaryCrossentropy()(t, p)
    dz, dp = tape.gradient(loss, [z, p])
    assert dz.shape == dp.shape == (2, 2, 1)
    np.testing.assert_array_equal(dz.numpy()[0, :, 0], [0.25, -0.25])
    expected = (800 + np.log1p(np.exp(-1.0)) + 2 + np.log1p(np.exp(-2.0))) / 4
    assert abs(float(loss) - expected) <= 16 * 2.0**-53 * expected


def test_the_reported_gradient_has_the_right_derivative_by_the_labels():
    """sum_j dL/da_j = K sum(t)/sum(p) - sum(t/p): by t_k that is K - 1/p_k, also where t_k = 0."""
    z, y = dg.constant(Z), dg.constant(Y)
    with dg.GradientTape() as outer:
        outer.watch(y)
        with dg.GradientTape() as inner:
            inner.watch(z)
            p = dg.ops.softmax(z)
            loss = dg.losses.CategoricalCrossentropy(reduction="sum")(y, p)
        total = dg.ops.sum(inner.gradient(loss, p))
    expected = 3 - 1 / p.numpy()
    got = outer.gradient(total, y).numpy()
    assert np.all(np.abs(got - expected) <= 16 * 2.0**-53 * (3 + 1 / p.numpy()))


def test_sqrt_keeps_its_second_derivative_under_a_zero_cotangent():
    """d/dw of d(w sqrt(a))/da at w = 0 is 1 / (2 sqrt(a)); at a = 0 a zero cotangent still gives 0."""
    w, a = dg.Variable(np.zeros(3)), dg.constant([4.0, 16.0, 1.0], "float64")
    with dg.GradientTape() as outer:
        with dg.GradientTape() as inner:
            inner.watch(a)
            y = dg.ops.sum(w * dg.ops.sqrt(a))
        slope = dg.ops.sum(inner.gradient(y, a))
    np.testing.assert_array_equal(outer.gradient(slope, w).numpy(), [0.25, 0.125, 0.5])
    zero = dg.constant([0.0])
    with dg.GradientTape() as tape:
        tape.watch(zero)
        y = dg.ops.sum(dg.ops.sqrt(zero) * 0.0)
    assert tape.gradient(y, zero).numpy() == 0.0


def test_the_vjp_of_a_loss_is_recorded():
    """d/ds of |d mse/ds|^2 with mse = mean (s - 0)^2 over 2 columns: slope s, so 2 s."""
    s = dg.constant(np.array([[1.0, 2.0]]))
    with dg.GradientTape() as tape:
        tape.watch(s)
        g = dg.ops.mean_squared_error_vjp(np.zeros((1, 2)), s)
        norm = dg.ops.sum(g * g)
    np.testing.assert_array_equal(tape.gradient(norm, s).numpy(), [[2.0, 4.0]])
    assert dg.ops.mean_squared_error_vjp(np.zeros((1, 2)), np.array([[1, 2]])).tolist() == [[1.0, 2.0]]
