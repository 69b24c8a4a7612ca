"""Intersection over union: after several weighted batches it is Keras'.

Counts are sums of up to 30 weights; a mean of up to 4 shares takes fewer than 64 roundings of numbers below 4.
"""

from __future__ import annotations

import warnings

import densegrad as dg
import numpy as np
import pytest
from rows import generator
from samples import SEED

keras = pytest.importorskip("keras")

CLASSES = 4
ROWS = [
    ("IoU", {"num_classes": CLASSES, "target_class_ids": [0, 3]}),
    ("IoU", {"num_classes": CLASSES, "target_class_ids": (2,), "ignore_class": 1}),
    ("IoU", {"num_classes": CLASSES, "target_class_ids": [1], "sparse_y_pred": False}),
    ("MeanIoU", {"num_classes": CLASSES}),
    ("MeanIoU", {"num_classes": CLASSES, "ignore_class": -1}),
    ("MeanIoU", {"num_classes": CLASSES, "sparse_y_true": False}),
    ("OneHotIoU", {"num_classes": CLASSES, "target_class_ids": [0, 1]}),
    ("OneHotIoU", {"num_classes": CLASSES, "target_class_ids": [3], "sparse_y_pred": True}),
    ("OneHotMeanIoU", {"num_classes": CLASSES}),
    ("BinaryIoU", {}),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.25}),
]


def given(rng, metric, n, sparse):
    """Labels or predictions of 2 n samples: numbers, some out of range, or one number for each class."""
    if type(metric).__name__ == "BinaryIoU":
        return rng.integers(0, 2, (n, 2)) if sparse is True else rng.integers(0, 5, (n, 2)) / 4
    return rng.integers(-1, CLASSES + 1, (n, 2)) if sparse else rng.random((n, 2, CLASSES))


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "options"), ROWS)
def test_shares_of_classes(name, options, weighted, dtype):
    ours, theirs = (getattr(lib.metrics, name)(name="m", dtype=dtype, **options) for lib in (dg, keras))
    rng = generator(SEED, name, str(options), weighted)
    for n in (7, 1, 5):
        binary = name == "BinaryIoU"
        y_true = given(rng, ours, n, ours.sparse_y_true)
        y_pred = given(rng, ours, n, False if binary else ours.sparse_y_pred)
        weights = rng.integers(0, 8, (n, 2)) / 2 if weighted else None
        for metric in (ours, theirs):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that weights are cut off, in both
                metric.update_state(y_true, y_pred, weights)
        np.testing.assert_array_equal(ours.total_cm, theirs.total_cm)  # sums of halves
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=0, atol=64 * 4 * 2.0**-24)
    mine, other = ours.get_config(), theirs.get_config()
    assert {k: v for k, v in mine.items() if k != "dtype"} == {k: v for k, v in other.items() if k != "dtype"}
