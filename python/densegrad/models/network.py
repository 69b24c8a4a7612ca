"""The part of a graph between some symbolic tensors and others, sorted and ready to run."""

from __future__ import annotations

from densegrad import nest
from densegrad.graph import Node, SymbolicTensor, infer, substitute


class Network:
    """The nodes that lead from `inputs` to `outputs`, in an order in which they can run.

    Args:
        inputs, outputs: lists of symbolic tensors.

    Raises:
        ValueError: if an output needs a tensor that no input gives, or two operations have one name.
    """

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.nodes, first_seen = _sort(self.inputs, self.outputs)
        self.depths = _depths(self.nodes)
        depths = {}
        for node in self.nodes:
            operation = node.operation
            depths[operation] = max(self.depths[node], depths.get(operation, 0))
        for x in self.inputs:  # an input may be unused
            operation = x._history[0].operation
            if operation not in depths and x._history[0].is_input:
                depths[operation], first_seen[operation] = 0, -1
        self.operations = sorted(depths, key=lambda o: (-depths[o], first_seen[o]))
        names = [o.name for o in self.operations]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"[Model] two layers are named {name!r}: the names must differ, pass `name=` to one of them."
                )
        self._plan()

    def _plan(self):
        """Give every tensor a slot; a step is (operation, slot of a single argument or None, args, kwargs, slots)."""
        slots = {x: i for i, x in enumerate(self.inputs)}
        steps = []
        for node in self.nodes:
            if node.outputs[0] in slots:
                continue
            single = (
                slots[node.args[0]] if len(node.args) == 1 and not node.kwargs and node.args[0] in node.inputs else None
            )
            made = range(len(slots), len(slots) + len(node.outputs))
            args, kwargs = substitute((list(node.args), node.kwargs), lambda x: _Slot(slots[x]))
            slots.update(zip(node.outputs, made))
            training = getattr(node.operation, "_takes_training", False)
            steps.append((node.operation, single, args, kwargs, training, isinstance(node.result, SymbolicTensor)))
        self._steps = steps
        self._results = [slots[x] for x in self.outputs]

    def run(self, values, training):
        """Return the outputs for these inputs; layers get `training` unless it is None."""
        values = list(values)
        for operation, single, args, kwargs, takes_training, is_one in self._steps:
            if single is not None and (training is None or not takes_training):
                result = operation(values[single])
            else:
                args, kwargs = _fill(args, values), _fill(kwargs, values)
                if takes_training and training is not None:
                    kwargs["training"] = training
                result = operation(*args, **kwargs)
            if is_one:
                values.append(result)
            else:
                values += nest.flatten(result)
        return [values[slot] for slot in self._results]

    def is_chain(self):
        """Whether each layer follows one other, and none is called twice."""
        depths = [self.depths[node] for node in self.nodes]
        shared = len({node.operation for node in self.nodes}) < len(self.nodes)
        return not shared and len(set(depths)) == len(depths) and all(len(node.inputs) < 2 for node in self.nodes)

    def describe(self, outputs):
        """Return what `rebuild` needs, without symbolic tensors: the input layers, the calls in order, the outputs."""
        layers = [x._history[0].operation for x in self.inputs]
        calls = [(operation, args, kwargs) for operation, _, args, kwargs, _, _ in self._steps]
        return layers, calls, nest.pack_as(outputs, [_Slot(slot) for slot in self._results])


def rebuild(layers, calls, outputs):
    """Repeat the calls of a description on new symbolic tensors; return the inputs as a list, and the outputs."""
    tensors = [layer.output for layer in layers]
    inputs = list(tensors)
    for operation, args, kwargs in calls:
        args, kwargs = _fill(args, tensors), _fill(kwargs, tensors)
        tensors += Node(operation, args, kwargs, infer(operation, args, kwargs)).outputs
    return inputs, _fill(outputs, tensors)


class _Slot(int):
    """The place of a tensor among the values of a run."""


def _fill(structure, values):
    if type(structure) is _Slot:
        return values[structure]
    if isinstance(structure, dict):
        return {key: _fill(value, values) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)) and type(structure) in (list, tuple):
        return type(structure)(_fill(value, values) for value in structure)
    return structure


def _sort(inputs, outputs):
    """Return the nodes, each after those that it needs, and the order in which operations are met from the outputs."""
    known, order, first_seen, done = set(inputs), [], {}, set()
    for output in outputs:
        stack = [(output._history[0], None)]
        if output in known and not output._history[0].is_input:
            continue
        while stack:
            node, rest = stack.pop()
            if rest is None:
                if node in done:
                    continue
                if node.is_input and node.outputs[0] not in known:
                    raise ValueError(
                        f"[Model] `outputs` need the input `{node.operation.name}`, which is not among `inputs`: every "
                        "output must be connected to the inputs."
                    )
                first_seen.setdefault(node.operation, len(first_seen))
                rest = iter([x for x in node.inputs if x not in known or x._history[0].is_input])
            following = next((x._history[0] for x in rest if x._history[0] not in done), None)
            if following is None:
                done.add(node)
                order.append(node)
            else:
                stack += [(node, rest), (following, None)]
    return order, first_seen


def _depths(order):
    """How far each node is from the outputs at most; all calls of a layer are as deep as its deepest."""
    inside, depths, of_operation = set(order), {}, {}
    for node in reversed(order):
        depth = max(depths.get(node, 0), of_operation.get(node.operation, 0))
        depths[node] = of_operation[node.operation] = depth
        for parent in node.parents:
            if parent in inside:
                depths[parent] = max(depth + 1, depths.get(parent, 0))
    return depths
