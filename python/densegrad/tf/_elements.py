"""Elements of datasets, and the datasets that are made of elements one by one."""

import itertools

from densegrad import _core
from densegrad.errors import InvalidArgumentError, OutOfRangeError

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
