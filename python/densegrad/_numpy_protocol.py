"""NumPy functions on tensors: recorded under the open tapes if they have a rule, else refused while a tape is open.

Without this, `np.exp(t)` would quietly convert `t` to an array and cut the tape.
"""

import numpy as np

from densegrad import _core, ops

# Ufuncs whose name in `ops` is their own, and those with another. A name that `ops` lacks has no rule.
_OTHER_NAMES = {
    np.true_divide: "divide",
    np.absolute: "abs",
    np.float_power: "power",
    np.rint: "round",
    np.remainder: "mod",
}
_UFUNCS = {
    f: getattr(ops, f.__name__) for f in vars(np).values() if isinstance(f, np.ufunc) and f.__name__ in ops.__all__
}
_UFUNCS |= {f: getattr(ops, name) for f, name in _OTHER_NAMES.items()}
_UFUNCS |= {np.positive: ops.identity, np.conjugate: ops.identity, np.fabs: ops.abs}
# ufunc.reduce(x, axis) is what np.add.reduce and array methods call.
_REDUCTIONS = {np.add: ops.sum, np.multiply: ops.prod, np.maximum: ops.max, np.minimum: ops.min}

# NumPy's parameters, in order, and what they are called here; None: only its default is supported.
_REDUCED = {"a": "x", "axis": "axis", "out": None, "keepdims": "keepdims"}
_SUMMED = {"a": "x", "axis": "axis", "dtype": None, "out": None, "keepdims": "keepdims"}
_SPREAD = {"a": "x", "axis": "axis", "dtype": None, "out": None, "ddof": "ddof", "keepdims": "keepdims"}
_LIKE = {"a": "x", "dtype": "dtype"}
_PAIR = {"a": "x1", "b": "x2"}
_FUNCTIONS = {
    np.sum: (ops.sum, _SUMMED),
    np.prod: (ops.prod, _SUMMED),
    np.mean: (ops.mean, _SUMMED),
    np.var: (ops.var, _SPREAD),
    np.std: (ops.std, _SPREAD),
    np.max: (ops.max, _REDUCED),
    np.min: (ops.min, _REDUCED),
    np.amax: (ops.max, _REDUCED),
    np.amin: (ops.min, _REDUCED),
    np.any: (ops.any, _REDUCED),
    np.all: (ops.all, _REDUCED),
    np.average: (ops.average, {"a": "x", "axis": "axis", "weights": "weights"}),
    np.count_nonzero: (ops.count_nonzero, {"a": "x", "axis": "axis"}),
    np.cumsum: (ops.cumsum, {"a": "x", "axis": "axis", "dtype": None, "out": None}),
    np.argmax: (ops.argmax, {"a": "x", "axis": "axis", "out": None}),
    np.argmin: (ops.argmin, {"a": "x", "axis": "axis", "out": None}),
    np.linalg.norm: (ops.norm, {"x": "x", "ord": "ord", "axis": "axis", "keepdims": "keepdims"}),
    np.linalg.solve: (ops.solve, {"a": "a", "b": "b"}),
    np.linalg.inv: (ops.inv, {"a": "a"}),
    np.linalg.det: (ops.det, {"a": "a"}),
    np.linalg.cholesky: (ops.cholesky, {"a": "a", "upper": "upper"}),
    np.linalg.eigh: (ops.eigh, {"a": "a", "UPLO": None}),
    np.linalg.eigvalsh: (ops.eigvalsh, {"a": "a", "UPLO": None}),
    np.round: (ops.round, {"a": "x", "decimals": None, "out": None}),
    np.clip: (ops.clip, {"a": "x", "a_min": "x_min", "a_max": "x_max", "out": None}),
    np.reshape: (ops.reshape, {"a": "x", "shape": "newshape", "order": None}),
    np.ravel: (ops.ravel, {"a": "x", "order": None}),
    np.transpose: (ops.transpose, {"a": "x", "axes": "axes"}),
    np.swapaxes: (ops.swapaxes, {"a": "x", "axis1": "axis1", "axis2": "axis2"}),
    np.moveaxis: (ops.moveaxis, {"a": "x", "source": "source", "destination": "destination"}),
    np.expand_dims: (ops.expand_dims, {"a": "x", "axis": "axis"}),
    np.squeeze: (ops.squeeze, {"a": "x", "axis": "axis"}),
    np.concatenate: (ops.concatenate, {"arrays": "xs", "axis": "axis", "out": None}),
    np.stack: (ops.stack, {"arrays": "xs", "axis": "axis", "out": None}),
    np.split: (ops.split, {"ary": "x", "indices_or_sections": "indices_or_sections", "axis": "axis"}),
    np.tile: (ops.tile, {"A": "x", "reps": "repeats"}),
    np.repeat: (ops.repeat, {"a": "x", "repeats": "repeats", "axis": "axis"}),
    np.flip: (ops.flip, {"m": "x", "axis": "axis"}),
    np.where: (ops.where, {"condition": "condition", "x": "x1", "y": "x2"}),
    np.broadcast_to: (ops.broadcast_to, {"array": "x", "shape": "shape"}),
    np.take: (ops.take, {"a": "x", "indices": "indices", "axis": "axis", "out": None}),
    np.take_along_axis: (ops.take_along_axis, {"arr": "x", "indices": "indices", "axis": "axis"}),
    np.sort: (ops.sort, {"a": "x", "axis": "axis", "kind": None}),
    np.argsort: (ops.argsort, {"a": "x", "axis": "axis", "kind": None}),
    np.diag: (ops.diag, {"v": "x", "k": "k"}),
    np.diagonal: (ops.diagonal, {"a": "x", "offset": "offset", "axis1": "axis1", "axis2": "axis2"}),
    np.trace: (
        ops.trace,
        {"a": "x", "offset": "offset", "axis1": "axis1", "axis2": "axis2", "dtype": None, "out": None},
    ),
    np.dot: (ops.dot, _PAIR | {"out": None}),
    np.vdot: (ops.vdot, _PAIR),
    np.inner: (ops.inner, _PAIR),
    np.outer: (ops.outer, _PAIR | {"out": None}),
    np.tensordot: (ops.tensordot, _PAIR | {"axes": "axes"}),
    np.zeros_like: (ops.zeros_like, _LIKE),
    np.ones_like: (ops.ones_like, _LIKE),
    np.full_like: (ops.full_like, {"a": "x", "fill_value": "fill_value", "dtype": "dtype"}),
    np.copy: (ops.identity, {"a": "x", "order": None}),
}
# How many arguments a call must have to be one that we know; 1 for the others.
_REQUIRED = {
    np.where: 3, np.reshape: 2, np.broadcast_to: 2, np.take: 2, np.take_along_axis: 2, np.swapaxes: 3, np.moveaxis: 3,
    np.expand_dims: 2, np.split: 2, np.tile: 2, np.repeat: 2, np.clip: 2, np.dot: 2, np.vdot: 2, np.inner: 2,
    np.outer: 2, np.tensordot: 2, np.full_like: 2, np.linalg.solve: 2,
}  # fmt: skip

# For these NumPy knows integers and bools, ours do not; such tensors have no gradient that could be cut.
_FLOATS_ONLY = {
    np.sum, np.prod, np.mean, np.var, np.std, np.average, np.linalg.norm, np.linalg.solve, np.linalg.inv,
    np.linalg.det, np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh, np.clip,
}  # fmt: skip

# What reads no values.
_PROPERTIES = {np.shape: "shape", np.ndim: "ndim", np.size: "size"}


def _plain(value):
    """`value` with its tensors as arrays."""
    if isinstance(value, (_core.Tensor, _core.Variable)):
        return value.numpy()
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    return value


def _has_floats(value):
    """Whether a tensor of floats is in `value`: what a tape may follow."""
    if isinstance(value, (list, tuple)):
        return any(_has_floats(v) for v in value)
    return isinstance(value, (_core.Tensor, _core.Variable)) and value.dtype.kind == "f"


def _fall_back(function, name, args, kwargs):
    if _core.recording() and _has_floats([*args, *kwargs.values()]):
        supported = f"dg.ops.{name} has NumPy's main arguments" if name in ops.__all__ else "use a function of dg.ops"
        raise TypeError(
            f"[numpy.{name}] has no recorded rule for these arguments, and a tape is open: {supported}, or leave the "
            f"record on purpose with t.numpy()."
        )
    return function(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()})


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    if method == "__call__" and not kwargs and ufunc in _UFUNCS:
        return _UFUNCS[ufunc](*inputs)
    if method == "reduce" and ufunc in _REDUCTIONS and len(inputs) == 1 and kwargs.keys() <= {"axis", "keepdims"}:
        return _REDUCTIONS[ufunc](inputs[0], **{"axis": 0} | kwargs)
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
    if function is np.einsum and not kwargs and isinstance(args[0], str):
        return ops.einsum(*args)
    rule, names = _FUNCTIONS.get(function, (None, {}))
    known = rule and (function not in _FLOATS_ONLY or _has_floats([*args, *kwargs.values()]))
    translated = _translate(function, names, args, kwargs) if known else None
    if translated is None:
        return _fall_back(function, function.__name__, args, kwargs)
    return rule(**translated)


def install():
    """Gives Tensor and Variable NumPy's two dispatch methods."""
    for cls in (_core.Tensor, _core.Variable):
        cls.__array_ufunc__ = _array_ufunc
        cls.__array_function__ = _array_function
