"""How many predictions are above each threshold, among positive and among negative labels."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config, ops

_NEVER = -1e10  # the score of a class that is not among the top k, and what the scores of the others exceed


def parse_thresholds(thresholds, default, tag):
    """Return a list of thresholds in [0, 1]; `default` alone for None.

    Raises:
        ValueError: for thresholds outside.
    """
    if thresholds is None:
        return [default]
    given = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in given if not config.is_number(t) or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"[{tag}] Threshold values must be in [0, 1]. Received: {wrong}: see `thresholds`.")
    return given


def default_threshold(top_k):
    """Return the threshold of a metric that was given none: 0.5, or one that every class of the top k exceeds."""
    return 0.5 if top_k is None else _NEVER


def are_even(thresholds):
    """Whether three or more thresholds are evenly spaced from 0 to 1."""
    n = len(thresholds)
    return n > 2 and bool(np.allclose(thresholds, np.arange(n) / (n - 1), atol=config.epsilon()))


def confusion(
    tag,
    y_true,
    y_pred,
    thresholds,
    dtype,
    even=False,
    sample_weight=None,
    top_k=None,
    class_id=None,
    multi_label=False,
    label_weights=None,
):
    """Return the sums of the weights of true and false positives and negatives at each threshold.

    Args:
        tag: the metric's name, for messages.
        y_true: labels; what is not 0 is positive.
        y_pred: predictions of the same shape, positive where they exceed the threshold.
        thresholds: list of floats.
        dtype: what labels, predictions and weights are rounded to.
        even: whether they are evenly spaced: then each prediction is looked at once.
        sample_weight: one weight per sample or per label.
        top_k: int; of each row only the k largest predictions can be positive.
        class_id: int; only this column counts.
        multi_label: whether columns are counted apart, each (thresholds, labels).
        label_weights: one weight per label.

    Returns:
        A dict with "true_positives", "false_positives", "true_negatives", "false_negatives": float64 tensors with one
        entry per threshold.

    Raises:
        ValueError: for shapes that do not match.
    """
    predicted, true = _core.align_ranks(_core.convert(y_pred, dtype), _core.convert(y_true, dtype))
    if predicted.shape != true.shape:
        raise ValueError(
            f"[{tag}] `y_true` has shape {true.shape} but `y_pred` has shape {predicted.shape}: they must be equal."
        )
    if top_k is not None:
        predicted = _only_top(predicted, top_k)
    if class_id is not None:
        if predicted.ndim < 2:
            raise ValueError(
                f"[{tag}] When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes), "
                f"found shape: {predicted.shape}."
            )
        true, predicted = (ops.expand_dims(x[..., class_id], -1) for x in (true, predicted))
    weights = _core.constant(np.ones(predicted.shape))
    if sample_weight is not None:
        given = _core.convert(sample_weight, dtype)
        try:
            weights = _core.broadcast_to(_per_entry(given, true.ndim), predicted.shape)
        except ValueError:
            raise ValueError(
                f"[{tag}] `sample_weight` has shape {given.shape} but there are {predicted.shape} labels: pass one "
                "weight per sample or per label."
            ) from None
        weights = _core.cast(weights, "float64")
    if label_weights is not None:
        weights = weights * label_weights
    if not multi_label:
        true, predicted, weights = (_core.reshape(x, (-1, 1)) for x in (true, predicted, weights))
    columns, positive = true.shape[1], _core.not_equal(true, 0)
    split = _core.concatenate([_core.where(positive, weights, 0.0), _core.where(positive, 0.0, weights)], 1)
    count = _count_in_buckets if even else _count_above
    above, below = count(_core.concatenate([predicted, predicted], 1), split, thresholds)
    counts = {
        "true_positives": above[:, :columns],
        "false_positives": above[:, columns:],
        "true_negatives": below[:, columns:],
        "false_negatives": below[:, :columns],
    }
    return counts if multi_label else {key: value[:, 0] for key, value in counts.items()}


def _per_entry(weights, rank):
    return weights if weights.ndim == rank else ops.expand_dims(weights, -1)


def _only_top(predicted, k):
    rank = _core.argsort(_core.argsort(-predicted))
    return _core.where(_core.less(rank, k), predicted, _NEVER)


def _count_above(predicted, weights, thresholds):
    """Return the sums of the weights above each threshold, and of the others, (thresholds, columns)."""
    above = _core.greater(predicted, np.reshape(thresholds, (-1, 1, 1)))
    return _core.sum(_core.where(above, weights, 0.0), axis=1), _core.sum(_core.where(above, 0.0, weights), axis=1)


def _count_in_buckets(predicted, weights, thresholds):
    """As `_count_above`, for even thresholds from 0 to 1; with ends beyond them every prediction is above the first."""
    n, columns = len(thresholds), predicted.shape[1]
    buckets = _core.ceil(_core.clip(predicted, 0, 1) * float(n - 1))
    if thresholds[0] < 0:
        buckets = _core.maximum(buckets, 1)
    # Bucket i is above the first i thresholds; NaN is above none.
    buckets = _core.cast(_core.where(ops.isnan(predicted), 0, buckets), "int64")
    places = _core.reshape(buckets * columns + np.arange(columns), -1)
    zeros = _core.constant(np.zeros((n + 1) * columns))
    sums = _core.reshape(_core.scatter_add(zeros, places, _core.reshape(weights, -1)), (n + 1, columns))
    return ops.cumsum(sums[:0:-1], 0)[::-1], ops.cumsum(sums[:-1], 0)
