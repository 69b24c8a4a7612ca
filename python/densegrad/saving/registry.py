"""Which classes and functions a config may name: the built-in ones, and those that a program registers.

A built-in class or function is registered where it is defined, and nowhere else:

    _names = Names("initializers")

    @_names.register("uniform")  # besides its own name and `random_uniform`
    class RandomUniform(Initializer):
        def get_config(self): ...

    get, serialize, deserialize = _names.functions("initializer", "a name such as `'uniform'`, a config")

Nothing is ever imported by the name in a config, and no code is read from one.
"""

from __future__ import annotations

import threading

from densegrad import config

__all__ = [
    "CustomObjectScope",
    "Names",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
]

_BUILTINS: dict = {}  # "keras.layers.Dense" -> class
_PATH_OF: dict = {}  # class or function -> ("keras.layers", "Dense")
_CUSTOM: dict = {}  # "package>name" -> class or function
_CUSTOM_NAME_OF: dict = {}
_scoped = threading.local()


class Names:
    """The built-in objects of one of Keras' modules by all their names; what its `get` and `deserialize` look up.

    Args:
        module: such as "initializers": the objects belong to `keras.initializers` in configs.

    Attributes:
        objects: dict from every name to its class or function, in the order of registration.
    """

    def __init__(self, module):
        self.module = module
        self.objects = {}
        self._listed = []  # one name of each for messages; bases and models live elsewhere and are not meant

    def register(self, *aliases, path=None):
        """Return a decorator that makes a class or function known under its name, its snake_case name and `aliases`.

        Args:
            aliases: further names.
            path: where a config says that it lives, if not `keras.<module>.<its name>`.
        """

        def decorator(thing):
            name = thing.__name__
            path_ = path or f"keras.{self.module}.{name}"
            _PATH_OF[thing] = tuple(path_.rsplit(".", 1))
            _BUILTINS[path_] = thing
            if path is None:
                self._listed.append(config.snake_case(name))
            for known in dict.fromkeys([config.snake_case(name), name, *aliases]):
                self.objects[known] = thing
                _BUILTINS.setdefault(f"keras.{self.module}.{known}", thing)
            return thing

        return decorator

    def get(self, identifier):
        """Return the object that `identifier` means: a name, a config, a class, an object, or None, which stays None.

        Raises:
            ValueError: for an unknown name.
            TypeError: for anything else that is not callable.
        """
        if identifier is None:
            return None
        found = self.deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
        if isinstance(found, type):
            found = found()
        if not callable(found):
            raise TypeError(f"[{self.module}] `identifier` is {identifier!r}: it must be None, a name or a callable.")
        return found

    def deserialize(self, config, custom_objects=None):
        """Return the object that a name or a config means; a config may leave out its module.

        Raises:
            ValueError: for an unknown name.
        """
        from densegrad.saving.serialization import deserialize_keras_object

        if isinstance(config, str):
            found = get_registered_object(config, custom_objects, self.objects)
            if found is None:
                known = ", ".join(self._listed)
                raise ValueError(f"[{self.module}] `{config}` is not known: it must be one of {known}.")
            return found() if isinstance(found, type) else found
        if isinstance(config, dict):
            is_function = config.get("class_name") == "function"
            name = config.get("config") if is_function else config.get("class_name")
            own = isinstance(name, str) and name in self.objects
            if own and config.get("module", "builtins") == "builtins":
                config = {"config": {}, **config, "module": f"keras.{self.module}"}
        return deserialize_keras_object(config, custom_objects)

    def functions(self, kind, means, example, argument="config"):
        """Return the public functions `get`, `serialize` and `deserialize` of the module, documented.

        Args:
            kind: what an object is, such as "initializer": the argument of `serialize`.
            means: what `get` takes besides None, a sentence without its end.
            example: a name, for `deserialize`.
            argument: what the argument of `deserialize` is called.
        """
        from densegrad.saving.serialization import serialize_keras_object

        # As `namedtuple` does: signatures of their own.
        scope = {"_names": self, "_serialize": serialize_keras_object, "__name__": f"densegrad.{self.module}"}
        article = "an" if kind[0] in "aeio" else "a"
        text = _FUNCTIONS.format(
            kind=kind, article=article, means=means, example=example, argument=argument, module=self.module
        )
        exec(text, scope)
        return scope["get"], scope["serialize"], scope["deserialize"]


_FUNCTIONS = '''
def get(identifier):
    """Return the {kind} that `identifier` means.

    Args:
        identifier: {means}, or None, which stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `{module}.get`.
    """
    return _names.get(identifier)


def serialize({kind}):
    """Return the config of {article} {kind}, with its class, or of a function. Source: Keras `{module}.serialize`."""
    return _serialize({kind})


def deserialize({argument}, custom_objects=None):
    """Return the {kind} that a name or a config means.

    Args:
        {argument}: a name such as "{example}", or a dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.

    Raises:
        ValueError: for an unknown name.

    Source: Keras `{module}.deserialize`.
    """
    return _names.deserialize({argument}, custom_objects)
'''


class CustomObjectScope:
    """Inside `with custom_object_scope({"Name": thing}):` configs may name these classes and functions.

    Args:
        custom_objects: dict from names to classes or functions.

    Source: Keras `saving.CustomObjectScope`.
    """

    def __init__(self, custom_objects):
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self):
        self._outer = scoped_objects()
        _scoped.objects = self.custom_objects
        return self

    def __exit__(self, *exc_info):
        _scoped.objects = self._outer


custom_object_scope = CustomObjectScope


def scoped_objects():
    """Return the dict of the innermost open `custom_object_scope`."""
    return _scoped.__dict__.get("objects", {})


def register_keras_serializable(package="Custom", name=None):
    """Return a decorator that makes a class or function known to configs as `package>name`.

    Args:
        package: str.
        name: str; None takes the name of the class or function.

    Raises:
        ValueError: if the class has no `get_config`.

    Source: Keras `saving.register_keras_serializable`.
    """

    def decorator(thing):
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"[register_keras_serializable] `{thing.__name__}` has no `get_config`: define it, so that its "
                "objects can be made again."
            )
        registered = f"{package}>{name or thing.__name__}"
        _CUSTOM[registered] = thing
        _CUSTOM_NAME_OF[thing] = registered
        return thing

    return decorator


def get_custom_objects():
    """Return the dict of the registered classes and functions; changes to it count. Source: Keras, the same name."""
    return _CUSTOM


def get_registered_name(obj):
    """Return the name under which a class or function is registered, or its own. Source: Keras, the same name."""
    return _CUSTOM_NAME_OF.get(obj, obj.__name__)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """Return what `name` means in the open scope, among the registered objects, or in the given dicts; else None.

    Source: Keras `saving.get_registered_object`.
    """
    for objects in (scoped_objects(), _CUSTOM, custom_objects or {}, module_objects or {}):
        if name in objects:
            return objects[name]
    return None


def path_of(thing):
    """Return where Keras has a built-in class or function, ("keras.layers", "Dense"), or None for any other."""
    return _PATH_OF.get(thing)


def builtin(module, name):
    """Return the built-in class or function that a config means by its module and name, or None."""
    if module == "builtins":  # functions are known by their name alone
        found = (thing for thing, path in _PATH_OF.items() if path[1] == name and not isinstance(thing, type))
        return next(found, None)
    return _BUILTINS.get(f"{module}.{name}")
