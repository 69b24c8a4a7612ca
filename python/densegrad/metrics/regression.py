"""Errors of predicted numbers, and how much of their variance is explained."""

from __future__ import annotations

import warnings

from densegrad import _core, config, losses, ops
from densegrad.metrics.base import Metric
from densegrad.metrics.reduction import FunctionMetric, Mean


class MeanSquaredError(FunctionMetric):
    """The mean of (y_pred - y_true)**2.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.MeanSquaredError`.
    """

    _function = staticmethod(losses.mean_squared_error)
    _direction = "down"

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(name, dtype)


class MeanAbsoluteError(FunctionMetric):
    """The mean of |y_pred - y_true|.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.MeanAbsoluteError`.
    """

    _function = staticmethod(losses.mean_absolute_error)
    _direction = "down"

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(name, dtype)


class MeanAbsolutePercentageError(FunctionMetric):
    """The mean of `losses.mean_absolute_percentage_error`, in percent.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.MeanAbsolutePercentageError`.
    """

    _function = staticmethod(losses.mean_absolute_percentage_error)
    _direction = "down"

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(name, dtype)


class MeanSquaredLogarithmicError(FunctionMetric):
    """The mean of `losses.mean_squared_logarithmic_error`.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.MeanSquaredLogarithmicError`.
    """

    _function = staticmethod(losses.mean_squared_logarithmic_error)
    _direction = "down"

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(name, dtype)


class LogCoshError(FunctionMetric):
    """The mean of log(cosh(y_pred - y_true)).

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.LogCoshError`.
    """

    _function = staticmethod(losses.log_cosh)
    _direction = "down"

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_pred - y_true)**2 over all batches, in the unit of `y_pred`.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.RootMeanSquaredError`.
    """

    _direction = "down"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels and predictions."""
        y_true, y_pred = _core.align_ranks(_core.convert(y_true, self.dtype), _core.convert(y_pred, self.dtype))
        super().update_state(_core.square(_core.subtract(y_pred, y_true)), sample_weight)

    def result(self):
        """Return the root so far, a scalar tensor."""
        return _core.sqrt(super().result())


def cosine_similarity(y_true, y_pred, axis=-1):
    """Return y_true y_pred / (|y_true| |y_pred|) over `axis`: 1 for one direction, -1 for the opposite one.

    It is `losses.cosine_similarity` with the other sign. Source: Keras `metrics.CosineSimilarity`.
    """
    return _core.negative(losses.cosine_similarity(y_true, y_pred, axis))


class CosineSimilarity(FunctionMetric):
    """The mean cosine of the angle between `y_true` and `y_pred`: 1 for one direction, -1 for the opposite one.

    Args:
        name, dtype: as for `Metric`.
        axis: the axis of the vectors.

    Source: Keras `metrics.CosineSimilarity`.
    """

    _function = staticmethod(cosine_similarity)
    _direction = "up"

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(name, dtype, axis=axis)


_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - sum of w (y_true - y_pred)**2 / sum of w (y_true - mean)**2 for each column of `y_true`, (n, outputs).

    A column without variance gives 0. With p = `num_regressors` > 0 the score R becomes the adjusted one,
    1 - (1 - R) (N - 1) / (N - p - 1) for N entries of `y_true`.

    Args:
        class_aggregation: "uniform_average", "variance_weighted_average", or None for one score per column.
        num_regressors: the number of independent variables, 0 for the plain score.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: for other values of the arguments.

    Source: Keras `metrics.R2Score`.
    """

    _direction = "up"

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        if class_aggregation not in _AGGREGATIONS:
            known = ", ".join(map(repr, _AGGREGATIONS))
            raise ValueError(
                f"[R2Score] Invalid value for argument `class_aggregation`: {class_aggregation!r}. It must be one of "
                f"{known}."
            )
        if not config.is_integer(num_regressors) or num_regressors < 0:
            raise ValueError(
                f"[R2Score] Invalid value for argument `num_regressors`: {num_regressors!r}. It must be an integer of "
                "at least 0."
            )
        super().__init__(dtype, name)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, columns):
        self.squared_sum = self.add_variable((columns,), "zeros", name="squared_sum")
        self.sum = self.add_variable((columns,), "zeros", name="sum")
        self.total_mse = self.add_variable((columns,), "zeros", name="residual")
        self.count = self.add_variable((columns,), "zeros", name="count")
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels and predictions of shape (n, outputs), with weights (n,) or (n, outputs)."""
        true, predicted = _core.align_ranks(_core.convert(y_true, self.dtype), _core.convert(y_pred, self.dtype))
        if true.ndim != 2 or true.shape != predicted.shape:
            raise ValueError(
                f"[R2Score] `y_true` and `y_pred` have shapes {true.shape} and {predicted.shape}: R2Score "
                "expects 2D inputs with shape (batch_size, output_dim), the same for both."
            )
        weights = _core.convert(1 if sample_weight is None else sample_weight, self.dtype)
        weights = _core.broadcast_to(ops.expand_dims(weights, 1) if weights.ndim == 1 else weights, true.shape)
        if not self._built:
            self._build(true.shape[1])
        self.sum.assign_add(_core.sum(true * weights, axis=0))
        self.squared_sum.assign_add(_core.sum(true * true * weights, axis=0))
        self.total_mse.assign_add(_core.sum(_core.square(true - predicted) * weights, axis=0))
        self.count.assign_add(_core.sum(weights, axis=0))
        self.num_samples.assign_add(true.size)

    def result(self):
        """Return the score so far, a scalar tensor, or one value per column."""
        variance = self.squared_sum - self.sum * (self.sum / self.count)  # no data gives nan, as in Keras
        score = 1 - self.total_mse / variance
        score = _core.where(ops.isinf(score), 0.0, score)
        if self.class_aggregation == "uniform_average":
            score = _core.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = _core.sum(variance * score) / _core.sum(variance)
        return self._adjusted(score)

    def _adjusted(self, score):
        if self.num_regressors == 0:
            return score
        n, p = self.num_samples, self.num_regressors
        if not _core.recording():  # a program does not warn
            self._warn_of_few(n.item() - 1)
        return _core.where(_core.greater(n - 1, p), 1 - (1 - score) * (n - 1) / (n - p - 1), score)

    def _warn_of_few(self, most):
        if self.num_regressors > most:
            warnings.warn(
                "More independent predictors than datapoints in adjusted R2 score: this is the standard R2 score.",
                stacklevel=4,
            )
        elif self.num_regressors == most:
            warnings.warn("Division by zero in adjusted R2 score: this is the standard R2 score.", stacklevel=4)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
