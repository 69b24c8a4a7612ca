"""Losses of numbers and vectors."""

from densegrad.losses.base import NativeLoss, values


class MeanSquaredError(NativeLoss):
    """Mean of (y_true - y_pred)**2 over the last axis, in the squared unit of `y_pred` per sample.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.MeanSquaredError`.
    """

    _function = "mean_squared_error"
    _aliases = ("mse", "MSE")

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(reduction, name, dtype)


class MeanAbsoluteError(NativeLoss):
    """Mean of |y_true - y_pred| over the last axis, in the unit of `y_pred`; gradient 0 where they are equal.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.MeanAbsoluteError`.
    """

    _function = "mean_absolute_error"
    _aliases = ("mae", "MAE")

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(reduction, name, dtype)


class MeanAbsolutePercentageError(NativeLoss):
    """100 times the mean of |y_true - y_pred| / max(|y_true|, 1e-7) over the last axis, in percent per sample.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.MeanAbsolutePercentageError`.
    """

    _function = "mean_absolute_percentage_error"
    _aliases = ("mape", "MAPE")

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(reduction, name, dtype)


class MeanSquaredLogarithmicError(NativeLoss):
    """Mean of (log(1 + max(y_true, 1e-7)) - log(1 + max(y_pred, 1e-7)))**2 over the last axis, in squared nats.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.MeanSquaredLogarithmicError`.
    """

    _function = "mean_squared_logarithmic_error"
    _aliases = ("msle", "MSLE")

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(reduction, name, dtype)


class Huber(NativeLoss):
    """Mean over the last axis of e**2 / 2 where |e| <= delta, else delta |e| - delta**2 / 2, for e = y_pred - y_true.

    Args:
        delta: the error at which the square becomes a line, in the unit of `y_pred`.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.Huber`.
    """

    _function = "huber"

    def __init__(
        self,
        delta=1.0,
        reduction="sum_over_batch_size",
        name="huber_loss",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, delta=delta)


class LogCosh(NativeLoss):
    """Mean over the last axis of log(cosh(y_pred - y_true)): half a square for small errors, a line for large ones.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.LogCosh`.
    """

    _function = "log_cosh"
    _aliases = ("logcosh",)

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(reduction, name, dtype)


class Poisson(NativeLoss):
    """Mean of y_pred - y_true log(y_pred + 1e-7) over the last axis, in nats per sample, for counts y_pred > 0.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.Poisson`.
    """

    _function = "poisson"

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(reduction, name, dtype)


class CosineSimilarity(NativeLoss):
    """-sum of y_true y_pred / (|y_true| |y_pred|) over `axis`: -1 for one direction, 1 for the opposite one.

    Lengths are Euclidean and at least 1e-7, so a vector of zeros gives 0.

    Args:
        axis: the axis of the vectors.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.CosineSimilarity`.
    """

    _function = "cosine_similarity"

    def __init__(
        self,
        axis=-1,
        reduction="sum_over_batch_size",
        name="cosine_similarity",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, axis=axis)


def mean_squared_error(y_true, y_pred):
    """Return the values of `MeanSquaredError`, one per sample. Source: Keras `losses.mean_squared_error`."""
    return values("mean_squared_error", y_true, y_pred)


def mean_absolute_error(y_true, y_pred):
    """Return the values of `MeanAbsoluteError`, one per sample. Source: Keras `losses.mean_absolute_error`."""
    return values("mean_absolute_error", y_true, y_pred)


def mean_absolute_percentage_error(y_true, y_pred):
    """Return the values of `MeanAbsolutePercentageError`, one per sample.

    Source: Keras `losses.mean_absolute_percentage_error`.
    """
    return values("mean_absolute_percentage_error", y_true, y_pred)


def mean_squared_logarithmic_error(y_true, y_pred):
    """Return the values of `MeanSquaredLogarithmicError`, one per sample.

    Source: Keras `losses.mean_squared_logarithmic_error`.
    """
    return values("mean_squared_logarithmic_error", y_true, y_pred)


def huber(y_true, y_pred, delta=1.0):
    """Return the values of `Huber`, one per sample. Source: Keras `losses.huber`."""
    return values("huber", y_true, y_pred, delta=delta)


def log_cosh(y_true, y_pred):
    """Return the values of `LogCosh`, one per sample. Source: Keras `losses.log_cosh`."""
    return values("log_cosh", y_true, y_pred)


def poisson(y_true, y_pred):
    """Return the values of `Poisson`, one per sample. Source: Keras `losses.poisson`."""
    return values("poisson", y_true, y_pred)


def cosine_similarity(y_true, y_pred, axis=-1):
    """Return the values of `CosineSimilarity`, one per sample. Source: Keras `losses.cosine_similarity`."""
    return values("cosine_similarity", y_true, y_pred, axis=axis)
