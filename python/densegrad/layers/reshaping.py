"""Layers that move entries, and those that only scale them."""

from __future__ import annotations

import math

import numpy as np

from densegrad import _core
from densegrad.config import is_integer
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.ops.windows import checked_format


def _samples(x):
    return -1 if x.shape[0] is None else x.shape[0]


@names.register()
class Flatten(Layer):
    """Each sample as a vector: (n, ...) becomes (n, features); (n,) becomes (n, 1).

    Args:
        data_format: "channels_last" (the default), or "channels_first", whose channels are moved to the end before.
        trainable, dtype, name: as for `Layer`.

    Source: Keras `layers.Flatten`.
    """

    _takes_one = True
    _stateless = True

    def __init__(self, data_format=None, **kwargs):
        data_format = checked_format(data_format, "Flatten")
        super().__init__(**kwargs)
        self.data_format = data_format

    def call(self, x):
        if self.data_format == "channels_first" and x.ndim > 2:
            x = _core.transpose(x, (0, *range(2, x.ndim), 1))
        return _core.reshape(x, (_samples(x), math.prod(x.shape[1:])))

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Flatten.get_config`."""
        return {**super().get_config(), "data_format": self.data_format}


@names.register()
class Reshape(Layer):
    """Each sample in another shape.

    Args:
        target_shape: tuple of ints without the batch axis; one of them may be -1.
        trainable, dtype, name: as for `Layer`.

    Source: Keras `layers.Reshape`.
    """

    _takes_one = True
    _stateless = True

    def __init__(self, target_shape, **kwargs):
        shape = tuple(target_shape) if isinstance(target_shape, (tuple, list)) else (target_shape,)
        if not all(is_integer(n) and n >= -1 for n in shape):
            raise ValueError(
                "[Reshape] every size must be a non-negative integer, or -1 for an unknown one. "
                f"Received: target_shape={target_shape!r}."
            )
        if shape.count(-1) > 1:
            raise ValueError(
                f"[Reshape] there must be at most one unknown dimension (-1). Received: target_shape={target_shape!r}."
            )
        super().__init__(**kwargs)
        self.target_shape = tuple(int(n) for n in shape)

    def call(self, x):
        size, shape = math.prod(x.shape[1:]), list(self.target_shape)
        known = math.prod(n for n in shape if n != -1)
        if -1 in shape and known and not size % known:
            shape[shape.index(-1)] = size // known
        if math.prod(shape) != size or -1 in shape:
            raise ValueError(
                f"[{self.name}] a sample of shape {tuple(x.shape[1:])} has {size} entries: `target_shape` "
                f"{self.target_shape} must have as many."
            )
        return _core.reshape(x, (_samples(x), *shape))

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Reshape.get_config`."""
        return {**super().get_config(), "target_shape": self.target_shape}


@names.register()
class Permute(Layer):
    """Each sample with its axes in another order.

    Args:
        dims: tuple, the axes of the sample in their new order, the first one being 1.
        trainable, dtype, name: as for `Layer`.

    Source: Keras `layers.Permute`.
    """

    _takes_one = True
    _stateless = True

    def __init__(self, dims, **kwargs):
        if not isinstance(dims, (tuple, list)) or sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                "[Permute] Invalid permutation for argument `dims`: it must hold 1, 2, ... up to the rank of a sample, "
                f"once each. Received: dims={dims!r}."
            )
        super().__init__(**kwargs)
        self.dims = tuple(int(n) for n in dims)

    def call(self, x):
        if x.ndim != len(self.dims) + 1:
            raise ValueError(
                f"[{self.name}] `x` has shape {tuple(x.shape)}: it must have {len(self.dims) + 1} axes, for `dims` "
                "and the samples."
            )
        return _core.transpose(x, (0, *self.dims))

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Permute.get_config`."""
        return {**super().get_config(), "dims": self.dims}


@names.register()
class Rescaling(Layer):
    """y = scale x + offset.

    Args:
        scale, offset: numbers, or arrays that broadcast to a sample.
        trainable, dtype, name: as for `Layer`.

    Source: Keras `layers.Rescaling`.
    """

    _takes_one = True
    _casts_integers = True
    _stateless = True

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = _numbers(scale), _numbers(offset)

    def call(self, x):
        scale, offset = (_core.convert(np.asarray(v), self._dtype) for v in (self.scale, self.offset))
        return _core.add(_core.multiply(x, scale), offset)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Rescaling.get_config`."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


def _numbers(value):
    return value.tolist() if hasattr(value, "tolist") else value
