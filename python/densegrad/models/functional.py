"""`Functional`: a model that runs the part of a graph between some symbolic tensors and others."""

from __future__ import annotations

from densegrad import _core, nest
from densegrad._core import Tensor
from densegrad.data import as_array, as_structure
from densegrad.graph import Node, SymbolicTensor, substitute
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.layers.core import Input
from densegrad.models import graph_config
from densegrad.models.model import Model
from densegrad.models.network import Network, rebuild
from densegrad.models.structure import choose


@names.register(path="keras.src.models.functional.Functional")
class Functional(Model):
    """What `Model(inputs, outputs)` makes. Source: Keras `models.Functional`."""

    _takes_training = True

    def __init__(self, inputs, outputs, name=None, trainable=None, **kwargs):
        for argument, structure in (("inputs", inputs), ("outputs", outputs)):
            leaves = nest.flatten(structure)
            if not leaves:
                raise ValueError(f"[Model] `{argument}` is {structure!r}: it must hold at least one symbolic tensor.")
            for leaf in leaves:
                if not isinstance(leaf, SymbolicTensor):
                    raise TypeError(
                        f"[Model] `{argument}` holds a {type(leaf).__name__}: it must be made of symbolic tensors, of "
                        "`Input` and what layers and operations make of it."
                    )
        super().__init__(name=name, **kwargs)
        self._connect(inputs, outputs)
        if trainable is not None:
            self.trainable = trainable

    def _connect(self, inputs, outputs):
        inputs, outputs = _from_inputs(inputs, outputs)
        network = Network(nest.flatten(inputs), nest.flatten(outputs))
        # Straight into the dict: the layers are known through the network.
        self.__dict__.update(
            _network=network,
            _input_struct=inputs,
            _output_struct=outputs,
            _single=isinstance(inputs, SymbolicTensor) and isinstance(_unpacked(outputs), SymbolicTensor),
            built=True,
        )

    # -- copying: the graph is made anew from the copied layers ----------------------------------------------------

    def __getstate__(self):
        state = super().__getstate__()
        for name in ("_network", "_input_struct", "_output_struct"):
            del state[name]
        structure = nest.pack_as(self._input_struct, list(range(len(self.inputs))))
        return {**state, "_graph": (structure, *self._network.describe(self._output_struct))}

    def __setstate__(self, state):
        state = dict(state)
        structure, *description = state.pop("_graph")
        super().__setstate__(state)
        inputs, outputs = rebuild(*description)
        self._connect(nest.pack_as(structure, inputs), outputs)

    # -- configs ---------------------------------------------------------------------------------------------------

    def get_config(self):
        """Return the name, the layers and their calls as plain values. Source: Keras `Functional.get_config`."""
        if type(self).__init__ is not Functional.__init__:
            return super().get_config()  # a subclass makes its graph itself
        graph = graph_config.describe(self._network, self._input_struct, self._output_struct)
        return {"name": self.name, "trainable": self.trainable, **graph}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a new model from what `get_config`, here or in Keras, returned; its weights are new.

        Args:
            config: dict with `name`, `layers`, `input_layers` and `output_layers`.
            custom_objects: dict from names to classes and functions.

        Raises:
            TypeError: if a layer is not known.
            ValueError: if an operation is not known, or the calls do not fit together.

        Source: Keras `Functional.from_config`.
        """
        if "input_layers" not in config:
            return super().from_config(config)
        inputs, outputs = graph_config.rebuild(config, custom_objects)
        return cls(inputs, outputs, name=config.get("name"), trainable=config.get("trainable"))

    # -- running ---------------------------------------------------------------------------------------------------

    def _as_input(self, x):
        return x  # each input has a dtype of its own

    def call(self, x, training=None):
        values = self._network.run(self._standardize(x), training)
        return values[0] if self._single else nest.pack_as(_unpacked(self._output_struct), values)

    def _standardize(self, x):
        """Return the inputs in order, in their dtypes and ranks, or raise if they do not fit."""
        leaves = [x] if self._single and isinstance(x, Tensor) else choose(self._input_struct, x, self.name)
        return [_fit(leaf, spec, self.name) for leaf, spec in zip(leaves, self._network.inputs)]

    # -- training --------------------------------------------------------------------------------------------------

    def _output_labels(self):
        by_key = isinstance(self._output_struct, dict) and all(
            isinstance(x, SymbolicTensor) for x in self._output_struct.values()
        )
        return sorted(self._output_struct) if by_key else self.output_names

    def _arrange(self, value, name, tag, leaf=as_array):
        if name == "x":
            leaves = choose(self._input_struct, value, self.name)
            return nest.pack_as(self._input_struct, [leaf(part, name, tag) for part in leaves])
        if len(self._network.outputs) == 1:
            return leaf(choose(nest.flatten(self._output_struct)[0], value, self.name)[0], name, tag)
        return as_structure(value, name, tag, leaf)

    def _output_specs(self, x):
        inputs = [_core.placeholder(a.shape, t.dtype) for a, t in zip(nest.flatten(x), self._network.inputs)]
        with _core.Pause(), _core.Rehearsal():
            values = self._network.run([_fit(a, t, self.name) for a, t in zip(inputs, self._network.inputs)], None)
        return values[0] if self._single else nest.pack_as(_unpacked(self._output_struct), values)

    def compute_output_shape(self, input_shape):
        """Return the shapes of the outputs for inputs of `input_shape`, in the structure of the outputs."""
        shapes = _shapes_like(self._input_struct, input_shape)
        leaves = [_core.placeholder(s, t.dtype) for s, t in zip(shapes, self._network.inputs)]
        with _core.Pause(), _core.Rehearsal():
            values = self._network.run([_fit(x, t, self.name) for x, t in zip(leaves, self._network.inputs)], None)
        return nest.pack_as(_unpacked(self._output_struct), [tuple(v.shape) for v in values])

    def build(self, input_shape=None):
        """Do nothing: the layers were built when they were called."""

    # -- parts -----------------------------------------------------------------------------------------------------

    def _leaves(self):
        if "_network" not in self.__dict__:
            return super()._leaves()
        layers = self.layers
        # Variables and layers that a subclass sets as attributes come after those of the graph.
        variables, extra = super()._leaves()
        return variables, layers + [x for x in extra if not any(x is y for y in layers)]

    @property
    def layers(self):
        """The layers, inputs included, in the order in which data passes them."""
        return [x for x in self._network.operations if isinstance(x, Layer)]

    @layers.setter
    def layers(self, value):
        Model.layers.__set__(self, value)

    @property
    def operations(self):
        """The layers and the operations between them."""
        return list(self._network.operations)

    @property
    def inputs(self):
        """The symbolic inputs as a flat list."""
        return list(self._network.inputs)

    @property
    def outputs(self):
        """The symbolic outputs as a flat list."""
        return list(self._network.outputs)

    @property
    def input(self):
        """The symbolic inputs in their structure."""
        return self._input_struct

    @property
    def output(self):
        """The symbolic outputs in their structure."""
        return self._output_struct

    @property
    def input_shape(self):
        """The shapes of the inputs: one, or a list."""
        return _unpacked([tuple(x.shape) for x in self.inputs])

    @property
    def output_shape(self):
        """The shapes of the outputs: one, or a list."""
        return _unpacked([tuple(x.shape) for x in self.outputs])

    @property
    def input_names(self):
        """The names of the inputs."""
        return [x.name for x in self.inputs]

    @property
    def output_names(self):
        """The names of the layers or operations that the outputs come from."""
        return [x.name for x in self.outputs]


def _unpacked(items):
    """The only item of a list or tuple of one, anything else as it is, as Keras hands out results."""
    return items[0] if isinstance(items, (list, tuple)) and len(items) == 1 else items


def _shapes_like(struct, shape):
    """One shape for each input in `struct`, of a structure whose leaves are shapes."""
    if isinstance(struct, SymbolicTensor):
        return [tuple(shape)]
    if isinstance(struct, dict):
        return [s for key in sorted(struct) for s in _shapes_like(struct[key], shape[key])]
    if len(struct) == 1 and not (shape and isinstance(shape[0], (tuple, list, dict))):
        shape = [shape]
    return [s for part, given in zip(struct, shape, strict=True) for s in _shapes_like(part, given)]


def _fit(x, spec, name):
    """Return `x` as a tensor of the dtype of the input `spec`, or raise if it has another shape."""
    if type(x) is not Tensor or x.dtype is not spec.dtype:
        x = _core.convert(x, spec.dtype)
    shape, wanted = x.shape, spec.shape
    if len(shape) == len(wanted) + 1 and shape[-1] == 1:
        shape, x = shape[:-1], _core.reshape(x, (-1, *shape[1:-1]))
    elif len(shape) == len(wanted) - 1 and wanted[-1] == 1 and shape:
        shape, x = (*shape, 1), _core.reshape(x, (-1, *shape[1:], 1))
    # Keras lets any number of samples pass, also where the input declares one.
    if len(shape) != len(wanted) or any(
        n is not None and m is not None and m != n for m, n in zip(shape[1:], wanted[1:])
    ):
        raise ValueError(f"[{name}] input `{spec.name}` has shape {tuple(x.shape)}: it must be {tuple(wanted)}.")
    return x


def _from_inputs(inputs, outputs):
    """Return both with inputs that are made by `Input`: a hidden tensor is replaced by a new one."""
    known = {}
    for x in nest.flatten(inputs):
        hidden = not x._history[0].is_input
        known[x] = Input(batch_shape=x.shape, dtype=x.dtype, name=f"{x.name}_input") if hidden else x
    if all(x is y for x, y in known.items()):
        return inputs, outputs
    network = Network(nest.flatten(inputs), nest.flatten(outputs))
    for node in network.nodes:
        if node.is_input or any(x in known for x in node.outputs):
            continue
        args, kwargs = substitute((list(node.args), node.kwargs), known.__getitem__)
        known.update(zip(node.outputs, Node(node.operation, args, kwargs, node.result).outputs))
    return substitute(inputs, known.__getitem__), substitute(outputs, known.__getitem__)
