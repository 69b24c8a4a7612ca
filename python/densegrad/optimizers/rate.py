"""The learning rate of an optimizer: a variable, a schedule or a callable."""

from __future__ import annotations

import math

import numpy as np

from densegrad import _core, config
from densegrad._core import Tensor, Variable
from densegrad.optimizers.schedules import LearningRateSchedule


class Rate:
    """The part of `Optimizer` that holds its learning rate."""

    def _check_rate(self, rate):
        if not callable(rate) and not (isinstance(rate, float) and rate == rate):
            raise ValueError(
                f"[{type(self).__name__}] `learning_rate` is {rate!r}: it must be a float, such as 1e-3, a "
                "LearningRateSchedule, or a callable without arguments that returns a float."
            )

    def _init_rate(self, rate):
        if not callable(rate):
            rate = self._make(rate, "learning_rate", config.floatx())
            self._variables.append(rate)
        self._learning_rate = rate

    @property
    def learning_rate(self):
        """The learning rate, a `Variable` (or what the schedule or callable gives now); set it with a number."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        _core.unrepeatable("`learning_rate` is a function, which gives another number at every call")
        return rate()

    @learning_rate.setter
    def learning_rate(self, value):
        own = self._learning_rate
        if callable(value):
            self._variables = [v for v in self._variables if v is not own]
            self._learning_rate = value
            return
        tag = type(self).__name__
        if not isinstance(own, Variable):
            raise TypeError(
                f"[{tag}] `learning_rate` is a {type(own).__name__} and not settable with a number: change what it "
                "returns, or make the optimizer with a float."
            )
        try:
            rate = math.nan if isinstance(value, str) else float(value)
        except (TypeError, ValueError):
            rate = math.nan
        if math.isnan(rate):
            raise ValueError(f"[{tag}] `learning_rate` is {value!r}: it must be a number.")
        own.assign(rate)

    def _rate(self):
        rate = self.learning_rate
        if isinstance(rate, (Variable, Tensor)):
            return rate
        try:
            # Keras makes a float32 tensor of a Python float, for float64 variables too.
            return float(np.float32(rate)) if isinstance(rate, float) else float(rate)
        except (TypeError, ValueError):
            raise TypeError(f"[{type(self).__name__}] `learning_rate` gave {rate!r}: it must give a float.") from None
