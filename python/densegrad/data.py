"""Arrays for `fit`, `evaluate` and `predict`: conversion, checks before the first step, batches of rows."""

from __future__ import annotations

import numpy as np

from densegrad import _core, nest, random
from densegrad._core import Tensor, Variable


def as_array(value, name: str, tag: str) -> np.ndarray:
    """Return `value` as a NumPy array of numbers or bools in native byte order, of rank >= 1.

    Args:
        value: array of any layout, tensor, data frame, or nested list of numbers; a series of a data frame is one
            column.
        name, tag: of the argument and the function, for messages.

    Raises:
        TypeError: for objects, strings, complex numbers, ragged lists, and what is no array.
        ValueError: for a scalar.
    """
    if isinstance(value, (Tensor, Variable)):
        value = value.numpy()
    elif not is_array_like(value):
        raise TypeError(f"[{tag}] `{name}` is a {type(value).__name__}: it must be an array with one row per sample.")
    elif hasattr(value, "to_frame") and not hasattr(value, "columns"):  # a series, which Keras takes as a column too
        value = value.to_frame()
    if hasattr(value, "mask") and hasattr(value, "filled"):
        raise TypeError(f"[{tag}] `{name}` is a masked array: pass .filled(...), and the mask as `sample_weight`.")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"[{tag}] `{name}` is no rectangular array: all rows must have the same shape.") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"[{tag}] `{name}` has dtype {array.dtype}: it must hold numbers or bools.")
    if array.ndim == 0:
        raise ValueError(f"[{tag}] `{name}` is a scalar: it must be an array with one row per sample.")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def is_array_like(value) -> bool:
    """Whether `value` is one array, or a nested list of numbers."""
    if isinstance(value, (Tensor, Variable, np.ndarray, list, tuple, memoryview)) or hasattr(value, "__array__"):
        return True
    try:
        memoryview(value)
    except TypeError:
        return False
    return not isinstance(value, (bytes, bytearray))


def as_tensor(value, name: str, tag: str) -> Tensor:
    """Return `value` as a tensor; of an array as `as_array` takes it."""
    return value if type(value) is Tensor else _core.constant(as_array(value, name, tag))


def as_structure(value, name: str, tag: str, leaf=as_array):
    """Return one array, or the arrays in lists, tuples and dicts, each as `leaf` takes it; a list of numbers is one.

    Args:
        value: the structure.
        name, tag: of the argument and the function, for messages.
        leaf: `as_array` or `as_tensor`.
    """
    if isinstance(value, dict):
        return {key: as_structure(part, name, tag, leaf) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and any(_is_part(part) for part in value):
        parts = [None if part is None else as_structure(part, name, tag, leaf) for part in value]
        return type(value)(parts) if type(value) in (list, tuple) else type(value)(*parts)
    return leaf(value, name, tag)


def _is_part(value):
    if isinstance(value, (list, tuple)):
        return any(_is_part(part) for part in value)
    return isinstance(value, (Tensor, Variable, np.ndarray, dict)) or hasattr(value, "__array__") and np.ndim(value)


def check_rows(parts, tag) -> int:
    """Return the number of rows that all arrays of `parts`, (x, y, sample_weight), have, or raise."""
    first = nest.flatten(parts[0])[0]
    for name, part in zip(("x", "y", "sample_weight"), parts):
        for array in nest.flatten(part):
            if array is not None and array.shape[0] != first.shape[0]:
                raise ValueError(
                    f"[{tag}] `{name}` has {array.shape[0]} rows but `x` has {first.shape[0]}: they must have the same "
                    "number."
                )
    return first.shape[0]


class Data:
    """Arrays with one row per sample: `x`, labels `y` (or None) and `sample_weight` (or None), checked.

    Args:
        tag: of the calling function, for messages.
        x, y, sample_weight, class_weight: as `fit` got them.
        minimum: number of rows.
        arrange: function of (value, name, tag) that gives the arrays of an argument in the structure that steps get.

    Raises:
        TypeError, ValueError: as `as_array`; if the lengths differ, there are no rows where `minimum` is 1, or
            `class_weight` comes together with `sample_weight`.
    """

    def __init__(self, tag, x, y=None, sample_weight=None, class_weight=None, minimum=1, arrange=as_structure):
        self.tag = tag
        self.x = arrange(x, "x", tag)
        self.y = None if y is None else arrange(y, "y", tag)
        weight = None if sample_weight is None else arrange(sample_weight, "sample_weight", tag)
        self.sample_weight = weight
        self.rows = check_rows((self.x, self.y, weight), tag)
        if self.rows < minimum:
            shape = nest.flatten(self.x)[0].shape
            raise ValueError(f"[{tag}] `x` has shape {shape}: it must have at least one row.")
        if class_weight is not None:
            self.sample_weight = weights_of_classes(self.y, weight, class_weight, tag)

    def __len__(self):
        return self.rows

    def split(self, fraction):
        """Return the first samples and the last `fraction` of them, cut at floor(n (1 - fraction))."""
        n = len(self)
        cut = int(np.floor(n * (1.0 - fraction)))
        if not 0 < cut < n:
            raise ValueError(
                f"[{self.tag}] `validation_split` is {fraction}: of {n} samples it leaves {cut} to train and {n - cut} "
                "to validate, both must have at least one."
            )
        return self._rows(slice(cut)), self._rows(slice(cut, None))

    def _rows(self, rows):
        part = object.__new__(Data)
        part.tag = self.tag
        for name in ("x", "y", "sample_weight"):
            setattr(part, name, _taken(getattr(self, name), rows))
        part.rows = len(nest.flatten(part.x)[0])
        return part

    def batches(self, size, shuffle=False):
        """Return an iterator over (x, y, sample_weight) of `size` rows, the last one shorter.

        Args:
            size: positive int.
            shuffle: False, True (anew at each call), or "batch" to shuffle only inside each batch.
        """
        return Batches(self, size, shuffle)


class Batches:
    """The iterator of `Data.batches`. Who runs batches by their rows passes them over with `skip`.

    Attributes:
        data: the `Data`.
        size: rows per batch.
        order: row numbers, or None for 0, 1, ...
        first: the row, counted in that order, at which the next batch begins.
    """

    def __init__(self, data, size, shuffle):
        self.data, self.size, self.first = data, size, 0
        self.order = random.permutation(len(data), size if shuffle == "batch" else None) if shuffle else None
        self._empty = not len(data)

    def __iter__(self):
        return self

    def __next__(self):
        start, stop = self.first, self.first + self.size
        if start >= len(self.data) and not self._empty:
            raise StopIteration
        self.first, self._empty = stop, False
        rows = slice(start, stop) if self.order is None else self.order[start:stop]
        return tuple(_taken(part, rows) for part in (self.data.x, self.data.y, self.data.sample_weight))

    @property
    def whole(self):
        """The number of batches that follow with all of their rows."""
        return max(0, len(self.data) - self.first) // self.size

    def skip(self, count):
        """Pass `count` batches over."""
        self.first += count * self.size


def _taken(structure, rows):
    if isinstance(structure, np.ndarray):
        return structure[rows]
    return nest.pack_as(structure, [None if a is None else a[rows] for a in nest.flatten(structure)])


def weights_of_classes(y, sample_weight, class_weight, tag):
    """Return the sample weights that `class_weight` means for the labels `y`; there must be no others."""
    if sample_weight is not None:
        raise ValueError(f"[{tag}] `class_weight` and `sample_weight` are both given: pass only one of them.")
    labels = nest.flatten(y)
    if len(labels) > 1:
        raise ValueError(f"[{tag}] `class_weight` is given: with several outputs it must be `sample_weight`.")
    return class_to_sample_weight(None if y is None else np.asarray(labels[0]), class_weight, tag)


def class_to_sample_weight(y, class_weight, tag) -> np.ndarray:
    """Return one weight per sample, float64 (n,): `class_weight[label]`, 1 for classes that it does not name.

    Args:
        y: integer labels (n,) or (n, 1), or one-hot labels (n, classes).
        class_weight: dict from class to number.
        tag: of the calling function, for messages.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"[{tag}] `class_weight` is a {type(class_weight).__name__}: it must be a dict {{class: weight}}."
        )
    if y is None:
        raise ValueError(f"[{tag}] `class_weight` is given without `y`: the labels say which class a sample has.")
    for label, weight in class_weight.items():
        if not isinstance(weight, (int, float, np.number)):
            raise TypeError(f"[{tag}] `class_weight[{label!r}]` is {weight!r}: it must be a number.")
    if y.ndim > 1:
        y = y.argmax(axis=-1) if y.shape[-1] != 1 else y[..., 0]
    if y.ndim != 1:
        raise ValueError(
            f"[{tag}] `class_weight` needs one label per sample: use `sample_weight` for `y` of this rank."
        )
    classes, places = np.unique(np.round(y).astype(np.int64), return_inverse=True)
    return np.array([float(class_weight.get(int(c), 1.0)) for c in classes])[places]
