"""Loads a test module of the installed Keras so that what it imports from Keras is densegrad's.

Keras itself is never imported: the module's source runs with an import function of its own. A name that densegrad has
not becomes an `Absent`; a test that uses one reports it, and is not applicable.
"""

from __future__ import annotations

import builtins
import importlib.metadata
import importlib.util
import inspect
import sys
import types
import warnings
from pathlib import Path

from keras_suite import stand_ins
from keras_suite.absent import Absent, loading

FOREIGN = ("jax", "torch", "tensorflow", "openvino")  # other backends: their branches are not for densegrad


def keras_folder() -> Path:
    """The installed package, found without importing it."""
    return Path(importlib.util.find_spec("keras").submodule_search_locations[0])


def keras_version() -> str:
    """The version of the installed package."""
    return importlib.metadata.version("keras")


class View(types.ModuleType):
    """A module of Keras: densegrad's namespace of the area, then the stand-ins, else `Absent`."""

    def __init__(self, path=""):
        super().__init__(f"keras.{path}")
        self._path = stand_ins.AREA_OF.get(path, path)
        self._area = self._path.split(".")[0]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{self._path}.{name}".lstrip(".")
        if self._area == "testing" and name == "TestCase":
            return test_case()
        if path.endswith("get_test_data"):
            return load("testing/test_utils").get_test_data
        if name == "src" and not self._path:
            return self
        for namespace in namespaces(self._path):
            own = getattr(namespace, name, self)
            if own is not self and not inspect.ismodule(own):
                return own
        stand_in = stand_ins.STAND_INS.get(self._area, {})
        if name in stand_in:
            return stand_in[name]
        if self._area == "ops" and (function := stand_ins.numpy_op(name)):
            return function
        if is_module(path):
            return View(path)
        return Absent(f"{self._area}.{name}".lstrip("."))


def namespaces(path) -> list[types.ModuleType]:
    """densegrad's modules that a dotted path of Keras stands for, innermost first."""
    area, *parts = path.split(".")
    found = [stand_ins.NAMESPACES.get(area)]
    for part in parts:
        if inspect.ismodule(inner := getattr(found[0], part, None)):
            found.insert(0, inner)
    return found


def is_module(path) -> bool:
    """Whether Keras has a module of this dotted path, or there is a stand-in for it."""
    file = keras_folder() / "src" / path.replace(".", "/")
    here = path in stand_ins.STAND_INS or path in stand_ins.AREA_OF
    return here or file.is_dir() or file.with_suffix(".py").is_file()


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    root = name.split(".")[0]
    if root in FOREIGN:
        return Absent(name)
    if root == "conftest":
        return View(root)
    if root != "keras":
        return builtins.__import__(name, globals, locals, fromlist, level)
    view = View()
    for part in name.split(".")[1:] if fromlist else ():
        view = getattr(view, part)
    return view


def load(path: str, **replaced) -> types.ModuleType:
    """Run Keras' file `src/<path>.py` with redirected imports; `replaced` overrides names that it defines."""
    file = keras_folder() / "src" / f"{path}.py"
    module = types.ModuleType(f"keras_suite_{path.replace('/', '_')}")
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
    sys.modules[module.__name__] = module  # so that instances of its classes can be pickled
    loading.append(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # marks that Keras registers with its own pytest
            exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
    finally:
        loading.pop()
    module.__dict__.update(replaced)
    return module


def test_case():
    """Keras' own `TestCase`; its layer test leaves out masks and mixed precision."""
    if "class" not in _cache:
        base = load(
            "testing/test_case",
            get_seed_generators=stand_ins.seed_generators,
        ).TestCase

        class TestCase(base):
            def run_layer_test(self, *args, **kwargs):
                left_out = {"supports_masking": None, "expected_mask_shape": None, "run_mixed_precision_check": False}
                super().run_layer_test(*args, **kwargs | left_out)

        _cache["class"] = TestCase
    return _cache["class"]


_cache: dict = {}
