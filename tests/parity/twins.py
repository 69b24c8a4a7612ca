"""TensorFlow and densegrad under the same names, so that one small function runs on both."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from replaying import run_twice


def libraries() -> tuple[SimpleNamespace, SimpleNamespace]:
    """densegrad and TensorFlow with `constant`, `Variable`, `GradientTape` and a few operations by NumPy's names."""
    import densegrad as dg
    import tensorflow as tf

    names = ("constant", "Variable", "GradientTape", "custom_gradient")
    shared = ("exp", "sqrt", "matmul", "maximum", "minimum", "abs", "square", "where", "sign")
    ours = SimpleNamespace(**{n: getattr(dg, n) for n in names}, **{n: getattr(dg.ops, n) for n in shared})
    theirs = SimpleNamespace(**{n: getattr(tf, n) for n in names}, **{n: getattr(tf, n) for n in shared})
    both = {
        "log": (dg.ops.log, tf.math.log),
        "sum": (dg.ops.sum, tf.reduce_sum),
        "mean": (dg.ops.mean, tf.reduce_mean),
        "max": (dg.ops.max, tf.reduce_max),
        "logsumexp": (dg.ops.logsumexp, tf.reduce_logsumexp),
        "cast": (dg.ops.cast, tf.cast),
        "clip": (dg.ops.clip, tf.clip_by_value),
        "argmax": (dg.ops.argmax, lambda x: tf.argmax(x, -1)),
        "power": (dg.ops.power, tf.pow),
        "stop_gradient": (dg.ops.stop_gradient, tf.stop_gradient),
        "take": (dg.ops.take, tf.gather),
        "reshape": (dg.ops.reshape, tf.reshape),
        "transpose": (dg.ops.transpose, tf.transpose),
        "concatenate": (dg.ops.concatenate, tf.concat),
        "broadcast_to": (dg.ops.broadcast_to, tf.broadcast_to),
        "relu": (dg.activations.relu, tf.nn.relu),
        # A function of tensors called with arrays; ours as Python and as a program.
        "run": (run_twice, lambda function, arrays: function(*map(tf.constant, arrays))),
    }
    for name, (mine, tfs) in both.items():
        setattr(ours, name, mine)
        setattr(theirs, name, tfs)
    return ours, theirs


def plain(value: object) -> object:
    """The same structure with NumPy arrays (IndexedSlices made dense), None and Python values left alone."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    if hasattr(value, "dense_shape"):
        dense = np.zeros(value.dense_shape, value.values.dtype.as_numpy_dtype)
        np.add.at(dense, np.asarray(value.indices), np.asarray(value.values))
        return dense
    return np.asarray(value) if hasattr(value, "numpy") else value


def assert_same(ours: object, theirs: object, where: str = "") -> None:
    """Equal structure, dtype, shape and every bit (any NaN equals any NaN)."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs) and len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    elif isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), f"{where}: densegrad gives {ours!r}, TensorFlow {theirs!r}"
        assert ours.dtype == theirs.dtype, where
        np.testing.assert_array_equal(ours, theirs, err_msg=where, strict=True)
    else:
        equal = ours is None if theirs is None else ours == theirs
        assert equal, f"{where}: densegrad gives {ours!r}, TensorFlow {theirs!r}"


def outcome(function: Callable[[SimpleNamespace], object], library: SimpleNamespace) -> object:
    """What the function returns, or the type of what it raises."""
    try:
        return plain(function(library))
    except (RuntimeError, ValueError, TypeError) as error:
        return type(error)


def watched(L: SimpleNamespace, *values: object, **options: object) -> tuple[list[object], object]:
    """Tensors of the values, and a tape that is not open yet."""
    return [L.constant(v) for v in values], L.GradientTape(**options)


def assert_twins(function: Callable[[SimpleNamespace], object]) -> None:
    """densegrad returns what TensorFlow returns, to the bit, or raises the same type of error."""
    ours, theirs = libraries()
    expected, result = outcome(function, theirs), outcome(function, ours)
    if isinstance(expected, type):
        assert isinstance(result, type) and issubclass(result, expected), f"{result!r} instead of {expected.__name__}"
    else:
        assert_same(result, expected, function.__name__)
