"""SGD and Adam: Keras' numbers, variables and order, forms of gradients, copies."""

from __future__ import annotations

import copy
import pickle

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
