"""Programs take every gradient again that a test takes: here, that they do, and that a wrong one is noticed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from replayed_gradients import ALONE, COMPARED, DOORS, GIVEN, NONE, REPLAYED, STANDS_IN, THREAD, Replay
from replaying import run_twice

X = dg.constant(np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3))


def energy(x):
    return dg.ops.sum(dg.ops.tanh(x) ** 3)


def by_tape(method: str) -> Callable:
    def derivative():
        with dg.GradientTape() as tape:
            tape.watch(X)
            y = dg.ops.tanh(X) * 3
        return getattr(tape, method)(y, X)

    return derivative


def accumulated():
    with dg.ForwardAccumulator(X, X) as forward:
        y = energy(X)
    return forward.jvp(y)


def eager_step():
    model = dg.Sequential([dg.layers.Dense(3, activation="relu"), dg.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    return model.train_on_batch(X, np.array([0, 1, 1, 0]))


TAKEN = {
    "gradient": by_tape("gradient"),
    "jacobian": by_tape("jacobian"),
    "batch_jacobian": by_tape("batch_jacobian"),
    "grad": lambda: dg.grad(energy)(X),
    "value_and_grad": lambda: dg.value_and_grad(energy)(X),
    "dg.jacobian": lambda: dg.jacobian(dg.ops.tanh)(X),
    "hessian": lambda: dg.hessian(energy)(X),
    "jvp": lambda: dg.jvp(energy, (X,), (X,)),
    "vjp": lambda: dg.vjp(dg.ops.tanh, X)[1](X),
    "hvp": lambda: dg.hvp(energy, (X,), (X,)),
    "vmap": lambda: dg.vmap(dg.grad(energy))(X),
    "ForwardAccumulator": accumulated,
    "train_on_batch": eager_step,
}


def counted(replay: Replay, function: Callable) -> Counter:
    before = Counter(replay.counts)
    function()
    return replay.counts - before


@pytest.mark.parametrize("name", TAKEN)
def test_every_derivative_is_replayed(replay, name):
    counts = counted(replay, TAKEN[name])
    assert counts[REPLAYED] >= 1
    assert counts.keys() <= {REPLAYED, STANDS_IN}


def test_there_is_no_other_door():
    words = ("grad", "jac", "jvp", "vjp")
    methods = {name for name in vars(_core.Tape) if any(word in name for word in words)}
    assert {(_core.Tape, name) for name in methods} | {(_core, "vmap")} == set(DOORS)


def test_a_program_begins_at_the_watched_values(replay):
    found = TAKEN["hessian"]()
    program, arguments = replay.history.program([found])
    assert "activation (" in program.describe() and "NaN" not in program.describe()
    assert sum(np.array_equal(a, X) for a in arguments) == 1 and all(a.size <= X.size**2 for a in arguments)


@pytest.mark.parametrize("name", TAKEN)
def test_other_bits_are_noticed(replay, monkeypatch, name):
    """Of programs that get arguments which are a little larger."""
    true = replay.history

    def program(results: list) -> tuple:
        made, arguments = true.program(results)
        return made, [a * (1 + 1e-6) + 1e-6 if a.dtype.kind == "f" else a for a in arguments]

    wrong = SimpleNamespace(made=true.made, program=program, is_here=True, always=True)
    true.always = True
    monkeypatch.setattr(replay, "history", wrong)
    with pytest.raises(AssertionError, match="a program gives other bits"):
        TAKEN[name]()
    true.always = False


def test_effects_are_not_repeated(replay):
    """What a variable held between two assignments is an argument each; the draws of a generator are too."""
    v = dg.Variable(np.full(3, 2.0))
    dropout = dg.layers.Dropout(0.5, seed=1)

    def step() -> None:
        with dg.GradientTape(persistent=True) as tape:
            y = v * v
            v.assign(v + 1)
            y = dropout(y * v * v, training=True)
        assert tape.gradient(y, v) is not None
        assert tape.jacobian(y, v).shape == (3, 3)

    assert counted(replay, step) == {REPLAYED: 2}
    assert v.numpy().tolist() == [3, 3, 3]
    assert int(dropout.seed_generator.state.numpy()[1]) == 1


def test_arrays_that_leave_and_return_are_arguments(replay):
    def step() -> None:
        with dg.GradientTape() as tape:
            tape.watch(X)
            y = energy(X) * float(energy(X)) * np.asarray(X)
        tape.gradient(y, X)

    assert counted(replay, step) == {REPLAYED: 1}


def test_what_is_not_replayed_is_counted_with_the_reason(replay):
    def nothing() -> None:
        with dg.GradientTape() as tape:
            y = X * X
        assert tape.gradient(y, X) is None

    def start() -> None:
        with dg.GradientTape() as tape:
            tape.watch(X)
        tape.gradient(X, X)

    def elsewhere() -> None:
        thread = threading.Thread(target=TAKEN["grad"])
        thread.start()
        thread.join()

    assert counted(replay, nothing) == {NONE: 1}
    assert counted(replay, start) == {GIVEN: 1}
    assert counted(replay, elsewhere) == {THREAD: 1}
    assert counted(replay, lambda: run_twice(dg.grad(energy), [X]))[REPLAYED] == 0
    assert counted(replay, lambda: run_twice(dg.grad(energy), [X]))[COMPARED] >= 2


def test_a_session_that_replays_little_fails():
    replay = Replay()
    replay.counts.update({REPLAYED: 9_000, GIVEN: 1_000, COMPARED: 50_000, ALONE: 20_000})
    assert not replay.is_rotten()
    replay.counts[GIVEN] += 1
    assert replay.is_rotten()


@pytest.mark.python_alone("it is about the mark")
def test_the_mark(replay):
    assert counted(replay, TAKEN["grad"]) == {ALONE: 1}
