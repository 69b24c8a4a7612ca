"""Layers that keep a model from fitting its examples too well: random ones, and a penalty."""

from __future__ import annotations

from densegrad import _core, random, regularizers
from densegrad.config import is_integer, is_number
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.layers.noise import has_no_numbers


def _checked_shape(noise_shape):
    is_shape = isinstance(noise_shape, (tuple, list))
    if not is_shape:
        rule = "a tuple or list of integers"
    elif not all(n is None or is_integer(n) for n in noise_shape):
        rule = "all elements to be integers or None"
    elif not all(n is None or n > 0 for n in noise_shape):
        rule = "all dimensions to be positive integers or None"
    else:
        return tuple(noise_shape)
    raise ValueError(
        f"[Dropout] Invalid value received for argument `noise_shape`. Expected {rule}. "
        f"Received: noise_shape={noise_shape!r}."
    )


@names.register()
class Dropout(Layer):
    """While training, entries are zero with probability `rate` and the others are divided by 1 - rate.

        y = x mask / (1 - rate),   mask = 1 where a number from [0, 1) is at least `rate`, else 0

    The expectation of y is x; without `training`, y is x. For one seed the masks are Keras'.

    Args:
        rate: float in [0, 1].
        noise_shape: tuple that broadcasts to the shape of x, None in it for an extent of x: entries that share a number
            are kept or dropped together. None means the shape of x.
        seed: integer or `random.SeedGenerator`; None draws one from densegrad's generator now.
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for a `rate` outside [0, 1] or any other `noise_shape`.

    Source: Srivastava et al. (2014); Keras `layers.Dropout`.
    """

    _takes_one = True
    _stateless = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        if not is_number(rate) or not 0 <= rate <= 1:
            raise ValueError(
                "[Dropout] Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
                f"Received: rate={rate!r}."
            )
        noise_shape = None if noise_shape is None else _checked_shape(noise_shape)
        super().__init__(**kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        if rate > 0:
            self.seed_generator = seed if isinstance(seed, random.SeedGenerator) else random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training or self.rate == 0:
            return x
        if has_no_numbers(x):
            return _core.identity(x)
        if self.rate == 1:
            return _core.where(False, x, 0.0)
        shape = tuple(x.shape) if self.noise_shape is None else self._shape(x)
        noise = random.uniform(shape, dtype=x.dtype, seed=self.seed_generator)
        kept = _core.greater_equal(noise, self.rate)
        return _core.where(kept, _core.multiply(x, 1.0 / (1.0 - self.rate)), 0.0)

    def _shape(self, x):
        if len(self.noise_shape) != x.ndim:
            raise ValueError(
                f"[{self.name}] `noise_shape` is {self.noise_shape} but `x` has shape {tuple(x.shape)}: both must have "
                "as many axes."
            )
        return tuple(n if m is None else m for m, n in zip(self.noise_shape, x.shape))

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Dropout.get_config`."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


@names.register()
class ActivityRegularization(Layer):
    """y = x; adds l1 sum |x| + l2 sum x^2, divided by the batch size, to `losses`.

    Args:
        l1, l2: numbers >= 0.
        trainable, dtype, name: as for `Layer`.

    Source: Keras `layers.ActivityRegularization`.
    """

    _stateless = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, x):
        return x

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        config = super().get_config()
        config.pop("activity_regularizer")
        return {**config, "l1": self.l1, "l2": self.l2}
