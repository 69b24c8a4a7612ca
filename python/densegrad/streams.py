"""Iterables of batches for `fit`, `evaluate` and `predict`: generators, datasets, `PyDataset`, loaders."""

from __future__ import annotations

import itertools
import math
from numbers import Number

from densegrad import random
from densegrad.data import as_tensor, check_rows, is_array_like, weights_of_classes

__all__ = ["PyDataset", "Stream", "is_stream", "pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


class PyDataset:
    """A sequence of batches: a subclass defines `__getitem__(self, index)` and `__len__(self)` or `num_batches`.

    `__getitem__` returns `(x,)`, `(x, y)` or `(x, y, sample_weight)`, or a dict, which is `x`. `fit` visits the batches
    in a new order each epoch unless `shuffle=False`.

    Args:
        workers, use_multiprocessing, max_queue_size: accepted for Keras' sake, without effect.

    Source: Keras `utils.PyDataset`.
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index):
        """Return the batch number `index`."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `__getitem__(self, index)`.")

    def __iter__(self):
        """Return the batches in order."""
        size = self.num_batches
        return (self[index] for index in (itertools.count() if size is None else range(size)))

    @property
    def num_batches(self):
        """The number of batches; None for infinitely many."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"[{type(self).__name__}] must define `__len__(self)` or `num_batches`.")

    def on_epoch_begin(self):
        """Run at the begin of an epoch."""

    def on_epoch_end(self):
        """Run at the end of an epoch."""


def is_stream(value) -> bool:
    """Whether `value` is an iterable of batches, rather than arrays."""
    if value is None or isinstance(value, (dict, str, bytes, bytearray, Number)) or is_array_like(value):
        return False
    return isinstance(value, PyDataset) or hasattr(value, "__iter__") or _is_indexed(value)


def _is_indexed(value):
    return hasattr(value, "__getitem__") and (isinstance(value, PyDataset) or hasattr(value, "__len__"))


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """Return one batch as a step gets it: `x`, `(x, y)` or `(x, y, sample_weight)`; `x` in lists or tuples is `(x,)`.

    Source: Keras `utils.pack_x_y_sample_weight`.
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x


def unpack_x_y_sample_weight(data):
    """Return (x, y, sample_weight) of a batch, None for what is missing.

    Args:
        data: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, as a tuple or list.

    Raises:
        ValueError: for another length.

    Source: Keras `utils.unpack_x_y_sample_weight`.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"[unpack_x_y_sample_weight] `data` has {len(data)} entries: it must be `x`, `(x,)`, `(x, y)` or "
            "`(x, y, sample_weight)`."
        )
    return (*data, *(None,) * (3 - len(data)))


class Stream:
    """An iterable of batches as a source of (x, y, sample_weight), tensors in the structure that steps get.

    Args:
        tag: of the calling function, for messages.
        batches: the iterable.
        arrange: function of (value, name, tag, leaf) that gives the structure of an argument.
        class_weight: dict from class to number, or None.
        shuffle: whether to visit the items of a sequence in a new order each time.

    Attributes:
        size: the number of batches, None if it is not known, infinity.
    """

    labels = None  # of all samples: they are not at hand

    def __init__(self, tag, batches, arrange, class_weight=None, shuffle=False):
        self.tag, self._given, self._arrange = tag, batches, arrange
        self._class_weight, self._shuffle = class_weight, shuffle
        self.size = _size(batches)

    def batches(self):
        """Return an iterator over the batches, from the first one where the iterable can start anew."""
        return map(self._batch, self._items())

    def sample(self):
        """Return None: a batch that was looked at may not come again."""

    def on_epoch_begin(self):
        """Tell the iterable, if it wants to know."""
        getattr(self._given, "on_epoch_begin", _nothing)()

    def on_epoch_end(self):
        """Tell the iterable, if it wants to know."""
        getattr(self._given, "on_epoch_end", _nothing)()

    def _items(self):
        if not _is_indexed(self._given):
            return iter(self._given)
        if self.size == math.inf:
            return (self._given[i] for i in itertools.count())
        order = random.permutation(self.size) if self._shuffle else range(self.size)
        return (self._given[int(i)] for i in order)

    def _batch(self, item):
        if isinstance(item, (list, tuple)) and not 1 <= len(item) <= 3:
            raise ValueError(
                f"[{self.tag}] a batch of `x` is a {type(item).__name__} of {len(item)}: it must be `x`, `(x,)`, "
                "`(x, y)` or `(x, y, sample_weight)`."
            )
        if not isinstance(item, (list, tuple, dict)) and not is_array_like(item):
            raise TypeError(
                f"[{self.tag}] a batch of `x` is a {type(item).__name__}: it must be arrays, as `x`, `(x,)`, `(x, y)` "
                "or `(x, y, sample_weight)`."
            )
        x, y, weight = (
            None if part is None else self._arrange(part, name, self.tag, as_tensor)
            for name, part in zip(("x", "y", "sample_weight"), unpack_x_y_sample_weight(item))
        )
        if x is None:
            raise ValueError(f"[{self.tag}] `x` is None in a batch: it must be an array.")
        check_rows((x, y, weight), self.tag)
        if self._class_weight is not None:
            weight = as_tensor(weights_of_classes(y, weight, self._class_weight, self.tag), "sample_weight", self.tag)
        return x, y, weight


def _nothing():
    pass


def _size(batches):
    if isinstance(batches, PyDataset):
        size = batches.num_batches
        return math.inf if size is None else size
    if hasattr(batches, "cardinality"):  # of TensorFlow's datasets; -1 is infinite, -2 unknown
        size = int(batches.cardinality())
        return math.inf if size == -1 else None if size < 0 else size
    try:
        return len(batches)
    except TypeError:
        return None
