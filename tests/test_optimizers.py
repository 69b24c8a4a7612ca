"""SGD and Adam: Keras' numbers, variables and order, all-or-nothing checks, messages."""

from __future__ import annotations

import copy
import pickle
import signal

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core, optimizers

W0 = np.array([1.0, -1.0, 2.0], np.float32)
GRADS = [np.array(g, np.float32) for g in ([0.5, -2.0, 0.0], [1.0, 0.1, 1e-9], [-0.3, 3.0, 0.0])]
TABLE = [
    (lambda m: m.SGD(0.1), [0.88, -1.11, 2.0]),
    (lambda m: m.SGD(0.1, momentum=0.9), [0.70450002, -0.77700001, 2.0]),
    (lambda m: m.SGD(0.1, momentum=0.9, nesterov=True), [0.61405003, -0.90930009, 2.0]),
    (lambda m: m.SGD(0.1, nesterov=True), [0.88, -1.11, 2.0]),
    (lambda m: m.Adam(0.1), [0.74799263, -0.86283994, 1.99995840]),
    (lambda m: m.Adam(0.1, amsgrad=True), None),
    (lambda m: m.Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-3), None),
]


@pytest.mark.parametrize(("make", "expected"), [row for row in TABLE if row[1]])
def test_three_steps(make, expected):
    w, optimizer = dg.Variable(W0), make(optimizers)
    for g in GRADS:
        optimizer.apply_gradients([(g, w)])
    # The numbers were printed with 8 decimals: half a unit there, and the rounding to float32 when they are read.
    expected = np.array(expected, np.float32)
    np.testing.assert_allclose(w.numpy(), expected, rtol=0, atol=0.5e-8 + np.spacing(np.abs(expected)).max() / 2)
    assert int(optimizer.iterations) == 3


@pytest.mark.parametrize("make", [row[0] for row in TABLE])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 3, 8, 17, 1000])
def test_bits_equal_keras(make, dtype, size):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(size)
    w0 = rng.standard_normal(size).astype(dtype)
    ours, theirs = dg.Variable(w0), keras.Variable(w0, dtype=dtype)
    o, k = make(optimizers), make(keras.optimizers)
    for _ in range(5):
        g = rng.standard_normal(size).astype(dtype)
        o.apply([g], [ours])
        k.apply([keras.ops.convert_to_tensor(g)], [theirs])
    # One rounding unit per step is granted for the library functions of the bias correction.
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=5 * np.finfo(dtype).eps * np.abs(w0).max())


def test_variables_and_names_are_keras():
    model = dg.Sequential([dg.layers.Input((2,)), dg.layers.Dense(1)])
    optimizer = optimizers.Adam(amsgrad=True)
    optimizer.build(model.trainable_variables)
    path = "sequential_dense"
    assert [v.name for v in optimizer.variables] == [
        "iteration",
        "learning_rate",
        f"{path}_kernel_momentum",
        f"{path}_kernel_velocity",
        f"{path}_bias_momentum",
        f"{path}_bias_velocity",
        f"{path}_kernel_velocity_hat",
        f"{path}_bias_velocity_hat",
    ]
    assert optimizer.variables[2].path == f"adam/{path}_kernel_momentum"
    assert optimizer.iterations.dtype == "int64"
    assert len(optimizers.SGD().variables) == 2


def test_learning_rate():
    optimizer = optimizers.SGD(0.1)
    assert float(optimizer.learning_rate) == float(np.float32(0.1))
    optimizer.learning_rate = 0.5
    w = dg.Variable([1.0])
    optimizer.apply([[1.0]], [w])
    assert w.numpy()[0] == 0.5
    optimizer.learning_rate.assign(0.25)
    optimizer.apply([[1.0]])
    assert w.numpy()[0] == 0.25
    assert float(optimizers.SGD(np.float64(0.5)).learning_rate) == 0.5
    rates = iter([1.0, 2.0])
    optimizer, w = optimizers.SGD(lambda: next(rates)), dg.Variable([0.0])
    optimizer.apply([[1.0]], [w])
    optimizer.apply([[1.0]], [w])
    assert w.numpy()[0] == -3


@pytest.mark.parametrize("gradient", [[1.0, 2.0], (1, 2), np.array([1, 2], np.float64), np.array([1, 2])], ids=repr)
def test_gradient_forms(gradient):
    w = dg.Variable([0.0, 0.0])
    optimizers.SGD(1.0).apply([gradient], [w])
    np.testing.assert_array_equal(w.numpy(), [-1, -2])


def test_missing_gradients():
    w, v = dg.Variable([1.0], name="a"), dg.Variable([1.0], name="b")
    optimizer = optimizers.SGD(1.0)
    with pytest.warns(UserWarning) as record:
        optimizer.apply([None, [1.0]], [w, v])
    assert str(record[0].message) == "[SGD] Gradients do not exist for variables ['a']: they are not updated."
    assert (w.numpy()[0], v.numpy()[0]) == (1, 0)


def test_empty_lists_are_nothing():
    optimizer = optimizers.SGD()
    optimizer.apply([], [])
    assert int(optimizer.iterations) == 0


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
            "[optimizers] `lamb` is not known: it must be one of adadelta, adagrad, adam, adamax, adamw, lion, "
            "nadam, rmsprop, sgd.",
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


def test_registry_and_strings():
    assert {c._update_name for c in optimizers.names.objects.values()} == set(_core.optimizer_names())
    assert isinstance(optimizers.get("Adam"), optimizers.Adam)
    same = optimizers.SGD()
    assert optimizers.get(same) is same


def test_updates_are_not_recorded():
    w, optimizer = dg.Variable([2.0]), optimizers.SGD(1.0)
    with dg.GradientTape() as tape:
        y = w * w
        optimizer.apply([[1.0]], [w])
    assert tape.gradient(y, w).numpy()[0] == 4


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


@pytest.mark.parametrize("beta", [np.float32(0.5), np.float64(0.5), 0])
def test_numpy_numbers(beta):
    assert type(optimizers.Adam(beta_1=beta).beta_1) is float


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("make", [row[0] for row in TABLE])
def test_copies_keep_training(make, how):
    w, optimizer = dg.Variable(W0), make(optimizers)
    unbuilt = how(optimizer)
    assert not unbuilt.built and int(unbuilt.iterations) == 0
    optimizer.apply([GRADS[0]], [w])
    other_w, other = how((w, optimizer))
    assert other.variables[0] is other.iterations and other.iterations is not optimizer.iterations
    for target, one in ((w, optimizer), (other_w, other)):
        for g in GRADS[1:]:
            one.apply([g], [target])
    np.testing.assert_array_equal(other_w.numpy(), w.numpy())
    for a, b in zip(optimizer.variables, other.variables, strict=True):
        assert a is not b and a.path == b.path
        np.testing.assert_array_equal(a.numpy(), b.numpy())
