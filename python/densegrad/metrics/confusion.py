"""Counts of right and wrong positives and negatives, precision and recall."""

from __future__ import annotations

from densegrad import _core, ops
from densegrad.metrics.base import Metric
from densegrad.metrics.thresholds import are_even, confusion, default_threshold, parse_thresholds


class ConfusionMetric(Metric):
    """Base of metrics made of sums of the weights of right and wrong positives and negatives, for some thresholds."""

    _sums = {}  # the variables, and which of the counts each sums
    top_k = class_id = None

    def _init_sums(self, thresholds):
        self.thresholds, self._is_even = thresholds, are_even(thresholds)
        self._add_sums((len(thresholds),))

    def _add_sums(self, shape):
        for name in self._sums:
            setattr(self, name, self.add_variable(shape, "zeros", name=name))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels, positive where they are not 0, and predictions, with weights per sample or label."""
        self._count(y_true, y_pred, sample_weight, top_k=self.top_k, class_id=self.class_id)

    def _count(self, y_true, y_pred, sample_weight, **options):
        variables = [getattr(self, name) for name in self._sums]
        counts = confusion(
            type(self).__name__,
            y_true,
            y_pred,
            self.thresholds,
            variables[0].dtype,
            self._is_even,
            sample_weight,
            **options,
        )
        for variable, count in zip(variables, self._sums.values()):
            variable.assign_add(_core.cast(counts[count], variable.dtype))

    def _per_threshold(self, values):
        return values[0] if len(self.thresholds) == 1 else _core.identity(values)


class _Count(ConfusionMetric):
    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self._init_sums(parse_thresholds(thresholds, 0.5, type(self).__name__))

    def result(self):
        """Return the sum so far, a scalar tensor, or one value for each of a list of thresholds."""
        return self._per_threshold(self.accumulator)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """The sum of the weights of positive labels with y_pred > threshold.

    Args:
        thresholds: a number in [0, 1], 0.5 if None, or a list of them.
        name, dtype: as for `Metric`.

    Source: Keras `metrics.TruePositives`.
    """

    _sums = {"accumulator": "true_positives"}


class TrueNegatives(_Count):
    """The sum of the weights of negative labels with y_pred <= threshold.

    Args: as for `TruePositives`. Source: Keras `metrics.TrueNegatives`.
    """

    _sums = {"accumulator": "true_negatives"}


class FalsePositives(_Count):
    """The sum of the weights of negative labels with y_pred > threshold.

    Args: as for `TruePositives`. Source: Keras `metrics.FalsePositives`.
    """

    _sums = {"accumulator": "false_positives"}


class FalseNegatives(_Count):
    """The sum of the weights of positive labels with y_pred <= threshold.

    Args: as for `TruePositives`. Source: Keras `metrics.FalseNegatives`.
    """

    _sums = {"accumulator": "false_negatives"}


class _ShareOfTrue(ConfusionMetric):
    _direction = "up"

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(dtype, name)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self._init_sums(parse_thresholds(thresholds, default_threshold(top_k), type(self).__name__))

    def result(self):
        """Return the share so far, a scalar tensor, or one value for each of a list of thresholds; 0 of nothing."""
        true, false = (getattr(self, name) for name in self._sums)
        return self._per_threshold(ops.divide_no_nan(true, true + false))

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_ShareOfTrue):
    """true positives / (true positives + false positives), where y_pred > threshold is positive.

    Args:
        thresholds: a number in [0, 1] or a list of them; None means 0.5, or all of the top k.
        top_k: int; only the k largest predictions of a row can be positive.
        class_id: int; only this column counts.
        name, dtype: as for `Metric`.

    Source: Keras `metrics.Precision`.
    """

    _sums = {"true_positives": "true_positives", "false_positives": "false_positives"}


class Recall(_ShareOfTrue):
    """true positives / (true positives + false negatives), where y_pred > threshold is positive.

    Args: as for `Precision`. Source: Keras `metrics.Recall`.
    """

    _sums = {"true_positives": "true_positives", "false_negatives": "false_negatives"}
