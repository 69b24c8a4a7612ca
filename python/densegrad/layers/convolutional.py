"""Convolutions, made of slices and one matrix product."""

from __future__ import annotations

from densegrad import _core, activations, regularizers
from densegrad.config import is_integer
from densegrad.layers import choices
from densegrad.layers.activations import Activated
from densegrad.layers.configs import names
from densegrad.ops import windows


class _Conv(Activated):
    """Base of the convolutions; `_rank` is the number of axes of positions."""

    _rank = 0
    _paddings = ("valid", "same")
    _casts_integers = True

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
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
        cls, rank = type(self).__name__, self._rank
        for name, value in {"filters": filters, "groups": groups}.items():
            if not is_integer(value) or value <= 0:
                raise ValueError(f"[{cls}] `{name}` is {value!r}: it must be a positive integer.")
        if filters % groups:
            raise ValueError(f"[{cls}] `filters` is {filters} and `groups` is {groups}: the groups must divide it.")
        sizes = {"kernel_size": kernel_size, "strides": strides, "dilation_rate": dilation_rate}
        sizes = {name: windows.per_axis(cls, name, value, rank) for name, value in sizes.items()}
        if max(sizes["strides"]) > 1 and max(sizes["dilation_rate"]) > 1:
            raise ValueError(
                f"[{cls}] `strides` is {sizes['strides']} and `dilation_rate` is {sizes['dilation_rate']}: only one "
                "of them may be above 1."
            )
        padding = windows.checked_padding(padding, cls, self._paddings)
        data_format = windows.checked_format(data_format, cls)
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
        self.__dict__.update(weights, **sizes)
        self.filters, self.groups = int(filters), int(groups)
        self.padding, self.data_format = padding, data_format
        self.activation, self.use_bias = activation, bool(use_bias)

    def build(self, input_shape):
        """Make `kernel` and `bias` for inputs of that shape."""
        if self.built:
            return
        self.compute_output_shape(input_shape)
        self.kernel = choices.add_weight(self, "kernel", self._kernel_shape(input_shape))
        self.bias = choices.add_weight(self, "bias", (self.filters,)) if self.use_bias else None

    def _kernel_shape(self, input_shape):
        channels = (
            input_shape[-1 if self.data_format == "channels_last" else 1] if len(input_shape) == self._rank + 2 else 0
        )
        if channels % self.groups:
            raise ValueError(
                f"[{self.name}] `x` has shape {tuple(input_shape)} and `groups` is {self.groups}: the groups must "
                f"divide the {channels} channels."
            )
        return (*self.kernel_size, channels // self.groups, self.filters)

    def call(self, x):
        return self._convolved(x, self.kernel, self.bias)

    def _convolved(self, x, kernel, bias):
        words = windows.Words(self.name)
        x = windows.channels_last(words, x, self._rank, self.data_format)
        where = (self.strides, self.padding, self.dilation_rate, self.groups)
        y = windows.convolved(words, x, kernel, bias, self._native or "linear", *where)
        y = y if self._native is not None else self.activation(y)
        return windows.channels_back(y, self.data_format)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for an input of that shape."""
        x = _core.placeholder(tuple(input_shape), self._dtype)
        kernel = self.kernel if self.built else _core.placeholder(self._kernel_shape(input_shape), self._dtype)
        with _core.Pause():
            return tuple(self._convolved(x, kernel, None).shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
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


@names.register()
class Conv1D(_Conv):
    """A convolution over one axis: a = activation(z),

        z[n, i, f] = bias[f] + sum over u, c of x[n, s i + d u, c] kernel[u, c, f].

    It is made as `Conv2D` is.

    Args:
        filters: positive int, the number of output channels.
        kernel_size: positive int, or one in a list: the length of the kernel.
        strides, dilation_rate: the same.
        padding: "valid", "same", or "causal": zeros before `x` alone, so that no output depends on later entries.
        data_format: "channels_last" for (n, length, channels), the default, or "channels_first".
        groups, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint: as for `Conv2D`.
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 3. Returns a tensor whose attribute `z` is the pre-activation (with "channels_last").
    `kernel` has shape (length, channels / groups, filters), `bias` (filters,).

    Raises:
        ValueError: for an invalid argument, an input of another rank or number of channels, or shorter than the kernel.

    Source: Keras `layers.Conv1D`.
    """

    _rank = 1
    _paddings = ("valid", "same", "causal")


@names.register()
class Conv2D(_Conv):
    """A convolution over two axes: a = activation(z),

        z[n, i, j, f] = bias[f] + sum over u, v, c of x[n, s_0 i + d_0 u, s_1 j + d_1 v, c] kernel[u, v, c, f].

    The windows of `x` are laid out as rows of one matrix, so the kernels, the fused activation and all derivatives are
    those of `Dense`.

    Args:
        filters: positive int, the number of output channels.
        kernel_size: positive int, or two of them: the height and the width of the kernel.
        strides: positive int, or two of them.
        padding: "valid" (only whole windows), or "same" (zeros around `x`, more of them after than before it, so that
            the output has ceil(size / stride) entries per axis).
        data_format: "channels_last" for (n, height, width, channels), the default, or "channels_first".
        dilation_rate: positive int, or two of them: the distance d of the entries of a window; 1 if a stride is not.
        groups: positive int that divides channels and filters, which are split into as many separate convolutions.
        activation: None (linear), a name such as "relu", or a callable on tensors.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: name or callable as `initializers.get` takes it.
        kernel_regularizer, bias_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        activity_regularizer: the same for the output; divided by the batch size.
        kernel_constraint, bias_constraint: name or callable as `constraints.get` takes it; applied after each step.
        trainable, dtype, name, input_shape: as for `Layer`.

    Call with `x` of rank 4. Returns a tensor whose attribute `z` is the pre-activation (with "channels_last").
    `kernel` has shape (height, width, channels / groups, filters), `bias` (filters,).

    Raises:
        ValueError: for an invalid argument, an input of another rank or number of channels, or smaller than the kernel.

    Source: Keras `layers.Conv2D`.
    """

    _rank = 2
