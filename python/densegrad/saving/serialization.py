"""`serialize_keras_object` and `deserialize_keras_object`: an object as nested dicts and lists of plain values."""

from __future__ import annotations

import types

import numpy as np

from densegrad import _core
from densegrad._core import Tensor
from densegrad.saving.registry import (
    CustomObjectScope,
    builtin,
    get_registered_name,
    get_registered_object,
    path_of,
    scoped_objects,
)

__all__ = ["deserialize_keras_object", "serialize_keras_object"]

_PLAIN = (str, int, float, bool, type(None))


def serialize_keras_object(obj):
    """Return `obj` as plain values that `json.dumps` takes, in Keras' layout.

    Args:
        obj: None, a number, a string, a list, tuple or dict of such objects, an array, a tensor, a function with a
            name, or an object with `get_config`.

    Returns:
        Plain values as they are; for objects a dict with `module`, `class_name`, `config`, `registered_name`, and
        `build_config` and `compile_config` where the object has them.

    Raises:
        TypeError: for anything else, lambdas too: a config holds names, no code.

    Source: Keras `saving.serialize_keras_object`.
    """
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, (list, tuple)):
        return (tuple if isinstance(obj, tuple) else list)(map(serialize_keras_object, obj))
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and not obj.ndim):
        return obj.item()
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, types.FunctionType):
        return _serialize_function(obj)
    return _serialize_object(obj)


def _serialize_special(obj):
    """Return Keras' form of values that JSON does not have, None for others."""
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, slice):
        ends = {end: serialize_keras_object(getattr(obj, end)) for end in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": ends}
    if isinstance(obj, Tensor) or (isinstance(obj, np.ndarray) and obj.ndim):
        kind = "__tensor__" if isinstance(obj, Tensor) else "__numpy__"
        return {"class_name": kind, "config": {"value": np.asarray(obj).tolist(), "dtype": obj.dtype.name}}
    return None


def _serialize_function(function):
    name = get_registered_name(function)
    if name == "<lambda>":
        raise TypeError(
            "[serialize_keras_object] got a lambda, which has no name to find it by: write it as a function with `def`."
        )
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _serialize_object(obj):
    cls = type(obj)
    if isinstance(obj, type) or not hasattr(obj, "get_config"):
        raise TypeError(f"[serialize_keras_object] got {obj!r}, a {cls.__name__}: it must have `get_config`.")
    inner = obj.get_config()
    if not isinstance(inner, dict):
        raise TypeError(f"[serialize_keras_object] `{cls.__name__}.get_config()` gave {inner!r}: it must be a dict.")
    path = path_of(cls)
    module, name = path or (None if cls.__module__ == "__main__" else cls.__module__, cls.__name__)
    config = {
        "module": module,
        "class_name": name,
        "config": serialize_keras_object(inner),
        "registered_name": None if path else get_registered_name(cls),
    }
    for part in ("build_config", "compile_config"):
        value = getattr(obj, f"get_{part}")() if hasattr(obj, f"get_{part}") else None
        if value is not None:
            config[part] = serialize_keras_object(value)
    return config


def deserialize_keras_object(config, custom_objects=None, safe_mode=True):
    """Return the object that `serialize_keras_object`, here or in Keras, wrote as `config`.

    Classes and functions are found among the built-in ones, the registered ones and `custom_objects`; nothing is
    imported or executed by name.

    Args:
        config: plain values, or a dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.
        safe_mode: must be True: code inside a config is never run.

    Returns:
        The object; a list for a tuple.

    Raises:
        TypeError: if a class or function is not known, or its config does not fit it.
        ValueError: if `safe_mode` is false, or the config holds code.

    Source: Keras `saving.deserialize_keras_object`.
    """
    if not safe_mode:
        raise ValueError("[deserialize_keras_object] `safe_mode` is False: it must be True, code is never loaded.")
    if isinstance(config, str):
        found = get_registered_object(config, custom_objects)
        return config if found is None else found
    if isinstance(config, _PLAIN):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(item, custom_objects) for item in config]
    if not isinstance(config, dict):
        raise TypeError(f"[deserialize_keras_object] `config` is {config!r}: it must be made of plain values.")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize_keras_object(value, custom_objects) for key, value in config.items()}
    name = config["class_name"]
    if name in _SPECIAL:
        return _SPECIAL[name](config["config"])
    if name == "function":
        if not isinstance(config["config"], str):
            raise TypeError(
                f"[deserialize_keras_object] a function has the config {config['config']!r}: it must be its name."
            )
        return _find(config, config["config"], config["config"], custom_objects)
    return _make(config, custom_objects)


def _find(config, name, registered, custom_objects):
    found = get_registered_object(registered, custom_objects)
    if found is None and isinstance(config.get("module"), str):
        found = builtin(config["module"], name)
    if found is None:
        kind = "function" if config["class_name"] == "function" else "class"
        raise TypeError(
            f"[deserialize_keras_object] the {kind} {name!r} of module {config.get('module')!r} is not known: "
            "register it with `register_keras_serializable`, or pass it in `custom_objects`."
        )
    return found


def _make(config, custom_objects):
    name, inner = config["class_name"], config["config"]
    if inner is None:
        inner = {}
    if not isinstance(inner, dict):
        raise TypeError(f"[deserialize_keras_object] the config of {name!r} is {inner!r}: it must be a dict.")
    cls = _find(config, name, config.get("registered_name") or name, custom_objects)
    if isinstance(cls, types.FunctionType):
        return cls
    if not hasattr(cls, "from_config"):
        raise TypeError(f"[deserialize_keras_object] {name!r} has no `from_config`: define it as a class method.")
    # What a custom object holds may be custom too; its own `from_config` knows nothing of `custom_objects`.
    with CustomObjectScope({**(custom_objects or {}), **scoped_objects()}):
        try:
            instance = cls.from_config(inner)
        except TypeError as error:
            if str(error).startswith("[deserialize_keras_object]"):
                raise  # it names the inner object
            raise TypeError(f"[deserialize_keras_object] the config {inner} does not fit {name!r}: {error}") from error
        if config.get("build_config") and not instance.built:
            instance.build_from_config(deserialize_keras_object(config["build_config"]))
        if config.get("compile_config") and hasattr(instance, "compile_from_config"):
            instance.compile_from_config(config["compile_config"])
    return instance


def _refuse_lambda(inner):
    raise ValueError(
        "[deserialize_keras_object] the config holds a lambda: code is never loaded. Write a function with `def` and "
        "pass it in `custom_objects`."
    )


def _array(inner):
    return np.array(inner["value"], dtype=inner["dtype"])


_SPECIAL = {
    "__tensor__": lambda inner: _core.constant(_array(inner)),
    "__numpy__": _array,
    "__bytes__": lambda inner: inner["value"].encode("utf-8"),
    "__ellipsis__": lambda inner: Ellipsis,
    "__slice__": lambda inner: slice(inner["start"], inner["stop"], inner["step"]),
    "__lambda__": _refuse_lambda,
}
