"""The graph of a functional model as plain values in Keras' layout, and a graph from them."""

from __future__ import annotations

from densegrad import _core, config
from densegrad.graph import Operation, SymbolicTensor, get_item, note, substitute
from densegrad.layers.base import Layer
from densegrad.saving import deserialize_keras_object, serialize_keras_object

_OPERATIONS = "keras.src.ops.numpy"  # where Keras' configs say that operations are
_MARK = "__keras_tensor__"


def describe(network, inputs, outputs):
    """Return the entries `layers`, `input_layers` and `output_layers` of a config."""
    inside = set(network.nodes)
    places = {}  # of each tensor: its operation's name, the number of the call in this graph, and of the output
    for operation in network.operations:
        calls = [node for node in operation._inbound_nodes if node in inside or node.is_input]
        for index, node in enumerate(calls):
            places.update({x: [operation.name, index, i] for i, x in enumerate(node.outputs)})

    def mark(x):
        shape = [*x.shape]
        return {"class_name": _MARK, "config": {"shape": shape, "dtype": x.dtype.name, "keras_history": places[x]}}

    layers = []
    for operation in network.operations:
        calls = []
        for node in operation._inbound_nodes:
            if node in inside and not node.is_input:
                args, kwargs = (_marked(part, mark) for part in (node.args, node.kwargs))
                calls.append({"args": args, "kwargs": kwargs})
        entry = _operation_config(operation) if isinstance(operation, Operation) else serialize_keras_object(operation)
        layers.append({**entry, "name": operation.name, "inbound_nodes": calls})

    def place(x):
        name, index, output = places[x]
        # Keras counts a model's own graph as its first call, here and nowhere else.
        return [name, index + _has_own_call(x._history[0].operation), output]

    return {
        "layers": layers,
        "input_layers": substitute(inputs, place),
        "output_layers": substitute(outputs, place),
    }


def _has_own_call(operation):
    return int(hasattr(operation, "_network"))


def _marked(structure, mark):
    if isinstance(structure, SymbolicTensor):
        return mark(structure)
    if isinstance(structure, dict):
        return {key: _marked(value, mark) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_marked(value, mark) for value in structure]
    return serialize_keras_object(structure)


def _operation_config(operation):
    return {
        "module": _OPERATIONS,
        "class_name": operation.class_name,
        "config": {"name": operation.name},
        "registered_name": operation.class_name,
    }


def rebuild(description, custom_objects=None):
    """Return the symbolic inputs and outputs of a new graph from what `describe`, here or in Keras, returned.

    Raises:
        TypeError: if a layer is not known.
        ValueError: if an operation is not known, or a call needs a tensor that no call gives.
    """
    operations, waiting, tensors = {}, [], {}
    for entry in description["layers"]:
        operation = _operation(entry, custom_objects)
        operations[entry["name"]] = operation
        if not entry["inbound_nodes"] and operation._inbound_nodes:
            tensors[entry["name"]] = [operation._inbound_nodes[0].outputs]
        waiting.append((operation, entry["name"], list(entry["inbound_nodes"])))
    while any(calls for _, _, calls in waiting):
        before = sum(len(calls) for _, _, calls in waiting)
        for operation, name, calls in waiting:
            while calls and _is_ready(calls[0], tensors):
                tensors.setdefault(name, []).append(_call(operation, calls.pop(0), tensors, custom_objects))
        if sum(len(calls) for _, _, calls in waiting) == before:
            stuck = [name for _, name, calls in waiting if calls]
            raise ValueError(f"[Model.from_config] the calls of {stuck} need tensors that no call in the config gives.")

    def tensor(place):
        name, index, output = place
        return tensors[name][index - _has_own_call(operations[name])][output]

    return (_placed(description[key], tensor) for key in ("input_layers", "output_layers"))


def _operation(entry, custom_objects):
    if not str(entry.get("module")).startswith("keras.src.ops"):
        layer = deserialize_keras_object(entry, custom_objects)
        if not isinstance(layer, Layer):
            raise TypeError(f"[Model.from_config] {entry['name']!r} is {layer!r}: it must be a layer.")
        return layer
    name = config.snake_case(entry["class_name"])
    function = get_item if name == "get_item" else getattr(_core, _RENAMED.get(name, name), None)
    if function is None:
        raise ValueError(
            f"[Model.from_config] the operation {entry['class_name']!r} is not known: it must be one of `dg.ops`."
        )
    return Operation(function, entry["name"])


_RENAMED = {"absolute": "abs", "true_divide": "divide"}


def _references(structure):
    """The places of the tensors that a call takes."""
    if isinstance(structure, dict):
        if structure.get("class_name") == _MARK:
            return [structure["config"]["keras_history"]]
        structure = list(structure.values())
    return [place for part in structure for place in _references(part)] if isinstance(structure, (list, tuple)) else []


def _is_ready(call, tensors):
    return all(len(tensors.get(name, ())) > index for name, index, _ in _references([call["args"], call["kwargs"]]))


def _call(operation, call, tensors, custom_objects):
    def revived(structure):
        if isinstance(structure, dict) and structure.get("class_name") == _MARK:
            name, index, output = structure["config"]["keras_history"]
            return tensors[name][index][output]
        if isinstance(structure, dict) and "class_name" not in structure:
            return {key: revived(value) for key, value in structure.items()}
        if isinstance(structure, (list, tuple)):
            return [revived(value) for value in structure]
        return deserialize_keras_object(structure, custom_objects)

    args, kwargs = revived(call["args"]), revived(call["kwargs"])
    if kwargs.get("mask", ...) is None:
        del kwargs["mask"]  # Keras writes it for models; there are no masks here
    if isinstance(operation, Layer):
        operation(*args, **kwargs)
    else:
        if operation.function is get_item and isinstance(args[1], list):
            args[1] = tuple(args[1])  # JSON has no tuples
        note(operation, args, kwargs)
    return operation._inbound_nodes[-1].outputs


def _placed(structure, tensor):
    if isinstance(structure, dict):
        return {key: _placed(value, tensor) for key, value in structure.items()}
    if len(structure) == 3 and isinstance(structure[0], str):
        return tensor(structure)
    return [_placed(value, tensor) for value in structure]
