"""Metrics after several weighted batches: values, state variables and configs are Keras'.

A value of a function is made of fewer than 64 roundings of numbers that are not larger than the largest value, or 16,
the logarithm of the clipped probability 1e-7; a weighted mean with positive weights adds one rounding for each of its
terms. Both sides round.
"""

from __future__ import annotations

import inspect

import densegrad as dg
import numpy as np
import pytest
from rows import generator
from samples import SEED
from within import assert_within

N = (5, 1, 4)  # batches


def _draw(kind, rng, n):
    real = rng.standard_normal((n, 3))
    rows = np.exp(rng.standard_normal((n, 3)))
    rows /= rows.sum(axis=1, keepdims=True)
    one_hot = np.eye(3)[rng.integers(0, 3, n)]
    return {
        "real": (rng.standard_normal((n, 3)), real),
        "positive": (rng.random((n, 3)) + 0.1, rng.random((n, 3)) + 0.1),
        "rows": (one_hot, rows),
        "soft": (rows[:, ::-1].copy(), rows),
        "sparse": (one_hot.argmax(axis=1), rows),
        "column": (one_hot.argmax(axis=1)[:, None], rows),
        "signs": (one_hot * 2 - 1, real),
        "bits": (one_hot, rng.random((n, 3))),
        "equal": (rng.integers(0, 2, (n, 3)), rng.integers(0, 2, (n, 3))),
        "ids": (one_hot.argmax(axis=1), np.argsort(rows, axis=1)),
    }[kind]


ROWS = (
    ("Accuracy", {}, "equal"),
    ("BinaryAccuracy", {}, "bits"),
    ("BinaryAccuracy", {"threshold": 0.25}, "bits"),
    ("CategoricalAccuracy", {}, "rows"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("SparseCategoricalAccuracy", {}, "column"),
    ("TopKCategoricalAccuracy", {"k": 2}, "rows"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "column"),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "ids"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "rows"),
    ("MeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {"axis": 0}, "real"),
    ("LogCoshError", {}, "real"),
    ("PearsonCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "real"),
    ("KLDivergence", {}, "soft"),
    ("Poisson", {}, "positive"),
    ("BinaryCrossentropy", {}, "bits"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.125}, "signs"),
    ("CategoricalCrossentropy", {}, "rows"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.25}, "soft"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "sparse"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "column"),
)
WEIGHTS = {None: None, "samples": lambda n: (n,), "column": lambda n: (n, 1), "entries": lambda n: (n, 3)}
ENTRYWISE = ("Accuracy", "BinaryAccuracy", "RootMeanSquaredError")


def _pair(name, options, dtype):
    keras = pytest.importorskip("keras")
    return [getattr(lib.metrics, name)(**options, dtype=dtype) for lib in (dg, keras)]


def _batches(name, kind, weights, dtype):
    rng = generator(SEED, name, kind, weights)
    for n in N:
        y_true, y_pred = _draw(kind, rng, n)
        y_pred = y_pred.astype(dtype)
        y_true = y_true if y_true.dtype.kind == "i" else y_true.astype(dtype)
        yield y_true, y_pred, None if weights is None else rng.random(WEIGHTS[weights](n)).astype(dtype) + 0.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("name", "options", "kind"), ROWS, ids=lambda part: str(part))
def test_values_and_variables_are_those_of_keras(name, options, kind, weights, dtype):
    if weights == "entries" and name not in ENTRYWISE:
        weights = "column"  # one value per sample takes one weight per sample
    if options.get("axis") == 0:
        weights = None  # one value per column
    ours, theirs = _pair(name, options, dtype)
    largest = 16.0
    for y_true, y_pred, weight in _batches(name, kind, weights, dtype):
        ours.update_state(y_true, y_pred, weight)
        if "TopK" in name:
            y_pred = y_pred.astype(np.float32)  # TensorFlow has no kernel for float64
        theirs.update_state(y_true, y_pred, weight)
        values = (y_true - y_pred) ** 2 if name.startswith("Root") else theirs._fn(y_true, y_pred, **theirs._fn_kwargs)
        largest = max(largest, np.abs(np.asarray(values)).max())
    # Keras rounds log 2 and the constants of the normalization to float32.
    unit = 2.0**-53 if dtype == "float64" and name != "LogCoshError" else 2.0**-24
    allowed = 2 * (64 + 3 * sum(N)) * unit * largest
    assert ours.dtype == theirs.dtype
    result = ours.result()
    assert result.dtype.name == dtype and result.shape == ()
    assert_within(result.numpy(), np.asarray(theirs.result()), allowed, name)
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        assert (mine.name, mine.path, mine.shape, mine.dtype.name) == (
            other.name,
            other.path,
            tuple(other.shape),
            other.dtype,
        )
        # The sums are at most as many terms, weighted by 1.5 at the most.
        assert_within(mine.numpy(), np.asarray(other.value), allowed * 1.5 * 3 * sum(N), f"{name}: {mine.name}")
    ours.reset_state()
    assert all(not v.numpy().any() for v in ours.variables)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weights", [None, "samples", "column", "entries"])
@pytest.mark.parametrize("regressors", [0, 2])
@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
def test_r2_scores_are_those_of_keras(aggregation, regressors, weights, dtype):
    options = {"class_aggregation": aggregation, "num_regressors": regressors}
    ours, theirs = _pair("R2Score", options, dtype)
    for batch in _batches("R2Score", "real", weights, dtype):
        ours.update_state(*batch)
        theirs.update_state(*batch)
    # The variables are float32 on both sides. Sums of as many terms as samples; the variance is a difference.
    total, squares, residual = (
        getattr(ours, v).numpy().astype(np.float64) for v in ("sum", "squared_sum", "total_mse")
    )
    variance = squares - total**2 / ours.count.numpy()
    terms = sum(N) + 8
    amplified = (1 + residual / variance) * (squares + total**2 / ours.count.numpy()) / variance
    allowed = 4 * terms * 2.0**-24 * amplified.max() * (1 + regressors)
    assert_within(ours.result().numpy(), np.asarray(theirs.result()), allowed)
    assert [(v.name, v.shape) for v in ours.variables] == [(v.name, tuple(v.shape)) for v in theirs.variables]


def test_signatures_are_those_of_keras():
    keras = pytest.importorskip("keras")
    for name in dg.metrics.__all__:
        mine, other = getattr(dg.metrics, name), getattr(keras.metrics, name)
        target = [thing.__init__ if isinstance(thing, type) else thing for thing in (mine, other)]
        parameters = [[(p.name, p.default) for p in inspect.signature(t).parameters.values()] for t in target]
        assert parameters[0] == parameters[1], name


@pytest.mark.parametrize(("name", "options"), [row[:2] for row in ROWS] + [("R2Score", {}), ("Sum", {}), ("Mean", {})])
def test_configs_are_exchanged_with_keras(name, options):
    keras = pytest.importorskip("keras")
    ours, theirs = _pair(name, options, "float64")
    mine, other = ours.get_config(), theirs.get_config()
    assert {key: mine[key] for key in other} == other and set(mine) - set(other) <= {"axis"}
    again = dg.metrics.deserialize(keras.metrics.serialize(theirs))
    assert type(again) is type(ours) and again.name == theirs.name
    assert keras.metrics.deserialize(dg.metrics.serialize(ours)).get_config() == other


def test_names_mean_the_classes_of_keras():
    keras = pytest.importorskip("keras")
    here = 0
    for name, cls in keras.src.metrics.ALL_OBJECTS_DICT.items():
        if hasattr(dg.metrics, cls.__name__):
            assert dg.metrics._names.objects[name] is getattr(dg.metrics, cls.__name__)
            here += 1
    assert here > 70
