"""A function of arrays as Python and as a program: the same bits, so that a comparison of one is one of both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import densegrad as dg
import numpy as np
from densegrad import _core

_comparing = [False]


def is_comparing() -> bool:
    """Whether a function runs whose results are compared with those of a program."""
    return _comparing[0]


@contextlib.contextmanager
def comparing() -> Iterator[None]:
    before, _comparing[0] = _comparing[0], True
    try:
        yield
    finally:
        _comparing[0] = before


def bits(structure: object) -> list:
    """Everything in a structure of tensors, as bytes; what is no tensor or array as it is."""
    leaves = _core.flatten(structure)
    return [
        leaf if leaf is None else (np.asarray(leaf).dtype, np.shape(leaf), np.asarray(leaf).tobytes())
        for leaf in leaves
    ]


def replayed(function: Callable, first: Sequence, second: Sequence) -> object:
    """What `function` gives for `second` when it was recorded with `first`; the arena held NaN before."""
    made = dg.function(function)
    with comparing():
        made(*first)
    assert len(made.programs) == 1 and not made.refusals, made.refusals
    made.programs[0].poison()
    found = made(*second)
    assert len(made.programs) == 1
    return found


def run_twice(function: Callable, arrays: Sequence, recorded_with: Sequence | None = None) -> object:
    """What `function` gives for the arrays, as tensors, in Python; asserts that a program gives the same bits.

    It is recorded with the arrays' rows in another order, or with `recorded_with`, so that no value can be part of it.
    """
    given = [dg.constant(a) for a in arrays]
    other = [np.roll(a, 1, axis=0) if np.ndim(a) else a for a in map(np.asarray, arrays)]
    with comparing():
        expected = function(*given)
    found = replayed(function, [dg.constant(a) for a in (other if recorded_with is None else recorded_with)], given)
    assert bits(found) == bits(expected), "a program gives other bits than Python"
    return expected
