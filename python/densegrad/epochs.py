"""The batches of one epoch after the other, from arrays or from an iterable of batches."""

from __future__ import annotations

import math
import warnings

from densegrad import _core, config, nest
from densegrad.data import Batches


class Rows:
    """Arrays as a source of batches: `size` batches of `batch_size` rows, gathered in a new order each epoch if asked.

    Args:
        data: a `Data`.
        batch_size: positive int.
        shuffle: False, True, or "batch".
        tensors: whether to give tensors, floats of dtype `config.floatx()`, instead of arrays as they are.
    """

    def __init__(self, data, batch_size, shuffle=False, tensors=False):
        self.data, self.batch_size, self.shuffle, self.tensors = data, batch_size, shuffle, tensors
        self.tag, self.labels = data.tag, data.y
        self.size = -(-len(data) // batch_size) or 1  # no rows are one batch

    def batches(self, shuffle=None):
        """Return an iterator over the batches of an epoch."""
        parts = self.data.batches(self.batch_size, self.shuffle if shuffle is None else shuffle)
        return map(_as_tensors, parts) if self.tensors else parts

    def sample(self):
        """Return the first batch as it is given, which no epoch misses."""
        return next(self.batches(shuffle=False))

    def split(self, fraction, batch_size, steps):
        """Return the source of the first samples, and of the last `fraction` of them in batches of `batch_size`."""
        train, val = self.data.split(fraction)
        size = batch_size or (max(1, -(-len(val) // steps)) if steps else 32)
        return Rows(train, self.batch_size, self.shuffle, self.tensors), Rows(val, size, False, self.tensors)

    def on_epoch_begin(self):
        """Do nothing."""

    def on_epoch_end(self):
        """Do nothing."""


def _as_tensors(batch):
    return tuple(
        None if part is None else nest.pack_as(part, [_as_tensor(leaf) for leaf in nest.flatten(part)])
        for part in batch
    )


def _as_tensor(array):
    if array is None:
        return None
    return _core.constant(array, config.floatx() if array.dtype.kind == "f" else None)


class Epochs:
    """One epoch after the other: all batches of `source`, or the next `steps` of them.

    For each epoch `begin()`, then iterate.

    Args:
        source: `Rows` or `Stream`.
        steps: batches per epoch, or None for all. The next epoch goes on where the last one ended.

    Raises:
        ValueError: if there are infinitely many batches and no `steps`.
    """

    def __init__(self, source, steps=None, argument="steps"):
        self.source, self._asked = source, steps
        self._size = None if source.size == math.inf else source.size
        if source.size == math.inf and steps is None:
            raise ValueError(f"[{source.tag}] `x` has infinitely many batches: pass `{argument}`.")
        self._iterator, self._first = None, None
        self._seen = self._done = 0  # batches since the first one, and of this epoch

    @property
    def steps(self):
        """The number of batches per epoch, None as long as it is not known."""
        return self._asked if self._asked is not None else self._size

    def sample(self):
        """Return a batch to look at, which the next epoch has too; None if there is none."""
        batch = self.source.sample()
        if batch is None and self.begin():
            batch = self._first
        return batch

    def begin(self, afresh=False):
        """Begin an epoch, from the first batch if `afresh`; return whether there is a batch for it."""
        if self._first is not None:
            return True
        if afresh or self._asked is None:
            self._iterator = None
        self.source.on_epoch_begin()
        while self._first is None:
            fresh = self._iterator is None
            if fresh:
                self._iterator, self._seen = self.source.batches(), 0
            self._first = next(self._iterator, None)
            if self._first is None:
                self._iterator = None
                if fresh:
                    break
        return self._first is not None

    def __iter__(self):
        batch, self._first = self._first, None
        self._done = 0
        try:
            while batch is not None:
                self._done += 1
                self._seen += 1
                yield batch
                if self._seen == self._size:
                    self._iterator = None
                if self._done == self.steps or self._iterator is None:
                    break
                batch = next(self._iterator, None)
                if batch is None:
                    self._iterator = None
            if self.steps is None:
                self._size = self._done
            elif self._done < self.steps:
                warnings.warn(
                    f"[{self.source.tag}] `x` ran out of data after {self._done} of {self.steps} batches: it should "
                    "hold the steps of all epochs, or be an iterable that starts anew.",
                    stacklevel=4,
                )
        finally:
            self.source.on_epoch_end()

    def ahead(self):
        """Return the `Batches` that the epoch walks through and how many whole ones it goes on with; (None, 0) if none.

        Between two batches of an iteration: who runs some of them calls `skip` then.
        """
        if not isinstance(self._iterator, Batches):
            return None, 0
        left = self._iterator.whole if self._asked is None else self._asked - self._done
        return self._iterator, min(left, self._iterator.whole)

    def skip(self, count):
        """Pass over `count` of the batches that `ahead` told of."""
        self._iterator.skip(count)
        self._done += count
        self._seen += count
