"""Learning-rate schedules: values at points where the formulas are exact, counts, training, messages."""

from __future__ import annotations

import copy
import pickle

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from densegrad.optimizers import SGD, schedules

EXACT = [
    (schedules.ExponentialDecay(1.0, 4, 0.25), {0: 1, 2: 0.5, 4: 0.25, 8: 0.0625}),
    (schedules.ExponentialDecay(1.0, 4, 0.25, staircase=True), {0: 1, 3: 1, 4: 0.25, 7: 0.25, 8: 0.0625}),
    (schedules.InverseTimeDecay(1.0, 2, 1.0), {0: 1, 2: 0.5, 6: 0.25}),
    (schedules.InverseTimeDecay(1.0, 2, 1.0, staircase=True), {1: 1, 3: 0.5, 7: 0.25}),
    (schedules.PolynomialDecay(1.0, 4, 0.5), {0: 1, 1: 0.875, 4: 0.5, 9: 0.5}),
    (schedules.PolynomialDecay(1.0, 4, 0.0, power=2.0), {0: 1, 2: 0.25, 4: 0}),
    (schedules.PolynomialDecay(1.0, 4, 0.0, cycle=True), {0: 1, 4: 0, 6: 0.25, 8: 0}),
    (schedules.CosineDecay(0.5, 4), {0: 0.5, 4: 0, 5: 0}),
    (schedules.CosineDecay(0.5, 4, alpha=0.5), {0: 0.5, 4: 0.25, 100: 0.25}),
    (schedules.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=4), {0: 0, 1: 0.25, 3: 0.75, 4: 1, 8: 0}),
    (schedules.CosineDecayRestarts(0.5, 4), {0: 0.5, 4: 0.5, 12: 0.5}),
    (schedules.CosineDecayRestarts(0.5, 4, t_mul=1.0, m_mul=0.5), {0: 0.5, 4: 0.25, 8: 0.125}),
    (schedules.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25]), {0: 1, 2: 1, 3: 0.5, 4: 0.5, 5: 0.25, 99: 0.25}),
    (schedules.PiecewiseConstantDecay([], [0.5]), {0: 0.5, 7: 0.5}),
]


@pytest.mark.parametrize(("schedule", "expected"), EXACT, ids=lambda x: type(x).__name__)
def test_values_where_the_formula_is_exact(schedule, expected):
    for step, rate in expected.items():
        found = schedule(step)
        assert found.dtype == np.float32 and found.shape == () and float(found) == rate, step
    steps = np.array(list(expected))
    np.testing.assert_array_equal(schedule(steps).numpy(), list(expected.values()))
    np.testing.assert_array_equal(schedule(dg.Variable(steps, dtype="int64")).numpy(), list(expected.values()))


def test_the_registry_holds_the_classes():
    formulas = [c for c in vars(schedules).values() if isinstance(c, type) and getattr(c, "_name", None)]
    assert {c._name for c in formulas} == set(_core.schedule_names()) == {type(s)._name for s, _ in EXACT}


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize(("schedule", "expected"), EXACT, ids=lambda x: type(x).__name__)
def test_copies_and_configs_give_the_same(schedule, expected, how):
    for other in (how(schedule), type(schedule).from_config(schedule.get_config())):
        assert other.get_config() == schedule.get_config()
        assert [float(other(step)) for step in expected] == list(expected.values())


def test_a_float64_rate_is_computed_in_float64():
    first = dg.constant(0.1, "float64")
    found = schedules.ExponentialDecay(first, 2, 0.25)(1)
    assert found.dtype == np.float64 and float(found) == 0.05


def test_a_schedule_gets_the_count_before_the_step():
    seen = []

    class Mine(schedules.LearningRateSchedule):
        def __call__(self, step):
            seen.append(int(step))
            return 0.5

    w, optimizer = dg.Variable([0.0]), SGD(Mine(), gradient_accumulation_steps=2)
    for _ in range(3):
        optimizer.apply([[1.0]], [w])
    assert seen == [0, 1, 2] and w.numpy()[0] == -0.5  # the count of calls, not that of updates


def test_fit_follows_a_schedule():
    """`fit` does what assigning the rate before every step does."""
    x, y = np.arange(16, dtype=np.float32).reshape(8, 2) / 16, np.ones((8, 1), np.float32)
    schedule = schedules.ExponentialDecay(0.5, 2, 0.5)
    model, other = (dg.Sequential([dg.layers.Input((2,)), dg.layers.Dense(1)]) for _ in range(2))
    other.set_weights(model.get_weights())
    model.compile(SGD(schedule), "mse")
    model.fit(x, y, batch_size=2, epochs=3, shuffle=False, verbose=0)
    other.compile(SGD(1.0), "mse")
    for step in range(12):
        other.optimizer.learning_rate = float(schedule(step))
        rows = slice(2 * (step % 4), 2 * (step % 4) + 2)
        other.train_on_batch(x[rows], y[rows])
    assert int(model.optimizer.iterations) == 12
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(model.optimizer.learning_rate) == float(schedule(12))


def test_a_float64_variable_takes_the_rate_of_a_schedule():
    w = dg.Variable(np.zeros(1))
    SGD(schedules.PiecewiseConstantDecay([0], [0.1, 0.2])).apply([[1.0]], [w])
    assert w.numpy()[0] == -float(np.float32(0.1))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: schedules.ExponentialDecay(0.1, 0, 0.5),
            ValueError,
            "[ExponentialDecay] `decay_steps` is 0: it must be > 0.",
        ),
        (
            lambda: schedules.CosineDecayRestarts(0.1, -1),
            ValueError,
            "[CosineDecayRestarts] `first_decay_steps` is -1: it must be > 0.",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1]),
            ValueError,
            "[PiecewiseConstantDecay] `values` has 1 entries for 2 boundaries: there must be one value more.",
        ),
        (
            lambda: schedules.LearningRateSchedule()(0),
            NotImplementedError,
            "[LearningRateSchedule] must define `__call__(self, step)`.",
        ),
        (
            lambda: schedules.LearningRateSchedule().get_config(),
            NotImplementedError,
            "[LearningRateSchedule] must define `get_config(self)`.",
        ),
        (
            lambda: setattr(SGD(EXACT[0][0]), "learning_rate", 0.1),
            TypeError,
            "[SGD] `learning_rate` is a ExponentialDecay and not settable with a number: change what it returns, or "
            "make the optimizer with a float.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


def test_a_subclass_has_a_constructor_of_its_own():
    class Halving(dg.optimizers.schedules.ExponentialDecay):
        def __init__(self, rate, steps):
            super().__init__(rate, steps, 0.5)

    assert float(Halving(1.0, 2)(4)) == 0.25
    assert Halving(1.0, 2).get_config()["decay_steps"] == 2
