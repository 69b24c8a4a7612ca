"""`get`, `serialize` and `deserialize`, and the table of names that the package fills."""

from __future__ import annotations

from densegrad.saving import Names, serialize_keras_object

_names = Names("metrics")


def get(identifier):
    """Return the metric that `identifier` means.

    Args:
        identifier: a name ("mean_squared_error", "mse", ...), a class name, a config, a `Metric` (or a subclass), any
            callable, or None, which stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `metrics.get`.
    """
    return _names.get(identifier)


def serialize(metric):
    """Return the config of a metric or of a function. Source: Keras `metrics.serialize`."""
    return serialize_keras_object(metric)


def deserialize(config, custom_objects=None):
    """Return the metric that a name or a config means.

    Args:
        config: a name such as "mse", or a dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.

    Raises:
        ValueError: for an unknown name.

    Source: Keras `metrics.deserialize`.
    """
    return _names.deserialize(config, custom_objects)
