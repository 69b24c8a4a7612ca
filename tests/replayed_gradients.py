"""Every gradient that a test takes, taken again by a program: the same bits.

While a test runs, a `History` of the core follows its thread: the operations while a tape is open, and those of the
gradients, Jacobians, directional derivatives and batches themselves. Right after each of these the history is made a
program of the very results, and of what they are derivatives of, which runs on an arena full of NaN. All that no
operation gave (arrays, variables between two assignments) is an argument of it, so it repeats no effect and needs
nothing of the test's code. Everything that takes derivatives (`dg.grad`, `dg.hessian`, `ForwardAccumulator`, an eager
training step ...) comes through the four functions of `DOORS`. What is not replayed is counted with the reason: the
closing report of pytest names them all.
"""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator

from densegrad import _core
from replaying import bits, is_comparing

DOORS = ((_core.Tape, "_gradient"), (_core.Tape, "_jacobian"), (_core.Tape, "_jvp"), (_core, "vmap"))

REPLAYED = "replayed"
NONE = "nothing to compare: every result is None"
GIVEN = "no operation gave the results: cotangents, as they were"
STANDS_IN = "inside of a batch, which is compared itself"
COMPARED = "compared by the test itself"
THREAD = "on another thread"
SHARED = "in a fixture that tests share"
ALONE = "in tests marked python_alone"

BY_INTENT = (STANDS_IN, COMPARED, ALONE)
LEAST_SHARE = 0.9  # of all others, in a session that takes so many derivatives
MANY = 10_000


class Replay:
    """Compares what Python finds with what programs find, and counts."""

    def __init__(self) -> None:
        self.counts: Counter = Counter()
        self.history, self.without = None, SHARED

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Every derivative that this process takes comes by here."""
        originals = [getattr(owner, name) for owner, name in DOORS]
        for (owner, name), original in zip(DOORS, originals):
            setattr(owner, name, self.through(original))
        yield
        for (owner, name), original in zip(DOORS, originals):
            setattr(owner, name, original)

    @contextlib.contextmanager
    def following(self, alone: bool = False) -> Iterator[None]:
        """A test runs."""
        self.history, self.without = None if alone else _core.History(), ALONE
        yield
        self.history, self.without = None, SHARED

    def is_rotten(self) -> bool:
        """Whether a long session replayed so little that something must be wrong with this file."""
        total = sum(count for what, count in self.counts.items() if what not in BY_INTENT)
        return total >= MANY and self.counts[REPLAYED] < LEAST_SHARE * total

    def through(self, door: Callable) -> Callable:
        @functools.wraps(door)
        def checked(*args: object, **kwargs: object) -> object:
            history = self.history
            if history is None or not history.is_here:
                self.counts[THREAD if history else self.without] += 1
                return door(*args, **kwargs)
            before, history.always = history.always, True
            try:
                found = door(*args, **kwargs)
            finally:
                history.always = before
            self.counts[self.compare(found, args)] += 1
            return found

        return checked

    def compare(self, found: object, args: tuple) -> str:
        """Asserts that a program gives the same bits; why not, if there is none."""
        if is_comparing():
            return COMPARED
        results = tensors_in(found)
        if not results:
            return NONE
        if any(t.is_symbolic for t in results):
            return STANDS_IN
        if not any(map(self.history.made, results)):
            return GIVEN
        made = [t for t in (*results, *tensors_in(args)) if self.history.made(t)]
        program, arguments = self.history.program(made)
        program.poison()
        again = program.run(arguments)
        assert bits(quietly(again)) == bits(quietly(made)), f"a program gives other bits:\n{program.describe()[:4000]}"
        return REPLAYED


def tensors_in(structure: object) -> list[_core.Tensor]:
    return [leaf for leaf in _core.flatten(structure) if isinstance(leaf, _core.Tensor)]


def quietly(tensors: list[_core.Tensor]) -> list:
    """The values as pickle gets them: no tape and no trace hears that they were read."""
    return [t.__reduce__()[1][0] for t in tensors]
