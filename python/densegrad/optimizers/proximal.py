"""Optimizers that solve for each weight under a penalty."""

from __future__ import annotations

import numpy as np

from densegrad.optimizers.base import Optimizer
from densegrad.optimizers.configs import registered


@registered
class Ftrl(Optimizer):
    """Follow the regularized leader: the weights that minimize the linearized losses so far under L1 and L2 penalties.

    With p = -learning_rate_power, for each entry: b = a + g^2, l += g + 2 shrinkage w - (b^p - a^p) w / lr,
    w = (clip(l, -l1, l1) - l) / (b^p / lr + 2 l2 + beta / lr), a = b. An entry with |l| <= l1 is 0.

    Args:
        learning_rate: float, schedule or callable.
        learning_rate_power: float <= 0; 0 keeps the rate as it is.
        initial_accumulator_value: float >= 0, a before the first step.
        l1_regularization_strength: float >= 0, l1.
        l2_regularization_strength: float >= 0, l2.
        l2_shrinkage_regularization_strength: float >= 0, shrinkage.
        beta: float.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none or out of its range, and as `Optimizer`.

    Source: McMahan et al. (2013), in the form of Keras `optimizers.Ftrl`.
    """

    _update_name = "ftrl"
    _numbers = (
        "learning_rate_power",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )

    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        *options,
        **kwargs,
    ):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_numbers(learning_rate_power=learning_rate_power, beta=beta)
        if not learning_rate_power <= 0:
            raise ValueError(
                f"[Ftrl] `learning_rate_power` is {learning_rate_power!r}: it needs to be negative or zero."
            )
        amounts = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        self._set_numbers(**amounts)
        for argument, value in amounts.items():
            if not value >= 0:
                raise ValueError(f"[Ftrl] `{argument}` is {value!r}: it needs to be positive or zero.")

    @property
    def _initial_slots(self):
        return {"accumulator": np.float32(self.initial_accumulator_value)}

    def _slot_groups(self):
        return (("accumulator", "linear"),)
