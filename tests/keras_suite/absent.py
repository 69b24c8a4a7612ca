"""Names of Keras that densegrad has not: what a test gets instead of them, and how it tells."""

from __future__ import annotations

import inspect
import unittest

loading: list[str] = []  # the test modules that are being loaded: until then an absent name may be used


class NotHere(unittest.SkipTest):
    """A test used a name of Keras that densegrad has not."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Absent:
    """A name that densegrad has not: it can be imported, subclassed and put in a table, but not used by a test."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self._name}.{name}")

    def __call__(self, *args, **kwargs):
        if loading:
            return args[0] if len(args) == 1 and inspect.isfunction(args[0]) else self  # a decorator, or a value
        raise NotHere(self._name)

    def __mro_entries__(self, bases):
        def __init__(instance, *args, **kwargs):
            raise NotHere(self._name)

        return (type(self._name, (), {"__init__": __init__}),)

    def __instancecheck__(self, instance):
        raise NotHere(self._name)

    def __iter__(self):
        raise NotHere(self._name)

    __enter__ = __exit__ = __len__ = __getitem__ = __iter__

    def __repr__(self):
        return f"<{self._name}>"
