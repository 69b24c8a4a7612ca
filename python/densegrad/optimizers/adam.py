"""Adam and its kin: moving averages of the gradient and of its size, corrected for their start at zero."""

from __future__ import annotations

from densegrad.optimizers.base import Optimizer
from densegrad.optimizers.configs import registered


@registered
class Adam(Optimizer):
    """Adaptive moments: m += (g - m)(1 - b1), v += (g^2 - v)(1 - b2), w -= m a / (sqrt(v) + eps).

    Here a = lr sqrt(1 - b2^t) / (1 - b1^t) at step t = 1, 2, ...; amsgrad takes the largest v so far for v.

    Args:
        learning_rate: float, schedule or callable.
        beta_1, beta_2: floats in [0, 1), b1 and b2.
        epsilon: float, eps.
        amsgrad: bool.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none or out of its range, and as `Optimizer`.

    Source: Kingma and Ba (2014), in the form of Keras `optimizers.Adam`.
    """

    _update_name = "adam"
    _numbers = ("beta_1", "beta_2", "epsilon")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_averaging(beta_1=beta_1, beta_2=beta_2)
        self._set_numbers(epsilon=epsilon)
        self.amsgrad = bool(amsgrad)

    def _slot_groups(self):
        return (("momentum", "velocity"),) + ((("velocity_hat",),) if self.amsgrad else ())


@registered
class AdamW(Adam):
    """Adam with weight decay: w -= w wd lr, then Adam's update.

    Args:
        learning_rate: float, schedule or callable.
        weight_decay: float, wd.
        beta_1, beta_2, epsilon, amsgrad: as for `Adam`.
        options: as for `Optimizer`.

    Raises:
        ValueError: if `weight_decay` is None, and as `Adam`.

    Source: Loshchilov and Hutter (2017), in the form of Keras `optimizers.AdamW`.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        *options,
        **kwargs,
    ):
        if weight_decay is None:
            raise ValueError(
                "[AdamW] Argument `weight_decay` must be a float. Received: weight_decay=None. "
                "Adam is the optimizer without."
            )
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *options, **kwargs)


@registered
class Adamax(Optimizer):
    """Adam by the largest gradient: m += (g - m)(1 - b1), u = max(b2 u, |g|), w -= lr m / ((1 - b1^t)(u + eps)).

    Args:
        learning_rate: float, schedule or callable.
        beta_1, beta_2: floats in [0, 1), b1 and b2.
        epsilon: float, eps.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none or out of its range, and as `Optimizer`.

    Source: Kingma and Ba (2014), in the form of Keras `optimizers.Adamax`.
    """

    _update_name = "adamax"
    _numbers = ("beta_1", "beta_2", "epsilon")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_averaging(beta_1=beta_1, beta_2=beta_2)
        self._set_numbers(epsilon=epsilon)

    def _slot_groups(self):
        return (("momentum", "norm"),)


@registered
class Nadam(Optimizer):
    """Adam with Nesterov momentum: w -= lr m' / (sqrt(v / (1 - b2^t)) + eps), m and v as Adam's.

    m' = mu' m / (1 - p mu') + (1 - mu) g / (1 - p), where mu = b1 (1 - 0.96^t / 2), mu' is the next step's mu, and p is
    the product of all mu so far.

    Args:
        learning_rate: float, schedule or callable.
        beta_1, beta_2: floats in [0, 1), b1 and b2.
        epsilon: float, eps.
        options: as for `Optimizer`.

    Raises:
        ValueError: for a number that is none or out of its range, and as `Optimizer`.

    Source: Dozat (2016), in the form of Keras `optimizers.Nadam`.
    """

    _update_name = "nadam"
    _numbers = ("beta_1", "beta_2", "epsilon")
    _shared_slot = "u_product"

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, *options, **kwargs):
        super().__init__(learning_rate, *options, **kwargs)
        self._set_averaging(beta_1=beta_1, beta_2=beta_2)
        self._set_numbers(epsilon=epsilon)

    def _slot_groups(self):
        return (("momentum", "velocity"),)

    @property
    def _u_product(self):
        return self._shared
