"""D10: tapes, custom gradients and models that are dropped are collected, cycles through C++ included.

Asserted with weak references: an object tied into the structure dies with it.
"""

from __future__ import annotations

import gc
import weakref

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core


class Anchor:
    """Something that a weak reference can watch."""


def is_collected(make):
    """Whether the anchor that `make` ties into its objects dies with them."""
    anchor = Anchor()
    reference = weakref.ref(anchor)
    kept = make(anchor)
    del anchor
    gc.collect()
    assert reference() is not None  # it is really held
    kept.clear()
    del kept
    gc.collect()
    return reference() is None


def recorded(tape, anchor, x):
    """A custom gradient on an open tape whose closure holds the anchor and the tape: a cycle through C++."""
    held = [anchor, tape]
    return dg.custom_gradient(lambda a: (a * a, lambda dy: (held, 2.0 * dy)[1]))(x)


@pytest.mark.parametrize("consumed", [False, True])
@pytest.mark.parametrize("persistent", [False, True])
def test_tape_in_a_cycle_with_its_custom_gradient_is_collected(persistent, consumed):
    def make(anchor):
        x = dg.constant(2.0)
        with dg.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = recorded(tape, anchor, x)
        if consumed:
            tape.gradient(y, x)
        tape.me = [tape, anchor]
        return [tape, y]

    assert is_collected(make)


@pytest.mark.parametrize("order", [1, -1])
def test_two_nested_tapes_that_share_a_node_are_collected(order):
    def make(anchor):
        x = dg.constant(2.0)
        with dg.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with dg.GradientTape(persistent=True) as inner:
                inner.watch(x)
                held = [anchor, outer, inner]
                f = dg.custom_gradient(lambda a: (a * a, lambda dy: (held, 2.0 * dy)[1]))
                y = f(x)
            inner.gradient(y, x)
        return [outer, inner, y][::order]

    assert is_collected(make)


def test_tape_still_open_in_a_cycle_is_collected_and_closes():
    def make(anchor):
        x = dg.constant(2.0)
        tape = dg.GradientTape()
        tape.__enter__()
        tape.watch(x)
        recorded(tape, anchor, x)
        tape.anchor = anchor
        return [tape]

    assert is_collected(make)
    assert not _core.recording()


def test_a_shared_node_is_not_torn_out_of_a_living_tape():
    """Collecting the inner tape must not clear the callback that the outer tape still needs."""
    x = dg.constant(3.0)
    with dg.GradientTape() as outer:
        outer.watch(x)
        inner = dg.GradientTape()
        with inner:
            inner.watch(x)
            y = dg.custom_gradient(lambda a: (a * a, lambda dy: 2.0 * a * dy))(x)
        inner.me = inner  # a cycle: only the collector ends it
    del inner
    gc.collect()
    assert float(outer.gradient(y, x)) == 6


@pytest.mark.parametrize("trained", [False, True])
def test_models_are_collected(trained):
    def make(anchor):
        model = dg.Sequential([dg.layers.Dense(3, activation="relu"), dg.layers.Dense(2, activation="softmax")])
        model.compile("sgd", "categorical_crossentropy")
        x, y = np.ones((4, 2), "float32"), np.eye(2, dtype="float32")[[0, 1, 0, 1]]
        with dg.GradientTape() as tape:
            loss = dg.ops.sum(model(x))
        if trained:
            model.fit(x, y, verbose=0)
            tape.gradient(loss, model.trainable_variables)
        model.layers[0].back = model
        model.anchor = anchor
        return [model, tape, loss]

    assert is_collected(make)


def test_subclasses_of_the_tape_and_of_variables_are_collected():
    class MyTape(dg.GradientTape):
        pass

    def make(anchor):
        tape = MyTape()
        tape.me, tape.anchor = tape, anchor
        return [tape]

    assert is_collected(make)
