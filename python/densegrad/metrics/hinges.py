"""Means of the hinge losses."""

from densegrad import losses
from densegrad.metrics.reduction import FunctionMetric


class Hinge(FunctionMetric):
    """The mean of `losses.hinge` over samples. Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.Hinge`."""

    _function = staticmethod(losses.hinge)
    _direction = "down"

    def __init__(self, name="hinge", dtype=None):
        super().__init__(name, dtype)


class SquaredHinge(FunctionMetric):
    """The mean of `losses.squared_hinge` over samples.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.SquaredHinge`.
    """

    _function = staticmethod(losses.squared_hinge)
    _direction = "down"

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(name, dtype)


class CategoricalHinge(FunctionMetric):
    """The mean of `losses.categorical_hinge` over samples.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.CategoricalHinge`.
    """

    _function = staticmethod(losses.categorical_hinge)
    _direction = "down"

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(name, dtype)
