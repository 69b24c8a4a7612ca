"""`keras.utils`: labels, seeds, norms."""

import random as python_random

import numpy as np

from densegrad import _core, ops, random
from densegrad.errors import InvalidArgumentError, InvalidIndexError
from densegrad.streams import PyDataset

Sequence = PyDataset


def to_categorical(x, num_classes=None):
    """One-hot rows of integer classes, float64 for an array; as many columns as the largest class needs if None."""
    tensor = isinstance(x, _core.Tensor)
    labels = np.asarray(x, dtype=np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        num_classes = int(labels.max()) + 1
    if tensor:
        return ops.one_hot(labels, num_classes)
    if labels.size and not (0 <= labels.min() and labels.max() < num_classes):
        raise InvalidIndexError(f"[to_categorical] `x` has entries outside [0, {num_classes}): they must be classes.")
    return np.eye(num_classes)[labels]


def set_random_seed(seed):
    """Seeds Python, NumPy and densegrad."""
    random.set_random_seed(seed)
    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - as Keras does


def normalize(x, axis=-1, order=2):
    """x divided by its norms along one axis, as a NumPy array; where a norm is 0, x is left."""
    x = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """Lists of different lengths as the rows of an array, lengthened by `value`, or cut, in front or behind.

    Args:
        sequences: list of lists of numbers, or of arrays that differ in their first axis alone.
        maxlen: int; None takes the longest.
        dtype: of the array.
        padding, truncating: "pre" or "post".
        value: number.

    Raises:
        ValueError: for another `padding` or `truncating`.

    Source: Keras `utils.pad_sequences`.
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise InvalidArgumentError(f"[pad_sequences] `{name}` is {side!r}: it must be 'pre' or 'post'.")
    rows = [np.asarray(row) for row in sequences]
    length = max((len(row) for row in rows), default=0) if maxlen is None else int(maxlen)
    rest = next((row.shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), length, *rest), value, dtype)
    for place, row in zip(padded, rows):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        if len(kept):
            place[length - len(kept) if padding == "pre" else 0 :][: len(kept)] = kept
    return padded


class Reduction:
    """The names of the ways in which a loss makes one number of its values.

    Source: TensorFlow `keras.losses.Reduction`.
    """

    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
