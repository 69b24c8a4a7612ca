"""`fit` over datasets, generators and sequences, and of subclassed models with several outputs: Keras' histories.

Both sides compute in float32 from equal weights with plain gradient descent; the runs are a few steps, and every number
that is compared is a mean of some dozen values around 1.
"""

from __future__ import annotations

import densegrad as dg
import densegrad.tf as alias
import numpy as np
import pytest
from samples import rows

keras = pytest.importorskip("keras")

N = 22
X = rows(N, 5)
Y = np.arange(N) % 3
ONE, TWO = X[:, :1] * 0.5, X[:, 1:2] - 0.25
W = np.linspace(0.25, 1.5, N, dtype="float32")
START = [rows(5, 6), rows(6), rows(6, 3), rows(3)]
# Nine steps, each a chain of some hundred roundings of numbers around 1, on either side; what they change is small.
CLOSE = {"rtol": 2 * 9 * 100 * 2.0**-24, "atol": 2 * 9 * 100 * 2.0**-24}


def make(lib):
    layers = lib.layers
    model = lib.Sequential([layers.Input((5,)), layers.Dense(6, activation="tanh"), layers.Dense(3)])
    model.set_weights(START)
    loss = lib.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lib.optimizers.SGD(0.0625), loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    return model


def endless(*parts):
    while True:
        for i in range(0, N, 4):
            yield tuple(part[i : i + 4] for part in parts)


def dataset(tf, *parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(4)


def sequence(base, n=N):
    class Sequence(base):
        def __len__(self):
            return -(-n // 4)

        def __getitem__(self, i):
            return X[4 * i : 4 * i + 4], Y[4 * i : 4 * i + 4], W[4 * i : 4 * i + 4]

    return Sequence()


CASES = {
    "dataset": lambda tf, base: {"x": dataset(tf, X, Y), "validation_data": dataset(tf, X[:9], Y[:9])},
    "weights": lambda tf, base: {"x": dataset(tf, X, Y, W), "validation_data": dataset(tf, X[:9], Y[:9], W[:9])},
    "validation steps": lambda tf, base: {
        "x": dataset(tf, X, Y),
        "validation_data": dataset(tf, X, Y).repeat(),
        "validation_steps": 2,
    },
    "steps of a dataset": lambda tf, base: {"x": dataset(tf, X, Y).repeat(), "steps_per_epoch": 4},
    "generator": lambda tf, base: {"x": endless(X, Y), "steps_per_epoch": 4},
    "generator with weights": lambda tf, base: {"x": endless(X, Y, W), "steps_per_epoch": 5},
    "steps of arrays": lambda tf, base: {"x": X, "y": Y, "steps_per_epoch": 4},
    "batches and steps of arrays": lambda tf, base: {"x": X, "y": Y, "batch_size": 3, "steps_per_epoch": 2},
    "steps of validation arrays": lambda tf, base: {"x": X, "y": Y, "validation_split": 0.5, "validation_steps": 3},
    "sequence": lambda tf, base: {"x": sequence(base)},
    "class weights": lambda tf, base: {"x": dataset(tf, X, Y), "class_weight": {0: 2.0, 2: 0.5}},
    "uses up": lambda tf, base: {"x": dataset(tf, X, Y), "steps_per_epoch": 4},
}


def assert_logs(ours, theirs):
    assert list(ours) == list(theirs)
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, err_msg=key, **CLOSE)


@pytest.mark.filterwarnings("ignore:.*ran out of data", "ignore:.*shuffle=True", "ignore:Your .PyDataset. class")
@pytest.mark.parametrize("case", CASES)
def test_histories(case, tensorflow):
    results = []
    for lib, tf, base in ((dg, alias, alias.keras.utils.PyDataset), (keras, tensorflow, keras.utils.PyDataset)):
        model = make(lib)
        options = CASES[case](tf, base)
        history = model.fit(epochs=3, shuffle=False, verbose=0, **options)
        data = dataset(tf, X, Y, W)
        found = model.evaluate(data, verbose=0, return_dict=True)
        results.append((history.history, found, history.epoch, model.predict(data, verbose=0, steps=3)))
    ours, theirs = results
    assert_logs(ours[0], theirs[0])
    assert_logs(ours[1], theirs[1])
    assert ours[2] == theirs[2]
    np.testing.assert_allclose(ours[3], theirs[3], **CLOSE)


def heads(lib, kind):
    class Heads(lib.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = lib.layers.Dense(1, name="a"), lib.layers.Dense(1, name="b")

        def call(self, x):
            u, v = self.a(x), self.b(x)
            return {"list": [u, v], "tuple": (u, v), "dict": {"p": u, "q": v}}[kind]

    model = Heads()
    model(X)
    model.set_weights([rows(5, 1), rows(1), rows(5, 1), rows(1)])
    return model


SEVERAL = {
    "list": ("list", {"loss": ["mse", "mae"]}),
    "weights": ("list", {"loss": ["mse", "mae"], "loss_weights": [0.5, 2.0]}),
    "one loss": ("tuple", {"loss": "mse"}),
    "none": ("tuple", {"loss": ["mse", None]}),
    "metrics": ("list", {"loss": ["mse", "mae"], "metrics": [["mae", "mse"], ["mae"]]}),
    "weighted": ("list", {"loss": ["mse", "mae"], "metrics": ["mae", "mse"], "weighted_metrics": [["mae"], ["mse"]]}),
    "dict": ("dict", {"loss": {"p": "mse", "q": "mae"}}),
    "dict of metrics": (
        "dict",
        {
            "loss": {"p": "mse", "q": "mae"},
            "metrics": {"p": ["mae"], "q": ["mse", "mae"]},
            "loss_weights": {"p": 2.0, "q": 1.0},
        },
    ),
    "one loss of a dict": ("dict", {"loss": "mse"}),
    "one of a dict": ("dict", {"loss": {"p": "mse"}}),
}


@pytest.mark.filterwarnings("ignore:.*radients")  # of the output without a loss, on both sides
@pytest.mark.parametrize("case", SEVERAL)
def test_subclassed_models_with_several_outputs(case):
    kind, options = SEVERAL[case]
    y = {"p": ONE, "q": TWO} if kind == "dict" else [ONE, TWO]
    logs, predictions = [], []
    for lib in (dg, keras):
        model = heads(lib, kind)
        model.compile(lib.optimizers.SGD(0.0625), **options)
        # Batches of one size: Keras counts each batch once in the loss of an output (docs/differences.md).
        logs.append(model.fit(X, y, 11, 3, 0, shuffle=False).history)
        predictions.append(model.predict(X, verbose=0))
    assert_logs(*logs)
    for a, b in zip(*(p.values() if kind == "dict" else p for p in predictions)):
        np.testing.assert_allclose(a, b, **CLOSE)
