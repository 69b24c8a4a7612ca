"""Keras' `Variable.value` under a tape, beside densegrad's."""

from __future__ import annotations

import densegrad as dg
import keras
import numpy as np
import pytest
import tensorflow as tf

W = np.array([1.0, -2.0])


def read_before(tape, variable, total):
    held = variable.value
    with tape:
        loss = total(held * held * held)
    return tape.gradient(loss, [variable.value, held])


def read_inside(tape, variable, total):
    with tape:
        loss = total(variable.value * variable.value)
    return [tape.gradient(loss, variable.value)]


def watched(tape, variable, total):
    with tape:
        tape.watch(variable.value)
        loss = total(variable * variable)
    return [tape.gradient(loss, variable.value)]


def assigned_inside(tape, variable, total):
    with tape:
        held = variable.value
        loss = total(held * held)
        variable.assign(2 * W)
    return [tape.gradient(loss, held)]


@pytest.mark.parametrize("case", [read_before, read_inside, watched, assigned_inside])
@pytest.mark.parametrize("trainable", [True, False])
def test_values_have_the_gradients_of_their_variables(case, trainable):
    ours = case(dg.GradientTape(), dg.Variable(W, trainable=trainable), dg.ops.sum)
    theirs = case(tf.GradientTape(), keras.Variable(W, trainable=trainable, dtype="float64"), tf.reduce_sum)
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            np.testing.assert_array_equal(a, b)
