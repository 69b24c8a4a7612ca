"""Training with several inputs and outputs: every float of the histories and logs against Keras'.

Both sides compute in float64, where a dozen steps from equal weights differ by some thousand roundings; what Keras logs
went through float32 means.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from samples import rows

keras = pytest.importorskip("keras")

N = 12
# Keras' `fit` rounds float64 arrays to float32.
A, B = rows(N, 4).astype("float64"), rows(N, 3).astype("float64")
LABELS = np.arange(N) % 3
ONE_HOT = np.eye(3)[LABELS]
TARGET = A[:, :2] * 0.5
WEIGHTS = np.linspace(0.1, 1, N, dtype="float32").astype("float64")


def make(lib, start, outputs="list"):
    layers = lib.layers
    a, b = lib.Input((4,), name="a", dtype="float64"), lib.Input((3,), name="b", dtype="float64")
    both = layers.Concatenate(dtype="float64", name="both")([a, b])
    h = layers.Dense(5, activation="relu", dtype="float64", name="h")(both)
    o1 = layers.Dense(3, activation="softmax", dtype="float64", name="o1")(h)
    o2 = layers.Dense(2, dtype="float64", name="o2")(h)
    model = lib.Model([a, b], [o1, o2] if outputs == "list" else {"o1": o1, "o2": o2})
    model.set_weights(start)
    return model


START = [
    rows(7, 5, dtype="float64"),
    rows(5),
    rows(5, 3, dtype="float64"),
    rows(3),
    rows(5, 2, dtype="float64"),
    rows(2),
]


def loss(lib, name):
    return getattr(lib.losses, name)(dtype="float64") if lib is keras else getattr(lib.losses, name)()


CHOICES = {
    "list": lambda lib: {"loss": [loss(lib, "CategoricalCrossentropy"), loss(lib, "MeanSquaredError")]},
    "weights": lambda lib: {
        "loss": {"o1": loss(lib, "CategoricalCrossentropy"), "o2": loss(lib, "MeanSquaredError")},
        "loss_weights": {"o1": 0.25, "o2": 2.0},
        "metrics": {"o1": ["accuracy"], "o2": "mse"},
    },
    "one loss": lambda lib: {"loss": loss(lib, "MeanSquaredError"), "metrics": [["accuracy"], ["mse"]]},
    "one output": lambda lib: {"loss": {"o1": None, "o2": loss(lib, "MeanSquaredError")}},
    "weighted": lambda lib: {
        "loss": [loss(lib, "CategoricalCrossentropy"), loss(lib, "MeanSquaredError")],
        "weighted_metrics": [["accuracy"], []],
    },
}


def assert_logs(ours, theirs):
    assert list(ours) == list(theirs)
    for key, values in ours.items():
        # Keras' trackers are float32: 24 bits, a sum of up to 3 batches.
        np.testing.assert_allclose(values, theirs[key], rtol=16 * 2.0**-24, err_msg=key)


@pytest.mark.filterwarnings("ignore:.*radients")  # of the output without a loss, on both sides
@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("outputs", ["list", "dict"])
def test_histories(choice, outputs):
    histories, evaluations, predictions = [], [], []
    for lib in (dg, keras):
        model = make(lib, START, outputs)
        model.compile(lib.optimizers.SGD(0.0625), **CHOICES[choice](lib))
        y = {"o1": ONE_HOT, "o2": TARGET} if outputs == "dict" else [ONE_HOT, TARGET]
        options = {"sample_weight": WEIGHTS} if choice == "weighted" and lib is dg else {}
        if choice == "weighted" and lib is keras:
            options = {"sample_weight": {"o1": WEIGHTS, "o2": WEIGHTS} if outputs == "dict" else [WEIGHTS, WEIGHTS]}
        fitted = model.fit(
            [A, B],
            y,
            batch_size=4,
            epochs=4,
            shuffle=False,
            verbose=0,
            validation_data=({"a": A, "b": B}, y),
            **options,
        )
        histories.append(fitted.history)
        evaluations.append(model.evaluate([A, B], y, verbose=0, return_dict=True))
        predictions.append(model.predict([A, B], verbose=0))
    assert_logs(*histories)
    assert_logs(*evaluations)
    ours, theirs = predictions
    assert type(ours) is type(theirs)
    for a, b in zip(*(p.values() if isinstance(p, dict) else p for p in predictions)):
        assert np.all(np.abs(a - b) <= 1e-12)  # 12 float64 steps, as above


def test_batches_and_orders():
    results = []
    for lib in (dg, keras):
        model = make(lib, START)
        model.compile(lib.optimizers.SGD(0.0625), **CHOICES["weights"](lib))
        on_batch = model.train_on_batch([A, B], [ONE_HOT, TARGET], return_dict=True)
        results.append((on_batch, model.evaluate([A, B], [ONE_HOT, TARGET], verbose=0)))
    assert set(results[0][0]) == set(results[1][0])
    for key, value in results[0][0].items():
        assert abs(value - results[1][0][key]) <= 16 * 2.0**-24 * abs(value)
    np.testing.assert_allclose(*(r[1] for r in results), rtol=16 * 2.0**-24)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda m: m.compile("sgd", loss=["mse"]),
            "[compile] `loss` has 1 entries: it must have one for each output, o1, o2.",
        ),
        (
            lambda m: m.compile("sgd", loss={"o3": "mse"}),
            "[compile] `loss` has the key 'o3': the outputs are o1, o2.",
        ),
        (
            lambda m: m.fit([A, B], [ONE_HOT], verbose=0),
            "[fit] `y` has 1 arrays: it must be a list or a dict with one for each output, o1, o2.",
        ),
        (
            lambda m: m.fit([A, B], {"o1": ONE_HOT}, verbose=0),
            "[fit] `y` has no labels for output 1: its loss needs them.",
        ),
        (
            lambda m: m.fit([A, B[:5]], [ONE_HOT, TARGET], verbose=0),
            "[fit] `x` has 5 rows but `x` has 12: they must have the same number.",
        ),
        (
            lambda m: m.fit([A, B], [LABELS, TARGET], class_weight={0: 1.0}, verbose=0),
            "[fit] `class_weight` is given: with several outputs it must be `sample_weight`.",
        ),
    ],
)
def test_errors(call, text):
    model = make(dg, START)
    model.compile("sgd", loss="mse")
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(ValueError) as info:
        call(model)
    assert str(info.value) == text
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
