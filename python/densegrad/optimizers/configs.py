"""Optimizers as plain dictionaries and back, in Keras' layout."""

from __future__ import annotations

import inspect

from densegrad._core import Variable
from densegrad.optimizers.options import OPTIONS
from densegrad.saving import Names, deserialize_keras_object, serialize_keras_object

names = Names("optimizers")


def registered(cls):
    """Make an optimizer known by its name in any case."""
    return names.register(cls.__name__.lower())(cls)


class Config:
    """The part of `Optimizer` that knows its arguments."""

    def get_config(self):
        """Return the arguments of the constructor as plain values; the learning rate is what it is now.

        Source: Keras `Optimizer.get_config`.
        """
        arguments = ["name", *OPTIONS, *inspect.signature(type(self)).parameters]
        config = {name: getattr(self, name) for name in arguments if name in self.__dict__}
        rate = self._learning_rate
        config["learning_rate"] = float(rate.numpy()) if isinstance(rate, Variable) else serialize_keras_object(rate)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a new optimizer from what `get_config` returned; it has no slots yet.

        Source: Keras `Optimizer.from_config`.
        """
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": deserialize_keras_object(rate, custom_objects)}
        return cls(**config)
