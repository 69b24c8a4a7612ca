"""The share of samples that are right."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config, ops
from densegrad.metrics.reduction import FunctionMetric


def accuracy(y_true, y_pred):
    """Return 1 where `y_pred` equals `y_true`, else 0, in dtype `config.floatx()`.

    Source: Keras `metrics.Accuracy`.
    """
    y_pred = _core.convert(y_pred)
    y_true, y_pred = _core.align_ranks(_core.convert(y_true, y_pred.dtype), y_pred)
    return _core.cast(_core.equal(y_true, y_pred), config.floatx())


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Return 1 where (y_pred > threshold) == y_true, else 0, entry by entry, in dtype `config.floatx()`.

    Source: Keras `metrics.binary_accuracy`.
    """
    y_pred = _core.convert(y_pred)
    if y_pred.dtype.kind != "f":
        y_pred = _core.convert(y_pred, config.floatx())
    y_true, y_pred = _core.align_ranks(_core.convert(y_true), y_pred)
    above = _core.cast(_core.greater(y_pred, threshold), y_true.dtype)
    return _core.cast(_core.equal(y_true, above), config.floatx())


def categorical_accuracy(y_true, y_pred):
    """Return 1 where the largest entries of `y_true` and `y_pred` (the first of equals) are in one place, else 0.

    Source: Keras `metrics.categorical_accuracy`.
    """
    y_pred, labels = _core.convert(y_pred), _core.argmax(y_true, -1)
    shape = labels.shape
    if labels.ndim == y_pred.ndim:
        labels = _core.reshape(labels, shape[:-1])
    return _core.reshape(_matches(labels, y_pred), shape)


def sparse_categorical_accuracy(y_true, y_pred):
    """Return 1 where the largest entry of `y_pred` (the first of equals) is at index `y_true`, else 0.

    Source: Keras `metrics.sparse_categorical_accuracy`.
    """
    y_pred = _core.convert(y_pred)
    labels = _core.convert(y_true, y_pred.dtype)
    if labels.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = _core.reshape(labels, labels.shape[:-1])
    matches = _matches(labels, y_pred)
    return _core.reshape(matches, matches.shape[:-1]) if matches.ndim > 1 and matches.shape[-1] == 1 else matches


def _matches(labels, y_pred):
    places = _core.cast(_core.argmax(y_pred, -1), labels.dtype)
    return _core.cast(_core.equal(labels, places), config.floatx())


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Return 1 where the largest entry of `y_true` has one of the k largest predictions, else 0.

    Source: Keras `metrics.top_k_categorical_accuracy`.
    """
    return sparse_top_k_categorical_accuracy(_core.argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """Return 1 where fewer than k predictions are larger than the one at index `y_true`, else 0.

    Args:
        y_true: integer labels of shape (...,).
        y_pred: predictions of shape (..., classes); samples with one that is not finite give 0.
        k: int.
        from_sorted_ids: whether `y_pred` has classes, the most likely first, in place of predictions.

    Source: Keras `metrics.sparse_top_k_categorical_accuracy`.
    """
    scores, labels = _core.convert(y_pred), _core.convert(y_true)
    shape, classes = labels.shape, scores.shape[-1]
    scores, labels = _core.reshape(scores, (-1, classes)), _core.reshape(labels, (-1, 1))
    if from_sorted_ids:
        both = "float64" if "float" in f"{scores.dtype} {labels.dtype}" else "int64"
        matches = ops.any(_core.equal(_core.cast(scores[:, :k], both), _core.cast(labels, both)), axis=1)
    else:
        is_own = _core.equal(_core.cast(labels, "int64"), _core.constant(np.arange(classes)))
        own = _core.sum(_core.where(is_own, scores, 0), axis=1, keepdims=True)
        larger = _core.sum(_core.cast(_core.greater(scores, own), "int32"), axis=1)
        known = ops.logical_and(ops.any(is_own, axis=1), ops.all(ops.isfinite(scores), axis=1))
        matches = ops.logical_and(known, _core.less(larger, k))
    return _core.cast(_core.reshape(matches, shape), config.floatx())


class Accuracy(FunctionMetric):
    """The share of entries with y_pred == y_true, for predicted labels.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.Accuracy`.
    """

    _function = staticmethod(accuracy)
    _direction = "up"

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name, dtype)


class BinaryAccuracy(FunctionMetric):
    """The share of entries with (y_pred > threshold) == y_true.

    Args:
        name, dtype: as for `Metric`.
        threshold: a number in the unit of `y_pred`: 0.5 for probabilities, 0 for logits.

    Source: Keras `metrics.BinaryAccuracy`.
    """

    _function = staticmethod(binary_accuracy)
    _direction = "up"

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        if not config.is_number(threshold):
            raise ValueError(f"[BinaryAccuracy] `threshold` is {threshold!r}: it must be a number.")
        super().__init__(name, dtype, threshold=threshold)


class CategoricalAccuracy(FunctionMetric):
    """The share of samples whose most likely class is the largest entry of `y_true`.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.CategoricalAccuracy`.
    """

    _function = staticmethod(categorical_accuracy)
    _direction = "up"

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(name, dtype)


class SparseCategoricalAccuracy(FunctionMetric):
    """The share of samples whose most likely class is `y_true`, an integer.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.SparseCategoricalAccuracy`.
    """

    _function = staticmethod(sparse_categorical_accuracy)
    _direction = "up"

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(name, dtype)


class TopKCategoricalAccuracy(FunctionMetric):
    """The share of samples whose largest entry of `y_true` has one of the k largest predictions.

    Args:
        k: int.
        name, dtype: as for `Metric`.

    Source: Keras `metrics.TopKCategoricalAccuracy`.
    """

    _function = staticmethod(top_k_categorical_accuracy)
    _direction = "up"

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(name, dtype, k=k)


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """The share of samples whose label `y_true`, an integer, has one of the k largest predictions.

    Args:
        k: int.
        name, dtype: as for `Metric`.
        from_sorted_ids: whether `y_pred` has classes, the most likely first, in place of predictions.

    Source: Keras `metrics.SparseTopKCategoricalAccuracy`.
    """

    _function = staticmethod(sparse_top_k_categorical_accuracy)
    _direction = "up"

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(name, dtype, k=k, from_sorted_ids=from_sorted_ids)

    def get_config(self):
        """Return the constructor's arguments as plain values, without `from_sorted_ids` if it is false, as Keras."""
        own = super().get_config()
        return own if self.from_sorted_ids else {key: own[key] for key in own if key != "from_sorted_ids"}
