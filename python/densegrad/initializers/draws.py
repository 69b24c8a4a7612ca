"""Random initial values: for one seed they are Keras'."""

from __future__ import annotations

import math

import numpy as np

from densegrad import _core, config, random
from densegrad.initializers.base import Initializer, checked_shape, fans, names
from densegrad.saving import deserialize_keras_object, serialize_keras_object


class RandomInitializer(Initializer):
    """Base of the random ones: keeps the seed, which is drawn now if it is None.

    Args:
        seed: integer; None draws one from densegrad's generator now, so that two initializers differ; a
            `random.SeedGenerator` gives other values at every call.

    Raises:
        ValueError: for any other `seed`.
    """

    def __init__(self, seed=None):
        self._init_seed = seed
        if isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        self.seed = random.make_seed() if seed is None else random.checked_seed(type(self).__name__, seed)

    def _draw(self, draw, shape, dtype, first, second):
        dtype = config.float_dtype(dtype, type(self).__name__)
        return draw(checked_shape(self, shape), first, second, dtype, self.seed)

    def get_config(self):
        """Return the arguments of the constructor as plain values; a seed that was drawn is none of them."""
        return {"seed": serialize_keras_object(self._init_seed)}


@names.register("uniform")
class RandomUniform(RandomInitializer):
    """Uniform on [minval, maxval).

    Args:
        minval, maxval: floats.
        seed: integer, None or `random.SeedGenerator`, as `RandomInitializer` says.

    Source: Keras `initializers.RandomUniform`.
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape, dtype=None):
        return self._draw(random.uniform, shape, dtype, self.minval, self.maxval)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


@names.register("normal")
class RandomNormal(RandomInitializer):
    """Normal with `mean` and standard deviation `stddev`.

    Args:
        mean, stddev: floats.
        seed: integer, None or `random.SeedGenerator`, as `RandomInitializer` says.

    Source: Keras `initializers.RandomNormal`.
    """

    _numbers = staticmethod(random.normal)

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        return self._draw(self._numbers, shape, dtype, self.mean, self.stddev)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@names.register()
class TruncatedNormal(RandomNormal):
    """Normal with `mean` and standard deviation `stddev`, drawn again where it is not within 2 `stddev` of the mean.

    Args:
        mean, stddev: floats; `stddev` is that before the cut.
        seed: integer, None or `random.SeedGenerator`, as `RandomInitializer` says.

    Source: Keras `initializers.TruncatedNormal`.
    """

    _numbers = staticmethod(random.truncated_normal)


_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")
# Of a standard normal distribution that is cut at +-2.
_STDDEV_OF_CUT = 0.87962566103423978


@names.register()
class VarianceScaling(RandomInitializer):
    """Mean 0 and variance scale / n, where n is fan_in, fan_out or their mean.

    A kernel of shape (in, out) has fan_in = in, fan_out = out; further axes in front multiply both.

    Args:
        scale: positive float.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform", any case.
        seed: integer, None or `random.SeedGenerator`, as `RandomInitializer` says.
        input_axes, output_axes: the axes whose sizes make up fan_in and fan_out, for kernels of other layouts.

    Raises:
        ValueError: if `scale` is not positive, `mode` or `distribution` is not known.

    Source: Keras `initializers.VarianceScaling`.
    """

    def __init__(
        self,
        scale=1.0,
        mode="fan_in",
        distribution="truncated_normal",
        seed=None,
        input_axes=None,
        output_axes=None,
    ):
        cls = type(self).__name__
        if not config.is_number(scale) or not scale > 0:
            raise ValueError(f"[{cls}] Argument `scale` must be positive float. It is {scale!r}.")
        if mode not in _MODES:
            raise ValueError(
                f"[{cls}] Invalid `mode` argument: {mode!r}. It must be one of {', '.join(map(repr, _MODES))}."
            )
        kind = distribution.lower() if isinstance(distribution, str) else distribution
        kind = "truncated_normal" if kind == "normal" else kind
        if kind not in _DISTRIBUTIONS:
            known = ", ".join(map(repr, _DISTRIBUTIONS))
            raise ValueError(f"[{cls}] Invalid `distribution` argument: {distribution!r}. It must be one of {known}.")
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = kind
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = fans(checked_shape(self, shape), self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        # Keras' order of operations: the last bit of the limit decides the last bit of every weight.
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._draw(random.uniform, shape, dtype, -limit, limit)
        if self.distribution == "untruncated_normal":
            return self._draw(random.normal, shape, dtype, 0.0, math.sqrt(variance))
        return self._draw(random.truncated_normal, shape, dtype, 0.0, math.sqrt(variance) / _STDDEV_OF_CUT)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class FixedScaling(VarianceScaling):
    """Base of the named ones, whose scale, mode and distribution are `_fixed`.

    Args:
        seed, input_axes, output_axes: as for `VarianceScaling`.
    """

    _fixed = (1.0, "fan_in", "truncated_normal")

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self._fixed, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {name: value for name, value in super().get_config().items() if name == "seed" or name.endswith("_axes")}


@names.register()
class GlorotUniform(FixedScaling):
    """Uniform on [-L, L) with L = sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio (2010); Keras `initializers.GlorotUniform`.
    """

    _fixed = (1.0, "fan_avg", "uniform")


@names.register()
class GlorotNormal(FixedScaling):
    """Truncated normal with variance 2 / (fan_in + fan_out).

    Source: Glorot and Bengio (2010); Keras `initializers.GlorotNormal`.
    """

    _fixed = (1.0, "fan_avg", "truncated_normal")


@names.register()
class HeUniform(FixedScaling):
    """Uniform on [-L, L) with L = sqrt(6 / fan_in).

    Source: He et al. (2015); Keras `initializers.HeUniform`.
    """

    _fixed = (2.0, "fan_in", "uniform")


@names.register()
class HeNormal(FixedScaling):
    """Truncated normal with variance 2 / fan_in.

    Source: He et al. (2015); Keras `initializers.HeNormal`.
    """

    _fixed = (2.0, "fan_in", "truncated_normal")


@names.register()
class LecunUniform(FixedScaling):
    """Uniform on [-L, L) with L = sqrt(3 / fan_in).

    Source: LeCun et al. (1998); Keras `initializers.LecunUniform`.
    """

    _fixed = (1.0, "fan_in", "uniform")


@names.register()
class LecunNormal(FixedScaling):
    """Truncated normal with variance 1 / fan_in.

    Source: LeCun et al. (1998); Keras `initializers.LecunNormal`.
    """

    _fixed = (1.0, "fan_in", "truncated_normal")


@names.register("OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """`gain` times a random matrix with orthonormal rows or columns, whichever are fewer.

    Q of the QR factorization of a normal matrix, with the signs that make R's diagonal positive. Of a longer shape the
    last axis counts the columns, the others the rows.

    Args:
        gain: float.
        seed: integer, None or `random.SeedGenerator`, as `RandomInitializer` says.

    Raises:
        ValueError: when called, if `shape` has fewer than two axes.

    Source: Saxe et al. (2014); Keras `initializers.Orthogonal`.
    """

    def __init__(self, gain=1.0, seed=None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape, dtype=None):
        shape = checked_shape(self, shape)
        if len(shape) < 2:
            raise ValueError(f"[Orthogonal] `shape` is {shape}: it must have at least two axes.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = self._draw(random.normal, (max(rows, columns), min(rows, columns)), dtype, 0.0, 1.0)
        q, r = np.linalg.qr(normal.numpy())
        q = q * np.sign(np.diagonal(r))
        q = q.T if rows < columns else q
        return _core.constant(np.reshape(q, shape) * q.dtype.type(self.gain), q.dtype)

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        return {**super().get_config(), "gain": self.gain}
