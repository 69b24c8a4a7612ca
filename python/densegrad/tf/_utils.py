"""`keras.utils`: labels, seeds, norms."""

import random as python_random

import numpy as np

from densegrad import _core, ops, random
from densegrad.errors import InvalidIndexError
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


class Reduction:
    """The names of the ways in which a loss makes one number of its values.

    Source: TensorFlow `keras.losses.Reduction`.
    """

    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
