"""Activations by Keras' names: plain functions on tensors. A new one is one entry in C++ and one line here."""

from __future__ import annotations

import warnings

from densegrad import _core, config
from densegrad.saving import Names, serialize_keras_object

__all__ = ["deserialize", "get", "linear", "relu", "serialize", "sigmoid", "softmax"]

_names = Names("activations")
_BY_NAME = _names.objects
_NAME_OF: dict = {}


def _define(name: str, sentence: str):
    def function(x):
        return _core.activation(name, x)

    function.__doc__ = f"""{sentence}

    Args:
        x: tensor or array-like of any shape.

    Returns:
        A tensor of the shape and dtype of `x`; its attribute `z` is `x`. (`linear` returns a tensor `x` itself.)

    Source: Keras `activations.{name}`.
    """
    return _register(name, function)


def _register(name: str, function):
    function.__name__ = function.__qualname__ = name
    _NAME_OF[function] = name
    return _names.register()(function)


linear = _define("linear", "The identity: a = z.")
sigmoid = _define("sigmoid", "The logistic function: a = 1 / (1 + exp(-z)), derivative a (1 - a).")
relu = _define("relu", "The rectifier: a = max(z, 0), derivative 1 for z > 0 and 0 for z <= 0.")


def softmax(x, axis=-1):
    """Exponentials that sum to one: a_i = exp(z_i) / sum_j exp(z_j), computed after subtracting max z.

    Args:
        x: tensor or array-like of rank >= 1.
        axis: the axis that sums to one; a tuple for several axes together, None for all of them.

    Returns:
        A tensor of the shape and dtype of `x`; for an integer `axis` its attribute `z` is `x`.

    Raises:
        ValueError: if `x` is a scalar or `axis` is out of range.

    Source: Keras `activations.softmax`.
    """
    if not isinstance(axis, (tuple, list)) and axis is not None:
        y = _core.activation("softmax", x, axis)
        if y.shape[axis] == 1:
            warn_single_class(axis, y.shape)
        return y
    x = _core.convert(x)
    if not x.ndim:
        raise ValueError("[softmax] `x` is a scalar: it must have at least one axis.")
    axes = tuple(range(x.ndim) if axis is None else axis)
    if not axes or not all(config.is_integer(a) and -x.ndim <= a < x.ndim for a in axes):
        raise ValueError(
            f"[softmax] `axis` is {axis!r} for `x` of shape {tuple(x.shape)}: every entry must be an integer in "
            f"[{-x.ndim}, {x.ndim})."
        )
    axes = tuple(a % x.ndim for a in axes)
    if len(set(axes)) < len(axes):
        raise ValueError(f"[softmax] `axis` is {axis!r}: no axis may be named twice.")
    order = [a for a in range(x.ndim) if a not in axes] + list(axes)
    moved = _core.transpose(x, order)
    rows = _core.reshape(moved, moved.shape[: x.ndim - len(axes)] + (-1,))
    y = _core.reshape(_core.activation("softmax", rows, -1), moved.shape)
    return _core.transpose(y, sorted(range(x.ndim), key=order.__getitem__))


_register("softmax", softmax)


def warn_single_class(axis, shape) -> None:
    """Warn that a softmax over one entry is 1 whatever its input, so that nothing upstream learns."""
    warnings.warn(
        f"[softmax] `axis` {axis} of shape {tuple(shape)} has one entry: its softmax is always 1. Use sigmoid?",
        UserWarning,
        stacklevel=3,
    )


def get(identifier):
    """Return the activation that `identifier` means.

    Args:
        identifier: None (linear), a name such as `"relu"`, a config, or any callable on tensors (a layer too).

    Returns:
        A callable.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `activations.get`.
    """
    return linear if identifier is None else _names.get(identifier)


def serialize(activation):
    """Return the name of a built-in activation, the config of any other. Source: Keras `activations.serialize`."""
    return _NAME_OF[activation] if native_name(activation) else serialize_keras_object(activation)


def deserialize(config, custom_objects=None):
    """Return the activation that a name or a config means.

    Args:
        config: a name such as "relu", or a dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.

    Raises:
        ValueError: for an unknown name.

    Source: Keras `activations.deserialize`.
    """
    return _names.deserialize(config, custom_objects)


def native_name(function) -> str | None:
    """Return the name under which the compiled core knows `function`, or None for a custom one."""
    try:
        return _NAME_OF.get(function)
    except TypeError:  # a callable object need not be hashable
        return None
