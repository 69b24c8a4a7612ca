"""`function`: a Python function that is recorded once per signature and then runs without Python."""

from __future__ import annotations

import functools
import warnings
import weakref
from numbers import Number

import numpy as np

from densegrad import _core, nest
from densegrad._core import Tensor

__all__ = ["function"]

_MOST_SIGNATURES = 64  # more are a sign that something changes at every call


def function(func=None, **options):
    """Return `func` as a function that runs as a program: recorded at the first call, replayed at later ones.

    The first call with a signature runs the Python code once, and writes down every operation of densegrad: forward
    passes, gradients of tapes opened inside, assignments, optimizer steps. Later calls with the same signature repeat
    these operations on the new values, bit for bit as Python would, without running Python.

    The signature is the structure of the arguments, the dtypes and shapes of tensors and arrays, the values of Python
    numbers, strings and None, and the identity of every other object. Hence:

    - Python side effects (printing, counters, `if` on Python values) happen in the first call of a signature alone, and
      in the second where the first one made variables, such as those of an optimizer.
    - Arrays and numbers that are no arguments are constants from then on. Variables are read anew at every call.
    - Where a value leaves the function (`float(t)`, `t.numpy()`, `if t > 0`), it cannot be replayed: there is one
      warning with the place, and every call with this signature runs the Python code. `f.refusals` lists the reasons.
    - While a tape or another recorded function is open around the call, the Python code runs and is recorded there.
    - A function that is called with more than 64 signatures forgets the oldest. Until then it keeps the objects in
      them.

    Arrays that are C-contiguous and have a dtype of densegrad are read where they are, without a copy. Results own
    their memory.

    Args:
        func: a function of tensors, arrays and anything else, also in lists, tuples and dicts. Without it: a decorator.
        options: TensorFlow's keywords, such as `reduce_retracing`, without effect.

    Returns:
        The function, with `programs` (a list of what was recorded, each with `describe()`) and `refusals`.

    Raises:
        TypeError: if `func` is not callable.

    Source: TensorFlow `tf.function`.
    """
    if func is None:
        return lambda f: function(f, **options)
    if not callable(func):
        raise TypeError(f"[function] `func` is a {type(func).__name__}: it must be callable.")
    made = _core.Function(_call)
    functools.update_wrapper(made, func)
    made.__dict__.update(programs=[], refusals=[], _entries={}, _python=func, _first=set(), _warns=True)
    _all.add(made)
    return made


_all = weakref.WeakSet()
_eager = False


def run_eagerly(value: bool) -> None:
    """Let every `function` run its Python code from now on, or (False) be recorded again.

    Source: TensorFlow `tf.config.run_functions_eagerly`.
    """
    global _eager
    _eager = bool(value)
    for made in list(_all) if _eager else ():
        for key in list(made._entries):
            _forget(made, key)


def runs_eagerly() -> bool:
    """Return what `run_eagerly` got last. Source: TensorFlow `tf.config.functions_run_eagerly`."""
    return _eager


class _Entry:
    """What is known of one signature: its program, or why there is none."""

    def __init__(self, program, structure, leaves, reason):
        self.program, self.structure, self.leaves, self.reason = program, structure, leaves, reason

    def run(self, tensors):
        return self.packed(self.program.run(tensors))

    def packed(self, results):
        """The results of the program as the function returns them."""
        results = iter(results)
        leaves = [next(results) if isinstance(leaf, Tensor) else leaf for leaf in self.leaves]
        return nest.pack_as(self.structure, leaves)


def _call(self, args, kwargs):
    """A call whose signature the core did not recognize."""
    python = self._python
    if _eager or _core.recording():
        return python(*args, **kwargs)
    leaves = nest.flatten((args, kwargs))
    if any(isinstance(leaf, Tensor) and leaf.is_symbolic for leaf in leaves):
        return python(*args, **kwargs)
    given = [_core.convert(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
    key = _signature(args, kwargs, given)
    entry = self._entries.get(key)
    if entry is None:
        return _trace(self, key, args, kwargs, leaves, given)
    if entry.reason is not None:
        return python(*args, **kwargs)
    return entry.run([leaf for leaf in given if isinstance(leaf, Tensor)])


def _trace(self, key, args, kwargs, leaves, given):
    python = self._python

    def run(*tensors):
        values = iter(tensors)
        filled = [next(values) if isinstance(leaf, Tensor) else leaf for leaf in given]
        positional, named = nest.pack_as((args, kwargs), filled)
        return python(*positional, **named)

    # Under identities of their own: a tensor that is given twice, or is a constant of the function too, is two values.
    tensors = [_core.identity(leaf) for leaf in given if isinstance(leaf, Tensor)]
    result, program, reason, makes_variables = _core.trace(run, tensors)
    if key in self._entries:  # the function called itself
        return result
    if makes_variables and key not in self._first:
        self._first.add(key)  # at the next call it finds its variables, as those of an optimizer, or makes others again
        return result
    self._first.discard(key)
    if makes_variables:
        program, reason = None, "it makes variables at every call; make them once, outside"
    found = nest.flatten(result)
    if reason is None and any(isinstance(leaf, np.ndarray) for leaf in found):
        program, reason = None, "it returns an array, which would be the same at every call; return a tensor"
    entry = _Entry(program, result if reason is None else None, found if reason is None else None, reason)
    if reason is not None:
        name = getattr(python, "__qualname__", repr(python))
        self.refusals.append(reason)
        if self._warns:
            text = f"[function] `{name}` runs as Python with these arguments: {reason}."
            warnings.warn(text, UserWarning, stacklevel=3)
    _remember(self, key, entry, args, kwargs, leaves, given)
    return result


def _remember(self, key, entry, args, kwargs, leaves, given):
    while len(self._entries) >= _MOST_SIGNATURES:
        _forget(self, next(iter(self._entries)))
    self._entries[key] = entry
    if entry.program is None:
        return
    self.programs.append(entry.program)
    if not kwargs and len(args) == len(leaves) and all(a is b for a, b in zip(args, leaves)):
        # In the core's own words: a tensor for its dtype and shape, a tuple for the very object in it.
        parameters = [leaf if isinstance(leaf, Tensor) else (leaf,) for leaf in given]
        self._know(parameters, entry.program, entry.structure, entry.leaves)


def _forget(self, key):
    entry = self._entries.pop(key)
    if entry.program is not None:
        self.programs.remove(entry.program)
        self._forget(entry.program)


def known(self, *args):
    """What is known of a signature: an `_Entry` with its program, or None."""
    given = [_core.convert(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in nest.flatten((args, {}))]
    entry = self._entries.get(_signature(args, {}, given))
    return None if entry is None or entry.program is None else entry


def _signature(args, kwargs, given):
    return (_form(args), _form(kwargs), *map(_static, given))


def _form(structure):
    """The structure as something that can be compared."""
    if isinstance(structure, dict):
        return (type(structure), *((key, _form(structure[key])) for key in sorted(structure)))
    if isinstance(structure, (list, tuple)):
        return (type(structure), *map(_form, structure))
    return None


def _static(leaf):
    """What a leaf adds to the signature."""
    if isinstance(leaf, Tensor):
        return (Tensor, leaf.dtype, leaf.shape)
    if leaf is None or isinstance(leaf, (str, bytes, bool)):
        return (type(leaf), leaf)
    if isinstance(leaf, Number):
        return (type(leaf), repr(leaf))  # 0.0 and -0.0 are two, NaN is one
    return _Alive(leaf)


class _Alive:
    """An object as part of a signature: equal to itself alone. It keeps the object, so that its id stays its own."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return id(self.value)

    def __eq__(self, other):
        return isinstance(other, _Alive) and self.value is other.value
