"""Elements of datasets, and the datasets that are made of elements one by one."""

import itertools

import numpy as np

from densegrad import _core, random
from densegrad.errors import InvalidArgumentError, OutOfRangeError
from densegrad.tf._namespace import missing

AUTOTUNE = -1


def mapped(function, *structures):
    """`function` of the leaves of equal structures; tuples and dicts are structures, a list is one tensor."""
    first = structures[0]
    if isinstance(first, tuple):
        return tuple(mapped(function, *parts) for parts in zip(*structures))
    if isinstance(first, dict):
        return {key: mapped(function, *(s[key] for s in structures)) for key in first}
    return function(*structures)


def spread(function):
    """`function` of an element; a tuple is given as its arguments."""
    return lambda e: function(*e) if isinstance(e, tuple) else function(e)


def _padded(shape, value, *leaves):
    """Tensors stacked, each lengthened to `shape` (None for the longest along all axes) by `value` (None for 0)."""
    arrays = [_core.convert(leaf).numpy() for leaf in leaves]
    longest = np.max([a.shape for a in arrays], axis=0).astype(int) if arrays[0].ndim else []
    wanted = [None] * arrays[0].ndim if shape is None else list(shape)
    full = [n if m in (None, -1) else int(m) for n, m in zip(longest, wanted, strict=True)]
    if any(n > m for n, m in zip(longest, full)):
        raise InvalidArgumentError(
            f"[Dataset.padded_batch] `padded_shapes` has {tuple(wanted)} but an element has shape "
            f"{tuple(map(int, longest))}: it must not be longer."
        )
    batch = np.full((len(arrays), *full), 0 if value is None else value, arrays[0].dtype)
    for i, a in enumerate(arrays):
        batch[(i, *map(slice, a.shape))] = a
    return _core.constant(batch)


class Options:
    """Settings of datasets, which change nothing here: any attribute can be set, and has such settings itself.

    Source: TensorFlow `data.Options`.
    """

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self.__dict__[name] = Options()
        return self.__dict__[name]


class Iterator:
    """An iterator over a dataset.

    Source: TensorFlow `data.Iterator`.
    """

    def __init__(self, elements):
        self._elements = elements

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._elements)

    def get_next(self):
        """The next element.

        Raises:
            OutOfRangeError: if there is none.
        """
        for element in self._elements:
            return element
        raise OutOfRangeError("[Iterator.get_next] the dataset has no more elements.")


class Streams:
    """The half of `Dataset` whose elements are not rows that can be counted before."""

    def window(self, size, shift=None, stride=1, drop_remainder=False, name=None):
        """Datasets of `size` elements, every `stride`-th one, that begin `shift` elements (`size` if None) apart."""
        size, stride = int(size), int(stride)
        shift = size if shift is None else int(shift)

        def windows():
            elements, kept = iter(self), []
            while True:
                reach = (size - 1) * stride + 1
                kept += itertools.islice(elements, reach - len(kept))
                chosen = kept[::stride][:size]
                if not chosen or (len(chosen) < size and drop_remainder):
                    return
                yield mapped(lambda *leaves: type(self)(lambda: iter(leaves), len(leaves)), *chosen)
                skipped = shift - len(kept)
                kept = kept[shift:]
                for _ in itertools.islice(elements, max(skipped, 0)):
                    pass

        return type(self)(windows)

    def flat_map(self, map_func, name=None):
        """The elements of the datasets that map_func makes of the elements, one dataset after the other."""
        return type(self)(lambda: (e for part in self.map(map_func) for e in part))

    def interleave(self, map_func, cycle_length=None, block_length=1, num_parallel_calls=None, **options):
        """As `flat_map`, `block_length` elements in turn of each of `cycle_length` datasets that are open."""
        width = 16 if cycle_length in (None, AUTOTUNE) else int(cycle_length)

        def turns():
            parts = map(iter, self.map(map_func))
            opened = list(itertools.islice(parts, width))
            while opened:
                still = []
                for part in opened:
                    block = list(itertools.islice(part, int(block_length)))
                    yield from block
                    if len(block) == int(block_length):
                        still.append(part)
                    else:
                        still += itertools.islice(parts, 1)
                opened = still

        return type(self)(turns)

    def padded_batch(self, batch_size, padded_shapes=None, padding_values=None, drop_remainder=False, name=None):
        """As `batch`, of tensors that are lengthened to one shape first, by zeros unless `padding_values` has others.

        An entry None, and -1, in the shape of a tensor stands for the longest one of each batch.
        """

        def like(element, given):
            same = isinstance(given, (tuple, dict)) and isinstance(element, (tuple, dict))
            return given if same else mapped(lambda leaf: given, element)

        def batches():
            elements = iter(self)
            while chunk := list(itertools.islice(elements, int(batch_size))):
                if len(chunk) == int(batch_size) or not drop_remainder:
                    shapes, values = (like(chunk[0], given) for given in (padded_shapes, padding_values))
                    yield mapped(_padded, shapes, values, *chunk)

        return type(self)(batches, uneven=not drop_remainder)

    def unique(self, name=None):
        """The elements that differ from all before them, for elements that are tensors."""

        def different():
            seen = set()
            for element in self:
                key = _core.convert(element).numpy().tobytes()
                if key not in seen:
                    seen.add(key)
                    yield element

        return type(self)(different)

    @classmethod
    def choose_from_datasets(cls, datasets, choice_dataset, stop_on_empty_dataset=True):
        """The next element of the dataset with the number that `choice_dataset` gives, until that one has none.

        With `stop_on_empty_dataset` off, datasets that have come to their end are passed over.
        """

        def chosen():
            parts = [iter(d) for d in datasets]
            for number in choice_dataset:
                for element in parts[int(number)]:
                    yield element
                    break
                else:
                    if stop_on_empty_dataset:
                        return

        return cls(chosen)

    @classmethod
    def sample_from_datasets(cls, datasets, weights=None, seed=None, stop_on_empty_dataset=False, **options):
        """The next element of a dataset drawn by `weights`, all alike if None, until all have come to their end."""
        chances = np.ones(len(datasets)) if weights is None else np.array(weights, float)
        seed = random.make_seed_apart() if seed is None else seed

        def drawn():
            rng, left = np.random.default_rng(seed), chances.copy()
            parts = [iter(d) for d in datasets]
            while left.any():
                number = rng.choice(len(parts), p=left / left.sum())
                for element in parts[number]:
                    yield element
                    break
                else:
                    left[number] = 0
                    if stop_on_empty_dataset:
                        return

        return cls(drawn)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise missing("tf.data.Dataset", name, dir(type(self)))

    def take_while(self, predicate, name=None):
        """The elements before the first one for which `predicate` is false."""
        return type(self)(lambda: itertools.takewhile(spread(predicate), self), uneven=self._uneven)

    def scan(self, initial_state, scan_func, name=None):
        """The outputs of (state, output) = scan_func(state, element), one for each element."""

        def outputs():
            state = mapped(_core.constant, initial_state)
            for element in self:
                state, output = scan_func(state, element)
                yield output

        return type(self)(outputs, self._length)

    def get_single_element(self, name=None):
        """The one element of the dataset.

        Raises:
            InvalidArgumentError: if there is none, or another one.
        """
        elements = list(itertools.islice(self, 2))
        if len(elements) != 1:
            raise InvalidArgumentError(
                f"[Dataset.get_single_element] the dataset has {'more' if elements else 'no'} elements: it must "
                f"have one."
            )
        return elements[0]
