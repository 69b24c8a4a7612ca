"""Every public name says what it is: modules, classes, functions, methods and properties."""

import inspect

import densegrad as dg
import pytest


def public_objects():
    """(dotted name, object) of everything that `dg.__all__` reaches, one level into modules and classes."""
    seen = {}
    for name in dg.__all__:
        thing = getattr(dg, name)
        seen[f"dg.{name}"] = thing
        if inspect.ismodule(thing):
            for inner in getattr(thing, "__all__", [n for n in vars(thing) if not n.startswith("_")]):
                seen[f"dg.{name}.{inner}"] = getattr(thing, inner)
    for name, thing in list(seen.items()):
        if inspect.isclass(thing):
            for inner, value in vars(thing).items():
                if not inner.startswith("_") and (callable(value) or isinstance(value, property)):
                    seen[f"{name}.{inner}"] = value
    return seen


OBJECTS = public_objects()


@pytest.mark.parametrize("name", OBJECTS)
def test_a_public_name_has_a_docstring(name):
    thing = OBJECTS[name]
    doc = inspect.getdoc(thing)
    assert doc and len(doc.split()) >= 3, f"{name} has no docstring"
    assert "pybind11" not in doc, doc
