"""`tf.random` on densegrad's own generator: the same distributions, other numbers."""

import numpy as np

from densegrad import _core, random
from densegrad._core import Tensor, Variable


def _shape(shape):
    return tuple(int(n) for n in (shape.numpy() if isinstance(shape, (Tensor, Variable)) else np.atleast_1d(shape)))


def normal(shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None):
    """Normal numbers of a shape; the same at every call with one seed."""
    return random.normal(_shape(shape), float(mean), float(stddev), dtype, seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None):
    """Normal numbers of a shape, none further from the mean than two standard deviations."""
    return random.truncated_normal(_shape(shape), float(mean), float(stddev), dtype, seed)


def uniform(shape, minval=0, maxval=None, dtype="float32", seed=None, name=None):
    """Uniform numbers in [minval, maxval), integers for an integer dtype."""
    if np.dtype(dtype).kind == "i":
        if maxval is None:
            raise ValueError(f"[tf.random.uniform] `maxval` is None: it must be given for {np.dtype(dtype)}.")
        return random.randint(_shape(shape), int(minval), int(maxval), dtype, seed)
    return random.uniform(_shape(shape), float(minval), 1.0 if maxval is None else float(maxval), dtype, seed)


def shuffle(value, seed=None, name=None):
    """The rows of value in random order."""
    value = _core.convert(value)
    generator = np.random.default_rng(random.make_seed() if seed is None else seed)
    return _core.take(value, generator.permutation(value.shape[0]), 0)
