"""Hinge losses."""

from densegrad.losses.base import NativeLoss, values


class Hinge(NativeLoss):
    """Mean of max(1 - t y_pred, 0) over the last axis for labels t = y_true of -1 or 1.

    Labels that are all 0 or 1 become -1 or 1. At the kink the gradient is that of 1 - t y_pred.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.Hinge`.
    """

    _function = "hinge"

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(reduction, name, dtype)


class SquaredHinge(NativeLoss):
    """Mean of max(1 - t y_pred, 0)**2 over the last axis for labels t = y_true of -1 or 1.

    Labels that are all 0 or 1 become -1 or 1.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.SquaredHinge`.
    """

    _function = "squared_hinge"

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(reduction, name, dtype)


class CategoricalHinge(NativeLoss):
    """max(max((1 - t) y_pred) - sum(t y_pred) + 1, 0) over the last axis for one-hot labels t = y_true.

    Classes that attain the maximum share its gradient; at the outer kink the gradient is that of the sum.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.CategoricalHinge`.
    """

    _function = "categorical_hinge"

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(reduction, name, dtype)


def hinge(y_true, y_pred):
    """Return the values of `Hinge`, one per sample. Source: Keras `losses.hinge`."""
    return values("hinge", y_true, y_pred)


def squared_hinge(y_true, y_pred):
    """Return the values of `SquaredHinge`, one per sample. Source: Keras `losses.squared_hinge`."""
    return values("squared_hinge", y_true, y_pred)


def categorical_hinge(y_true, y_pred):
    """Return the values of `CategoricalHinge`, one per sample. Source: Keras `losses.categorical_hinge`."""
    return values("categorical_hinge", y_true, y_pred)
