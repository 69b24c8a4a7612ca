"""Assignments to parts of variables, beside TensorFlow's: values, returned values and types of errors."""

from __future__ import annotations

import densegrad.tf as dtf
import pytest
from replaying import replayed
from twins import assert_same, outcome, plain

STEPS = """
v[0].assign(9.0)
v[-1].assign(5)
v[1:3].assign([7.0, 8.0])
v[::-2].assign([1.0, 2.0])
v[tf.constant(1)].assign(3.0)
v[...].assign(tf.ones(4))
v[tf.newaxis].assign(2.0)
m[0, 1].assign(5.0)
m[:, 0].assign([1.0, 2.0, 3.0])
m[1].assign([1.0])
m[1:, ::-1].assign([[1.0, 2.0], [3.0, 4.0]])
m[tf.constant(2), 0].assign(v[3])
v[0].assign([1.0, 2.0])
v[9].assign(1.0)
v[v > 2].assign(1.0)
v[0:2].assign_add(1.0)
v.scatter_nd_update([[0], [2]], [10.0, 20.0])
v.scatter_nd_add([[0], [0]], [1.0, 1.0])
v.scatter_nd_sub([[0], [2]], [1.0, 1.0])
m.scatter_nd_update([[0], [2]], [[1.0, 2.0], [3.0, 4.0]])
m.scatter_nd_add([[0, 1], [2, 0]], [1.0, 2.0])
v.scatter_update(tf.IndexedSlices([1.0, 2.0], [0, 1]))
v.scatter_add(tf.IndexedSlices([1.0, 2.0], [0, 0]))
m.scatter_sub(tf.IndexedSlices([[1.0, 2.0]], [2]))
v.scatter_nd_update([[7]], [1.0])
v.gather_nd([[0], [2]])
m.sparse_read([0, 2])
v.read_value()
v.ref() == v.ref() and v.ref().deref() is v
""".strip().split("\n")


def after(tf, step):
    v, m = tf.Variable([1.0, 2.0, 3.0, 4.0]), tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    result = eval(step, {"tf": tf, "v": v, "m": m})
    return result, v.numpy(), m.numpy()


@pytest.mark.parametrize("step", STEPS)
def test_parts(step, tensorflow):
    try:
        expected = plain(after(tensorflow, step))
    except (AttributeError, tensorflow.errors.InvalidArgumentError) as error:
        with pytest.raises(getattr(dtf.errors, type(error).__name__, type(error))):
            after(dtf, step)
    else:
        assert_same(plain(after(dtf, step)), expected, step)


def test_gradients_of_what_is_read_and_assigned(tensorflow):
    def run(tf):
        v = tf.Variable([1.0, 2.0, 3.0])
        with tf.GradientTape(persistent=True) as tape:
            part = v[1:]
            y = tf.reduce_sum(part * part)
            v[0].assign(5.0)
            z = v[0] * v[0]
        return (
            tape.gradient(y, v),
            tape.gradient(z, v),
            tape.gradient(y, part),
            [w.name for w in tape.watched_variables()],
        )

    assert_same(outcome(run, dtf), outcome(run, tensorflow), "parts")


def test_parts_in_programs():
    v = dtf.Variable([1.0, 2.0, 3.0])

    def step(x):
        v[1].assign(x[0] * v[1])
        v.scatter_nd_add([[2]], x[:1])
        return v * 1.0

    assert replayed(step, [dtf.constant([3.0])], [dtf.constant([5.0])]).numpy().tolist() == [1, 30, 11]
