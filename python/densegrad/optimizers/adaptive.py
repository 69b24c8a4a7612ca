"""Optimizers that divide each entry by the root of its own sum or average of squares."""

from __future__ import annotations

import numpy as np

from densegrad.optimizers.base import Optimizer
from densegrad.optimizers.configs import registered


@registered
class RMSprop(Optimizer):
    """Root mean square: v = rho v + (1 - rho) g^2, u = lr g / sqrt(v + eps); w -= u, or b = mu b + u, w -= b.

    centered: v - a^2 replaces v in u, where a = rho a + (1 - rho) g.

    Args:
        learning_rate: float, schedule or callable.
        rho: float in [0, 1).
        momentum: float, mu; 0 means none.
        epsilon: float, eps, inside the root.
        centered: bool.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none or out of its range, and as `Optimizer`.

    Source: Hinton (2012), in the form of Keras `optimizers.RMSprop`.
    """

    _update_name = "rmsprop"
    _numbers = ("rho", "momentum", "epsilon", "centered")

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_averaging(rho=rho)
        self._set_numbers(momentum=momentum, epsilon=epsilon)
        self.centered = bool(centered)

    def _slot_groups(self):
        momentum = (("momentum",),) if self.momentum > 0 else ()
        return (("velocity",), *momentum, *((("average_gradient",),) if self.centered else ()))


@registered
class Adagrad(Optimizer):
    """Sums of squares: a += g^2, w -= lr g / sqrt(a + eps).

    Args:
        learning_rate: float, schedule or callable.
        initial_accumulator_value: float, a before the first step.
        epsilon: float, eps, inside the root.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none, and as `Optimizer`.

    Source: Duchi et al. (2011), in the form of Keras `optimizers.Adagrad`.
    """

    _update_name = "adagrad"
    _numbers = ("epsilon",)

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_numbers(initial_accumulator_value=initial_accumulator_value, epsilon=epsilon)

    @property
    def _initial_slots(self):
        return {"accumulator": np.float32(self.initial_accumulator_value)}  # as Keras' initializers: float64 slots too

    def _slot_groups(self):
        return (("accumulator",),)


@registered
class Adadelta(Optimizer):
    """Ratio of averages: a = rho a + (1 - rho) g^2, u = -g sqrt(d + eps) / sqrt(a + eps), w += lr u.

    Here d, the average of the squared updates, follows each: d = rho d + (1 - rho) u^2.

    Args:
        learning_rate: float, schedule or callable; 1.0 is the form of the paper.
        rho: float in [0, 1).
        epsilon: float, eps.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none or out of its range, and as `Optimizer`.

    Source: Zeiler (2012), in the form of Keras `optimizers.Adadelta`.
    """

    _update_name = "adadelta"
    _numbers = ("rho", "epsilon")

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_averaging(rho=rho)
        self._set_numbers(epsilon=epsilon)

    def _slot_groups(self):
        return (("accumulated_grad", "accumulated_delta_var"),)
