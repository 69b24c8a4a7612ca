"""Layers that add to or multiply with random numbers while training."""

from __future__ import annotations

import math

from densegrad import _core, batching, random
from densegrad.config import is_number
from densegrad.layers.base import Layer
from densegrad.layers.configs import names


def has_no_numbers(x):
    """Return whether `x` only stands for a shape, so that nothing is to be drawn; an example of a batch does not."""
    return x.is_symbolic and not (batching.in_batch() and None not in x.shape)


class _Noise(Layer):
    """Base of the layers with one number that says how much noise there is; for one seed it is Keras'."""

    _stateless = True

    def __init__(self, amount, seed, allowed, rule, **kwargs):
        if not is_number(amount) or not allowed(amount):
            raise ValueError(
                f"[{type(self).__name__}] Invalid value received for argument `{self._amount}`. Expected a float value "
                f"{rule}. Received: {self._amount}={amount!r}."
            )
        super().__init__(**kwargs)
        self.seed = seed
        setattr(self, self._amount, amount)
        if amount > 0:
            self.seed_generator = seed if isinstance(seed, random.SeedGenerator) else random.SeedGenerator(seed)

    def call(self, x, training=False):
        amount = getattr(self, self._amount)
        if not training or amount == 0:
            return x
        return _core.identity(x) if has_no_numbers(x) else self._noisy(x, amount)

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        return {**super().get_config(), self._amount: getattr(self, self._amount), "seed": self.seed}


@names.register()
class GaussianNoise(_Noise):
    """While training, y = x + noise of mean 0 and standard deviation `stddev`; else y = x.

    Args:
        stddev: float in [0, 1].
        seed: integer or `random.SeedGenerator`; None draws one from densegrad's generator now.
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for another `stddev`.

    Source: Keras `layers.GaussianNoise`.
    """

    _amount = "stddev"

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(stddev, seed, lambda s: 0 <= s <= 1, "between 0 and 1", **kwargs)

    def _noisy(self, x, stddev):
        return _core.add(x, random.normal(tuple(x.shape), 0.0, stddev, dtype=x.dtype, seed=self.seed_generator))


@names.register()
class GaussianDropout(_Noise):
    """While training, y = x noise, of mean 1 and standard deviation sqrt(rate / (1 - rate)); else y = x.

    Args:
        rate: float in [0, 1).
        seed: integer or `random.SeedGenerator`; None draws one from densegrad's generator now.
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for another `rate`.

    Source: Srivastava et al. (2014), section 10; Keras `layers.GaussianDropout`.
    """

    _amount = "rate"

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(rate, seed, lambda r: 0 <= r < 1, "of at least 0 and less than 1", **kwargs)

    def _noisy(self, x, rate):
        stddev = math.sqrt(rate / (1.0 - rate))
        return _core.multiply(x, random.normal(tuple(x.shape), 1.0, stddev, dtype=x.dtype, seed=self.seed_generator))


@names.register()
class AlphaDropout(_Noise):
    """While training, entries become -alpha scale with probability `rate`; mean and variance are kept.

        y = a (x or -alpha scale) + b,   a = 1 / sqrt((1 - rate) (1 + rate alpha^2 scale^2)),   b = a alpha scale rate

    alpha and scale are those of `selu`, whose outputs keep mean 0 and variance 1 so.

    Args:
        rate: float in [0, 1).
        noise_shape: tuple that broadcasts to the shape of x, None in it for an extent of x.
        seed: integer or `random.SeedGenerator`; None draws one from densegrad's generator now.
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for another `rate`.

    Source: Klambauer et al. (2017); Keras `layers.AlphaDropout`.
    """

    _amount = "rate"

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(rate, seed, lambda r: 0 <= r < 1, "of at least 0 and less than 1", **kwargs)
        self.noise_shape = noise_shape

    def _noisy(self, x, rate):
        shape = x.shape if self.noise_shape is None else self.noise_shape
        shape = tuple(n if m is None else m for m, n in zip(shape, x.shape, strict=True))
        kept = _core.greater_equal(random.uniform(shape, seed=self.seed_generator), rate)
        lowest = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
        a = ((1 - rate) * (1 + rate * lowest**2)) ** -0.5
        return _core.add(_core.multiply(_core.where(kept, x, lowest), a), -a * lowest * rate)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `AlphaDropout.get_config`."""
        return {**super().get_config(), "noise_shape": self.noise_shape}
