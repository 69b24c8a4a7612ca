"""How closely predicted numbers follow the true ones."""

from __future__ import annotations

from densegrad import _core, config, ops
from densegrad.metrics.reduction import FunctionMetric


def _deviations(y_true, y_pred, axis):
    """Return y_true and y_pred, each less its mean, and the two means."""
    y_pred = _core.convert(y_pred)
    y_true, y_pred = _core.align_ranks(_core.convert(y_true, y_pred.dtype), y_pred)
    means = [_core.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    return _core.subtract(y_true, means[0]), _core.subtract(y_pred, means[1]), *means


def pearson_correlation(y_true, y_pred, axis=-1):
    """Return cov(y_true, y_pred) / (std(y_true) std(y_pred)) over `axis`, from -1 to 1.

    Source: Keras `metrics.pearson_correlation`.
    """
    true, predicted, _, _ = _deviations(y_true, y_pred, axis)
    true, predicted = (_core.divide(d, ops.std(d, axis=axis, keepdims=True)) for d in (true, predicted))
    return _core.mean(_core.multiply(true, predicted), axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """Return 2 cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))**2) over `axis` for t = y_true and p = y_pred.

    `config.epsilon()` is added to the denominator. Source: Keras `metrics.concordance_correlation`.
    """
    true, predicted, true_mean, predicted_mean = _deviations(y_true, y_pred, axis)
    variances = _core.add(*(ops.var(d, axis=axis, keepdims=True) for d in (true, predicted)))
    spread = _core.add(variances, _core.square(_core.subtract(true_mean, predicted_mean)))
    products = _core.multiply(2.0, _core.multiply(true, predicted))
    return _core.mean(_core.divide(products, _core.add(spread, config.epsilon())), axis=axis)


class PearsonCorrelation(FunctionMetric):
    """The mean of `pearson_correlation` over samples.

    Args:
        name, dtype: as for `Metric`.
        axis: int or tuple of ints.

    Source: Keras `metrics.PearsonCorrelation`.
    """

    _function = staticmethod(pearson_correlation)
    _direction = "up"

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(name, dtype, axis=axis)


class ConcordanceCorrelation(FunctionMetric):
    """The mean of `concordance_correlation` over samples.

    Args:
        name, dtype: as for `Metric`.
        axis: int or tuple of ints.

    Source: Keras `metrics.ConcordanceCorrelation`.
    """

    _function = staticmethod(concordance_correlation)
    _direction = "up"

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(name, dtype, axis=axis)
