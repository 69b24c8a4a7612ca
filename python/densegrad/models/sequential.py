"""`Sequential`: a chain of layers."""

from __future__ import annotations

import weakref

from densegrad import _core, graph
from densegrad._core import Tensor
from densegrad.data import as_array
from densegrad.layers.base import Layer, _Scope, _shape_of
from densegrad.layers.configs import names, shape_from_config
from densegrad.layers.core import InputLayer
from densegrad.models.model import Model
from densegrad.saving import deserialize_keras_object, serialize_keras_object


@names.register(path="keras.Sequential")
class Sequential(Model):
    """A chain of layers, each fed with the output of the one before.

    Args:
        layers: list of layers; the first may be `Input(shape)`, which builds the model at once. Without it the model
            is built at the first call.
        trainable: as for `Layer`.
        name: str.

    Call with `x` of shape (batch, ...); returns the last layer's output.

    Raises:
        ValueError: if an entry is not a layer, or two layers have one name.

    Source: Keras `Sequential`.
    """

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(trainable=trainable, name=name)
        object.__setattr__(self, "_chain", [])
        self._input_layer = None
        self.__dict__.update(_input=None, _output=None)  # symbolic
        if isinstance(layers, (Layer, Tensor, str)) or not hasattr(layers or [], "__iter__"):
            raise TypeError(f"[Sequential] `layers` is {layers!r}: it must be a list of layers.")
        checked = []
        for entry in layers or []:
            checked.append(self._checked(entry, checked))
        for layer in checked:
            self._append(layer)
        self._maybe_build()

    _takes_training = True

    def _checked(self, entry, before):
        """Return the layer that `entry` means, or raise if it cannot follow the layers `before`."""
        if isinstance(entry, graph.SymbolicTensor) and entry._history[0].is_input:
            entry = entry._history[0].operation
        if not isinstance(entry, Layer):
            raise ValueError(
                f"[Sequential] Only instances of `layers.Layer` can be added, got {entry!r}, a {type(entry).__name__}. "
                "Wrap a function in `layers.Activation`, write `Dense(...)` instead of `Dense`."
            )
        if isinstance(entry, InputLayer) and before:
            raise ValueError(
                f"[Sequential] `{self.name}` has already been configured with layers: an Input must be the first entry."
            )
        if any(layer.name == entry.name for layer in before):
            raise ValueError(
                f"[Sequential] All layers should have unique names, two are named {entry.name!r}: pass `name=` to one "
                "of them."
            )
        return entry

    def _append(self, layer):
        if isinstance(layer, InputLayer):
            self._input_layer = layer
            return
        if not self._chain and self._input_layer is None and layer._input_shape_arg is not None:
            self._input_layer = InputLayer(shape=layer._input_shape_arg, dtype=layer.dtype)
        self._chain.append(layer)
        if not self._trainable:
            layer.trainable = False

    def _maybe_build(self):
        if self._input_layer is not None and self._chain:
            self.build(self._input_layer.batch_shape)

    def add(self, layer):
        """Append a layer; if the model is built, the layer is built too.

        Raises:
            ValueError: if `layer` is not a layer or its name is taken.

        Source: Keras `Sequential.add`.
        """
        layer = self._checked(layer, [*filter(None, [self._input_layer]), *self._chain])
        before = self._input_layer, self._input, self._output
        self._append(layer)
        try:
            if self._output is not None:
                with _Scope(self):
                    self.__dict__["_output"] = layer(self._output)
            else:
                self._maybe_build()
        except BaseException:
            self.__dict__.update(zip(("_input_layer", "_input", "_output"), before))
            self._chain[:] = [x for x in self._chain if x is not layer]
            raise

    def pop(self):
        """Remove the last layer and return it.

        Raises:
            ValueError: if there is none.

        Source: Keras `Sequential.pop`.
        """
        if not self._chain:
            raise ValueError(f"[Sequential] `{self.name}` has no layers: there is nothing to pop.")
        layer = self._chain.pop()
        self.__dict__["_output"] = None
        self._link_later()
        return layer

    def build(self, input_shape=None):
        """Make the weights of all layers for inputs of `input_shape`, batch axis first (None if unknown)."""
        if input_shape is None and self._input_layer is not None:
            return  # its weights are made
        if input_shape is None:
            raise ValueError("[Sequential] `input_shape` is None: it must be a shape such as (None, 784).")
        self._require_layers()
        shape = tuple(input_shape)
        if self._input_layer is not None and self._input_layer.batch_shape != shape:
            raise ValueError(
                f"[Sequential] `input_shape` is {shape} but `{self.name}` has already been configured for inputs of "
                f"shape {self._input_layer.batch_shape}."
            )
        if self._input is None or tuple(self._input.shape) != shape:
            given = self._input_layer
            dtype = self._chain[0]._dtype if given is None else given._dtype
            layer = (
                given
                if given is not None and given.batch_shape == shape
                else InputLayer(batch_shape=shape, dtype=dtype)
            )
            self.__dict__["_input"] = layer.output
        self._link()

    def _link(self):
        """Call the layers on the symbolic input, which builds them."""
        y = self._input
        with _Scope(self):
            for layer in self._chain:
                y = layer(y)
        self.__dict__["_output"] = y

    def _require_layers(self):
        if not self._chain:
            raise ValueError(f"[Sequential] `{self.name}` has no layers: add one with `add(layer)` before it is used.")

    def __getstate__(self):
        state = super().__getstate__()
        return {**state, "_output": None, "_input": None if self._input is None else self._input._history[0].operation}

    def __setstate__(self, state):
        layer = state["_input"]
        super().__setstate__({**state, "_input": None if layer is None else layer.output})
        if layer is not None:
            self._link_later()

    def _first_call(self, x, args, kwargs):
        self._require_init()
        self._require_layers()
        if not self.built:
            self._check_shapes(_shape_of(self._as_input(x)))
            # The layers are built by running them, so that layers that cannot run symbolically work too.
            object.__setattr__(self, "built", True)
        try:
            y = super()._first_call(x, args, kwargs)
        except BaseException:
            object.__setattr__(self, "built", self._input is not None)
            raise
        if self._input is None:
            x = self._as_input(x)
            self.__dict__["_input"] = InputLayer(batch_shape=(None, *x.shape[1:]), dtype=x.dtype).output
            self._link_later()
        return y

    def _link_later(self):
        # When somebody asks for symbolic tensors: it may never happen, and a layer of the user may need values.
        for layer in self._chain:
            layer.__dict__["_linker"] = weakref.ref(self)

    def _check_shapes(self, shape):
        try:
            self.compute_output_shape(shape)
        except NotImplementedError:
            pass

    def _as_input(self, x):
        # The first layer decides about the dtype.
        return x if isinstance(x, Tensor) else _core.convert(x)

    def call(self, x, training=None):
        for layer in self._chain:
            x = layer(x, training=training) if layer._takes_training else layer(x)
        return x

    def _output_labels(self):
        return [None]

    def _arrange(self, value, name, tag, leaf=as_array):
        if isinstance(value, (list, tuple)) and len(value) == 1 and hasattr(value[0], "shape"):
            value = value[0]
        return leaf(value, name, tag)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for inputs of `input_shape`, without building anything."""
        shape = tuple(input_shape)
        for layer in self._chain:
            shape = layer.compute_output_shape(shape)
        return tuple(shape)

    def get_config(self):
        """Return the name and the configs of the layers as plain values. Source: Keras `Sequential.get_config`."""
        layers = [*filter(None, [self._input_layer]), *self._chain]
        config = {**super().get_config(), "layers": [serialize_keras_object(layer) for layer in layers]}
        return config if self._input is None else {**config, "build_input_shape": self.input_shape}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a new model from what `get_config`, here or in Keras, returned; its weights are new.

        Args:
            config: dict with `name`, `layers`, and optionally `build_input_shape`.
            custom_objects: dict from names to classes and functions.

        Raises:
            TypeError: if a layer is not known.

        Source: Keras `Sequential.from_config`.
        """
        model = cls(name=config["name"])
        for layer in config["layers"]:
            model.add(deserialize_keras_object(layer, custom_objects))
        if not model.built and config.get("build_input_shape"):
            model.build(shape_from_config(config["build_input_shape"]))
        return model

    def get_build_config(self):
        """Return the shape that the model is built for, as a dict, or None. Source: Keras, the same name."""
        return None if self._input is None else {"input_shape": self.input_shape}

    def _leaves(self):
        return [], self._chain

    @property
    def layers(self):
        """The layers, without the Input."""
        return list(self._chain)

    @layers.setter
    def layers(self, value):
        raise AttributeError("[Sequential] `layers` is reserved: Use `add()` and `pop()` to change the layers.")

    @property
    def inputs(self):
        """A list with the symbolic input."""
        return [self.input]

    @property
    def outputs(self):
        """A list with the symbolic output."""
        return [self.output]

    @property
    def input(self):
        """The symbolic input."""
        return self._symbolic_input()

    @property
    def output(self):
        """The symbolic output."""
        self._symbolic_input()
        if self._output is None:
            self._link()
        return self._output

    @property
    def input_shape(self):
        """The shape of the input, the batch axis None."""
        return tuple(self._symbolic_input().shape)

    @property
    def output_shape(self):
        """The shape of the output, the batch axis None."""
        return self.compute_output_shape(self.input_shape)

    def _symbolic_input(self):
        if self._input is None:
            raise AttributeError(f"[Sequential] `{self.name}` has no input yet: call it on data or `build()` it.")
        return self._input
