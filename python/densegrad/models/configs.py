"""New models from the configs of others."""

from __future__ import annotations

from densegrad.layers.base import Layer
from densegrad.layers.core import InputLayer
from densegrad.models.model import Model
from densegrad.models.sequential import Sequential
from densegrad.saving import deserialize_keras_object


def model_from_config(config, custom_objects=None):
    """Return the model that a config means, with new weights.

    Args:
        config: dict with `class_name` and `config`, as `saving.serialize_keras_object` returns it.
        custom_objects: dict from names to classes and functions.

    Raises:
        TypeError: if a class or function is not known, or `config` is not that of a model.

    Source: Keras `models.model_from_config`, which is not public.
    """
    model = deserialize_keras_object(config, custom_objects)
    if not isinstance(model, Model):
        raise TypeError(f"[model_from_config] `config` is {config!r}: it must be the config of a model.")
    return model


def model_from_json(json_string, custom_objects=None):
    """Return the model that `Model.to_json`, here or in Keras, wrote, with new weights.

    Args:
        json_string: str.
        custom_objects: dict from names to classes and functions.

    Raises:
        TypeError: if a class or function is not known, or the JSON is not that of a model.
        ValueError: if `json_string` is not JSON.

    Source: Keras `models.model_from_json`.
    """
    import json  # a millisecond that `import densegrad` does not pay

    return model_from_config(json.loads(json_string), custom_objects)


def clone_model(model, clone_function=None):
    """Return a new model of the same layers with new weights; names, too, are the same.

    Args:
        model: a `Sequential`, or a model of a class with `get_config`.
        clone_function: callable that takes a layer of a `Sequential` (but the input) and returns the layer of the
            clone; None makes a new one from the layer's config.

    Raises:
        TypeError: if `model` is not a model.
        ValueError: if `clone_function` is given for a model that is no `Sequential`, or returns no layer.

    Source: Keras `models.clone_model`.
    """
    if not isinstance(model, Model):
        raise TypeError(f"[clone_model] `model` is {model!r}: it must be a Model.")
    if not isinstance(model, Sequential):
        if clone_function is not None:
            raise ValueError(f"[clone_model] `clone_function` is given for {model!r}: it needs a Sequential.")
        return type(model).from_config(model.get_config())
    made = [_clone(layer, clone_function or _from_config) for layer in model.layers]
    first = [] if model._input_layer is None else [_from_config(model._input_layer)]
    clone = Sequential(first + made, name=model.name, trainable=model.trainable)
    if not clone.built and model._input is not None:
        clone.build(model.input_shape)
    return clone


def _from_config(layer):
    return type(layer).from_config(layer.get_config())


def _clone(layer, function):
    made = function(layer)
    if not isinstance(made, Layer) or isinstance(made, InputLayer):
        raise ValueError(f"[clone_model] `clone_function` returned {made!r} for {layer!r}: it must return a layer.")
    return made
