"""What a layer is told about each of its weights: how it starts, what it costs, how it is kept in bounds."""

from __future__ import annotations

from densegrad import constraints, initializers, regularizers

_KINDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def read(**choices):
    """Return the objects that arguments such as `kernel_initializer` mean, by the arguments' names."""
    return {name: _KINDS[name.rpartition("_")[2]].get(value) for name, value in choices.items()}


def add_weight(layer, name, shape):
    """Make the weight `name` of `layer` as its attributes `<name>_initializer`, ... say."""
    return layer.add_weight(shape, name=name, **{kind: getattr(layer, f"{name}_{kind}") for kind in _KINDS})


def configs(layer, *weights):
    """Return the configs of these attributes for all `weights`."""
    return {
        f"{name}_{kind}": module.serialize(getattr(layer, f"{name}_{kind}"))
        for kind, module in _KINDS.items()
        for name in weights
    }
