"""What a row of tables.py is made of: the record itself, ways to draw inputs, distances from kinks, simple bounds."""

from __future__ import annotations

import ast
import dataclasses
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from oracles import ulp

Shapes = tuple[tuple[int, ...], ...]
SAME = [(), (0,), (1,), (7,), (15,), (16,), (17,), (31,), (32,), (33,), (3, 0), (5, 13), (63, 2), (2, 64), (65, 3)]
SAME += [(2, 3, 5), (2, 0, 3), (3, 1, 2, 4)]
PAIRS = [((3, 1), (1, 4)), ((), (5,)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((0, 1), (1, 5)), ((1,), (0,))]
PAIRS += [((17,), (16, 17)), ((5, 1, 3, 1), (1, 4, 1, 2)), ((65, 33), ())]


def generator(seed, *keys):
    """Random numbers that depend on the session's seed and on what is tested, not on the order of the tests."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, keys)).encode())])


@dataclasses.dataclass(frozen=True)
class Row:
    """One function under test."""

    name: str
    primitive: str | None  # the name in the core's registry; None for a composition
    call: Callable[..., Any]
    oracle: Callable[..., np.ndarray]
    draw: Callable[..., list[np.ndarray]]  # (rng, shapes) -> float64 arrays (or integers, bools), away from kinks
    shapes: Sequence[Shapes]
    bound: Callable[..., Any]  # (value, dtype, *inputs) -> the largest error, componentwise
    kink: Callable[..., float] = lambda *inputs: np.inf  # distance of the inputs from the nearest kink
    op: str | None = None  # the public name in dg.ops
    wrt: tuple[int, ...] = ()  # the inputs that have a gradient
    example: int = -1  # which of `shapes` the gradient checks take

    def __str__(self):
        return self.name


ARGUMENT = re.compile(r" (\w+)=(\([^)]*\)|\S+)")


def named(name):
    """`sum axis=0` as ("sum", "", {"axis": 0}): the first word of a row's name, the rest, the arguments in between."""
    word, _, rest = ARGUMENT.sub("", name).partition(" ")
    return word, rest, {key: literal(value) for key, value in ARGUMENT.findall(name)}


def literal(text):
    """A number, a tuple or a string as Python writes it."""
    try:
        return ast.literal_eval(text)
    except ValueError:
        return float(text) if "inf" in text else text


def exact(value, dtype, *inputs):
    """No rounding at all."""
    return 0.0


def ulps(n):
    """n units in the last place of the exact value (1/2: correctly rounded)."""
    return lambda value, dtype, *inputs: n * ulp(value, dtype)


def box(low, high):
    """Inputs that are uniform in an interval."""
    return lambda rng, shapes: [rng.uniform(low, high, s) for s in shapes]


def signed(low, high):
    """Magnitudes in an interval, either sign."""
    return lambda rng, shapes: [rng.uniform(low, high, s) * rng.choice([-1.0, 1.0], s) for s in shapes]


def lattice(rng, shapes):
    """Inputs whose differences are never below 1/16: quarters, shifted by 1/8 per input, and a little noise."""
    quarters = [rng.integers(-8, 8, s) / 4 + i / 8 for i, s in enumerate(shapes)]
    return [q + rng.uniform(-1 / 32, 1 / 32, q.shape) for q in quarters]


def quotients(rng, shapes):
    """Two inputs whose quotients are at least 3/40 away from whole numbers: k / 2 + [0.15, 0.35], and powers of 2."""
    halves = rng.integers(-12, 12, shapes[0]) / 2 + rng.uniform(0.15, 0.35, shapes[0])
    return [halves, rng.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], shapes[1])]


def whole(a, b):
    """How far both inputs may move before a quotient is a whole number."""
    q = a / b
    return (np.abs(q - np.rint(q)) * np.abs(b) / (1 + np.abs(q))).min(initial=np.inf)


def distinct(rng, shapes):
    """Inputs whose entries are a permutation of steps of 1/4, with a little noise: no two are close."""
    sizes = [int(np.prod(s)) for s in shapes]
    noise = [rng.uniform(-1 / 32, 1 / 32, s) for s in shapes]
    return [rng.permutation(n).reshape(s) / 4 - n / 8 + e for n, s, e in zip(sizes, shapes, noise)]


def nearest(*points):
    """The smallest distance of an input from one of the points."""
    return lambda x, *rest: min((np.abs(x - p).min(initial=np.inf) for p in points), default=np.inf)


def apart(a, b):
    """The smallest difference of two inputs under broadcasting."""
    return np.abs(a - b).min(initial=np.inf)


def narrow(arrays, dtype):
    """The float arrays among the inputs in `dtype`."""
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def widen(arrays):
    """The same numbers in the widest float, for the oracle."""
    return [a.astype(np.longdouble) if a.dtype.kind == "f" else a for a in arrays]
