"""Layers that take the largest entry or the mean of windows of images and of sequences."""

from __future__ import annotations

from densegrad import _core
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.ops import windows


class _Pooling(Layer):
    """Base of the layers over windows; `_kind` is what they take, `_rank` the number of axes."""

    _takes_one = True
    _kind, _rank = "", 2
    _stateless = True

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        cls = type(self).__name__
        pool_size = windows.per_axis(cls, "pool_size", pool_size, self._rank)
        strides = pool_size if strides is None else windows.per_axis(cls, "strides", strides, self._rank)
        padding, data_format = windows.checked_padding(padding, cls), windows.checked_format(data_format, cls)
        super().__init__(name=name, **kwargs)
        self.__dict__.update(pool_size=pool_size, strides=strides, padding=padding, data_format=data_format)

    def call(self, x):
        words = windows.Words(self.name)
        return windows.pooled(words, self._kind, x, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        own = {name: getattr(self, name) for name in ("pool_size", "padding", "strides", "data_format")}
        return {**super().get_config(), **own}


@names.register()
class MaxPooling2D(_Pooling):
    """The largest entry of each window, per channel: y[n, i, j, c] = max over u, v of x[n, s_0 i + u, s_1 j + v, c].

    Its gradient goes to the first of the largest entries, row by row.

    Args:
        pool_size: positive int, or two of them: the height and the width of the windows.
        strides: positive int, or two of them: their distance; None means `pool_size`.
        padding: "valid" (only whole windows), or "same" (ceil(size / stride) of them per axis, the outer ones of the
            entries that they have).
        data_format: "channels_last" for (n, height, width, channels), the default, or "channels_first".
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 4, floats or integers. Returns (n, rows, columns, channels); NaN where a window has one.

    Raises:
        ValueError: for an invalid argument, an input of another rank, or one without a whole window.

    Source: Keras `layers.MaxPooling2D`.
    """

    _kind = "max"


@names.register()
class AveragePooling2D(_Pooling):
    """The mean of each window, per channel: y[n, i, j, c] = mean over u, v of x[n, s_0 i + u, s_1 j + v, c].

    Args:
        pool_size: positive int, or two of them: the height and the width of the windows.
        strides: positive int, or two of them: their distance; None means `pool_size`.
        padding: "valid" (only whole windows), or "same" (ceil(size / stride) of them per axis, the outer ones of the
            entries that they have).
        data_format: "channels_last" for (n, height, width, channels), the default, or "channels_first".
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 4. Returns (n, rows, columns, channels).

    Raises:
        ValueError: for an invalid argument, an input of another rank, or one without a whole window.

    Source: Keras `layers.AveragePooling2D`.
    """

    _kind = "average"
    _casts_integers = True


class _GlobalPooling(Layer):
    """Base of the layers over all positions; `_reduce` is what they do, `_rank` the number of axes."""

    _takes_one = True
    _reduce, _rank = staticmethod(_core.mean), 2
    _stateless = True

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        data_format = windows.checked_format(data_format, type(self).__name__)
        super().__init__(**kwargs)
        self.data_format, self.keepdims = data_format, bool(keepdims)

    def call(self, x):
        windows.checked_rank(windows.Words(self.name), x, self._rank, self.data_format)
        first = 1 if self.data_format == "channels_last" else 2
        return self._reduce(x, tuple(range(first, first + self._rank)), self.keepdims)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


@names.register()
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over all positions, per channel: y[n, c] = mean over i, j of x[n, i, j, c].

    Args:
        data_format: "channels_last" for (n, height, width, channels), the default, or "channels_first".
        keepdims: whether the two axes of positions stay, with length 1.
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 4. Returns (n, channels).

    Raises:
        ValueError: for another `data_format`, or an input of another rank.

    Source: Keras `layers.GlobalAveragePooling2D`.
    """

    _casts_integers = True


@names.register()
class GlobalMaxPooling2D(_GlobalPooling):
    """The largest entry of all positions, per channel: y[n, c] = max over i, j of x[n, i, j, c].

    Its gradient is shared equally by ties, as that of `ops.max`.

    Args:
        data_format: "channels_last" for (n, height, width, channels), the default, or "channels_first".
        keepdims: whether the two axes of positions stay, with length 1.
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 4, floats or integers. Returns (n, channels).

    Raises:
        ValueError: for another `data_format`, or an input of another rank.

    Source: Keras `layers.GlobalMaxPooling2D`.
    """

    _reduce = staticmethod(_core.max)


@names.register()
class MaxPooling1D(_Pooling):
    """The largest entry of each window, per channel: y[n, i, c] = max over u of x[n, s i + u, c].

    Args:
        pool_size: positive int, or one in a list: the length of the windows.
        strides: the same: their distance; None means `pool_size`.
        padding: "valid" or "same", as for `MaxPooling2D`.
        data_format: "channels_last" for (n, length, channels), the default, or "channels_first".
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 3, floats or integers. Returns (n, windows, channels); NaN where a window has one.

    Raises:
        ValueError: for an invalid argument, an input of another rank, or one without a whole window.

    Source: Keras `layers.MaxPooling1D`.
    """

    _kind, _rank = "max", 1


@names.register()
class AveragePooling1D(_Pooling):
    """The mean of each window, per channel: y[n, i, c] = mean over u of x[n, s i + u, c].

    Args: as for `MaxPooling1D`.

    Call with `x` of rank 3. Returns (n, windows, channels).

    Raises:
        ValueError: for an invalid argument, an input of another rank, or one without a whole window.

    Source: Keras `layers.AveragePooling1D`.
    """

    _kind, _rank = "average", 1
    _casts_integers = True


@names.register()
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all positions, per channel: y[n, c] = mean over i of x[n, i, c].

    Args:
        data_format: "channels_last" for (n, length, channels), the default, or "channels_first".
        keepdims: whether the axis of positions stays, with length 1.
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 3. Returns (n, channels).

    Raises:
        ValueError: for another `data_format`, or an input of another rank.

    Source: Keras `layers.GlobalAveragePooling1D`.
    """

    _rank = 1
    _casts_integers = True


@names.register()
class GlobalMaxPooling1D(_GlobalPooling):
    """The largest entry of all positions, per channel: y[n, c] = max over i of x[n, i, c].

    Args: as for `GlobalAveragePooling1D`.

    Call with `x` of rank 3, floats or integers. Returns (n, channels).

    Raises:
        ValueError: for another `data_format`, or an input of another rank.

    Source: Keras `layers.GlobalMaxPooling1D`.
    """

    _reduce, _rank = staticmethod(_core.max), 1


MaxPool2D, AvgPool2D = MaxPooling2D, AveragePooling2D
GlobalMaxPool2D, GlobalAvgPool2D = GlobalMaxPooling2D, GlobalAveragePooling2D
MaxPool1D, AvgPool1D = MaxPooling1D, AveragePooling1D
GlobalMaxPool1D, GlobalAvgPool1D = GlobalMaxPooling1D, GlobalAveragePooling1D
