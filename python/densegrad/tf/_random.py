"""`tf.random` on densegrad's own generator: the same distributions, other numbers."""

import numpy as np

from densegrad import _core, random
from densegrad._core import Tensor, Variable
from densegrad.errors import InvalidArgumentError


def _shape(shape):
    return tuple(int(n) for n in (shape.numpy() if isinstance(shape, (Tensor, Variable)) else np.atleast_1d(shape)))


def _seed(seed):
    return random.generator_apart() if seed is None else seed


def normal(shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None):
    """Normal numbers of a shape; the same at every call with one seed."""
    return random.normal(_shape(shape), float(mean), float(stddev), dtype, _seed(seed))


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None):
    """Normal numbers of a shape, none further from the mean than two standard deviations."""
    return random.truncated_normal(_shape(shape), float(mean), float(stddev), dtype, _seed(seed))


def uniform(shape, minval=0, maxval=None, dtype="float32", seed=None, name=None):
    """Uniform numbers in [minval, maxval), integers for an integer dtype."""
    if np.dtype(dtype).kind == "i":
        if maxval is None:
            raise InvalidArgumentError(f"[tf.random.uniform] `maxval` is None: it must be given for {np.dtype(dtype)}.")
        return random.randint(_shape(shape), int(minval), int(maxval), dtype, _seed(seed))
    return random.uniform(_shape(shape), float(minval), 1.0 if maxval is None else float(maxval), dtype, _seed(seed))


def _generator(seed):
    if seed is None:
        _core.unrepeatable("NumPy's numbers are others at every call")
    return np.random.default_rng(random.make_seed_apart() if seed is None else seed)


def shuffle(value, seed=None, name=None):
    """The rows of value in random order."""
    value = _core.convert(value)
    generator = _generator(seed)
    return _core.take(value, generator.permutation(value.shape[0]), 0)


def categorical(logits, num_samples, dtype="int64", seed=None, name=None):
    """Classes drawn with the probabilities softmax(logits), `num_samples` for each row."""
    logits = np.asarray(_core.stop_gradient(_core.convert(logits)), np.float64)
    generator = _generator(seed)
    noise = generator.gumbel(size=(len(logits), int(num_samples), logits.shape[1]))
    return _core.constant(np.argmax(logits[:, None] + noise, -1), dtype)


def stateless_uniform(shape, seed, minval=0, maxval=None, dtype="float32", name=None, alg="auto_select"):
    """Uniform numbers in [minval, maxval), the same for one seed, a pair of integers."""
    return uniform(shape, minval, maxval, dtype, _single(seed))


def stateless_normal(shape, seed, mean=0.0, stddev=1.0, dtype="float32", name=None, alg="auto_select"):
    """Normal numbers, the same for one seed, a pair of integers."""
    return normal(shape, mean, stddev, dtype, _single(seed))


def stateless_truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype="float32", name=None, alg="auto_select"):
    """Normal numbers within two standard deviations, the same for one seed, a pair of integers."""
    return truncated_normal(shape, mean, stddev, dtype, _single(seed))


def stateless_categorical(logits, num_samples, seed, dtype="int64", name=None):
    """Classes drawn as by `categorical`, the same for one seed, a pair of integers."""
    return categorical(logits, num_samples, dtype, _single(seed))


def get_global_generator():
    """A generator whose seed is drawn from densegrad's."""
    return Generator()


def _single(seed):
    first, second = (int(n) for n in (seed.numpy() if isinstance(seed, (Tensor, Variable)) else seed))
    return (first * 1_000_003 + second) % 2**31


class Generator:
    """A source of random numbers with a state of its own.

    Source: TensorFlow `random.Generator`; the numbers are others.
    """

    def __init__(self, seed=None):
        self._source = random.SeedGenerator(random.make_seed_apart() if seed is None else seed)

    @classmethod
    def from_seed(cls, seed, alg=None):
        """A generator that gives the same numbers for one seed."""
        return cls(int(seed))

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        """A generator with a new seed."""
        return cls()

    def normal(self, shape, mean=0.0, stddev=1.0, dtype="float32", name=None):
        """Normal numbers of a shape."""
        return random.normal(_shape(shape), float(mean), float(stddev), dtype, self._source)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype="float32", name=None):
        """Normal numbers of a shape, none further from the mean than two standard deviations."""
        return random.truncated_normal(_shape(shape), float(mean), float(stddev), dtype, self._source)

    def uniform(self, shape, minval=0, maxval=None, dtype="float32", name=None):
        """Uniform numbers in [minval, maxval), integers for an integer dtype."""
        return uniform(shape, minval, maxval, dtype, self._source)
