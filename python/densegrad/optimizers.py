"""Optimizers by Keras' names. A new one is one entry in C++ and one small class here."""

from __future__ import annotations

from densegrad import config
from densegrad.optimizer import Optimizer

__all__ = ["SGD", "Adam", "Optimizer", "get"]


class SGD(Optimizer):
    """Gradient descent: w -= lr g; with momentum mu: m = mu m - lr g, w += m (nesterov: w += mu m - lr g).

    Args:
        learning_rate: float or callable.
        momentum: float in [0, 1].
        nesterov: whether to use Nesterov's form; without momentum it changes nothing.
        name: str.

    Raises:
        ValueError: if `momentum` is not a float in [0, 1].

    Source: Keras `optimizers.SGD`.
    """

    _update_name = "sgd"
    _arguments = ("learning_rate", "momentum", "nesterov", "name")
    _numbers = ("momentum", "nesterov")

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, name="sgd", **kwargs):
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ValueError(f"[SGD] `momentum` is {momentum!r}: it must be a float between 0.0 and 1.0.")
        super().__init__(learning_rate, name, **kwargs)
        self.momentum = momentum
        self.nesterov = bool(nesterov)

    def _slot_groups(self):
        return (("momentum",),) if self.momentum else ()


class Adam(Optimizer):
    """Adaptive moments: m += (g - m)(1 - b1), v += (g^2 - v)(1 - b2), w -= m a / (sqrt(v) + eps).

    Here a = lr sqrt(1 - b2^t) / (1 - b1^t) at step t = 1, 2, ...; amsgrad takes the largest v so far for v.

    Args:
        learning_rate: float or callable.
        beta_1, beta_2: floats in [0, 1), b1 and b2.
        epsilon: float, eps.
        amsgrad: bool.
        name: str.

    Source: Kingma and Ba (2014), in the form of Keras `optimizers.Adam`.
    """

    _update_name = "adam"
    _arguments = ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad", "name")
    _numbers = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, name="adam", **kwargs
    ):
        for argument, value in (("beta_1", beta_1), ("beta_2", beta_2), ("epsilon", epsilon)):
            if not config.is_number(value):
                raise ValueError(f"[Adam] `{argument}` is {value!r}: it must be a number.")
            if argument != "epsilon" and not 0 <= value < 1:
                raise ValueError(f"[Adam] `{argument}` is {value!r}: it must be in [0, 1).")
        super().__init__(learning_rate, name, **kwargs)
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)
        self.amsgrad = bool(amsgrad)

    def _slot_groups(self):
        return (("momentum", "velocity"),) + ((("velocity_hat",),) if self.amsgrad else ())


_CLASSES = {c.__name__.lower(): c for c in (SGD, Adam)}


def get(identifier):
    """Return the optimizer that `identifier` means.

    Args:
        identifier: a name in any case ("adam"), or an `Optimizer`.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else.

    Source: Keras `optimizers.get`.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        if identifier.lower() not in _CLASSES:
            raise ValueError(f"[optimizers] `{identifier}` is not known: it must be one of {', '.join(_CLASSES)}.")
        return _CLASSES[identifier.lower()]()
    raise TypeError(f"[optimizers] `optimizer` is {identifier!r}: it must be a name or an Optimizer.")
