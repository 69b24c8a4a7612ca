"""What optimizers refuse, in words, and that a step that fails or is interrupted changes nothing."""

from __future__ import annotations

import signal

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core, optimizers


def test_errors_change_nothing():
    a, b, c = (dg.Variable([1.0, 1.0], name=n) for n in "abc")
    optimizer = optimizers.Adam(0.1)
    with pytest.raises(ValueError):
        optimizer.apply([[1.0, 1.0], [1.0]], [a, b])
    assert not optimizer.built and int(optimizer.iterations) == 0
    optimizer.apply([[1.0, 1.0], [1.0, 1.0]], [a, b])
    before = [v.numpy() for v in [a, b, c, *optimizer.variables]]
    for grads, variables in (
        ([[1.0, 1.0], [1.0]], [a, b]),
        ([[1.0, 1.0], [1.0, 1.0]], [a, c]),
        ([[1.0, 1.0]], [a, b]),
        ([None, None], [a, b]),
        ([[1.0, 1.0], ["x", "y"]], [a, b]),
        ([[1.0, 1.0], [1.0, 1.0]], [a, 3]),
    ):
        with pytest.raises((ValueError, TypeError)):
            optimizer.apply(grads, variables)
    for v, old in zip([a, b, c, *optimizer.variables], before):
        np.testing.assert_array_equal(v.numpy(), old)


def variable(name="v", size=3):
    return dg.Variable(np.zeros(size, np.float32), name=name)


def built():
    optimizer, v = optimizers.SGD(), variable()
    optimizer.build([v])
    return optimizer, v


def apply_to_built(grad):
    optimizer, v = built()
    optimizer.apply([grad], [v])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: optimizers.SGD(1),
            ValueError,
            "[SGD] `learning_rate` is 1: it must be a float, such as 1e-3, a LearningRateSchedule, or a callable "
            "without arguments that returns a float.",
        ),
        (
            lambda: optimizers.SGD(momentum=0),
            ValueError,
            "[SGD] `momentum` must be a float between [0, 1]. It is 0.",
        ),
        (
            lambda: optimizers.SGD(momentum=1.5),
            ValueError,
            "[SGD] `momentum` must be a float between [0, 1]. It is 1.5.",
        ),
        (
            lambda: optimizers.Adam(beta_1=1.0),
            ValueError,
            "[Adam] `beta_1` is 1.0: it must be in [0, 1).",
        ),
        (
            lambda: optimizers.Adam(beta_2=-0.1),
            ValueError,
            "[Adam] `beta_2` is -0.1: it must be in [0, 1).",
        ),
        (
            lambda: optimizers.Ftrl(learning_rate_power=0.1),
            ValueError,
            "[Ftrl] `learning_rate_power` is 0.1: it needs to be negative or zero.",
        ),
        (
            lambda: optimizers.Ftrl(l1_regularization_strength=-0.1),
            ValueError,
            "[Ftrl] `l1_regularization_strength` is -0.1: it needs to be positive or zero.",
        ),
        (
            lambda: optimizers.Adam(float("nan")),
            ValueError,
            "[Adam] `learning_rate` is nan: it must be a float, such as 1e-3, a LearningRateSchedule, or a callable "
            "without arguments that returns a float.",
        ),
        (
            lambda: setattr(optimizers.SGD(), "learning_rate", "a"),
            ValueError,
            "[SGD] `learning_rate` is 'a': it must be a number.",
        ),
        (
            lambda: setattr(optimizers.SGD(), "learning_rate", None),
            ValueError,
            "[SGD] `learning_rate` is None: it must be a number.",
        ),
        (
            lambda: setattr(optimizers.SGD(), "learning_rate", [0.1, 0.2]),
            ValueError,
            "[SGD] `learning_rate` is [0.1, 0.2]: it must be a number.",
        ),
        (
            lambda: optimizers.SGD(lr=0.1),
            ValueError,
            "[SGD] Argument(s) not recognized: `lr`. It accepts `learning_rate`, `momentum`, `nesterov`, "
            "`weight_decay`, `clipnorm`, `clipvalue`, `global_clipnorm`, `use_ema`, `ema_momentum`, "
            "`ema_overwrite_frequency`, `loss_scale_factor`, `gradient_accumulation_steps`, `name`.",
        ),
        (
            lambda: optimizers.get("lamb"),
            ValueError,
            "[optimizers] `lamb` is not known: it must be one of adadelta, adagrad, adam, adamax, adamw, ftrl, "
            "lion, nadam, rmsprop, sgd.",
        ),
        (
            lambda: optimizers.get(3),
            TypeError,
            "[optimizers] `optimizer` is 3: it must be a name or an Optimizer.",
        ),
        (
            lambda: optimizers.SGD().apply_gradients([]),
            ValueError,
            "[SGD] `grads_and_vars` is empty: it must hold (gradient, variable) pairs.",
        ),
        (
            lambda: optimizers.SGD().apply([[1.0]]),
            ValueError,
            "[SGD] `trainable_variables` is None, nothing is built: pass the variables.",
        ),
        (
            lambda: optimizers.SGD().apply([[1.0]], [variable(), variable()]),
            ValueError,
            "[SGD] `grads` has 1 entries for 2 variables.",
        ),
        (
            lambda: optimizers.SGD().apply([[1.0]], [np.ones(1)]),
            TypeError,
            "[SGD] `trainable_variables[0]` is a ndarray, which cannot be assigned to: it must be a Variable, such as "
            "dg.Variable(x).",
        ),
        (
            lambda: apply_to_built([1.0]),
            ValueError,
            "[SGD] the gradient of `v` has shape (1,) but the variable has shape (3,): they must be equal.",
        ),
        (
            lambda: apply_to_built(None),
            ValueError,
            "[SGD] No gradients provided for any variable: no variable takes part in the loss. Was it computed with "
            "the tape open?",
        ),
        (
            lambda: built()[0].apply([[1.0]], [variable("other", 1)]),
            ValueError,
            "[SGD] Unknown variable: `other` is not one of those that this optimizer was built with. Make a new "
            "optimizer for other variables.",
        ),
        (
            lambda: setattr(optimizers.SGD(lambda: 0.1), "learning_rate", 0.2),
            TypeError,
            "[SGD] `learning_rate` is a function and not settable with a number: change what it returns, or make the "
            "optimizer with a float.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


class Interrupt(Exception):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
@pytest.mark.parametrize("slots", [False, True], ids=["built", "first step"])
def test_an_interrupt_never_tears_a_step(slots):
    """After each of 100 interrupts all variables, slots and the step count belong to the same step."""

    def interrupt(*args):
        raise Interrupt

    count, interrupts = 40, 0
    ones = [np.ones(3, np.float32)] * count

    def fresh():
        return [dg.Variable(np.zeros(3, np.float32)) for _ in range(count)], optimizers.SGD(1.0, momentum=1.0)

    variables, optimizer = fresh()
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        while interrupts < 100:
            if slots:
                variables, optimizer = fresh()
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + 7e-6 * interrupts)
                for _ in range(10**6):
                    optimizer.apply(ones, variables)
            except Interrupt:
                interrupts += 1
            t = int(optimizer.iterations)
            # Momentum 1 and gradient 1: m = -t, w = -t (t + 1) / 2, exact while below 2**24.
            for v in variables:
                assert (v.numpy() == -t * (t + 1) / 2).all()
            own = optimizer.variables[2:]
            assert len(own) == (count if optimizer.built else 0) and optimizer.built >= (t > 0)
            for v in own:
                assert (v.numpy() == -t).all()
            if t > 5000:
                variables, optimizer = fresh()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def raising():
    raise KeyError("no rate")


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize(
    ("make", "gradient", "error"),
    [
        (lambda: optimizers.Adam(), _core.placeholder((2,)), ValueError),
        (lambda: optimizers.Adam(raising), [1.0, 1.0], KeyError),
        (lambda: optimizers.Adam(lambda: "fast"), [1.0, 1.0], TypeError),
        (lambda: optimizers.Adam(), "beta_1", TypeError),
        (lambda: optimizers.Adam(), "beta_2", TypeError),
        (lambda: optimizers.SGD(), "momentum", TypeError),
    ],
    ids=["symbolic", "raising rate", "rate of words", "beta_1", "beta_2", "momentum"],
)
def test_a_step_that_fails_changes_nothing(make, gradient, error, built):
    a, b = dg.Variable([1.0, 2.0]), dg.Variable([3.0, 4.0])
    optimizer = make()
    if isinstance(gradient, str):
        setattr(optimizer, gradient, "a")
        gradient = [1.0, 1.0]
    if built:
        optimizer.build([a, b])
    everything = [a, b, *optimizer.variables]
    before = [v.numpy() for v in everything]
    with pytest.raises(error):
        optimizer.apply([[1.0, 1.0], gradient], [a, b])
    assert optimizer.built == built and len(optimizer.variables) == len(everything) - 2
    for v, old in zip(everything, before):
        np.testing.assert_array_equal(v.numpy(), old)
