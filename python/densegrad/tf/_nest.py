"""`tf.nest`: structures of lists, tuples and dicts; a dict is walked in the order of its sorted keys."""

from densegrad import nest


def is_nested(structure):
    """Whether a value is a list, a tuple or a dict."""
    return isinstance(structure, (list, tuple, dict))


def flatten(structure, expand_composites=False):
    """The leaves of a structure as a list."""
    return nest.flatten(structure)


def pack_sequence_as(structure, flat_sequence, expand_composites=False):
    """The leaves in a list, in the form of a structure.

    Raises:
        ValueError: if there are more or fewer than the structure has.
    """
    leaves, places = list(flat_sequence), len(nest.flatten(structure))
    if len(leaves) != places:
        raise ValueError(
            f"[tf.nest.pack_sequence_as] `flat_sequence` has {len(leaves)} entries: `structure` takes {places}."
        )
    return nest.pack_as(structure, leaves)


def assert_same_structure(nest1, nest2, check_types=True, expand_composites=False):
    """Raises ValueError unless two structures have their leaves in the same places."""
    _compare("assert_same_structure", nest1, nest2, check_types)


def map_structure(func, *structure, check_types=True, expand_composites=False):
    """The structure of func(leaf, ...) for the leaves in the same places of equal structures.

    Raises:
        ValueError: if the structures differ.
    """
    for other in structure[1:]:
        _compare("map_structure", structure[0], other, check_types)
    return nest.pack_as(structure[0], [func(*leaves) for leaves in zip(*map(nest.flatten, structure))])


def _compare(tag, one, other, check_types):
    alike = type(one) is type(other) if check_types else isinstance(other, dict) == isinstance(one, dict)
    if is_nested(one) != is_nested(other) or (is_nested(one) and not (alike and len(one) == len(other))):
        raise ValueError(f"[tf.nest.{tag}] the structures differ: {one!r} and {other!r} are in the same place.")
    if isinstance(one, dict):
        if one.keys() != other.keys():
            raise ValueError(f"[tf.nest.{tag}] the structures differ: {sorted(one)} and {sorted(other)} are the keys.")
        one, other = one.values(), [other[key] for key in one]
    elif not is_nested(one):
        return
    for pair in zip(one, other):
        _compare(tag, *pair, check_types)
