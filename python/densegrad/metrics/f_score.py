"""F-scores: one number for precision and recall."""

from __future__ import annotations

from densegrad import _core, config, ops
from densegrad.metrics.base import Metric

_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """(1 + beta**2) precision recall / (beta**2 precision + recall) for each column of (n, classes).

    `config.epsilon()` is added to every denominator.

    Args:
        average: None, one score per class; "micro", the score of all classes together; "macro", the mean of the scores;
            "weighted", the mean weighted by the numbers of positives.
        beta: a Python float above 0: how much more recall counts.
        threshold: a float in (0, 1]: predictions above it are positive; None: the largest of each row.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: for other values of the arguments.

    Source: Keras `metrics.FBetaScore`.
    """

    _direction = "up"

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        tag = type(self).__name__
        if average not in _AVERAGES:
            raise ValueError(
                f"[{tag}] Invalid `average` argument value. Expected one of: {{None, 'micro', 'macro', 'weighted'}}. "
                f"Received: average={average}"
            )
        for argument, value in (("beta", beta), ("threshold", threshold)):
            if not isinstance(value, float) and (argument == "beta" or value is not None):
                raise ValueError(
                    f"[{tag}] Invalid `{argument}` argument value. It should be a Python float. "
                    f"Received: {argument}={value} of type '{type(value)}'"
                )
        if not beta > 0:
            raise ValueError(f"[{tag}] Invalid `beta` argument value. It should be > 0. Received: beta={beta}")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(
                f"[{tag}] Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                f"Received: threshold={threshold}"
            )
        super().__init__(dtype, name)
        self.average, self.beta, self.threshold = average, beta, threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, y_true_shape, y_pred_shape):
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            tag = type(self).__name__
            raise ValueError(
                f"[{tag}] FBetaScore expects 2D inputs with shape (batch_size, output_dim). Received input shapes: "
                f"y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_variable(shape, "zeros", self.dtype, name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels 0 or 1 and predictions, both (n, classes), with weights (n,)."""
        true, predicted = (_core.convert(y, self.dtype) for y in (y_true, y_pred))
        if not self._built:
            self._build(true.shape, predicted.shape)
        if true.shape != predicted.shape or true.ndim != 2:
            raise ValueError(
                f"[{type(self).__name__}] `y_true` has shape {true.shape} but `y_pred` has shape {predicted.shape}: "
                "they must be equal, (batch_size, output_dim)."
            )
        if self.threshold is None:
            largest = _core.max(predicted, axis=-1, keepdims=True)
            chosen = ops.logical_and(predicted >= largest, _core.abs(predicted) > 1e-9)  # all zeros choose no class
        else:
            chosen = predicted > self.threshold
        chosen = _core.cast(chosen, self.dtype)
        weights = 1
        if sample_weight is not None:
            weights = ops.expand_dims(_core.convert(sample_weight, self.dtype), 1)
        parts = (chosen * true, chosen * (1 - true), (1 - chosen) * true, true)
        for variable, part in zip(self.variables, parts):
            variable.assign_add(_core.sum(part * weights, axis=self.axis))

    def result(self):
        """Return the score so far, a scalar tensor, or one value per class if `average` is None."""
        true, false_positives, missed, positives = self.variables
        tiny, factor = config.epsilon(), self.beta**2
        precision, recall = true / (true + false_positives + tiny), true / (true + missed + tiny)
        score = (1 + factor) * (precision * recall / (factor * precision + recall + tiny))
        if self.average == "weighted":
            score = _core.sum(score * (positives / (_core.sum(positives) + tiny)))
        elif self.average is not None:
            score = _core.mean(score)
        return score

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """2 precision recall / (precision + recall) for each column of (n, classes): `FBetaScore` with beta = 1.

    Args: `average`, `threshold`, `name`, `dtype` as for `FBetaScore`. Source: Keras `metrics.F1Score`.
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        return {key: value for key, value in super().get_config().items() if key != "beta"}
