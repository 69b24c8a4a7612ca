"""Optimizers by Keras' names. A new one is one entry in C++ and one small class here."""

from __future__ import annotations

from densegrad.optimizers import schedules
from densegrad.optimizers.adam import Adam, Adamax, AdamW, Nadam
from densegrad.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from densegrad.optimizers.base import Optimizer
from densegrad.optimizers.gradient_descent import SGD, Lion

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]

_CLASSES = {c.__name__.lower(): c for c in (SGD, RMSprop, Adam, AdamW, Adadelta, Adagrad, Adamax, Nadam, Lion)}


def get(identifier):
    """Return the optimizer that `identifier` means.

    Args:
        identifier: a name in any case ("adam"), or an `Optimizer`.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else.

    Source: Keras `optimizers.get`.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        if identifier.lower() not in _CLASSES:
            raise ValueError(f"[optimizers] `{identifier}` is not known: it must be one of {', '.join(_CLASSES)}.")
        return _CLASSES[identifier.lower()]()
    raise TypeError(f"[optimizers] `optimizer` is {identifier!r}: it must be a name or an Optimizer.")
