"""What TensorFlow's programs use around the arithmetic: `tf.function`, modules, printing, assertions, settings."""

import contextlib
import dataclasses
import enum
import sys

import numpy as np

from densegrad import _core, nest, ops
from densegrad._core import Tensor, Variable
from densegrad.layers import Layer


def function(func=None, **options):
    """The function itself: everything runs eagerly. Takes TensorFlow's keywords, also as a decorator."""
    return (lambda f: f) if func is None else func


class UnconnectedGradients(enum.Enum):
    """What the gradient of an unconnected source is: None or zeros."""

    NONE = "none"
    ZERO = "zero"


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """A shape and a dtype, for the `input_signature` of `tf.function`; nothing is checked against it."""

    shape: object
    dtype: object = "float32"
    name: str | None = None


class Module:
    """Base of objects that hold variables: `variables` collects those of its attributes, by attribute name.

    Source: TensorFlow `Module`.
    """

    def __init__(self, name=None):
        self.name = name or type(self).__name__.lower()

    @classmethod
    def with_name_scope(cls, method):
        """The method itself: operations have no names."""
        return method

    @property
    def name_scope(self):
        """A context that changes nothing: operations have no names."""
        return contextlib.nullcontext()

    @property
    def submodules(self):
        """The modules and layers of the attributes, of lists, dicts and other modules."""
        return tuple(_modules(vars(self), {}).values())

    @property
    def variables(self):
        """All variables of the attributes, of lists, dicts, modules and layers among them."""
        return tuple(_variables(self, {}).values())

    @property
    def trainable_variables(self):
        """The variables that gradients are wanted for."""
        return tuple(v for v in self.variables if v.trainable)


def _variables(value, found):
    if isinstance(value, Variable):
        found.setdefault(value.id, value)
    elif isinstance(value, Layer):
        _variables([*value.trainable_variables, *value.non_trainable_variables], found)
    elif isinstance(value, Module):
        _variables(vars(value), found)
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            _variables(value[key], found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _variables(item, found)
    return found


def _modules(value, found):
    if isinstance(value, (Module, Layer)):
        if id(value) not in found:
            found[id(value)] = value
            _modules(
                vars(value) if isinstance(value, Module) else value.layers if hasattr(value, "layers") else (), found
            )
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            _modules(item, found)
    return found


def while_loop(cond, body, loop_vars, maximum_iterations=None, **options):
    """loop_vars after body(*loop_vars) took their place for as long as cond(*loop_vars) holds."""
    rounds = 0
    while (maximum_iterations is None or rounds < maximum_iterations) and bool(cond(*loop_vars)):
        result = body(*loop_vars)
        loop_vars = type(loop_vars)(result if isinstance(result, (list, tuple)) else [result])
        rounds += 1
    return loop_vars


def print(*inputs, output_stream=None, end="\n", sep=" ", summarize=3, name=None):
    """Writes tensors and other values to `output_stream`, standard error by default, as numbers without their type."""
    stream = {None: sys.stderr, "sys.stdout": sys.stdout, "sys.stderr": sys.stderr}.get(output_stream, output_stream)
    edge = sys.maxsize if summarize == -1 else summarize

    def text(leaf):
        if not isinstance(leaf, (Tensor, Variable, np.ndarray)):
            return leaf
        options = {"threshold": 2 * edge, "edgeitems": edge}
        return _Text(np.array2string(np.asarray(leaf), formatter={"float": _digits, "int": str}, **options))

    stream.write(sep.join(str(nest.pack_as(x, [text(leaf) for leaf in nest.flatten(x)])) for x in inputs) + end)


def _digits(v):
    """The digits that are certain if they give v back, else as many as always do."""
    certain = 6 if v.dtype == np.float32 else 15
    short = f"{v:.{certain}g}"
    return short if v.dtype.type(short) == v or v != v else f"{v:.{certain + (3 if certain == 6 else 2)}g}"


class _Text(str):
    """A string that shows itself without quotes inside of lists and dicts."""

    __repr__ = str.__str__


def cond(pred, true_fn=None, false_fn=None, name=None):
    """true_fn() if pred holds, else false_fn()."""
    return true_fn() if bool(pred) else false_fn()


def map_fn(fn, elems, **options):
    """The results of fn for each slice of elems along axis 0, stacked."""
    results = [fn(e) for e in _core.convert(elems)] if not isinstance(elems, (list, tuple)) else [
        fn(type(elems)(parts)) for parts in zip(*map(_core.convert, elems))
    ]  # fmt: skip
    columns = zip(*map(nest.flatten, results))
    return nest.pack_as(results[0], [ops.stack(column) for column in columns])


def device(device_name):
    """A context that changes nothing: everything runs on the CPU."""
    return contextlib.nullcontext()


def name_scope(name):
    """A context that changes nothing: operations have no names."""
    return contextlib.nullcontext()


def executing_eagerly():
    """True: everything runs eagerly."""
    return True


def run_functions_eagerly(run_eagerly):
    """Changes nothing: everything runs eagerly."""


def functions_run_eagerly():
    """True: everything runs eagerly."""
    return True


def list_physical_devices(device_type=None):
    """No devices of any type but the CPU, which is not listed."""
    return []


def assert_near(x, y, rtol=None, atol=None, message=None, summarize=None, name=None):
    """Raises ValueError unless |x - y| <= atol + rtol |y|; both are 10 times the dtype's epsilon by default."""
    x, y = ops._arguments.together("tf.debugging.assert_near", x, y)
    step = 10 * np.finfo(x.dtype).eps
    rtol, atol = (step if v is None else v for v in (rtol, atol))
    if not np.allclose(x.numpy(), y.numpy(), rtol, atol):
        raise ValueError(f"[tf.debugging.assert_near] {message or 'x and y are not near'}: {x} and {y}.")


def _assertion(name, comparison, words):
    def function(x, y, message=None, summarize=None, name=None):
        x, y = ops._arguments.together(f"tf.debugging.{function.__name__}", x, y)
        if not np.all(comparison(x.numpy(), y.numpy())):
            raise ValueError(f"[tf.debugging.{function.__name__}] {message or f'x is not {words} y'}: {x} and {y}.")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Raises ValueError unless every entry of x is {words} that of y."
    return function


assert_greater = _assertion("assert_greater", np.greater, "greater than")
assert_greater_equal = _assertion("assert_greater_equal", np.greater_equal, "at least")
assert_less = _assertion("assert_less", np.less, "less than")
assert_less_equal = _assertion("assert_less_equal", np.less_equal, "at most")


def assert_non_negative(x, message=None, summarize=None, name=None):
    """Raises ValueError unless no entry is negative."""
    assert_greater_equal(x, 0, message or "an entry is negative")


def assert_positive(x, message=None, summarize=None, name=None):
    """Raises ValueError unless all entries are positive."""
    assert_greater(x, 0, message or "an entry is not positive")


def assert_equal(x, y, message=None, summarize=None, name=None):
    """Raises ValueError unless all entries are equal."""
    x, y = ops._arguments.together("tf.debugging.assert_equal", x, y)
    if not np.all(x.numpy() == y.numpy()):
        raise ValueError(f"[tf.debugging.assert_equal] {message or 'x and y are not equal'}: {x} and {y}.")


def check_numerics(tensor, message="", name=None):
    """The tensor; raises ValueError if an entry is infinite or NaN."""
    tensor = _core.convert(tensor)
    if not np.all(np.isfinite(_core.stop_gradient(tensor).numpy())):
        raise ValueError(f"[tf.debugging.check_numerics] {message or 'the tensor'} has infinite or NaN entries.")
    return tensor


def assert_all_finite(x, message, name=None):
    """The tensor; raises ValueError if an entry is infinite or NaN."""
    return check_numerics(x, message)
