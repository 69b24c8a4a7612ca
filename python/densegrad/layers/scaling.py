"""Layers that scale their inputs by numbers that are not trained."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config, ops
from densegrad.config import is_integer
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.ops._arguments import some_axes


@names.register()
class UnitNormalization(Layer):
    """y = x / max(|x|, 1e-12), with the norm over some axes.

    Args:
        axis: int, or a list or tuple of them.
        trainable, dtype, name: as for `Layer`.

    Raises:
        TypeError: for another `axis`.

    Source: Keras `layers.UnitNormalization`.
    """

    _stateless = True

    def __init__(self, axis=-1, **kwargs):
        if not isinstance(axis, (list, tuple)) and not is_integer(axis):
            raise TypeError(
                f"[UnitNormalization] Invalid value for `axis` argument: expected an int or a list/tuple of ints. "
                f"Received: axis={axis!r}."
            )
        super().__init__(**kwargs)
        self.axis = axis if is_integer(axis) else list(axis)

    def call(self, x):
        return ops.normalize(x, some_axes(self.name, self.axis, x.ndim), epsilon=1e-12)

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        some_axes(self.name, self.axis, len(input_shape))
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `UnitNormalization.get_config`."""
        return {**super().get_config(), "axis": self.axis}


@names.register()
class Normalization(Layer):
    """y = (x - mean) / max(sqrt(variance), epsilon()), with given statistics, or those of data.

    Args:
        axis: int, tuple of ints or None: the axes whose entries have statistics of their own; None means one for all.
        mean, variance: numbers or arrays that broadcast to the extents of `axis`; None: `adapt` finds them.
        invert: whether to compute y = x max(sqrt(variance), epsilon()) + mean instead.
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for one of `mean` and `variance` without the other, or of another shape.

    Source: Keras `layers.Normalization`.
    """

    _casts_integers = True

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        if (mean is None) != (variance is None):
            raise ValueError(
                f"[Normalization] `mean` is {mean!r} and `variance` is {variance!r}: both must be set, or none."
            )
        if np.shape(mean) != np.shape(variance):
            raise ValueError(
                f"[Normalization] `mean` has shape {np.shape(mean)}, `variance` {np.shape(variance)}: they must be one."
            )
        super().__init__(**kwargs)
        self.axis = () if axis is None else (int(axis),) if is_integer(axis) else tuple(axis)
        self.input_mean, self.input_variance, self.invert = mean, variance, bool(invert)

    def build(self, input_shape):
        """Find the extents of `axis`; make the weights `mean`, `variance` and `count` that `adapt` sets."""
        kept = some_axes(self.name, self.axis, len(input_shape)) if self.axis else []
        if any(input_shape[a] is None for a in kept):
            raise ValueError(
                f"[{self.name}] `input_shape` is {tuple(input_shape)}: it must be known along `axis` {self.axis}."
            )
        self._reduced = [a for a in range(len(input_shape)) if a not in kept]
        self._extents = [n if a in kept else 1 for a, n in enumerate(input_shape)]
        if self.input_mean is None:
            shape = tuple(input_shape[a] for a in kept)
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight(
                (), "zeros", dtype="int32", trainable=False, name="count"
            )  # Keras', of old files

    def adapt(self, data):
        """Set the statistics to those of the data: an array, or an iterable of batches.

        Source: Keras `Normalization.adapt`.
        """
        if self.input_mean is not None:
            raise ValueError(f"[{self.name}] `mean` and `variance` were given: there is nothing to adapt.")
        whole = isinstance(data, (np.ndarray, _core.Tensor, _core.Variable))
        batches = [data] if whole else (b[0] if isinstance(b, tuple) else b for b in data)
        count, mean, variance = 0, 0.0, 0.0
        for batch in batches:
            x = _core.convert(batch, self._dtype).numpy().astype(np.float64)
            if not self.built:
                self.build(x.shape)
            n = int(np.prod([x.shape[a] for a in self._reduced]))
            own_mean, own_variance = x.mean(tuple(self._reduced)), x.var(tuple(self._reduced))
            count += n
            new = mean + (own_mean - mean) * (n / count)
            part = n / count
            variance = (variance + (mean - new) ** 2) * (1 - part) + (own_variance + (own_mean - new) ** 2) * part
            mean = new
        if not count:
            raise ValueError(f"[{self.name}] `data` has no entries: statistics need some.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    @property
    def mean(self):
        """The mean that is subtracted, broadcast to the axes of an input."""
        return self._statistic(self.input_mean, "adapt_mean")

    @property
    def variance(self):
        """The variance, broadcast to the axes of an input."""
        return self._statistic(self.input_variance, "adapt_variance")

    def _statistic(self, given, name):
        if given is None:
            return _core.reshape(getattr(self, name), self._extents)
        given = np.asarray(given)
        kept = [a for a in range(len(self._extents)) if a not in self._reduced]
        if given.ndim > len(kept):
            raise ValueError(
                f"[{self.name}] `mean` has shape {given.shape}: its rank must be at most that of `axis`, {len(kept)}."
            )
        shape = [1] * len(self._extents)
        for i in range(1, given.ndim + 1):
            shape[kept[-i]] = given.shape[-i]
        return _core.broadcast_to(_core.convert(given.reshape(shape), self._dtype), self._extents)

    def call(self, x):
        deviation = _core.maximum(_core.sqrt(self.variance), config.epsilon())
        return x * deviation + self.mean if self.invert else (x - self.mean) / deviation

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Normalization.get_config`."""
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            **{name: np.array(value).tolist() for name, value in given.items()},
        }
