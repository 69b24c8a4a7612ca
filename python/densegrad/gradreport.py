"""What `gradcheck` reports: entries of a gradient beside measured derivatives, and how to say it in words."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

__all__ = ["GradientError", "GradientReport"]


class GradientError(AssertionError):
    """The gradient is not the derivative; the text says where, and by how much."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of a gradient beside the measured derivative."""

    source: str
    index: tuple[int, ...]
    kind: str  # "smooth", "kink", "jump" or "edge", see finite_differences.py
    measured: float
    claimed: float
    tolerance: float
    miss: float  # how far claimed is from the nearest value that is right

    @property
    def place(self):
        """Where the entry is, in words."""
        return f"{self.source} index {self.index}" if self.index else self.source

    @property
    def ok(self):
        """Whether the gradient is right here, or nothing can be said."""
        return self.miss <= self.tolerance and self.miss < math.inf

    @property
    def excess(self):
        """How many tolerances the miss is."""
        if 0 < self.miss < math.inf:
            return self.miss / self.tolerance if self.tolerance else math.inf
        return self.miss


@dataclasses.dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found; `str()` says it in words, and it is true if `ok`."""

    entries: list[Entry]
    notes: list[str]

    @property
    def ok(self):
        """Whether no entry of the gradient is wrong."""
        return all(entry.ok for entry in self.entries)

    @property
    def worst(self):
        """The entry whose gradient is farthest beyond (or nearest to) its tolerance; None without entries."""
        return max(self.entries, key=lambda entry: entry.excess, default=None)

    @property
    def kinks(self):
        """The entries at which the function has no derivative."""
        return [entry for entry in self.entries if entry.kind != "smooth"]

    def __bool__(self):
        return self.ok

    def __str__(self):
        wrong = [entry for entry in self.entries if not entry.ok]
        if wrong:
            lines = [f"the gradient is not the derivative at {len(wrong)} of {len(self.entries)} entries; worst:"]
            lines += [f"  {_in_words(self.worst)}", *_pattern(wrong)]
        else:
            lines = [f"the gradient is the derivative at {len(self.entries) - len(self.kinks)} entries"]
            if self.worst is not None:
                lines[0] += f" (largest error {max(e.miss for e in self.entries):.1e})"
        lines += [f"  at {e.place} the function has {_CORNERS[e.kind]}" for e in self.kinks[:3] if e.ok]
        if len(self.kinks) > 3:
            lines.append(f"  ... {len(self.kinks)} such entries")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


_CORNERS = {
    "kink": "a kink; the gradient lies between the slopes of its two sides",
    "jump": "a jump: there is no derivative to compare with",
    "edge": "values that are not finite beside the point: there is no derivative to compare with",
}


def _in_words(entry):
    text = f"{entry.place}: the derivative is {entry.measured:.10g}, the gradient says {entry.claimed:.10g}"
    if entry.kind == "kink":
        text = f"{entry.place}, at a kink: the gradient says {entry.claimed:.10g}, neither side has that slope"
    return f"{text} (tolerance {entry.tolerance:.1e})"


def _pattern(wrong):
    """What all wrong entries have in common, if it explains them."""
    measured, claimed = (np.array([getattr(e, key) for e in wrong]) for key in ("measured", "claimed"))
    tolerance = np.array([e.tolerance for e in wrong])
    if np.all(measured == 0):
        return ["  the function is constant there: right only for a derivative that is replaced on purpose"]
    if np.all(claimed == 0):
        return ["  no gradient arrives there: something on the way is taken as a constant"]
    ratio = float(claimed @ measured / (measured @ measured))
    if (
        len(wrong) > 1
        and math.isfinite(ratio)
        and np.all(abs(claimed - ratio * measured) <= (1 + abs(ratio)) * tolerance)
    ):
        return [f"  it is {ratio:.10g} times the derivative at all of them"]
    return []
