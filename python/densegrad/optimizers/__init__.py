"""Optimizers by Keras' names. A new one is one entry in C++ and one small class here."""

from __future__ import annotations

from densegrad.optimizers import schedules
from densegrad.optimizers.adam import Adam, Adamax, AdamW, Nadam
from densegrad.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from densegrad.optimizers.base import Optimizer
from densegrad.optimizers.configs import names
from densegrad.optimizers.gradient_descent import SGD, Lion
from densegrad.optimizers.proximal import Ftrl
from densegrad.saving import serialize_keras_object

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def serialize(optimizer):
    """Return an optimizer's class and arguments as plain values, in Keras' layout; its slots are not among them.

    Source: Keras `optimizers.serialize`.
    """
    return serialize_keras_object(optimizer)


def deserialize(config, custom_objects=None):
    """Return a new optimizer from what `serialize` returned; the class name may be in any case.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict from names to classes.

    Source: Keras `optimizers.deserialize`.
    """
    name = config.get("class_name")
    if isinstance(name, str) and name.lower() in names.objects:
        config = {**config, "class_name": name.lower()}
    return names.deserialize(config, custom_objects)


def get(identifier):
    """Return the optimizer that `identifier` means.

    Args:
        identifier: a name in any case ("adam"), a config, an `Optimizer`, or None, which stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else.

    Source: Keras `optimizers.get`.
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if not isinstance(identifier, str):
        raise TypeError(f"[optimizers] `optimizer` is {identifier!r}: it must be a name or an Optimizer.")
    classes = {cls.__name__.lower(): cls for cls in names.objects.values()}
    if identifier.lower() not in classes:
        raise ValueError(f"[optimizers] `{identifier}` is not known: it must be one of {', '.join(sorted(classes))}.")
    return classes[identifier.lower()]()
