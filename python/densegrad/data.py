"""In-memory data for `fit`, `evaluate` and `predict`: conversion, checks before the first step, batches."""

from __future__ import annotations

import numpy as np

from densegrad import _core, losses, nest, random
from densegrad._core import Tensor, Variable


def as_array(value, name: str, tag: str) -> np.ndarray:
    """Return `value` as a NumPy array of numbers or bools in native byte order, of rank >= 1.

    Args:
        value: array of any layout, tensor, or nested list of numbers.
        name, tag: of the argument and the function, for messages.

    Raises:
        TypeError: for objects, strings, complex numbers, ragged lists, and iterables of batches.
        ValueError: for a scalar.
    """
    if isinstance(value, (Tensor, Variable)):
        value = value.numpy()
    elif isinstance(value, dict) or not (isinstance(value, (list, tuple)) or hasattr(value, "__array__")):
        raise TypeError(
            f"[{tag}] `{name}` is a {type(value).__name__}: it must be one array of samples "
            "(dictionaries and iterables of batches are not supported yet)."
        )
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


class Data:
    """Arrays with one row per sample: `x`, labels `y` (or None) and `sample_weight` (or None), checked.

    Args:
        tag: of the calling function, for messages.
        x, y, sample_weight, class_weight: as `fit` got them.
        minimum: number of rows.
        model: says which structure the arrays have; None: one array each.

    Raises:
        TypeError, ValueError: as `as_array`; if the lengths differ, there are no rows where `minimum` is 1, or
            `class_weight` comes together with `sample_weight`.
    """

    def __init__(self, tag, x, y=None, sample_weight=None, class_weight=None, minimum=1, model=None):
        self.tag = tag
        arrange = as_array if model is None else model._arrange
        self.x = arrange(x, "x", tag)
        self.y = None if y is None else arrange(y, "y", tag)
        if class_weight is not None and sample_weight is not None:
            raise ValueError(f"[{tag}] `class_weight` and `sample_weight` are both given: pass only one of them.")
        self.sample_weight = None if sample_weight is None else arrange(sample_weight, "sample_weight", tag)
        for name in ("x", "y", "sample_weight"):
            for array in nest.flatten(getattr(self, name)):
                if array is not None and len(array) != len(self):
                    raise ValueError(
                        f"[{tag}] `{name}` has {len(array)} rows but `x` has {len(self)}: they must have the same "
                        "number."
                    )
        if len(self) < minimum:
            shape = nest.flatten(self.x)[0].shape
            raise ValueError(f"[{tag}] `x` has shape {shape}: it must have at least one row.")
        if class_weight is not None:
            if len(nest.flatten(self.y)) > 1:
                raise ValueError(f"[{tag}] `class_weight` is given: with several outputs it must be `sample_weight`.")
            self.sample_weight = class_to_sample_weight(self.y, class_weight, tag)

    def __len__(self):
        return len(nest.flatten(self.x)[0])

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
        return part

    def batches(self, size, shuffle=False):
        """Yield (x, y, sample_weight) of `size` rows, the last one shorter; shuffled anew at each call if asked.

        Args:
            size: positive int.
            shuffle: False, True, or "batch" to shuffle only inside each batch.
        """
        n = len(self)
        order = random.permutation(n, size if shuffle == "batch" else None) if shuffle else None
        for start in range(0, n, size):
            rows = slice(start, start + size) if order is None else order[start : start + size]
            yield tuple(_taken(part, rows) for part in (self.x, self.y, self.sample_weight))


def _taken(structure, rows):
    if isinstance(structure, np.ndarray):
        return structure[rows]
    return nest.pack_as(structure, [None if a is None else a[rows] for a in nest.flatten(structure)])


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


def check_labels(loss, tag, y, classes) -> None:
    """Raise if an entry of `y` is not a class index, for a loss with integer labels and `classes` outputs."""
    if not isinstance(loss, losses.SparseCategoricalCrossentropy) or classes is None:
        return
    y = y if loss.ignore_class is None else y[y != loss.ignore_class]
    wrong = y[~((y > -1) & (y < classes))]
    if wrong.size:
        raise ValueError(
            f"[{tag}] `y` has the label {wrong.flat[0]}: labels must be in [0, {classes}), "
            "one for each output of the model."
        )


def check_batch(model, data: Data, batch_size: int) -> list:
    """Return the shapes of the outputs for the first batch, after evaluating the losses on it without training.

    Shapes are inferred by the primitives themselves: nothing is built before the whole batch is known to fit. Only a
    custom layer whose output shape cannot be inferred, or a custom loss, is run on the data of the first batch.
    """
    x, y, weight = next(data.batches(batch_size))
    try:
        specs = model._output_specs(x)
    except NotImplementedError:
        specs = [model(x)]
        if not isinstance(specs[0], Tensor):
            raise TypeError(
                f"[{data.tag}] the model returns a {type(specs[0]).__name__}: it must return one tensor."
            ) from None
    shapes = [tuple(spec.shape) for spec in specs]
    if y is None:
        return shapes
    labels, weights = nest.flatten(y), nest.flatten(weight)
    whole = nest.flatten(data.y)
    chosen = model._losses_for([None if a is None else a.shape for a in labels], shapes)
    for i, (loss, spec, true) in enumerate(zip(chosen, specs, labels)):
        part = weights[i] if len(weights) > 1 else weights[0]
        if loss is None:
            continue
        if true is None:
            raise ValueError(f"[{data.tag}] `y` has no labels for output {i}: its loss needs them.")
        _check_weight(data, loss, part, shapes[i])
        if isinstance(loss, losses.NativeLoss):
            check_labels(loss, data.tag, whole[i], shapes[i][-1] if shapes[i] else None)
            loss(_core.placeholder(true.shape, _core.constant(true[:0]).dtype), _as_placeholder(spec), part)
        else:
            loss(true, nest.flatten(model(x))[i], part)
    return shapes


def _as_placeholder(spec):
    return _core.placeholder(spec.shape, spec.dtype) if spec.is_symbolic else spec


def _check_weight(data, loss, weight, shape):
    if weight is None or not isinstance(loss, losses.NativeLoss):
        return
    values = shape[:-1]
    fits = len(weight.shape) <= len(values) or (len(weight.shape) == len(values) + 1 and weight.shape[-1] == 1)
    if len(values) > 1 and weight.ndim == 1 or not fits:
        raise ValueError(
            f"[{data.tag}] `sample_weight` has shape {(len(data), *weight.shape[1:])} but the loss has one value for "
            f"each of {(len(data), *values[1:])}: use that shape, or (n, 1) for one weight per sample."
        )
