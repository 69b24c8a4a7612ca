"""Activations as layers."""

from __future__ import annotations

import warnings

from densegrad import _core, activations
from densegrad.config import is_integer
from densegrad.layers import choices
from densegrad.layers.base import Layer
from densegrad.layers.configs import names


class Activated(Layer):
    """Base of the layers that end in an activation, which may be replaced at any time, also by None or a name."""

    _takes_one = True

    @property
    def activation(self):
        """The function that the layer ends in; set to None, it is linear."""
        return self._activation

    @activation.setter
    def activation(self, activation):
        self._activation = activations.get(activation)
        self._native = activations.native_name(self._activation)


@names.register()
class Activation(Layer):
    """An activation as a layer: a = activation(x).

    Args:
        activation: None (linear), a name such as "relu", or a callable on tensors.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Source: Keras `layers.Activation`.
    """

    _casts_integers = True
    _stateless = True

    def __init__(self, activation, **kwargs):
        activation = activations.get(activation)
        super().__init__(**kwargs)
        self.activation = activation

    def call(self, x):
        return self.activation(x)

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Activation.get_config`."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class _Parametrised(Activation):
    """An activation whose parameters are the layer's attributes, in the order of `_parameters`."""

    _parameters: tuple[str, ...] = ()

    def __init__(self, activation, values, **kwargs):
        super().__init__(activation, **kwargs)
        for name, value in zip(self._parameters, values, strict=True):
            setattr(self, name, value)

    def call(self, x):
        return self.activation(x, *[getattr(self, name) for name in self._parameters])

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        return {**Layer.get_config(self), **{name: getattr(self, name) for name in self._parameters}}


def _require_nonnegative(layer, name, value, subject=None):
    if value is None or value < 0:
        subject = subject or f"{name} of a {layer} layer"  # the words that people know from Keras
        none = "" if name == "max_value" else "None or "
        raise ValueError(f"[{layer}] `{name}` is {value!r}: {subject} cannot be {none}a negative value.")


@names.register()
class ReLU(_Parametrised):
    """a = min(x, max_value) for x > threshold, else negative_slope (x - threshold).

    Args:
        max_value: number >= 0, the largest value, or None for no limit.
        negative_slope: number >= 0.
        threshold: number >= 0.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Raises:
        ValueError: for a negative number.

    Source: Keras `layers.ReLU`.
    """

    _parameters = ("negative_slope", "max_value", "threshold")

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        if max_value is not None:
            _require_nonnegative("ReLU", "max_value", max_value)
        _require_nonnegative("ReLU", "negative_slope", negative_slope)
        _require_nonnegative("ReLU", "threshold", threshold)
        super().__init__("relu", (negative_slope, max_value, threshold), **kwargs)


@names.register()
class LeakyReLU(_Parametrised):
    """a = x for x > 0, else negative_slope x.

    Args:
        negative_slope: number >= 0; `alpha` is its name in older code, which warns.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Raises:
        ValueError: for a negative number.

    Source: Keras `layers.LeakyReLU`.
    """

    _parameters = ("negative_slope",)

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:
            warnings.warn("[LeakyReLU] `alpha` is an old name: write `negative_slope`.", UserWarning, stacklevel=2)
            negative_slope = kwargs.pop("alpha")
        subject = "The negative_slope value of a Leaky ReLU layer"
        _require_nonnegative("LeakyReLU", "negative_slope", negative_slope, subject)
        super().__init__("leaky_relu", (negative_slope,), **kwargs)


@names.register()
class ELU(_Parametrised):
    """a = x for x > 0, else alpha (exp(x) - 1).

    Args:
        alpha: number, minus the limit at -inf.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Source: Keras `layers.ELU`.
    """

    _parameters = ("alpha",)

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__("elu", (alpha,), **kwargs)


@names.register()
class Softmax(Activation):
    """a_i = exp(x_i) / sum_j exp(x_j) over `axis`.

    Args:
        axis: an int, or a list of them for several axes together.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Call with `x` and, if some entries are to be left out, with `mask`: a bool array (or numbers, true above 0.5) that
    broadcasts to the shape of `x`. Masked entries get 0, also where nothing is left.

    Raises:
        ValueError: for a mask that does not broadcast to `x`.

    Source: Keras `layers.Softmax`.
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__("softmax", **kwargs)
        self.axis = axis

    def call(self, x, mask=None):
        if mask is None:
            return self.activation(x, axis=self.axis)
        mask = _core.convert(mask)
        if mask.dtype != bool:
            mask = _core.greater(_core.cast(mask, "float32"), 0.5)
        sizes = zip(reversed(mask.shape), reversed(x.shape), strict=False)
        if mask.ndim > x.ndim or any(m not in (1, n) and None not in (m, n) for m, n in sizes):
            raise ValueError(
                f"[{self.name}] `mask` has shape {tuple(mask.shape)} but `x` has shape {tuple(x.shape)}: it must be "
                "broadcastable to `x`, and must not have more dimensions."
            )
        # Keras' number in place of -inf, since a row may be masked as a whole.
        return _core.where(mask, self.activation(_core.where(mask, x, -1e9), axis=self.axis), 0.0)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Softmax.get_config`."""
        return {**Layer.get_config(self), "axis": self.axis}


@names.register()
class PReLU(Layer):
    """a = x for x >= 0, else alpha x, with a trained alpha for every entry of a sample.

    Args:
        alpha_initializer: name or callable as `initializers.get` takes it.
        alpha_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        alpha_constraint: name or callable as `constraints.get` takes it; applied after each step.
        shared_axes: int or list of them, counted with the samples as axis 0: along these one alpha is shared.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    The derivative at x = 0 is 0, as Keras has it.

    Raises:
        ValueError: for inputs of another shape than the first ones, but for the samples and shared axes.

    Source: Keras `layers.PReLU`.
    """

    _takes_one = True
    _casts_integers = True

    def __init__(
        self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        weights = choices.read(
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
        )
        super().__init__(**kwargs)
        self.__dict__.update(weights)
        shared = list(shared_axes) if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = None if shared_axes is None else shared

    def build(self, input_shape):
        """Make `alpha`, of the shape of a sample with 1 for shared axes."""
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not is_integer(axis) or not 1 <= axis <= len(shape):
                raise ValueError(
                    f"[{self.name}] `shared_axes` is {self.shared_axes} but inputs have shape {tuple(input_shape)}: "
                    f"each must be in [1, {len(shape)}]."
                )
            shape[axis - 1] = 1
        self.alpha = choices.add_weight(self, "alpha", shape)

    def call(self, x):
        shape, expected = tuple(x.shape)[1:], tuple(self.alpha.shape)
        shared = {axis - 1 for axis in self.shared_axes or ()}
        if len(shape) != len(expected) or any(
            m != n for a, (m, n) in enumerate(zip(shape, expected, strict=True)) if a not in shared
        ):
            raise ValueError(
                f"[{self.name}] `x` has shape {tuple(x.shape)} but `alpha` has shape {expected}: they must be equal "
                "but for the samples and `shared_axes`."
            )
        return activations.relu(x) - self.alpha * activations.relu(-x)

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `PReLU.get_config`."""
        return {**super().get_config(), **choices.configs(self, "alpha"), "shared_axes": self.shared_axes}
