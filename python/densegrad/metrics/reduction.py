"""Sums and means of values, one per sample, over batches."""

from __future__ import annotations

import numpy as np

from densegrad import _core, losses
from densegrad._core import Tensor
from densegrad.metrics.base import Metric
from densegrad.saving import deserialize_keras_object, serialize_keras_object


def _per_sample(values, sample_weight, reduce, dtype):
    """Return weighted values and weights (None if there are none), both reduced to one per sample."""
    values, weights = _core.convert(values, dtype), None
    if sample_weight is not None:
        values, weights = _core.align_ranks(values, _core.convert(sample_weight, dtype))
        if values.ndim > weights.ndim:
            values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
        weights = _core.broadcast_to(weights, values.shape)
        values = _core.multiply(values, weights)
        if weights.ndim > 1:
            weights = reduce(weights, axis=tuple(range(1, weights.ndim)))
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, weights


class Sum(Metric):
    """Sum of w v over all values v since the last reset.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.Sum`.
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")

    def update_state(self, values, sample_weight=None):
        """Add values of shape (n, ...), with weights that broadcast to them."""
        values, _ = _per_sample(values, sample_weight, _core.sum, self.dtype)
        self.total.assign_add(_core.sum(values))

    def result(self):
        """Return the sum so far, a scalar tensor."""
        return _core.identity(self.total)


class Mean(Metric):
    """Sum of w v / sum of w over all values v since the last reset; 0 before the first value.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.Mean`.
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")
        self.count = self.add_variable((), "zeros", self.dtype, name="count")

    def update_state(self, values, sample_weight=None):
        """Add values of shape (n, ...), averaged over all but the first axis, with weights that broadcast to them."""
        values, weights = _per_sample(values, sample_weight, _core.mean, self.dtype)
        if weights is None:
            count = values.shape[0] if values.ndim else 1
        else:
            count = _core.sum(weights)
        self.total.assign_add(_core.sum(values) if values.ndim else values)
        self.count.assign_add(count)

    def add(self, value, weight):
        """Add one number, also as a scalar tensor, with a weight."""
        self.total.assign_add(_core.multiply(_core.convert(value, self.dtype), weight))
        self.count.assign_add(weight)

    def result(self):
        """Return the mean so far, a scalar tensor."""
        none = _core.equal(self.count, 0)
        return _core.where(none, 0.0, _core.divide(self.total, _core.where(none, 1.0, self.count)))


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred)`, one value per sample.

    Args:
        fn: a callable.
        name, dtype: as for `Metric`.
        kwargs: further arguments for `fn`.

    Source: Keras `metrics.MeanMetricWrapper`.
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name, dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if any(fn is function for function in losses._FUNCTIONS) or isinstance(fn, losses.Loss):
            self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels and predictions."""
        if isinstance(y_pred, Tensor) and isinstance(y_true, np.ndarray):
            y_true = _core.convert(
                y_true
            )  # `fit` has arrays of labels; a function of the user gets tensors, as in Keras
        super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        return {
            **super().get_config(),
            "fn": serialize_keras_object(self._fn),
            **serialize_keras_object(self._fn_kwargs),
        }

    @classmethod
    def from_config(cls, config):
        """Return the metric that `get_config` describes."""
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))


class FunctionMetric(MeanMetricWrapper):
    """The mean of a function that the class names; what Keras adds to `name` and `dtype` are the function's options."""

    _function = None

    def __init__(self, name, dtype, **options):
        super().__init__(type(self)._function, name, dtype, **options)
        self.__dict__.update(options)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        return {**Metric.get_config(self), **self._fn_kwargs}
