"""Activations as layers."""

from __future__ import annotations

from densegrad import activations
from densegrad.layers.base import Layer
from densegrad.layers.configs import names


@names.register()
class Activation(Layer):
    """An activation as a layer: a = activation(x).

    Args:
        activation: None (linear), a name such as "relu", or a callable on tensors.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Source: Keras `layers.Activation`.
    """

    _casts_integers = True

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


@names.register()
class ReLU(Activation):
    """a = max(x, 0). Source: Keras `layers.ReLU`."""

    def __init__(self, **kwargs):
        super().__init__("relu", **kwargs)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `ReLU.get_config`."""
        return Layer.get_config(self)


@names.register()
class Softmax(Activation):
    """a_i = exp(x_i) / sum_j exp(x_j) over `axis`. Source: Keras `layers.Softmax`."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__("softmax", **kwargs)
        self.axis = axis

    def call(self, x):
        return self.activation(x, axis=self.axis)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Softmax.get_config`."""
        return {**Layer.get_config(self), "axis": self.axis}
