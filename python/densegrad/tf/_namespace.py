"""Modules made of tables: names that stand for densegrad's objects, and an error that lists them."""

from __future__ import annotations

import difflib
import importlib
import opcode
import sys
import types

_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]


def public(module: types.ModuleType) -> dict:
    """The functions and classes that a module defines itself, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }


def missing(module: str, name: str, names, reason: str | None = None) -> Exception:
    """The error for a name that a namespace lacks: the reason or the closest names first, then all."""
    names = sorted(n for n in names if not n.startswith("_"))
    close = difflib.get_close_matches(name, names, 5, 0.6)
    hint = f" {reason}" if reason else f" Close: {', '.join(close)}." if close else ""
    return absent(f"[{module}] has no `{name}`.{hint} It has {', '.join(names)}.")


def absent(text: str) -> Exception:
    """The error of a look-up: `from m import name` would replace an AttributeError by one without its text."""
    frame = sys._getframe(1)
    while frame.f_code.co_name in ("__getattr__", "missing"):
        frame = frame.f_back
    imports = frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM
    return ImportError(text) if imports else AttributeError(text)


class Namespace(types.ModuleType):
    """A module whose names are those of a table and of the `__all__` of other modules.

    Args:
        name: dotted, below `densegrad.tf`; registered, so that `from ... import ...` finds it. "" for the whole.
        doc: its docstring.
        sources: modules by name, or pairs (module, names); they are asked at every look-up, so that what is added to
            them appears here by itself.
        table: name -> object; wins over the sources.
        aliases: another name -> the name in the sources.
        reasons: name -> what to do instead, for names that are missing on purpose.
    """

    def __init__(self, name, doc, *sources, table=None, aliases=None, reasons=None):
        super().__init__(f"densegrad.tf.{name}".rstrip("."), doc)
        self.__path__ = []  # `import densegrad.tf.keras.layers` asks whether its parent is a package
        self._label = self.__name__.removeprefix("densegrad.")
        self._sources, self._aliases, self._reasons = sources, aliases or {}, reasons or {}
        vars(self).update(table or {})
        if name:
            sys.modules[self.__name__] = self

    def _offered(self):
        """name -> (module, its name there) of what the sources have now."""
        found = {}
        for source in self._sources:
            source, names = source if isinstance(source, tuple) else (source, None)
            module = importlib.import_module(source)
            found |= {n: (module, n) for n in names or module.__all__ if hasattr(module, n)}
        return {alias: found[n] for alias, n in self._aliases.items() if n in found} | found

    def __getattr__(self, name):
        if not name.startswith("_") and name in (offered := self._offered()):
            return getattr(*offered[name])
        if name == "__all__":
            return dir(self)
        if name.startswith("__"):  # what import machinery and inspection probe for
            raise AttributeError(name)
        raise missing(self._label, name, dir(self), self._reasons.get(name))

    def __dir__(self):
        return sorted({n for n in vars(self) if not n.startswith("_")} | self._offered().keys())
