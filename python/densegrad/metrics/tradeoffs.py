"""The best of one share under a condition on another, over evenly spaced thresholds."""

from __future__ import annotations

from densegrad import _core, config, ops
from densegrad.metrics.confusion import ConfusionMetric

ALL_COUNTS = {name: name for name in ("true_positives", "false_positives", "true_negatives", "false_negatives")}


class _BestUnderConstraint(ConfusionMetric):
    _sums = ALL_COUNTS
    _direction = "up"
    _argument = _constrained = _wanted = None  # the name of `value`, and two of the shares below

    def __init__(self, value, num_thresholds=200, class_id=None, name=None, dtype=None):
        tag = type(self).__name__
        if not config.is_number(value) or not 0 <= value <= 1:
            raise ValueError(f"[{tag}] `{self._argument}` must be in the range [0, 1]. Received: {value!r}.")
        if not config.is_integer(num_thresholds) or num_thresholds <= 0:
            raise ValueError(f"[{tag}] Argument `num_thresholds` must be an integer > 0. Received: {num_thresholds!r}.")
        super().__init__(dtype, name)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        setattr(self, self._argument, value)
        n = num_thresholds
        self._init_sums([0.5] if n == 1 else [i / (n - 1) for i in range(n)])

    def result(self):
        """Return the best share so far, a scalar tensor."""
        tp, fp, tn, fn = (getattr(self, name) for name in self._sums)
        shares = {
            "sensitivity": ops.divide_no_nan(tp, tp + fn),
            "specificity": ops.divide_no_nan(tn, tn + fp),
            "precision": ops.divide_no_nan(tp, tp + fp),
        }
        feasible = shares[self._constrained] >= self.value
        return _core.max(_core.where(feasible, shares[self._wanted], 0.0))

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        own = {"num_thresholds": self.num_thresholds, "class_id": self.class_id, self._argument: self.value}
        return {**super().get_config(), **own}


class SensitivityAtSpecificity(_BestUnderConstraint):
    """The largest share of positives that are found with at least this share of negatives found.

    Args:
        specificity: the share, in [0, 1].
        num_thresholds: int, evenly spaced from 0 to 1; one is 0.5.
        class_id: int; only this column counts.
        name, dtype: as for `Metric`.

    Source: Keras `metrics.SensitivityAtSpecificity`.
    """

    _argument, _constrained, _wanted = "specificity", "specificity", "sensitivity"

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestUnderConstraint):
    """The largest share of negatives that are found with at least this share of positives found.

    Args: `sensitivity`, the share; others as for `SensitivityAtSpecificity`. Source: Keras
    `metrics.SpecificityAtSensitivity`.
    """

    _argument, _constrained, _wanted = "sensitivity", "sensitivity", "specificity"

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestUnderConstraint):
    """The largest precision with at least this recall.

    Args: `recall`, in [0, 1]; others as for `SensitivityAtSpecificity`. Source: Keras `metrics.PrecisionAtRecall`.
    """

    _argument, _constrained, _wanted = "recall", "sensitivity", "precision"

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestUnderConstraint):
    """The largest recall with at least this precision.

    Args: `precision`, in [0, 1]; others as for `SensitivityAtSpecificity`. Source: Keras `metrics.RecallAtPrecision`.
    """

    _argument, _constrained, _wanted = "precision", "precision", "sensitivity"

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
