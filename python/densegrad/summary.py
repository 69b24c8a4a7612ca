"""The table that `model.summary()` prints, drawn as Keras draws it."""

from __future__ import annotations

import shutil
import textwrap


def render(model, line_length=None, positions=None, expand_nested=False, show_trainable=False) -> str:
    """Return the summary of `model` as text; arguments as for `Model.summary`."""
    header, align = ["Layer (type)", "Output Shape", "Param #"], ["<", "<", ">"]
    network = getattr(model, "_network", None)
    nodes = network.nodes if network is not None and not network.is_chain() else None
    if nodes is None:
        positions, length = list(positions or (0.45, 0.80, 1.0)), 88
    else:
        header, align = [*header, "Connected to"], [*align, "<"]
        positions, length = list(positions or (0.3, 0.56, 0.74, 1.0)), 108
    if show_trainable:
        header, align, length = [*header, "Trainable"], [*align, "^"], length + 12
        positions = [p * 0.90 for p in positions] + [1.0]
    length = line_length or min(length, shutil.get_terminal_size().columns - 4)
    widths = _widths(positions, length)
    shapes = _output_shapes(model)
    parts = model.layers if network is None else network.operations
    options = expand_nested, show_trainable, nodes
    rows = [row for part in parts for row in _rows(part, shapes, 0, *options)]
    lines = [f'Model: "{model.name}"', *_table(header, rows, widths, align)]
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = getattr(model, "optimizer", None)
    slots = optimizer.variables if optimizer is not None and optimizer.built else None
    for label, variables in (
        ("Total", [*trainable, *frozen, *(slots or [])]),
        ("Trainable", trainable),
        ("Non-trainable", frozen),
        ("Optimizer", slots),
    ):
        if variables is not None:
            count = sum(v.size for v in variables)
            size = sum(v.size * v.dtype.itemsize for v in variables)
            lines.append(f" {label} params: {count:,} ({_memory(size)})")
    return "\n".join(lines) + "\n"


def _widths(positions, length):
    # Keras asks for columns that ignore the borders; rich then takes the excess off every column.
    ends = [int(p * length) for p in positions]
    columns = [end - start for start, end in zip([0, *ends], ends)]
    if min(columns) < 4:
        raise ValueError(f"[summary] `line_length` is {length}: it leaves a column less than 4 characters.")
    wanted = [w + 2 for w in columns]
    excess = sum(wanted) + len(wanted) + 1 - length
    for i, left in zip(range(len(wanted)), range(len(wanted), 0, -1)):
        share = round(excess / left)
        wanted[i] -= share
        excess -= share
    return [w - 2 for w in wanted]


def _output_shapes(model):
    """The output shape of each layer by id, where it can be inferred."""
    network = getattr(model, "_network", None)
    if network is not None:
        last = {id(node.operation): node for operation in network.operations for node in operation._inbound_nodes}
        return {key: _unpacked([tuple(x.shape) for x in node.outputs]) for key, node in last.items()}
    shapes = {}
    shape = tuple(model._input.shape) if getattr(model, "_input", None) is not None else None
    for layer in model.layers if shape is not None else ():
        try:
            shape = tuple(layer.compute_output_shape(shape))
        except Exception:  # a custom layer may not run symbolically; the table then says "?"
            break
        shapes[id(layer)] = shape
    return shapes


def _unpacked(shapes):
    return shapes[0] if len(shapes) == 1 else shapes


def _rows(part, shapes, level, expand_nested, show_trainable, nodes):
    shape = shapes.get(id(part)) or getattr(part, "_output_shape", None)
    kind = getattr(part, "class_name", type(part).__name__)
    row = [
        ("   " * level + "└ " if level else "") + f"{part.name} ({kind})",
        "?" if shape is None else _shown(shape),
        "0" if not hasattr(part, "built") else f"{part.count_params():,}" if part.built else "0 (unbuilt)",
    ]
    if nodes is not None:
        row.append(_connections(part, nodes))
    if show_trainable:
        row.append(("Y" if part.trainable else "N") if getattr(part, "weights", None) else "-")
    yield row
    if expand_nested and hasattr(part, "layers"):
        inner = _output_shapes(part)
        for child in part.layers:
            yield from _rows(child, inner, level + 1, expand_nested, show_trainable, nodes)


def _shown(shape):
    if isinstance(shape, list):
        return f"[{', '.join(map(_shown, shape))}]"
    return f"({', '.join(map(str, shape))})"


def _connections(part, nodes):
    """The tensors that the calls of a layer in this graph take, as `layer[call][output]`."""
    inputs = [x._history for node in part._inbound_nodes if node in nodes for x in node.inputs]
    names = [f"{n.operation.name}[{n.operation._inbound_nodes.index(n)}][{index}]" for n, index in inputs]
    return ", ".join(names) or "-"


def _table(header, rows, widths, align):
    def rule(left, line, middle, right):
        return left + middle.join(line * (w + 2) for w in widths) + right

    def cells(row, bar):
        wrapped = [_wrap(text, w) for text, w in zip(row, widths)]
        for i in range(max(map(len, wrapped))):
            parts = (f"{c[i] if i < len(c) else '':{a}{w}}" for c, a, w in zip(wrapped, align, widths))
            yield f"{bar} " + f" {bar} ".join(parts) + f" {bar}"

    yield rule("┏", "━", "┳", "┓")
    yield from cells(header, "┃")
    yield rule("┡", "━", "╇", "┩")
    for i, row in enumerate(rows):
        if i:
            yield rule("├", "─", "┼", "┤")
        yield from cells(row, "│")
    yield rule("└", "─", "┴", "┘")


def _wrap(text, width):
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True) or [""]
    indent = text[: len(text) - len(text.lstrip())]
    lines[0] = lines[0] if lines[0].startswith(indent) else indent + lines[0]
    return [line if len(line) <= width else line[: width - 1] + "…" for line in lines]


def _memory(size: float) -> str:
    units = ["B", "KB", "MB", "GB", "TB", "PB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{size:.2f} {units[0]}"
