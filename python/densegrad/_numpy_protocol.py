"""NumPy functions on tensors: recorded under the open tapes if they have a rule, else refused while a tape is open.

Without this, `np.exp(t)` would quietly convert `t` to an array and cut the tape.
"""

import numpy as np

from densegrad import _core

_UFUNCS = {
    np.add: _core.add,
    np.subtract: _core.subtract,
    np.multiply: _core.multiply,
    np.true_divide: _core.divide,
    np.power: _core.power,
    np.maximum: _core.maximum,
    np.minimum: _core.minimum,
    np.negative: _core.negative,
    np.square: _core.square,
    np.sqrt: _core.sqrt,
    np.exp: _core.exp,
    np.log: _core.log,
    np.log1p: _core.log1p,
    np.absolute: _core.abs,
    np.sign: _core.sign,
    np.matmul: _core.matmul,
    np.greater: _core.greater,
    np.greater_equal: _core.greater_equal,
    np.less: _core.less,
    np.less_equal: _core.less_equal,
    np.equal: _core.equal,
    np.not_equal: _core.not_equal,
}

_FUNCTIONS = {
    np.sum: _core.sum,
    np.mean: _core.mean,
    np.max: _core.max,
    np.argmax: _core.argmax,
    np.reshape: _core.reshape,
    np.transpose: _core.transpose,
    np.concatenate: _core.concatenate,
    np.where: _core.where,
    np.broadcast_to: _core.broadcast_to,
    np.take: _core.take,
}


def _plain(value):
    """`value` with its tensors as arrays."""
    if isinstance(value, (_core.Tensor, _core.Variable)):
        return value.numpy()
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    return value


def _fall_back(function, name, args, kwargs):
    if _core.recording():
        raise TypeError(
            f"[numpy.{name}] has no recorded rule for these arguments, and a tape is open: use a function of "
            f"dg.ops, or leave the record on purpose with t.numpy()."
        )
    return function(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()})


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    rule = _UFUNCS.get(ufunc)
    if rule is not None and method == "__call__" and not kwargs:
        return rule(*inputs)
    return _fall_back(getattr(ufunc, method), ufunc.__name__, inputs, kwargs)


def _array_function(self, function, types, args, kwargs):
    rule = _FUNCTIONS.get(function)
    if rule is not None:
        try:
            return rule(*args, **kwargs)
        except TypeError:
            if _core.recording():
                raise
    return _fall_back(function, function.__name__, args, kwargs)


def install():
    """Gives Tensor and Variable NumPy's two dispatch methods."""
    for cls in (_core.Tensor, _core.Variable):
        cls.__array_ufunc__ = _array_ufunc
        cls.__array_function__ = _array_function
