"""Which of the given values belongs to which input of a functional model."""

from __future__ import annotations

from densegrad import nest
from densegrad.graph import SymbolicTensor


def choose(struct, given, tag):
    """Return the values for the symbolic tensors in `struct`, in order.

    Args:
        struct: symbolic tensors, one or in lists, tuples and dicts.
        given: the same structure of values, where a list may stand for a tuple and a dict of names for a list; a single
            value may stand for a list of one.
        tag: the model's name, for messages.

    Raises:
        ValueError: for another structure.
    """
    if isinstance(struct, SymbolicTensor):
        if isinstance(given, dict):
            return [_entry(given, struct.name, tag)]
        is_list_of_one = isinstance(given, (list, tuple)) and len(given) == 1 and hasattr(given[0], "shape")
        return [given[0] if is_list_of_one else given]
    if isinstance(struct, dict):
        keys = sorted(struct)
        if isinstance(given, dict):
            return [leaf for key in keys for leaf in choose(struct[key], _entry(given, key, tag), tag)]
        if len(keys) == 1:
            return choose(struct[keys[0]], given, tag)
        if isinstance(given, (list, tuple)) and len(given) == len(keys) and list(struct) == keys:
            return [leaf for key, value in zip(keys, given) for leaf in choose(struct[key], value, tag)]
    elif isinstance(given, dict):
        if all(isinstance(x, SymbolicTensor) for x in struct):
            return [_entry(given, x.name, tag) for x in struct]
    elif isinstance(given, (list, tuple)) and len(given) == len(struct):
        return [leaf for part, value in zip(struct, given) for leaf in choose(part, value, tag)]
    elif len(struct) == 1:
        return choose(struct[0], given, tag)
    names = nest.pack_as(struct, [x.name for x in nest.flatten(struct)])
    raise ValueError(f"[{tag}] the input is {_kind(given)}: it must have the structure {names}.")


def _entry(given, key, tag):
    if key not in given:
        raise ValueError(f"[{tag}] the input has the keys {sorted(map(str, given))}: `{key}` is missing.")
    return given[key]


def _kind(given):
    if isinstance(given, (list, tuple)):
        return f"a {type(given).__name__} of {len(given)}"
    return f"a dict with the keys {sorted(map(str, given))}" if isinstance(given, dict) else f"a {type(given).__name__}"
