"""Nested lists, tuples and dicts of tensors as flat lists, and back.

Dicts are walked in sorted key order, as TensorFlow does, so that two structures with equal keys match.
"""

from numbers import Number

from densegrad._core import convert, flatten, pack_as

__all__ = ["argument", "converted", "flatten", "flatten_up_to", "is_numbers", "pack_as", "results"]


def flatten_up_to(shallow, structure):
    """One subtree of `structure` for each leaf of `shallow`, in order; missing ones are None, extra ones dropped."""
    if isinstance(shallow, dict):
        get = structure.get if isinstance(structure, dict) else lambda key: None
        return [leaf for key in sorted(shallow) for leaf in flatten_up_to(shallow[key], get(key))]
    if isinstance(shallow, (list, tuple)):
        items = list(structure) if structure is not None else []
        items += [None] * (len(shallow) - len(items))
        return [leaf for part, item in zip(shallow, items, strict=False) for leaf in flatten_up_to(part, item)]
    return [structure]


def converted(structure):
    """The same structure with every leaf as a tensor."""
    return pack_as(structure, [convert(leaf) for leaf in flatten(structure)])


def argument(value):
    """An argument as a structure of tensors; a list of numbers, nested or not, is one array, as everywhere else."""
    return convert(value) if is_numbers(value) else converted(value)


def is_numbers(value):
    return isinstance(value, list) and all(isinstance(part, Number) or is_numbers(part) for part in value)


def results(tag, structure):
    """What a function of the user returned, with every leaf as a tensor."""
    if any(leaf is None for leaf in flatten(structure)):
        where = "None" if structure is None else "a structure with None in it"
        raise TypeError(f"[{tag}] the function returned {where}: it must return tensors.")
    return converted(structure)
