"""Regularizers, constraints, and whole training runs against Keras, from the seed alone: no weight is copied."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from samples import rows

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

# Keras rounds factors to float32: these are exact in it.
L1, L2 = 2.0**-7, 2.0**-6
REGULARIZERS = [
    ("L1", {"l1": L1}),
    ("L2", {"l2": L2}),
    ("L1L2", {"l1": L1, "l2": L2}),
    ("OrthogonalRegularizer", {"factor": L1}),  # Keras' own takes float32 only
    ("OrthogonalRegularizer", {"factor": L1, "mode": "columns"}),
]
CONSTRAINTS = [
    ("MaxNorm", {"max_value": 1.5}),
    ("MaxNorm", {"max_value": 1.5, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": (0, 1)}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 1.5, "rate": 0.5}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "arguments"), REGULARIZERS, ids=str)
def test_regularizers(name, arguments, dtype):
    dtype = "float32" if name.startswith("Orthogonal") else dtype
    w = rows(7, 5, dtype=dtype)
    mine, theirs = dg.Variable(w), tf.Variable(w)
    with dg.GradientTape() as tape:
        value = getattr(dg.regularizers, name)(**arguments)(mine)
    with tf.GradientTape() as other:
        expected = getattr(keras.regularizers, name)(**arguments)(theirs)
    assert value.dtype == dtype
    # Sums of 35 terms of one sign (of 5 or 7 products below 1 each for the cosines): 64 roundings of the value, and of
    # the largest gradient entry.
    eps = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(value.numpy(), expected.numpy(), rtol=eps)
    found, wanted = tape.gradient(value, mine).numpy(), other.gradient(expected, theirs).numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=eps * np.abs(wanted).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "arguments"), CONSTRAINTS, ids=str)
def test_constraints(name, arguments, dtype):
    w = rows(7, 5, dtype=dtype)
    w[:, 2] = 0.0
    found = getattr(dg.constraints, name)(**arguments)(w).numpy()
    expected = getattr(keras.constraints, name)(**arguments)(w).numpy()
    assert found.dtype == expected.dtype
    # A norm of at most 35 squares, a root, and five more operations: 64 roundings.
    np.testing.assert_allclose(found, expected, rtol=64 * np.finfo(dtype).eps)


@pytest.fixture
def floatx(dtype):
    """The default dtype of both libraries: Keras adds penalties to a loss of their dtype only."""

    def choose(name):
        dg.config.set_floatx(name)
        keras.config.set_floatx(name)
        keras.config.set_dtype_policy(name)

    choose(dtype)
    yield dtype
    choose("float32")


def network(lib, initializer):
    return lib.Sequential(
        [
            lib.layers.Dense(
                8,
                activation="sigmoid",
                kernel_initializer=initializer,
                kernel_regularizer=lib.regularizers.L1L2(L1, L2),
                activity_regularizer=lib.regularizers.L2(L2),
            ),
            lib.layers.Dense(
                6,
                activation="relu",
                kernel_initializer=initializer,
                bias_initializer=lib.initializers.RandomNormal(0.5, 0.05),
            ),
            lib.layers.Dense(3, kernel_initializer=initializer, bias_regularizer=lib.regularizers.L2(L2)),
        ]
    )


def run(lib, dtype, initializer):
    (lib if lib is dg else lib.utils).set_random_seed(17)
    model = network(lib, initializer)
    model.compile(lib.optimizers.SGD(0.015625, momentum=0.5), lib.losses.MeanSquaredError())
    x, y = rows(22, 5, dtype=dtype), rows(22, 3, seed=1, dtype=dtype)
    history = model.fit(x, y, batch_size=6, epochs=3, shuffle=False, verbose=0).history["loss"]
    return [*history, model.evaluate(x, y, verbose=0)], [np.asarray(w) for w in model.get_weights()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal", "orthogonal"])
def test_whole_runs_without_copying_weights(initializer, dtype, floatx, figures):
    """Twelve steps from the same seed.

    The initial weights differ by 64 ULP of 1 at most. A step adds 4: one of the weight, and 1/64 of the 200 roundings
    of a gradient of order 1 (sums over 6 rows and 8 units, through three layers and back). A step moves by
    lr / (1 - momentum) = 1/32 times a gradient whose Lipschitz constant is below 6 here (weights, inputs and outputs
    are of order 1), so it makes a difference larger by 2 ** (1/4) at most.
    """
    steps = 12
    bound = (64 + 4 * steps) * 2.0 ** (steps / 4) * np.finfo(dtype).eps
    (history, weights), (expected, other) = run(dg, dtype, initializer), run(keras, dtype, initializer)
    for w, v in zip(weights, other):
        assert w.dtype == v.dtype
        np.testing.assert_allclose(w, v, rtol=0, atol=bound)
        figures.setdefault(f"whole runs, weights, {dtype}", []).append(float(np.abs(w - v).max()))
    # A loss of order 1 moves by less than 4 times as much as the weights.
    np.testing.assert_allclose(history, expected, rtol=0, atol=4 * bound)
