"""What Keras' tests import around the classes under test, made of densegrad: backend, ops, random, tree.

Arrays made by `ops` and `backend` follow Keras: a Python float is `floatx()`, a NumPy array keeps its dtype.
"""

from __future__ import annotations

import contextlib
import types

import densegrad as dg
import numpy as np
from densegrad import _core
from densegrad.initializers import base
from densegrad.tf import _utils
from keras_suite.absent import NotHere

# ---- backend ---------------------------------------------------------------------------------------------------------


def _dtype_name(dtype):
    return {"float": dg.config.floatx(), "int": "int32", "bool": "bool"}.get(getattr(dtype, "__name__", "")) or (
        np.dtype(dtype or dg.config.floatx()).name
    )


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """The tensor of `x`."""
    if dtype is None and isinstance(x, (float, list, tuple)) and np.asarray(x).dtype == np.float64:
        dtype = dg.config.floatx()
    return _core.convert(x.value if isinstance(x, dg.Variable) else x, None if dtype is None else _dtype_name(dtype))


def convert_to_numpy(x):
    """The array of `x`."""
    return x.numpy() if isinstance(x, (dg.Tensor, dg.Variable)) else np.asarray(x)


class _VariableType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, dg.Variable)


class Variable(metaclass=_VariableType):
    """Keras' way to make a variable: `floatx()` unless told, and a callable with a shape makes the value."""

    def __new__(cls, initializer, shape=None, dtype=None, trainable=True, name=None, **ignored):
        dtype = _dtype_name(dtype)
        if isinstance(initializer, str):
            initializer = dg.initializers.get(initializer)
        value = initializer(shape, dtype=dtype) if callable(initializer) else initializer
        return dg.Variable(value, trainable, *([] if name is None else [name]), dtype=dtype)


class _KerasTensorType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, dg.Tensor) and instance.is_symbolic


class KerasTensor(metaclass=_KerasTensorType):
    """A symbolic tensor."""

    def __new__(cls, shape, dtype="float32", sparse=False, ragged=False, name=None, **ignored):
        return _core.placeholder(tuple(shape), _dtype_name(dtype))


def is_float_dtype(dtype):
    """Whether `dtype` is one of floats."""
    return np.dtype(dtype).kind == "f"


BACKEND = {
    "backend": lambda: "densegrad",
    "convert_to_tensor": convert_to_tensor,
    "convert_to_numpy": convert_to_numpy,
    "Variable": Variable,
    "KerasTensor": KerasTensor,
    "is_tensor": lambda x: isinstance(x, dg.Tensor),
    "is_keras_tensor": lambda x: isinstance(x, KerasTensor),
    "is_float_dtype": is_float_dtype,
    "standardize_dtype": _dtype_name,
    "standardize_shape": tuple,
    "floatx": dg.config.floatx,
    "epsilon": dg.config.epsilon,
    "set_floatx": dg.config.set_floatx,
    "image_data_format": lambda: "channels_last",
    "shape": lambda x: tuple(x.shape),
    "name_scope": lambda *args, **kwargs: contextlib.nullcontext(),
    "clear_session": lambda free_memory=True: dg.config.clear_session(),
    "SUPPORTS_SPARSE_TENSORS": False,
    "SUPPORTS_RAGGED_TENSORS": False,
    "is_traceback_filtering_enabled": lambda: False,
}

# ---- ops: densegrad's own where there is one, else NumPy's -----------------------------------------------------------


def _through_numpy(function):
    def call(*args, dtype=None, **kwargs):
        plain = [convert_to_numpy(a) if isinstance(a, (dg.Tensor, dg.Variable)) else a for a in args]
        result = np.asarray(function(*plain, **kwargs))
        if dtype is None and result.dtype == np.float64 and not any(isinstance(a, np.ndarray) for a in plain):
            dtype = dg.config.floatx()
        return _core.convert(result, None if dtype is None else _dtype_name(dtype))

    return call


OPS = {
    "convert_to_tensor": convert_to_tensor,
    "convert_to_numpy": convert_to_numpy,
    "shape": lambda x: tuple(x.shape),
    "is_tensor": lambda x: isinstance(x, dg.Tensor),
}


def numpy_op(name):
    """NumPy's function `name` on tensors, or None."""
    function = getattr(np, name, None)
    return _through_numpy(function) if callable(function) else None


# ---- random ----------------------------------------------------------------------------------------------------------


def _draw(method):
    def call(shape, *args, dtype=None, seed=None, **kwargs):
        state = seed if isinstance(seed, (int, type(None))) else seed.seed
        values = getattr(np.random.default_rng(state), method)(*args, size=shape, **kwargs)
        return _core.convert(np.asarray(values), _dtype_name(dtype))

    return call


RANDOM = {"normal": _draw("normal"), "uniform": _draw("uniform")}

# ---- tree ------------------------------------------------------------------------------------------------------------


def _map(function, *structures, stop=lambda structure: False):
    first = structures[0]
    if stop(first) or not isinstance(first, (list, tuple, dict)):
        return function(*structures)
    if isinstance(first, dict):
        return {key: _map(function, *(s[key] for s in structures), stop=stop) for key in first}
    items = [_map(function, *parts, stop=stop) for parts in zip(*structures, strict=True)]
    return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)


def _flatten(structure):
    leaves = []
    _map(leaves.append, structure)
    return leaves


def _is_shape(structure):
    return isinstance(structure, (list, tuple)) and all(isinstance(n, (int, type(None))) for n in structure)


def _assert_same_structure(a, b):
    _map(lambda x, y: None, a, b)


TREE = {
    "map_structure": _map,
    "map_structure_up_to": lambda shallow, function, *rest: _map(lambda x, *leaves: function(*leaves), shallow, *rest),
    "map_shape_structure": lambda function, structure: _map(function, structure, stop=_is_shape),
    "flatten": _flatten,
    "assert_same_structure": _assert_same_structure,
}

# ---- the rest --------------------------------------------------------------------------------------------------------

UTILS = {
    "to_categorical": _utils.to_categorical,
    "set_random_seed": dg.set_random_seed,
    "removesuffix": str.removesuffix,
    "traceback_utils": types.SimpleNamespace(is_traceback_filtering_enabled=lambda: False),
}


def _set_dtype_policy(policy):
    if policy != "float32":
        raise NotHere("dtype_policies")


DTYPE_POLICIES = {
    "dtype_policy": types.SimpleNamespace(dtype_policy=lambda: "float32", set_dtype_policy=_set_dtype_policy)
}
# densegrad has the values of these enumerations, plain strings.
METRICS = {
    "AUCCurve": types.SimpleNamespace(PR="PR", ROC="ROC", PRGAIN="PRGAIN"),
    "AUCSummationMethod": types.SimpleNamespace(
        INTERPOLATION="interpolation", MAJORING="majoring", MINORING="minoring"
    ),
}
TESTING = {f"{kind}_uses_gpu": lambda: False for kind in ("tensorflow", "jax", "torch")} | {"uses_gpu": lambda: False}
CONFTEST = {"skip_if_backend": lambda *args: lambda test: test}


# ---- where each area of Keras is found -------------------------------------------------------------------------------


def seed_generators(layer):
    """The random generators of a layer and of the layers in it."""
    return [each.seed_generator for each in (layer, *layer._leaves()[1]) if hasattr(each, "seed_generator")]


NAMESPACES = {name: getattr(dg, name) for name in dg.__all__ if isinstance(getattr(dg, name), types.ModuleType)}
NAMESPACES |= {"": dg, "models": dg.models}
STAND_INS = {
    "backend": BACKEND,
    "ops": OPS,
    "random": RANDOM,
    "tree": TREE,
    "utils": UTILS,
    "dtype_policies": DTYPE_POLICIES,
    "testing": TESTING,
    "conftest": CONFTEST,
    "initializers": {"compute_fans": base.fans},
    "metrics": METRICS,
    "losses": {"squeeze_or_expand_to_same_rank": _core.align_ranks},
}
AREA_OF = {"backend.random": "random", "backend.numpy": "ops"}  # where the path does not say it
