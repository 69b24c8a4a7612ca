"""Dense layers and the input of a model."""

from __future__ import annotations

import numpy as np

from densegrad import _core, activations, config, graph
from densegrad.layers import choices
from densegrad.layers.activations import Activated
from densegrad.layers.base import Layer
from densegrad.layers.configs import names

_dense = _core.dense


@names.register()
class Dense(Activated):
    """A densely connected layer: a = activation(z), z = x @ kernel + bias.

    Args:
        units: positive int, the width of the output.
        activation: None (linear), a name such as "relu", or a callable on tensors.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: name or callable as `initializers.get` takes it.
        kernel_regularizer, bias_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        activity_regularizer: the same for the output; divided by the batch size.
        kernel_constraint, bias_constraint: name or callable as `constraints.get` takes it; applied after each step.
        trainable, dtype, name, input_shape, input_dim: as for `Layer`.

    Call with `x` of shape (..., in) and rank >= 2; it is cast to the dtype of the layer. Returns a tensor of shape
    (..., units) whose attribute `z` is the pre-activation. `kernel` has shape (in, units), `bias` (units,).

    Raises:
        ValueError: for an invalid `units`, an input of rank below 2 or of another width than the kernel.

    Source: Keras `layers.Dense`.
    """

    _casts_integers = True

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        quantization_config=None,
        **kwargs,
    ):
        if quantization_config is not None:
            raise NotImplementedError("[Dense] `quantization_config` must be None: weights are float32 or float64.")
        if not isinstance(units, int) or isinstance(units, bool) or units <= 0:
            raise ValueError(f"[Dense] `units` is {units!r}: it must be a positive integer.")
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
        self.units = int(units)
        self.activation = activation
        self.use_bias = bool(use_bias)

    def build(self, input_shape):
        """Make `kernel` and `bias` for inputs of shape (..., in)."""
        if self.built:
            return
        if len(input_shape) > 1 and input_shape[-1] is None:
            raise ValueError(f"[{self.name}] `input_shape` is {tuple(input_shape)}: its last axis must be known.")
        self.compute_output_shape(input_shape)
        if self._native == "softmax" and self.units == 1:
            activations.warn_single_class(-1, (*input_shape[:-1], 1))
        self._kernel = choices.add_weight(self, "kernel", (input_shape[-1], self.units))
        self._bias = choices.add_weight(self, "bias", (self.units,)) if self.use_bias else None

    def call(self, x):
        if self._native is not None:
            return _dense(x, self._kernel, self._bias, self._native)
        return self.activation(_dense(x, self._kernel, self._bias))

    def compute_output_shape(self, input_shape):
        """Return (..., units) for an input of shape (..., in)."""
        shape = tuple(input_shape)
        kernel = self._kernel if self.built else _core.placeholder((*shape[-1:], self.units), self._dtype)
        with _core.Pause():
            return tuple(_dense(_core.placeholder(shape, self._dtype), kernel).shape)

    @property
    def kernel(self):
        """The weight matrix, shape (in, units)."""
        return self._weight("kernel")

    @property
    def bias(self):
        """The bias, shape (units,), or None with `use_bias=False`."""
        return self._weight("bias")

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Dense.get_config`."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **choices.configs(self, "kernel", "bias"),
            "quantization_config": None,
        }

    def _weight(self, name):
        if not self.built:
            raise AttributeError(f"[{self.name}] has no `{name}` before it is built: call it on data or `build()` it.")
        return self.__dict__[f"_{name}"]


@names.register()
class InputLayer(Layer):
    """The declared input of a model; it returns its input, and `output` is a symbolic tensor of its shape.

    Args:
        shape: shape of one sample, unknown axes None.
        batch_size: int or None.
        dtype: of the samples; None means `floatx()`.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: str.
        sparse, ragged, optional: accepted for Keras' sake; they must be false.
        input_shape, batch_input_shape: Keras' older names of `shape` and `batch_shape`.

    Source: Keras `layers.InputLayer`.
    """

    def __init__(
        self,
        shape=None,
        batch_size=None,
        dtype=None,
        sparse=False,
        batch_shape=None,
        name=None,
        ragged=False,
        optional=False,
        *,
        input_shape=None,
        batch_input_shape=None,
    ):
        shape = shape if input_shape is None else input_shape
        batch_shape = batch_shape if batch_input_shape is None else batch_input_shape
        for argument, value in {"sparse": sparse, "ragged": ragged, "optional": optional}.items():
            if value:
                raise NotImplementedError(
                    f"[InputLayer] `{argument}` is {value!r}: it must be false, inputs are dense."
                )
        batch_shape = _batch_shape("InputLayer", shape, batch_size, batch_shape)
        input_dtype = np.dtype(dtype or config.floatx())
        placeholder = _core.placeholder(batch_shape, input_dtype)
        super().__init__(name=name)
        self.batch_shape = batch_shape
        object.__setattr__(self, "_dtype", input_dtype)
        object.__setattr__(self, "built", True)
        graph.Node(self, (), {}, placeholder)

    def __setstate__(self, state):
        super().__setstate__(state)
        graph.Node(self, (), {}, _core.placeholder(self.batch_shape, self._dtype))

    def get_config(self):
        """Return the shape, dtype and name as plain values. Source: Keras `InputLayer.get_config`."""
        fixed = {"sparse": False, "ragged": False, "optional": False}
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, **fixed, "name": self.name}

    def call(self, x):
        return x

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return tuple(input_shape)


def Input(shape=None, batch_size=None, dtype=None, batch_shape=None, name=None):
    """Return a symbolic tensor: the shape and dtype of a model's input, without values.

    What layers and operations make of it is a graph, and `Model(inputs, outputs)` a part of that graph.

    Args:
        shape: shape of one sample, unknown axes None.
        batch_size: int or None.
        dtype: None means `floatx()`.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: of the input; None takes `input_layer` with a counter.

    Returns:
        A symbolic `Tensor` of shape (batch_size, *shape): layers accept it, reading its values raises.

    Raises:
        ValueError: if the shape is missing or not made of positive ints and None.

    Source: Keras `Input`.
    """
    batch_shape = _batch_shape("Input", shape, batch_size, batch_shape)
    return InputLayer(batch_shape=batch_shape, dtype=dtype, name=name).output


def _batch_shape(tag, shape, batch_size, batch_shape):
    if (shape is None) == (batch_shape is None):
        raise ValueError(
            f"[{tag}] `shape` is {shape!r} and `batch_shape` is {batch_shape!r}: pass exactly one of them."
        )
    given = shape if batch_shape is None else batch_shape
    if not isinstance(given, (tuple, list)):
        raise ValueError(f"[{tag}] `shape` is {given!r}: it must be a tuple such as (784,).")
    result = (batch_size, *given) if batch_shape is None else tuple(given)
    for n in result:
        if n is not None and (isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0):
            raise ValueError(f"[{tag}] `shape` gives {result}: every axis must be a non-negative integer or None.")
    return result
