"""Layers that make their inputs longer: by repetition, by zeros."""

from __future__ import annotations

from densegrad import _core
from densegrad.config import is_integer
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.layers.input_spec import InputSpec
from densegrad.layers.reshaping import checked_format


@names.register()
class RepeatVector(Layer):
    """Each sample n times: (samples, features) becomes (samples, n, features).

    Args:
        n: positive int.
        trainable, dtype, name: as for `Layer`.

    Raises:
        TypeError: if `n` is no integer; ValueError if it is not positive.

    Source: Keras `layers.RepeatVector`.
    """

    _stateless = True
    input_spec = InputSpec(ndim=2)

    def __init__(self, n, **kwargs):
        if not is_integer(n):
            raise TypeError(f"[RepeatVector] Expected an integer value for `n`, got {type(n)}.")
        if n <= 0:
            raise ValueError(f"[RepeatVector] Argument `n` should be a positive integer. Received: n={n}.")
        super().__init__(**kwargs)
        self.n = n

    def call(self, x):
        samples, features = x.shape
        row = _core.reshape(x, (-1 if samples is None else samples, 1, features))
        return _core.concatenate([row] * self.n, 1)

    def compute_output_shape(self, input_shape):
        """Return (samples, n, features)."""
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `RepeatVector.get_config`."""
        return {**super().get_config(), "n": self.n}


class _ZeroPadding(Layer):
    """Base of the layers with zeros around the positions of each channel."""

    _stateless = True

    def __init__(self, pairs, padding, data_format, **kwargs):
        self_format = checked_format(data_format, type(self).__name__)
        super().__init__(**kwargs)
        self._pairs, self.padding, self.data_format = pairs, padding, self_format
        self.input_spec = InputSpec(ndim=len(pairs) + 2)

    def call(self, x):
        last = self.data_format == "channels_last"
        return _core.pad(x, [(0, 0), *self._pairs, (0, 0)] if last else [(0, 0), (0, 0), *self._pairs])

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


def _pair(tag, value):
    """Two non-negative integers, of one or of two."""
    pair = (value, value) if is_integer(value) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(is_integer(n) and n >= 0 for n in pair):
        raise ValueError(
            f"[{tag}] `padding` has the entry {value!r}: it must be a non-negative integer, or two of them."
        )
    return tuple(int(n) for n in pair)


@names.register()
class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the positions: (samples, positions, channels).

    Args:
        padding: int, zeros on each side, or a pair (before, after).
        data_format: "channels_last" (the default) or "channels_first".
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for another `padding` or `data_format`.

    Source: Keras `layers.ZeroPadding1D`.
    """

    def __init__(self, padding=1, data_format=None, **kwargs):
        padding = _pair("ZeroPadding1D", padding)
        super().__init__([padding], padding, data_format, **kwargs)


@names.register()
class ZeroPadding2D(_ZeroPadding):
    """Zeros around the pictures: (samples, rows, columns, channels).

    Args:
        padding: int, zeros on each side; a pair (rows, columns) of ints; or of pairs (before, after).
        data_format: "channels_last" (the default) or "channels_first".
        trainable, dtype, name: as for `Layer`.

    Raises:
        ValueError: for another `padding` or `data_format`.

    Source: Keras `layers.ZeroPadding2D`.
    """

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        both = (padding, padding) if is_integer(padding) else padding
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise ValueError(f"[ZeroPadding2D] `padding` is {padding!r}: it must be an integer, or two entries.")
        padding = tuple(_pair("ZeroPadding2D", entry) for entry in both)
        super().__init__(list(padding), padding, data_format, **kwargs)
