"""The gradients that an update takes lie in one block of a program's arena, in the order of the variables."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from replaying import bits
from test_program_memory import OPTIMIZERS, drawn, trained


def assert_one_block(program, arrays, number=0):
    """Block `number` holds arrays like `arrays`, one behind the other, each from a multiple of 64 on."""
    offsets, total = program.gradients[number]
    assert len(offsets) == len(arrays)
    end = offsets[0]
    for offset, array in zip(offsets, arrays):
        assert offset == end and offset % 64 == 0
        end += -(-int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize // 64) * 64
    assert end == offsets[0] + total <= program.arena_bytes
    line = f"gradients of an update: {len(offsets)} in the {total} bytes at offset {offsets[0]}"
    assert line in program.describe()


@pytest.mark.parametrize("head", ["softmax", "linear"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("number", range(5))
def test_gradients_of_a_model(number, name, head):
    widths, activations, rows = drawn(np.random.default_rng([number, 7]), 8)
    net, _, step = trained(widths, activations, rows, "float32", head, name.split()[0], **OPTIMIZERS[name])
    (program,) = step.programs
    assert len(program.gradients) == 1
    assert_one_block(program, net.trainable_variables)


def two_updates(returned):
    """A step with two optimizers that share a gradient, and two variables that have one and the same."""
    a, b, c = (dg.Variable(np.full(shape, 0.5, dtype)) for shape, dtype in (((3, 5), "f4"), ((3, 5), "f4"), (5, "f8")))
    first, second = dg.optimizers.SGD(0.1, momentum=0.9), dg.optimizers.Adam(0.1, clipvalue=0.01)

    def step(x):
        with dg.GradientTape() as tape:
            y = dg.ops.matmul(x, a + b)
            loss = dg.ops.sum(y * y * dg.ops.cast(c * c, "float32"))
        grads = tape.gradient(loss, [a, b, c])
        assert grads[0] is not grads[2]
        first.apply(grads, [a, b, c])
        second.apply([grads[2], grads[0]], [c, a])
        return (loss, grads) if returned else loss

    return step, (a, b, c), lambda: [v.numpy() for v in (a, b, c, *first.variables, *second.variables)]


@pytest.mark.parametrize("returned", [False, True])
def test_what_several_take_lies_in_each_block(returned):
    eager, _, its = two_updates(returned)
    step, (a, b, c), mine = two_updates(returned)
    step = dg.function(step)
    x = dg.constant(np.random.default_rng(0).standard_normal((4, 3)).astype("f4"))
    kept = []
    for k in range(4):
        assert bits(eager(x)) == bits(step(x)), k
        assert bits(its()) == bits(mine()), k
        if step.programs:
            step.programs[0].poison()
            kept.append(step(x)), eager(x)
            assert bits(its()) == bits(mine()), k
    assert len(kept) > 1 and bits(kept[0]) != bits(kept[1]), "results own their memory"
    (program,) = step.programs
    assert len(program.gradients) == 2
    assert_one_block(program, [a, b, c])
    assert_one_block(program, [c, a], 1)


def test_gradients_that_are_given_stay_where_they_are():
    optimizer, a, b = dg.optimizers.SGD(1.0), dg.Variable([1.0, 2.0]), dg.Variable([3.0])
    step = dg.function(lambda g: optimizer.apply([g, dg.ops.sum(g * g)[None]], [a, b]))
    g = np.float32([1, 2])
    step(g), step(g), step(g)
    assert a.numpy().tolist() == [-2, -4] and b.numpy().tolist() == [-12]
    assert_one_block(step.programs[0], [b])
    alone = dg.function(lambda g: optimizer.apply([g], [a]))
    alone(g), alone(g)
    assert alone.programs[0].gradients == [] and "gradients" not in alone.programs[0].describe()


def test_an_update_of_ones_own():
    class Plain(dg.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(dg.ops.cast(learning_rate, variable.dtype) * gradient)

    optimizer, a, b = Plain(0.5, clipvalue=1.0), dg.Variable([1.0, 2.0]), dg.Variable([3.0])

    @dg.function
    def step(x):
        optimizer.apply([a * x, b * x[0]], [a, b])

    for _ in range(3):
        step(np.float32([1, 1]))
    assert a.numpy().tolist() == [0.125, 0.5] and b.numpy().tolist() == [1.5]
    assert_one_block(step.programs[0], [a, b])
