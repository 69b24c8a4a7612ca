"""Nested lists, tuples and dicts of tensors as flat lists, and back.

Dicts are walked in sorted key order, as TensorFlow does, so that two structures with equal keys match.
"""

from densegrad._core import flatten

__all__ = ["flatten", "flatten_up_to", "pack_as"]


def pack_as(structure, leaves):
    """`leaves` (a list in the order of `flatten`) in the form of `structure`."""
    if type(structure) is list and len(structure) == len(leaves) and not any(map(_is_nested, structure)):
        return list(leaves)
    return _rebuild(structure, iter(leaves))


def _is_nested(item):
    return isinstance(item, (list, tuple, dict))


def _rebuild(structure, leaves):
    if isinstance(structure, dict):
        packed = {key: _rebuild(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, packed[key]) for key in structure)
    if isinstance(structure, (list, tuple)):
        items = [_rebuild(item, leaves) for item in structure]
        if hasattr(structure, "_fields"):  # a named tuple
            return type(structure)(*items)
        return type(structure)(items)
    return next(leaves)


def flatten_up_to(shallow, structure):
    """One subtree of `structure` for each leaf of `shallow`, in its order; missing ones are None, extra ones dropped."""
    if isinstance(shallow, dict):
        get = structure.get if isinstance(structure, dict) else lambda key: None
        return [leaf for key in sorted(shallow) for leaf in flatten_up_to(shallow[key], get(key))]
    if isinstance(shallow, (list, tuple)):
        items = list(structure) if structure is not None else []
        items += [None] * (len(shallow) - len(items))
        return [leaf for part, item in zip(shallow, items, strict=False) for leaf in flatten_up_to(part, item)]
    return [structure]
