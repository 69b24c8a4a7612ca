"""Process-wide settings: the default dtype, the fuzz factor, automatic names, threads, and a report of the build."""

from __future__ import annotations

import math
import re

import numpy as np

from densegrad import _core

__all__ = [
    "clear_session",
    "epsilon",
    "floatx",
    "get_num_threads",
    "set_epsilon",
    "set_floatx",
    "set_num_threads",
    "show_config",
]

_FLOATS = ("float32", "float64")
_floatx = "float32"
_epsilon = 1e-7
_name_counts: dict[str, int] = {}


def floatx() -> str:
    """Return the default float dtype of layers and initializers, `"float32"` unless `set_floatx` changed it.

    Source: Keras `config.floatx`.
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype of layers, initializers and learning rates made from now on.

    Args:
        value: `"float32"` or `"float64"`.

    Raises:
        ValueError: for any other dtype.

    Source: Keras `config.set_floatx`.
    """
    global _floatx
    _floatx = float_dtype(value, "set_floatx", "value").name


def epsilon() -> float:
    """Return the small constant for code of your own, 1e-7 unless `set_epsilon` changed it.

    Of densegrad itself the constraints read it: the losses clip probabilities at a fixed 1e-7, the optimizers have
    `epsilon`.

    Source: Keras `config.epsilon`.
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the value that `epsilon()` returns; the built-in losses keep 1e-7.

    Args:
        value: a non-negative, finite number.

    Raises:
        ValueError: for anything else.

    Source: Keras `config.set_epsilon`.
    """
    global _epsilon
    if not is_number(value) or not 0 <= value < math.inf:
        raise ValueError(f"[set_epsilon] `value` is {value!r}: it must be a non-negative number.")
    _epsilon = float(value)


def is_number(value) -> bool:
    """Whether `value` is a real number of Python or NumPy; bools are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def is_integer(value) -> bool:
    """Whether `value` is an integer of Python or NumPy; bools are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def float_dtype(dtype, tag: str, argument: str = "dtype") -> np.dtype:
    """Return `dtype` as a NumPy dtype, `floatx()` for None; only float32 and float64 pass.

    Raises:
        ValueError: for any other dtype; `tag` and `argument` are for the message.
    """
    if dtype is None:
        return np.dtype(_floatx)
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = None
    if result is None or result.name not in _FLOATS:
        raise ValueError(f"[{tag}] `{argument}` is {dtype!r}: it must be 'float32' or 'float64'.")
    return np.dtype(result.name)  # the one object that tensors of this dtype return, so that `is` compares them


def snake_case(name: str) -> str:
    """Return a class name as Keras spells it in automatic names: `InputLayer` becomes `input_layer`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """Return the next unused automatic name: `dense`, then `dense_1`, `dense_2`, ..."""
    prefix = snake_case(prefix)
    count = _name_counts.get(prefix, 0)
    _name_counts[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def clear_session() -> None:
    """Start automatic names at the beginning again; existing layers keep theirs.

    Source: Keras `utils.clear_session`.
    """
    _name_counts.clear()


def get_num_threads() -> int:
    """Return how many threads one operation may use, the calling one included.

    Unless `set_num_threads` changed it, this is the least of: the CPUs that the process may run on, the quota of its
    cgroup, and the environment variables `OMP_NUM_THREADS` and `DENSEGRAD_NUM_THREADS`.

    Raises:
        ValueError: if `DENSEGRAD_NUM_THREADS` is set to something else than a positive integer.

    Source: PyTorch `get_num_threads`.
    """
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Set how many threads one operation may use, the calling one included. Results have the same bits for any number.

    Threads start with the first operation that is long enough to want them (some 20 microseconds of work), and sleep
    between operations.

    Args:
        n: an integer from 1 to 64; more than there are CPUs is possible, and slow.

    Raises:
        TypeError: if `n` is no integer.
        ValueError: if it is out of range.

    Source: PyTorch `set_num_threads`.
    """
    if not is_integer(n):
        raise TypeError(f"[set_num_threads] `n` is {n!r}: it must be an integer from 1 to 64.")
    _core.set_num_threads(max(-(2**62), min(int(n), 2**62)))  # what int64 holds


def show_config() -> dict:
    """Return how the core was built and what it runs on: `build`, `isa`, `available_isas`, `blas`, `num_threads`."""
    return {
        "build": _core.build_config(),
        "isa": _core.isa(),
        "available_isas": _core.available_isas(),
        "blas": _core.blas_config(),
        "num_threads": get_num_threads(),
    }
