"""What a layer is made of: its config, and the same layer again from a config."""

from __future__ import annotations

from densegrad.saving import Names, serialize_keras_object

names = Names("layers")

_PLAIN = (str, int, float, bool, type(None))


@names.register(path="keras.DTypePolicy")
class DTypePolicy:
    """How Keras' configs spell the dtype of a layer; read, it is the name of the dtype."""

    @classmethod
    def from_config(cls, config):
        """Return the name of the dtype."""
        return config["name"]

    @staticmethod
    def config_of(name):
        """Return the config that stands for the dtype of this name."""
        return {"module": "keras", "class_name": "DTypePolicy", "config": {"name": name}, "registered_name": None}


class Configurable:
    """Base of `Layer`: its config, and what it was built for."""

    _made_with = None  # the arguments of the constructor, where they are plain values
    _build_shape = None  # what `build` was called with

    def __new__(cls, *args, **kwargs):
        instance = super().__new__(cls)
        if all(_is_plain(value) for value in (*args, *kwargs.values())):
            object.__setattr__(instance, "_made_with", (args, kwargs))
        return instance

    def get_config(self):
        """Return what the constructor needs to make this layer again, without its weights, as plain values.

        A subclass adds its own arguments to `super().get_config()`. One that does not define `get_config` gets the
        arguments of its constructor, if they all were numbers, strings, bools or None (or lists, tuples and dicts of
        them).

        Returns:
            A dict that `from_config` and, for the layers that Keras has, Keras' `from_config` take.

        Raises:
            NotImplementedError: if an argument of the constructor was of another type.

        Source: Keras `Layer.get_config`.
        """
        self._require_init()
        config = {"name": self.name, "trainable": self._trainable, "dtype": DTypePolicy.config_of(self.dtype)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize_keras_object(self.activity_regularizer)
        if type(self).get_config is Configurable.get_config:
            return self._arguments(config)
        return config

    def _arguments(self, config):
        """Return the arguments that the layer was made with, and those of `config` that its constructor takes."""
        import inspect  # a sixth of the time that `import densegrad` takes

        parameters = inspect.signature(type(self).__init__).parameters
        kinds = {p.kind for p in parameters.values()}
        if self._made_with is None or kinds & {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}:
            raise NotImplementedError(
                f"[{type(self).__name__}] `get_config` is not defined and the arguments of the constructor are no "
                "plain values: define `get_config(self)`, and add to what `super().get_config()` returns."
            )
        args, kwargs = self._made_with
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        own = dict(list(bound.arguments.items())[1:])
        for parameter in parameters.values():
            if parameter.kind == parameter.VAR_KEYWORD:
                return {**own.pop(parameter.name), **own, **config}
        return {**own, **{name: value for name, value in config.items() if name in parameters}}

    @classmethod
    def from_config(cls, config):
        """Return a new layer from what `get_config` returned; its weights are new.

        Raises:
            TypeError: if the constructor does not take an entry of `config`.

        Source: Keras `Layer.from_config`.
        """
        return cls(**config)

    def get_build_config(self):
        """Return what `build` was called with, as a dict, or None if it was not. Source: Keras, the same name."""
        return None if self._build_shape is None else {"input_shape": self._build_shape}

    def build_from_config(self, config):
        """Build the layer as `get_build_config` says. Source: Keras, the same name."""
        self.build(shape_from_config(config["input_shape"]))


def _is_plain(value):
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return isinstance(value, _PLAIN)
    return all(map(_is_plain, value))


def shape_from_config(shape):
    """Return a shape, or a structure of shapes, with tuples where JSON has lists."""
    if isinstance(shape, dict):
        return {key: shape_from_config(value) for key, value in shape.items()}
    if any(isinstance(n, (list, tuple, dict)) for n in shape):
        return [shape_from_config(entry) for entry in shape]
    return tuple(shape)


def serialize(layer):
    """Return the config of `layer` with its class, as `saving.serialize_keras_object`. Source: Keras, the same name."""
    return serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """Return the layer that `serialize`, here or in Keras, wrote as `config`.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.

    Raises:
        TypeError: if a class or function is not known, or what `config` means is no layer.

    Source: Keras `layers.deserialize`.
    """
    layer = names.deserialize(config, custom_objects)
    if not isinstance(layer, Configurable):
        raise TypeError(f"[layers] `config` is {config!r}: it must be the config of a layer.")
    return layer
