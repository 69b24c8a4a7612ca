"""Functions as layers."""

from __future__ import annotations

import inspect

from densegrad.config import is_integer
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.saving import deserialize_keras_object, serialize_keras_object


@names.register()
class Identity(Layer):
    """y = x, for a tensor or a structure of them. Source: Keras `layers.Identity`."""

    _stateless = True

    def call(self, x):
        return x

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        return input_shape

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Identity.get_config`."""
        return super().get_config()


@names.register()
class Lambda(Layer):
    """A function as a layer: y = function(x, **arguments).

    Variables that the function reads are not weights of the layer; write a `Layer` for those.

    Args:
        function: callable on a tensor or a structure of them; one that has an argument `training` or `mask` is given
            that of the call.
        output_shape: shape without the samples, or a function of the input's shape; None finds out.
        mask: must be None.
        arguments: dict of further arguments of `function`.
        trainable, dtype, name: as for `Layer`.

    Raises:
        TypeError: if `function` is not callable.
        NotImplementedError: for a `mask`.

    Source: Keras `layers.Lambda`.
    """

    _stateless = True

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        if not callable(function):
            raise TypeError(f"[Lambda] `function` is {function!r}: it must be callable.")
        if mask is not None:
            raise NotImplementedError(f"[Lambda] `mask` is {mask!r}: it must be None, no layer here makes masks.")
        super().__init__(**kwargs)
        self.function, self.arguments = function, dict(arguments or {})
        self._given_shape = output_shape
        self._passed_on = _parameters(function) & {"training", "mask"}

    def call(self, x, mask=None, training=None):
        given = {"mask": mask, "training": training}
        return self.function(x, **self.arguments, **{name: given[name] for name in self._passed_on})

    def compute_output_shape(self, input_shape):
        """Return the shape of the output: as `output_shape` says, or as the function makes it."""
        if callable(self._given_shape):
            return self._given_shape(input_shape)
        if self._given_shape is None:
            return super().compute_output_shape(input_shape)
        first = input_shape
        while isinstance(first[0], (tuple, list)):  # of several inputs
            first = first[0]
        return (first[0], *self._given_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values; a lambda, which has no name, is left as it is.

        Source: Keras `Lambda.get_config`, which writes the code of a lambda instead.
        """
        config = {**super().get_config(), "function": _config_of(self.function), "arguments": dict(self.arguments)}
        if self._given_shape is not None:
            config["output_shape"] = _config_of(self._given_shape)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None, safe_mode=None):
        """Return a new layer from what `get_config` or, for functions with a name, Keras' returned.

        Args:
            config: dict.
            custom_objects: dict from names to functions.
            safe_mode: changes nothing, code in a config is never run.

        Raises:
            TypeError: if the function is not known by its name.
            ValueError: if the config holds the code of a lambda.

        Source: Keras `Lambda.from_config`.
        """
        config = {**config, "function": _function_of(config["function"], custom_objects)}
        shape = config.get("output_shape")
        if isinstance(shape, list) and all(n is None or is_integer(n) for n in shape):
            config["output_shape"] = tuple(shape)
        elif shape is not None:
            config["output_shape"] = _function_of(shape, custom_objects)
        return cls(**{**config, "arguments": deserialize_keras_object(config.get("arguments", {}), custom_objects)})


def _config_of(value):
    is_lambda = getattr(value, "__name__", None) == "<lambda>"
    return serialize_keras_object(value) if callable(value) and not is_lambda else value


def _function_of(config, custom_objects):
    return deserialize_keras_object(config, custom_objects) if isinstance(config, dict) else config


def _parameters(function):
    try:
        return inspect.signature(function).parameters.keys()
    except ValueError:  # of a function in C
        return set()
