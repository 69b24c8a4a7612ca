"""The area under the curve that the thresholds of a classifier trace."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config, ops
from densegrad.metrics.confusion import ConfusionMetric
from densegrad.metrics.thresholds import are_even
from densegrad.metrics.tradeoffs import ALL_COUNTS
from densegrad.ops import divide_no_nan
from densegrad.saving import deserialize_keras_object

_CURVES = {"ROC": "ROC", "roc": "ROC", "PR": "PR", "pr": "PR", "PRGAIN": "PRGAIN", "prgain": "PRGAIN"}
_SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(ConfusionMetric):
    """The area under the curve of the share of positives found over the share of negatives missed, or another curve.

    Args:
        num_thresholds: int of at least 2; they are evenly spaced from 0 to 1.
        curve: "ROC"; "PR", precision over recall; or "PRGAIN", both as gains over the share of positives.
        summation_method: "interpolation": the mean height between thresholds (for "PR" between counts, not ratios);
            "minoring" or "majoring": the smaller or larger height.
        name, dtype: as for `Metric`.
        thresholds: numbers in (0, 1) in place of `num_thresholds`; the ends are added.
        multi_label: whether the columns of (n, labels) each have an area, of which the mean is the result.
        num_labels: int, the number of columns, if `multi_label`; None takes that of the first batch.
        label_weights: one weight per column.
        from_logits: whether `y_pred` is z with p = sigmoid(z).

    Raises:
        ValueError: for other values of the arguments.

    Source: Keras `metrics.AUC`.
    """

    _sums = ALL_COUNTS
    _direction = "up"

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        if curve not in _CURVES:
            raise ValueError(
                f"[AUC] Invalid AUC curve value: \"{curve}\". `curve` must be one of 'ROC', 'PR', 'PRGAIN'."
            )
        if str(summation_method).lower() not in _SUMMATIONS:
            raise ValueError(
                f'[AUC] Invalid AUC summation method value: "{summation_method}". `summation_method` must be one of '
                f"{', '.join(map(repr, _SUMMATIONS))}."
            )
        if thresholds is None and (not config.is_integer(num_thresholds) or num_thresholds <= 1):
            raise ValueError(f"[AUC] Argument `num_thresholds` must be an integer > 1. Received: {num_thresholds!r}.")
        if num_labels and not multi_label:
            raise ValueError("[AUC] `num_labels` is needed only when `multi_label` is True.")
        super().__init__(dtype, name)
        self._init_from_thresholds = thresholds is not None
        inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)] if thresholds is None else thresholds
        inner = sorted(map(float, inner))
        self.num_thresholds = len(inner) + 2
        self._is_even = thresholds is None or are_even([0.0, *inner, 1.0])
        # Beyond the ends, so that every prediction in [0, 1] is above the first and none above the last.
        self.thresholds = [-config.epsilon(), *inner, 1 + config.epsilon()]
        self.curve, self.summation_method = _CURVES[curve], str(summation_method).lower()
        self.multi_label, self.num_labels, self._from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.array(label_weights, self.dtype)
        self._built = False
        if num_labels or not multi_label:
            self._build(num_labels)

    def _build(self, labels):
        self._add_sums((self.num_thresholds, labels) if self.multi_label else (self.num_thresholds,))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels, positive where they are not 0, and predictions, with weights per sample or label."""
        y_pred = _core.convert(y_pred, self.dtype)
        if self.multi_label and y_pred.ndim != 2:
            raise ValueError(f"[AUC] `y_pred` has shape {y_pred.shape}: it must have rank 2 when `multi_label=True`.")
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        if not self._built:
            self._build(y_pred.shape[1])
        weights = None if self.multi_label else self.label_weights
        self._count(y_true, y_pred, sample_weight, multi_label=self.multi_label, label_weights=weights)

    def result(self):
        """Return the area so far, a scalar tensor."""
        tp, fp, tn, fn = (_core.cast(getattr(self, name), "float64") for name in self._sums)
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(tp, fp, fn)
        else:
            x, y = _CURVE[self.curve](tp, fp, tn, fn)
            areas = (x[:-1] - x[1:]) * _HEIGHT[self.summation_method](y[:-1], y[1:])
        area = _core.sum(areas, axis=0)
        if self.multi_label and self.label_weights is None:
            area = _core.mean(area)
        elif self.multi_label:
            area = divide_no_nan(_core.sum(area * self.label_weights), float(self.label_weights.sum()))
        return _core.cast(area, self.variables[0].dtype)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
        }
        if self._init_from_thresholds:
            own["thresholds"] = self.thresholds[1:-1]
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        """Return the metric that `get_config`, here or in Keras, which has a tensor of label weights, describes."""
        return cls(**deserialize_keras_object(config))


def _roc(tp, fp, tn, fn):
    return divide_no_nan(fp, fp + tn), divide_no_nan(tp, tp + fn)


def _pr(tp, fp, tn, fn):
    return divide_no_nan(tp, tp + fn), divide_no_nan(tp, tp + fp)


def _pr_gain(tp, fp, tn, fn):
    # Flach and Kull (2015), "Precision-Recall-Gain Curves": on the harmonic scale from the share of positives to 1.
    odds = divide_no_nan(tp + fn, tn + fp)
    recall_gain = _core.where(tp == 0, 0, 1 - odds * divide_no_nan(fn, tp))
    precision_gain = _core.where(tp == 0, 1, 1 - odds * divide_no_nan(fp, tp))
    return _core.maximum(recall_gain, 0), precision_gain


_CURVE = {"ROC": _roc, "PR": _pr, "PRGAIN": _pr_gain}
_HEIGHT = {"interpolation": lambda a, b: (a + b) / 2, "minoring": _core.minimum, "majoring": _core.maximum}


def _interpolated_pr(tp, fp, fn):
    # Davis and Goadrich (2006): between thresholds the true positives are a line over the positives, precision is not.
    positives = tp + fp
    gained, slope = tp[:-1] - tp[1:], divide_no_nan(tp[:-1] - tp[1:], _core.maximum(positives[:-1] - positives[1:], 0))
    intercept = tp[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    growth = _core.where(both, divide_no_nan(positives[:-1], _core.maximum(positives[1:], 0)), 1)
    return divide_no_nan(slope * (gained + intercept * _core.log(growth)), _core.maximum(tp[1:] + fn[1:], 0))
