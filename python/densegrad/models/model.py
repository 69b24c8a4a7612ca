"""`Model`: a layer that can be trained. `Sequential` chains layers, `Functional` runs a graph of them."""

from __future__ import annotations

from densegrad import config
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.saving import serialize_keras_object
from densegrad.training import Trainer

FILES = (
    "Models are not written to files: keep the arrays of `model.get_weights()`, for instance by numpy.savez, and "
    "`model.to_json()`; `set_weights` and `models.model_from_json` take them back."
)
_ABSENT = ("export", "load_weights", "save", "save_weights")


@names.register(path="keras.Model")
class Model(Trainer, Layer):
    """A layer with `compile`, `fit`, `evaluate`, `predict` and `summary`.

    `Model(inputs, outputs)` is the part of a graph that leads from some symbolic tensors to others. For anything else,
    define `call(self, x)` in a subclass.

    Args:
        inputs: symbolic tensors, made by `Input` or computed from such ones: one, or a list, tuple or dict of them.
        outputs: symbolic tensors computed from the inputs, likewise. Calling the model returns this structure.
        trainable, dtype, name: as for `Layer`.

    Raises:
        TypeError: if an input or output is no symbolic tensor.
        ValueError: if an output is not connected to the inputs, or two layers have one name.

    Source: Keras `Model`.
    """

    def __new__(cls, *args, **kwargs):
        if cls is Model and _has_graph(args, kwargs):
            from densegrad.models.functional import Functional

            cls = Functional
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        if _has_graph(args, kwargs):  # by a subclass, for its own graph
            from densegrad.models.functional import Functional

            _replace_base(type(self), Functional)
            Functional.__init__(self, *args, **kwargs)
            return
        super().__init__(*args, **kwargs)
        self._init_trainer()

    def __getattr__(self, name):
        if name in _ABSENT:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'. {FILES}")
        return object.__getattribute__(self, name)  # raises what it raised before: a property may have had its reasons

    @property
    def layers(self):
        """The layers of the model, in order."""
        return [layer for layer in self._leaves()[1] if isinstance(layer, Layer)]

    @layers.setter
    def layers(self, value):
        raise AttributeError("[Model] `Model.layers` attribute is reserved: take another name for the layers.")

    def get_layer(self, name=None, index=None):
        """Return the layer with the given name, or at the given index of `layers`.

        Raises:
            ValueError: if there is none, or not exactly one of `name` and `index` is given.

        Source: Keras `Model.get_layer`.
        """
        if (name is None) == (index is None):
            raise ValueError(f"[get_layer] `name` is {name!r} and `index` is {index!r}: pass exactly one of them.")
        layers = self.layers
        if index is not None:
            if not config.is_integer(index) or not -len(layers) <= index < len(layers):
                raise ValueError(f"[get_layer] `index` is {index!r}: `{self.name}` has {len(layers)} layers.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"[get_layer] `name` is {name!r}: `{self.name}` has {', '.join(x.name for x in layers)}.")

    def to_json(self, **kwargs):
        """Return the config of the model, without weights, as JSON; `models.model_from_json` reads it.

        Args:
            kwargs: arguments for `json.dumps`, such as `indent`.

        Source: Keras `Model.to_json`.
        """
        import json  # a millisecond that `import densegrad` does not pay

        return json.dumps(serialize_keras_object(self), **kwargs)

    def summary(self, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False):
        """Print a table of the layers, their output shapes and numbers of parameters.

        Args:
            line_length: width in characters; None takes the terminal's, at most 88.
            positions: relative ends of the columns, such as [0.45, 0.8, 1.0].
            print_fn: called once with the whole text; None prints.
            expand_nested: whether to list the layers of models inside the model.
            show_trainable: whether to add a column with Y or N.

        Source: Keras `Model.summary`.
        """
        from densegrad.summary import render

        (print_fn or print)(render(self, line_length, positions, expand_nested, show_trainable))


def _has_graph(args, kwargs):
    return bool(args) or "inputs" in kwargs or "outputs" in kwargs


def _replace_base(cls, functional):
    if issubclass(cls, functional):
        return
    for base in cls.__bases__:
        if base is Model:
            cls.__bases__ = tuple(functional if b is Model else b for b in cls.__bases__)
        elif issubclass(base, Model):
            _replace_base(base, functional)
