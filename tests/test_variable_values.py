"""`Variable.value`: the variable itself for derivatives, until it is assigned."""

import copy
import pickle

import densegrad as dg
import numpy as np
import pytest

W = np.float32([1.0, 2.0])
SQUARE = 2 * W


def test_value_is_a_source_of_gradients_at_every_reading():
    v = dg.Variable(W)
    before = v.value
    with dg.GradientTape(persistent=True) as tape:
        loss = dg.ops.sum(v * v)
    for source in (v.value, before, v):
        np.testing.assert_array_equal(tape.gradient(loss, source), SQUARE)
        assert tape.explain(loss, source).connected
    np.testing.assert_array_equal(tape.jacobian(loss, v.value), SQUARE)
    assert [g is not None for g in tape.gradient(loss, {"a": [v.value, v]})["a"]] == [True, True]


def test_value_is_an_operand_that_counts_as_the_variable():
    v = dg.Variable(W)
    before = v.value
    with dg.GradientTape(persistent=True) as tape:
        outside, inside = dg.ops.sum(before * before), dg.ops.sum(v.value * v)
    for loss in (outside, inside):
        np.testing.assert_array_equal(tape.gradient(loss, v), SQUARE)
        np.testing.assert_array_equal(tape.gradient(loss, v.value), SQUARE)
    assert tape.watched_variables() == (v,)
    np.testing.assert_array_equal(tape.gradient(v.value, v), [1, 1])


def test_value_of_a_variable_that_is_not_trainable_is_watched_as_the_variable():
    v = dg.Variable(W, trainable=False)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(v.value)
        loss = dg.ops.sum(v * v)
    np.testing.assert_array_equal(tape.gradient(loss, [v, v.value][1]), SQUARE)
    assert tape.watched_variables() == (v,)
    with dg.GradientTape() as tape:
        loss = dg.ops.sum(v.value * v)
    assert tape.gradient(loss, v.value) is None
    assert tape.explain(loss, v.value).reason == "not trainable"


def test_a_value_of_before_an_assignment_is_a_constant():
    v = dg.Variable(W)
    old = v.value
    v.assign_add(W)
    np.testing.assert_array_equal(old, W)
    with dg.GradientTape(persistent=True) as tape:
        loss = dg.ops.sum(old * v)
    np.testing.assert_array_equal(tape.gradient(loss, v), W)
    with dg.GradientTape() as tape:
        tape.watch(old)
        loss = dg.ops.sum(old * v)
    of_old, of_variable = tape.gradient(loss, [old, v])
    np.testing.assert_array_equal(of_old, 2 * W)
    np.testing.assert_array_equal(of_variable, W)


def test_a_value_that_a_tape_saw_means_the_variable_after_an_assignment_too():
    v = dg.Variable(W)
    with dg.GradientTape(persistent=True) as tape:
        held = v.value
        early = dg.ops.sum(held * held)
        v.assign(W[::-1])
        late = dg.ops.sum(held * 3.0)
    for source in (held, v, v.value):
        np.testing.assert_array_equal(tape.gradient(early, source), SQUARE)
        np.testing.assert_array_equal(tape.gradient(late, source), [3, 3])


def test_called_it_is_a_plain_tensor_as_in_tensorflow():
    v = dg.Variable(W)
    snapshot = v.value()
    assert type(snapshot) is type(v.read_value()) is dg.Tensor
    with dg.GradientTape(persistent=True) as tape:
        loss, within = dg.ops.sum(snapshot * v), dg.ops.sum(v.value() * v)
    np.testing.assert_array_equal(tape.gradient(loss, v), W)
    np.testing.assert_array_equal(tape.gradient(within, v), SQUARE)
    assert tape.gradient(loss, snapshot) is None


def test_value_leaves_as_a_tensor():
    v = dg.Variable(W)
    for out in (
        pickle.loads(pickle.dumps(v.value)),
        copy.deepcopy(v.value),
        dg.constant(v.value),
        dg.ops.cast(v.value, "float32"),
    ):
        assert type(out) is dg.Tensor
        np.testing.assert_array_equal(out, W)
    kept = dg.Variable(W).value  # of a variable that is gone
    np.testing.assert_array_equal(kept + 1.0, W + 1)
    with dg.GradientTape() as tape:
        tape.watch(kept)
        loss = dg.ops.sum(kept * kept)
    np.testing.assert_array_equal(tape.gradient(loss, kept), SQUARE)


def test_a_recorded_function_takes_values_as_eager_code_does():
    def make():
        v = dg.Variable(W)
        old = v.value
        v.assign(2 * W)

        def step(x):
            held = v.value
            with dg.GradientTape(persistent=True) as tape:
                y = dg.ops.sum(held * v * x) + dg.ops.sum(old * v)
            v.assign_add(x)
            return y, tape.gradient(y, v.value), tape.gradient(y, held), held

        return step

    eager, recorded = make(), dg.function(make())
    for k in range(3):
        x = dg.constant(np.float32([k, 1]))
        for got, expected in zip(recorded(x), eager(x)):
            np.testing.assert_array_equal(got, expected)
    assert len(recorded.programs) == 1


def test_a_function_that_uses_a_current_value_from_outside_is_not_recorded():
    v = dg.Variable(W)
    outside = v.value

    @dg.function
    def step(x):
        y = dg.ops.sum(outside * x)
        v.assign_add(x)
        return y

    with pytest.warns(UserWarning, match="it uses `value` of a variable that was read outside of it: read it inside"):
        assert step(dg.constant(W)).numpy() == 5
    assert step(dg.constant(W)).numpy() == 5 and not recorded_programs(step)


def recorded_programs(function):
    return [program for program in function.programs if program is not None]
