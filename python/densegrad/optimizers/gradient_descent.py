"""Optimizers that scale the gradient by one number for all entries, or only take its sign."""

from __future__ import annotations

from densegrad.optimizers.base import Optimizer
from densegrad.optimizers.configs import registered


@registered
class SGD(Optimizer):
    """Gradient descent: w -= lr g; with momentum mu: m = mu m - lr g, w += m (nesterov: w += mu m - lr g).

    Args:
        learning_rate: float, schedule or callable.
        momentum: float in [0, 1].
        nesterov: whether to use Nesterov's form; without momentum it changes nothing.
        options: as for `Optimizer`.

    Raises:
        ValueError: if `momentum` is not a float in [0, 1], and as `Optimizer`.

    Source: Keras `optimizers.SGD`.
    """

    _update_name = "sgd"
    _numbers = ("momentum", "nesterov")

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, *options, **kwargs):
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ValueError(f"[SGD] `momentum` must be a float between [0, 1]. It is {momentum!r}.")
        super().__init__(learning_rate, *options, **kwargs)
        self.momentum = momentum
        self.nesterov = bool(nesterov)

    def _slot_groups(self):
        return (("momentum",),) if self.momentum else ()


@registered
class Lion(Optimizer):
    """Sign descent: w -= lr sign(b1 m + (1 - b1) g), then m = b2 m + (1 - b2) g.

    Args:
        learning_rate: float, schedule or callable; a third to a tenth of what Adam takes.
        beta_1: float in (0, 1], b1.
        beta_2: float, b2.
        options: as for `Optimizer`.

    Raises:
        ValueError: if `beta_1` is not in (0, 1], and as `Optimizer`.

    Source: Chen et al. (2023), in the form of Keras `optimizers.Lion`.
    """

    _update_name = "lion"
    _numbers = ("beta_1", "beta_2")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_numbers(beta_1=beta_1, beta_2=beta_2)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"[Lion] `beta_1` is {beta_1!r}: it must be in (0, 1], or only the sign of g is left.")

    def _slot_groups(self):
        return (("momentum",),)
