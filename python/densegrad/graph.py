"""Graphs of symbolic tensors: what `Input` starts, layers and operations continue, and a functional model runs.

A layer or operation that is called on a `SymbolicTensor` computes shapes and dtypes only; the call becomes a `Node`.
Any other tensor without values, a `placeholder`, is none of this: code runs through it as through any tensor.
"""

from __future__ import annotations

import operator

from densegrad import _core, config, nest
from densegrad._core import Tensor

_TRIALS = (83, 89)  # batch sizes that stand in for an unknown one, where the shape rule needs a number


class SymbolicTensor(_core.SymbolicTensor):
    """A tensor of a functional model: shape and dtype without values, and the call that it came from.

    Args:
        shape: tuple, the batch axis None if unknown.
        dtype: of the values that it stands for.
        name: str.

    Source: Keras `KerasTensor`.
    """

    def __init__(self, shape, dtype, name):
        super().__init__(_core.placeholder(shape, dtype))
        self.name = name
        self._history = None  # (node, index among its outputs)

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    def __getitem__(self, index):
        return note(get_item, (self, index), {})

    def __neg__(self):
        return _core.negative(self)

    def __abs__(self):
        return _core.abs(self)

    @property
    def T(self):
        """The tensor with its axes reversed."""
        return _core.transpose(self)

    def __repr__(self):
        return f"<dg.SymbolicTensor: shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    __str__ = __repr__

    def __reduce__(self):
        node = self._history[0]
        if node.is_input:
            return operator.attrgetter("output"), (node.operation,)
        raise TypeError(
            f"[functional] the symbolic tensor `{self.name}` is part of a graph: copy or pickle a `Model` made of it."
        )


_ARITHMETIC = {
    "add": _core.add,
    "sub": _core.subtract,
    "mul": _core.multiply,
    "truediv": _core.divide,
    "floordiv": _core.floor_divide,
    "mod": _core.mod,
    "pow": _core.power,
    "matmul": _core.matmul,
}
_COMPARISONS = {"lt": _core.less, "le": _core.less_equal, "gt": _core.greater, "ge": _core.greater_equal}
for _name, _function in (_ARITHMETIC | _COMPARISONS).items():
    setattr(SymbolicTensor, f"__{_name}__", lambda a, b, function=_function: function(a, b))
for _name, _function in _ARITHMETIC.items():
    setattr(SymbolicTensor, f"__r{_name}__", lambda a, b, function=_function: function(b, a))


class Operation:
    """A function of tensors as a part of a functional model, beside its layers.

    Args:
        function: of `_core`, or `get_item`.
        name: str; None takes the function's with a counter.
    """

    def __init__(self, function, name=None):
        self.function = function
        self.name = name or config.auto_name(function.__name__)
        self._inbound_nodes = []

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def __reduce__(self):
        return _operation, (self.function.__name__, self.name)

    @property
    def class_name(self):
        """The function's name as Keras spells that of an operation's class."""
        return "".join(part.capitalize() for part in self.function.__name__.split("_"))

    def __repr__(self):
        return f"<Operation name={self.name}>"


def _operation(function, name):
    return Operation(get_item if function == "get_item" else getattr(_core, function), name)


class Node:
    """One call of a layer or an operation on symbolic tensors; it appends itself to `operation._inbound_nodes`.

    Args:
        operation: a layer or an `Operation`.
        args, kwargs: of the call, the symbolic tensors among them.
        specs: structure with a tensor for each output: its shape and dtype.
    """

    def __init__(self, operation, args, kwargs, specs):
        self.operation, self.args, self.kwargs = operation, args, kwargs
        self.inputs = symbolic_in((args, kwargs))
        made = []
        for index, spec in enumerate(nest.flatten(specs)):
            if not isinstance(spec, Tensor):
                raise TypeError(
                    f"[{operation.name}] returned a {type(spec).__name__}: in a functional model every output must be "
                    "a tensor."
                )
            made.append(SymbolicTensor(spec.shape, spec.dtype, operation.name))
            made[-1]._history = (self, index)
        self.outputs = made
        self.result = nest.pack_as(specs, made)
        operation._inbound_nodes.append(self)

    @property
    def input(self):
        """The one input, or the list of them."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs

    @property
    def is_input(self):
        """Whether the node is an `Input`."""
        return not self.inputs

    @property
    def parents(self):
        """The nodes that made the inputs."""
        return [x._history[0] for x in self.inputs]


def symbolic_in(structure):
    """Return the `SymbolicTensor`s in a nested structure, in order."""
    return [leaf for leaf in nest.flatten(structure) if isinstance(leaf, SymbolicTensor)]


def is_symbolic(x, args=(), kwargs=None) -> bool:
    """Whether a layer's arguments hold a symbolic tensor of a functional model."""
    if isinstance(x, SymbolicTensor):
        return True
    if not args and not kwargs and not isinstance(x, (list, tuple, dict)):
        return False
    return any(isinstance(leaf, SymbolicTensor) for leaf in nest.flatten([x, list(args), kwargs or {}]))


def substitute(structure, replace):
    """Return `structure` with `replace(t)` for each `SymbolicTensor` t in it."""
    leaves = [replace(leaf) if isinstance(leaf, SymbolicTensor) else leaf for leaf in nest.flatten(structure)]
    return nest.pack_as(structure, leaves)


def get_item(x, index):
    """x[index]."""
    return x[index]


def note(function, args, kwargs):
    """Note a call of `function` on symbolic tensors and return what stands for its result."""
    specs = infer(function, args, kwargs)
    operation = function if isinstance(function, Operation) else Operation(function)
    return Node(operation, args, kwargs, specs).result


def call_layer(layer, args, kwargs):
    """Note a call of `layer` on symbolic tensors, build it if need be, and return what stands for its result."""
    return Node(layer, args, kwargs, infer(layer, args, kwargs)).result


def infer(function, args, kwargs):
    """Return the result of a call on placeholders: its structure, shapes and dtypes."""

    def run(batch):
        def placeholder(x):
            shape = tuple(x.shape)
            return _core.placeholder((batch, *shape[1:]) if shape[:1] == (None,) else shape, x.dtype)

        with _core.Pause(), _core.Rehearsal():  # this is no call
            new_args, new_kwargs = substitute((list(args), kwargs), placeholder)
            return function(*new_args, **new_kwargs)

    try:
        return run(None)
    except (RuntimeError, TypeError, ValueError):
        if all(tuple(x.shape)[:1] != (None,) for x in symbolic_in((args, kwargs))):
            raise
        # A rule that needs the number of samples: what changes with it is the batch axis.
        try:
            first, second = run(_TRIALS[0]), run(_TRIALS[1])
        except (RuntimeError, TypeError, ValueError):
            first = None
        if first is None:
            raise
    leaves = []
    for a, b in zip(nest.flatten(first), nest.flatten(second)):
        shape = tuple(None if m != n else m for m, n in zip(a.shape, b.shape))
        leaves.append(_core.placeholder(shape, a.dtype))
    return nest.pack_as(first, leaves)
