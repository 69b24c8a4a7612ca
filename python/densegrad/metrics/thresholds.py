"""How many predictions are above each threshold, among positive and among negative labels."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config

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
        A dict with "true_positives", "false_positives", "true_negatives", "false_negatives": float64 arrays with one
        entry per threshold.

    Raises:
        ValueError: for shapes that do not match.
    """
    pair = _core.align_ranks(_core.convert(y_pred, dtype), _core.convert(y_true, dtype))
    predicted, true = map(np.asarray, pair)
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
        true, predicted = (x[..., class_id, None] for x in (true, predicted))
    weights = np.ones(predicted.shape)
    if sample_weight is not None:
        given = np.asarray(_core.convert(sample_weight, dtype))
        try:
            weights = np.broadcast_to(_per_entry(given, true.ndim), predicted.shape)
        except ValueError:
            raise ValueError(
                f"[{tag}] `sample_weight` has shape {given.shape} but there are {predicted.shape} labels: pass one "
                "weight per sample or per label."
            ) from None
    if label_weights is not None:
        weights = weights * label_weights
    if not multi_label:
        true, predicted, weights = (x.reshape(-1, 1) for x in (true, predicted, weights))
    count = _count_in_buckets if even else _count_above
    true_positives, false_negatives = count(predicted, np.where(true, weights, 0), thresholds)
    false_positives, true_negatives = count(predicted, np.where(true, 0, weights), thresholds)
    counts = {
        "true_positives": true_positives,
        "false_positives": false_positives,
        "true_negatives": true_negatives,
        "false_negatives": false_negatives,
    }
    return counts if multi_label else {key: value[:, 0] for key, value in counts.items()}


def _per_entry(weights, rank):
    weights = weights[..., None]
    return weights[..., 0] if weights.ndim == rank + 1 else weights


def _only_top(predicted, k):
    best = np.argsort(-predicted, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(predicted, _NEVER)
    np.put_along_axis(kept, best, np.take_along_axis(predicted, best, axis=-1), axis=-1)
    return kept


def _count_above(predicted, weights, thresholds):
    """Return the sums of the weights above each threshold, and of the others, (thresholds, columns)."""
    above = [predicted > predicted.dtype.type(t) for t in thresholds]
    return tuple(np.stack([np.where(a == side, weights, 0).sum(axis=0) for a in above]) for side in (True, False))


def _count_in_buckets(predicted, weights, thresholds):
    """As `_count_above`, for even thresholds from 0 to 1; with ends beyond them every prediction is above the first."""
    n = len(thresholds)
    with np.errstate(invalid="ignore"):
        buckets = np.ceil(np.clip(predicted, 0, 1) * predicted.dtype.type(n - 1))
        if thresholds[0] < 0:
            buckets = np.maximum(buckets, 1)
        # Bucket i is above the first i thresholds; NaN is above none.
        buckets = np.where(np.isnan(predicted), 0, buckets).astype(np.intp)
    sums = np.stack([np.bincount(b, w, n + 1) for b, w in zip(buckets.T, weights.T)], axis=1)
    return sums[:0:-1].cumsum(axis=0)[::-1], sums[:-1].cumsum(axis=0)


def ratio(numerator, denominator):
    """Return the quotients, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)
