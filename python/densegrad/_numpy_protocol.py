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

# NumPy's parameters, in order, and what they are called here; None: only its default is supported.
_FUNCTIONS = {
    np.sum: (_core.sum, {"a": "x", "axis": "axis", "dtype": None, "out": None, "keepdims": "keepdims"}),
    np.mean: (_core.mean, {"a": "x", "axis": "axis", "dtype": None, "out": None, "keepdims": "keepdims"}),
    np.max: (_core.max, {"a": "x", "axis": "axis", "out": None, "keepdims": "keepdims"}),
    np.argmax: (_core.argmax, {"a": "x", "axis": "axis", "out": None}),
    np.reshape: (_core.reshape, {"a": "x", "shape": "newshape", "order": None}),
    np.transpose: (_core.transpose, {"a": "x", "axes": "axes"}),
    np.concatenate: (_core.concatenate, {"arrays": "xs", "axis": "axis", "out": None}),
    np.where: (_core.where, {"condition": "condition", "x": "x1", "y": "x2"}),
    np.broadcast_to: (_core.broadcast_to, {"array": "x", "shape": "shape"}),
    np.take: (_core.take, {"a": "x", "indices": "indices", "axis": "axis", "out": None}),
}
_REQUIRED = {np.where: 3, np.reshape: 2, np.broadcast_to: 2, np.take: 2}

# What reads no values.
_PROPERTIES = {np.shape: "shape", np.ndim: "ndim", np.size: "size"}


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


def _translate(function, names, args, kwargs):
    """NumPy's arguments under our names; None if one of them has no counterpart."""
    given = dict(zip(names, args)) | kwargs
    if len(args) > len(names) or len(given) < _REQUIRED.get(function, 1) or not given.keys() <= names.keys():
        return None
    if any(names[name] is None and value is not None for name, value in given.items()):
        return None
    return {names[name]: value for name, value in given.items() if names[name] is not None}


def _array_function(self, function, types, args, kwargs):
    if function in _PROPERTIES and len(args) == 1 and not kwargs:
        return getattr(args[0], _PROPERTIES[function])
    rule, names = _FUNCTIONS.get(function, (None, {}))
    translated = _translate(function, names, args, kwargs) if rule else None
    if translated is None:
        return _fall_back(function, function.__name__, args, kwargs)
    return rule(**translated)


def install():
    """Gives Tensor and Variable NumPy's two dispatch methods."""
    for cls in (_core.Tensor, _core.Variable):
        cls.__array_ufunc__ = _array_ufunc
        cls.__array_function__ = _array_function
