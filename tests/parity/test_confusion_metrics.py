"""Metrics made of counts of right and wrong positives: after several weighted batches they are Keras'.

A count is a sum of positive weights, with one rounding for each; what is made of the counts at a threshold takes fewer
than 64 roundings of numbers below 16 (logarithms of ratios of counts among them), and an area sums as many of them as
there are thresholds. Both sides round.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from rows import generator
from samples import SEED
from within import assert_within

keras = pytest.importorskip("keras")

N = (6, 1, 5)
LIST = {"thresholds": [0.2, 0.7]}
EVEN = {"thresholds": [0.0, 0.5, 1.0]}
SHARES = ({}, {"thresholds": 0.3}, LIST, EVEN, {"top_k": 2}, {"class_id": 1}, {"top_k": 1, "class_id": 2})
BEST = ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision")
ROWS = [(name, options) for name in ("Precision", "Recall") for options in SHARES]
ROWS += [
    (f"{kind}{side}", options)
    for kind in ("True", "False")
    for side in ("Positives", "Negatives")
    for options in ({}, LIST, EVEN)
]
ROWS += [
    (name, {name.split("At")[1].lower(): 0.5, "num_thresholds": n, "class_id": c})
    for name in BEST
    for n, c in ((7, None), (1, 2))
]
ROWS += [
    ("AUC", {"num_thresholds": 9, "curve": curve, "summation_method": method})
    for curve in ("ROC", "PR", "PRGAIN")
    for method in ("interpolation", "majoring", "minoring")
]
ROWS += [
    ("AUC", options)
    for options in (
        {"num_thresholds": 2},
        {"thresholds": [0.7, 0.1, 0.3]},
        {"num_thresholds": 6, "multi_label": True},
        {"thresholds": [0.3], "multi_label": True, "num_labels": 3, "label_weights": [0.5, 1.0, 2.0]},
        {"num_thresholds": 6, "label_weights": [0.5, 1.0, 2.0]},
        {"num_thresholds": 6, "from_logits": True},
    )
]
F_SCORES = [
    (name, {"average": average, "threshold": threshold} | extra)
    for name, extra in (("FBetaScore", {"beta": 2.0}), ("F1Score", {}))
    for average in (None, "micro", "macro", "weighted")
    for threshold in (None, 0.4)
]


@pytest.fixture(params=["float32", "float64"])
def floatx(request):
    """The dtype of the variables."""
    for config in (keras.config, dg.config):
        config.set_floatx(request.param)
    yield request.param
    for config in (keras.config, dg.config):
        config.set_floatx("float32")


def _both(name, options):
    return [getattr(lib.metrics, name)(name="m", **options) for lib in (dg, keras)]


def _update(metrics, shape, floatx):
    rng = generator(SEED, type(metrics[0]).__name__, shape)
    for n in N:
        y_true = rng.integers(0, 2, (n, 3)).astype(floatx)
        y_pred = (rng.integers(0, 11, (n, 3)) / 10).astype(floatx)  # equal to thresholds, to 0 and to 1 too
        weights = None if shape is None else rng.random((n, *shape)).astype(floatx) + 0.5
        for metric in metrics:
            metric.update_state(y_true, y_pred, weights)


@pytest.mark.parametrize("shape", [None, (), (3,)], ids=["none", "samples", "entries"])
@pytest.mark.parametrize(("name", "options"), [*ROWS, *F_SCORES], ids=lambda part: str(part))
def test_values_and_variables_are_those_of_keras(name, options, shape, floatx):
    ours, theirs = _both(name, options)
    takes_entries = (name, options) not in F_SCORES and options.get("class_id") is None
    _update((ours, theirs), shape if takes_entries or not shape else (), floatx)
    unit = 2.0**-24 if floatx == "float32" else 2.0**-53
    entries = 3 * sum(N)
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        assert (mine.name, mine.shape, mine.dtype.name) == (other.name, tuple(other.shape), other.dtype)
        assert_within(mine.numpy(), np.asarray(other.value), 2 * entries * unit * 1.5 * entries, mine.name)
    value, expected = ours.result(), np.asarray(theirs.result())
    assert value.dtype.name == floatx
    scale = 1.5 * entries if "accumulator" in ours.variables[0].name else 1
    thresholds = ours.variables[0].shape[0] if ours.variables[0].ndim else 1
    assert_within(value.numpy(), expected, 2 * (64 * 16 * thresholds + entries) * unit * scale, name)
    ours.reset_state()
    assert not any(v.numpy().any() for v in ours.variables)


@pytest.mark.parametrize(("name", "options"), [*ROWS, *F_SCORES], ids=lambda part: str(part))
def test_configs_are_exchanged_with_keras(name, options):
    ours, theirs = _both(name, options)
    config = ours.get_config()
    other = keras.metrics.deserialize(dg.metrics.serialize(ours))
    assert set(config) == set(theirs.get_config()) and type(other) is type(theirs)
    again = dg.metrics.deserialize(keras.metrics.serialize(theirs))
    assert again.get_config() == config


@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_an_area_without_a_label_of_one_kind_is_that_of_keras(curve):
    for y_true in (np.zeros((4, 1), np.float32), np.ones((4, 1), np.float32)):
        ours, theirs = _both("AUC", {"num_thresholds": 5, "curve": curve})
        assert ours(y_true, y_true) == float(theirs(y_true, y_true))
