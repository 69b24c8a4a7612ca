"""`tf.data.Dataset` as far as training loops over arrays use it: slices, shuffle, batch, map, repeat."""

import functools
import itertools
import math
import random as python_random

import numpy as np

from densegrad import _core, ops, random
from densegrad._shape import TensorShape
from densegrad.tf._elements import Iterator, Streams, mapped, spread
from densegrad.tf._program import TensorSpec


class Dataset(Streams):
    """An iterable of tensors, or of tuples and dicts of them, that can be iterated over again and again.

    Source: TensorFlow `data.Dataset`.
    """

    def __init__(self, iterate, length=None, read=None, uneven=False):
        # `length` is infinity where there is no end, None where it is not known. `iterate()` gives an iterator; `read`
        # makes an element of what it yields: row numbers, or the element itself. `uneven`: the elements are batches, of
        # which one may be shorter.
        self._iterate, self._length, self._read, self._uneven = iterate, length, read, uneven

    @staticmethod
    def from_tensor_slices(tensors, name=None):
        """One element for each row of the tensors, which have the same number of rows."""
        arrays = mapped(lambda leaf: _core.constant(leaf).numpy(), tensors)
        lengths = set()
        mapped(lambda a: lengths.add(a.shape[:1]), arrays)
        if len(lengths) != 1 or () in lengths:
            raise ValueError(
                f"[Dataset.from_tensor_slices] the tensors have first axes {sorted(lengths)}: all must have one of the "
                f"same length."
            )
        ((rows,),) = lengths
        return Dataset(
            lambda: iter(np.arange(rows)), rows, lambda row: mapped(lambda a: _core.constant(a[row]), arrays)
        )

    @staticmethod
    def from_tensors(tensors, name=None):
        """One element, the tensors."""
        element = mapped(_core.constant, tensors)
        return Dataset(lambda: iter([element]), 1)

    @staticmethod
    def range(*args):
        """One int64 tensor for each number of Python's `range(*args)`."""
        return Dataset.from_tensor_slices(np.arange(*args))

    @staticmethod
    def zip(*datasets):
        """Tuples of the elements of several datasets, as long as the shortest."""
        datasets = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple) else datasets
        lengths = [d._length for d in datasets]
        length = None if None in lengths else min(lengths)
        return Dataset(lambda: iter(zip(*datasets)), length, uneven=any(d._uneven for d in datasets))

    @staticmethod
    def from_generator(generator, output_types=None, output_shapes=None, args=None, output_signature=None, name=None):
        """What `generator(*args)` yields, as tensors, of the dtypes of `output_types` or `output_signature`."""
        given = output_types if output_signature is None else output_signature

        def element(value):
            if given is None:
                return mapped(_core.constant, value)
            return mapped(lambda wanted, leaf: _core.constant(leaf, getattr(wanted, "dtype", wanted)), given, value)

        return Dataset(lambda: map(element, generator(*(args or ()))))

    def __iter__(self):
        _core.unrepeatable("a dataset is gone through")
        return Iterator(map(self._read, self._iterate()) if self._read else self._iterate())

    def __len__(self):
        if self._length in (None, math.inf):
            raise TypeError("[Dataset] the length is unknown or infinite.")
        return self._length

    def _with(self, change, length, uneven=None):
        return Dataset(lambda: change(self._iterate()), length, self._read, self._uneven if uneven is None else uneven)

    @property
    def element_spec(self):
        """A `TensorSpec` for each tensor of the first element, with None for the rows of batches that may be shorter.

        Raises:
            ValueError: if there are no elements.

        Source: TensorFlow `Dataset.element_spec`.
        """
        for element in self:
            return mapped(self._spec, element)
        raise ValueError("[Dataset.element_spec] the dataset is empty: it must have an element.")

    def _spec(self, leaf):
        t = _core.convert(leaf)
        shape = (None, *t.shape[1:]) if self._uneven and t.ndim else tuple(t.shape)
        return TensorSpec(TensorShape(shape), t.dtype)

    def batch(self, batch_size, drop_remainder=False, **options):
        """`batch_size` consecutive elements stacked along a new first axis; the last batch may be shorter."""
        size = int(batch_size)
        if size < 1:
            raise ValueError(f"[Dataset.batch] `batch_size` is {batch_size}: it must be positive.")

        def chunks(elements):
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) == size or not drop_remainder:
                    yield np.array(chunk) if self._read else mapped(lambda *xs: ops.stack(xs), *chunk)

        n = self._length
        if n in (None, math.inf):
            return self._with(chunks, n, not drop_remainder)
        return self._with(chunks, n // size if drop_remainder else -(-n // size), not drop_remainder)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None):
        """Each element drawn from the next `buffer_size` ones, in a new order each time unless told otherwise."""
        seed = random.make_seed_apart() if seed is None else seed
        shared = python_random.Random(seed)

        def draws(elements):
            rng = shared if reshuffle_each_iteration else python_random.Random(seed)
            buffer = list(itertools.islice(elements, int(buffer_size)))
            for element in elements:
                i = rng.randrange(len(buffer))
                yield buffer[i]
                buffer[i] = element
            rng.shuffle(buffer)
            yield from buffer

        return self._with(draws, self._length)

    def repeat(self, count=None, name=None):
        """The elements `count` times over, or forever."""
        forever = count is None or count < 0
        length = self._length and (math.inf if forever else count and count * self._length)

        def rounds():
            return (e for _ in (itertools.count() if forever else range(count)) for e in self._iterate())

        return Dataset(rounds, length, self._read, self._uneven)

    def take(self, count, name=None):
        """The first `count` elements."""
        length = None if self._length is None else min(count, self._length)
        return self._with(lambda e: itertools.islice(e, count), length)

    def filter(self, predicate, name=None):
        """The elements for which `predicate` is true; a tuple is given as its arguments."""

        def kept():
            return filter(spread(predicate), self)

        return Dataset(kept, uneven=self._uneven)

    def skip(self, count, name=None):
        """The elements after the first `count`."""
        length = None if self._length is None else max(self._length - count, 0)
        return self._with(lambda e: itertools.islice(e, count, None), length)

    def map(self, map_func, num_parallel_calls=None, **options):
        """map_func of each element; a tuple is given as its arguments."""

        def results():
            return map(spread(map_func), self)

        return Dataset(results, self._length, uneven=self._uneven)

    def unbatch(self, name=None):
        """The rows of the elements, one by one."""

        def rows():
            for element in self:
                lengths = []
                mapped(lambda t, found=lengths: found.append(t.shape[0]), element)
                yield from (mapped(lambda t, i=i: t[i], element) for i in np.arange(min(lengths)))

        return Dataset(rows)

    def concatenate(self, dataset, name=None):
        """The elements of this dataset, then those of another."""
        lengths = (self._length, dataset._length)
        length = None if None in lengths else sum(lengths)
        return Dataset(lambda: itertools.chain(self, dataset), length, uneven=self._uneven or dataset._uneven)

    def reduce(self, initial_state, reduce_func, name=None):
        """The last state = reduce_func(state, element)."""
        return functools.reduce(reduce_func, self, mapped(_core.constant, initial_state))

    def enumerate(self, start=0, name=None):
        """Pairs of a number and an element."""

        def numbered():
            return ((_core.constant(np.int64(i)), e) for i, e in zip(itertools.count(start), self))

        return Dataset(numbered, self._length, uneven=self._uneven)

    def shard(self, num_shards, index, name=None):
        """Every `num_shards`-th element from number `index` on."""
        n = self._length
        length = n if n in (None, math.inf) else len(range(int(index), n, int(num_shards)))
        return self._with(lambda e: itertools.islice(e, int(index), None, int(num_shards)), length)

    def apply(self, transformation_func):
        """transformation_func(dataset)."""
        return transformation_func(self)

    def with_options(self, options, name=None):
        """The same elements: options change nothing here."""
        return self

    def prefetch(self, buffer_size=None, name=None):
        """The same elements: they are at hand."""
        return self

    def cache(self, filename="", name=None):
        """The same elements: they are at hand."""
        return self

    def as_numpy_iterator(self):
        """An iterator of the elements with NumPy arrays in place of tensors."""
        return (mapped(lambda t: np.asarray(t)[()], e) for e in self)

    def cardinality(self):
        """The number of elements; -1 if it is infinite, -2 if it is not known."""
        return _core.constant(np.int64({None: -2, math.inf: -1}.get(self._length, self._length)))
