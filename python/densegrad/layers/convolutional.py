"""Convolutions, made of slices and one matrix product."""

from __future__ import annotations

from densegrad import _core, activations, regularizers
from densegrad.config import is_integer
from densegrad.layers import choices
from densegrad.layers.activations import Activated
from densegrad.layers.configs import names
from densegrad.layers.reshaping import checked_format


@names.register()
class Conv2D(Activated):
    """A convolution over two axes: a = activation(z),

        z[n, i, j, f] = bias[f] + sum over u, v, c of x[n, s_0 i + u, s_1 j + v, c] kernel[u, v, c, f].

    The windows of `x` are laid out as rows of one matrix, so the kernels, the fused activation and all derivatives are
    those of `Dense`.

    Args:
        filters: positive int, the number of output channels.
        kernel_size: positive int, or two of them: the height and the width of the kernel.
        strides: positive int, or two of them.
        padding: "valid" (only whole windows), or "same" (zeros around `x`, more of them after than before it, so that
            the output has ceil(size / stride) entries per axis).
        data_format: "channels_last" for (n, height, width, channels), the default, or "channels_first".
        dilation_rate, groups: must be 1.
        activation: None (linear), a name such as "relu", or a callable on tensors.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: name or callable as `initializers.get` takes it.
        kernel_regularizer, bias_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        activity_regularizer: the same for the output; divided by the batch size.
        kernel_constraint, bias_constraint: name or callable as `constraints.get` takes it; applied after each step.
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 4. Returns a tensor whose attribute `z` is the pre-activation (with "channels_last").
    `kernel` has shape (height, width, channels, filters), `bias` (filters,).

    Raises:
        ValueError: for an invalid argument, an input of another rank or number of channels, or smaller than the kernel.
        NotImplementedError: for dilation and groups.

    Source: Keras `layers.Conv2D`.
    """

    _casts_integers = True

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        if not is_integer(filters) or filters <= 0:
            raise ValueError(f"[Conv2D] `filters` is {filters!r}: it must be a positive integer.")
        kernel_size, strides = _pair("kernel_size", kernel_size), _pair("strides", strides)
        if _pair("dilation_rate", dilation_rate) != (1, 1) or groups != 1:
            raise NotImplementedError(
                f"[Conv2D] `dilation_rate` is {dilation_rate!r} and `groups` is {groups!r}: both must be 1."
            )
        if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
            raise ValueError(f"[Conv2D] `padding` is {padding!r}: it must be 'valid' or 'same'.")
        data_format = checked_format(data_format, "Conv2D")
        activation = activations.get(activation)
        weights = choices.read(
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.__dict__.update(weights)
        self.filters, self.kernel_size, self.strides = int(filters), kernel_size, strides
        self.padding, self.data_format = padding.lower(), data_format
        self.dilation_rate, self.groups = (1, 1), 1
        self.activation, self.use_bias = activation, bool(use_bias)

    def build(self, input_shape):
        """Make `kernel` and `bias` for inputs of rank 4."""
        if self.built:
            return
        self.compute_output_shape(input_shape)
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        shape = (*self.kernel_size, channels, self.filters)
        self.kernel = choices.add_weight(self, "kernel", shape)
        self.bias = choices.add_weight(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, x):
        return self._convolved(x, self.kernel, self.bias)

    def _convolved(self, x, kernel, bias):
        if x.ndim != 4:
            raise ValueError(f"[{self.name}] `x` has shape {tuple(x.shape)}: it must have 4 axes, {self._axes()}.")
        first = self.data_format == "channels_first"
        x = _core.transpose(x, (0, 2, 3, 1)) if first else x
        if x.shape[3] != kernel.shape[2]:
            raise ValueError(
                f"[{self.name}] `x` has {x.shape[3]} channels but `kernel` has shape {tuple(kernel.shape)}: "
                "kernel.shape[2] must equal the channels."
            )
        windows = self._windows(x)
        y = _core.dense(windows, _core.reshape(kernel, (-1, self.filters)), bias, self._native or "linear")
        y = y if self._native is not None else self.activation(y)
        return _core.transpose(y, (0, 3, 1, 2)) if first else y

    def _windows(self, x):
        """Return the windows of `x`, (n, height, width, entries of a window), entries in the order of the kernel's."""
        if self.padding == "same":
            around = [_around(n, k, s) for n, k, s in zip(x.shape[1:3], self.kernel_size, self.strides)]
            if any(map(any, around)):
                x = _core.pad(x, [(0, 0), *around, (0, 0)])
        (height, width), (down, right) = self.kernel_size, self.strides
        rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], self.kernel_size, self.strides))
        if rows < 1 or columns < 1:
            raise ValueError(
                f"[{self.name}] `x` has {x.shape[1]} x {x.shape[2]} positions: a kernel of {height} x {width} must fit."
            )
        parts = [
            x[:, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * right + 1 : right]
            for i in range(height)
            for j in range(width)
        ]
        return parts[0] if len(parts) == 1 else _core.concatenate(parts, 3)

    def _axes(self):
        last = self.data_format == "channels_last"
        return "(n, height, width, channels)" if last else "(n, channels, height, width)"

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for an input of rank 4."""
        x = _core.placeholder(tuple(input_shape), self._dtype)
        channels = input_shape[-1 if self.data_format == "channels_last" else 1] if len(input_shape) == 4 else 0
        kernel = (
            self.kernel if self.built else _core.placeholder((*self.kernel_size, channels, self.filters), self._dtype)
        )
        with _core.Pause():
            return tuple(self._convolved(x, kernel, None).shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Conv2D.get_config`."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **choices.configs(self, "kernel", "bias"),
        }


def _pair(name, value):
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(is_integer(n) and n > 0 for n in pair):
        raise ValueError(f"[Conv2D] `{name}` is {value!r}: it must be a positive integer or two of them.")
    return tuple(int(n) for n in pair)


def _around(size, kernel, stride):
    """How many zeros "same" puts before and after an axis."""
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2
