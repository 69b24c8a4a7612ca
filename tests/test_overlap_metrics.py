"""Intersection over union: values by hand, masks, weights, configs, messages."""

import densegrad as dg
import numpy as np
import pytest
from densegrad import metrics

TRUE, PREDICTED = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1])
# Rows are labels: [[1, 1, 0], [1, 1, 0], [0, 1, 0]]; one addition of epsilon and a few roundings.
CLOSE = {"rtol": 4e-7, "atol": 0}


def value(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return metric.result()


def test_shares_of_classes_over_batches():
    whole, first, rest = (TRUE, PREDICTED), (TRUE[:2], PREDICTED[:2]), (TRUE[2:], PREDICTED[2:])
    for batches in ([whole], [first, rest], [(TRUE[:0], PREDICTED[:0]), whole], [(TRUE[None, :, None], PREDICTED)]):
        np.testing.assert_allclose(value(metrics.MeanIoU(3), *batches), (1 / 3 + 1 / 4 + 0) / 3, **CLOSE)
        np.testing.assert_allclose(value(metrics.IoU(3, [1]), *batches), 1 / 4, **CLOSE)
    metric = metrics.MeanIoU(4)  # class 3 never occurs
    np.testing.assert_allclose(value(metric, whole), (1 / 3 + 1 / 4) / 3, **CLOSE)
    metric.reset_state()
    assert metric.result() == 0 and metric.result().dtype == "float32" and not metric.total_cm.numpy().any()


def test_weights_classes_to_pass_over_and_labels_out_of_range():
    weights = np.array([1, 2, 3, 4, 5])
    expected = (1 / 6 + 4 / 14) / 3
    for dtype in (None, "float32", "float64"):
        np.testing.assert_allclose(
            value(metrics.MeanIoU(3, dtype=dtype), (TRUE, PREDICTED, weights)), expected, **CLOSE
        )
    np.testing.assert_allclose(
        value(metrics.MeanIoU(3, ignore_class=2), (TRUE, PREDICTED)), (1 / 3 + 1 / 3) / 2, **CLOSE
    )
    outside = (np.array([0, -1, 7, 1]), np.array([0, 0, 0, 9]))
    np.testing.assert_allclose(value(metrics.MeanIoU(3), outside), 1, **CLOSE)
    with pytest.warns(
        UserWarning, match=r"^\[MeanIoU\] `sample_weight` is float64 but the metric is int32: casting cuts"
    ):
        metrics.MeanIoU(3).update_state(TRUE, PREDICTED, weights / 2)


def test_one_hot_and_binary_predictions():
    labels = np.eye(3)[TRUE]
    scores = 0.2 + 0.5 * np.eye(3)[PREDICTED]
    np.testing.assert_allclose(value(metrics.OneHotMeanIoU(3), (labels, scores)), (1 / 3 + 1 / 4) / 3, **CLOSE)
    np.testing.assert_allclose(value(metrics.OneHotIoU(3, [0]), (labels, dg.constant(scores))), 1 / 3, **CLOSE)
    sideways = metrics.OneHotIoU(3, [0, 1], sparse_y_pred=True, axis=0)
    np.testing.assert_allclose(value(sideways, (labels.T, PREDICTED)), (1 / 3 + 1 / 4) / 2, **CLOSE)
    scores = np.array([0.1, 0.5, 0.6, 0.4])
    np.testing.assert_allclose(value(metrics.BinaryIoU(), ([0, 0, 1, 1], scores)), 1 / 3, **CLOSE)
    np.testing.assert_allclose(value(metrics.BinaryIoU([1], 0.55), ([0, 0, 1, 1], scores)), 1 / 2, **CLOSE)


@pytest.mark.parametrize(
    ("metric", "own"),
    [
        (metrics.IoU(3, (0, 2), ignore_class=1), ["target_class_ids", "sparse_y_true", "ignore_class"]),
        (metrics.BinaryIoU(threshold=0.3), ["threshold", "target_class_ids"]),
        (metrics.MeanIoU(3, dtype="float64", axis=1), ["num_classes", "axis"]),
        (metrics.OneHotIoU(3, [1], sparse_y_pred=True), ["sparse_y_pred", "target_class_ids"]),
        (metrics.OneHotMeanIoU(3, name="overlap"), ["num_classes", "sparse_y_pred"]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_metrics_come_back_from_their_configs(metric, own):
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()
    assert set(own) < metric.get_config().keys()


def test_messages():
    with pytest.raises(ValueError) as caught:
        metrics.IoU(2, [0, 5])
    assert str(caught.value) == "[IoU] Target class id 5 is out of range, which is [0, 2)."
    with pytest.raises(ValueError) as caught:
        metrics.MeanIoU(2).update_state([0, 1], [0, 1, 1])
    assert str(caught.value) == (
        "[MeanIoU] `y_true` has 2 labels but `y_pred` 3 predictions: there must be one for each."
    )


def test_in_fit():
    model = dg.Sequential([dg.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[metrics.OneHotMeanIoU(3, name="overlap")])
    x, y = np.ones((4, 2), "float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    assert "overlap" in model.fit(x, y, verbose=0).history
