"""What TensorFlow's programs use around the arithmetic: `tf.function`, modules, printing, assertions, settings."""

import contextlib
import dataclasses
import enum
import functools
import logging
import sys

import numpy as np

from densegrad import _core, nest, programs
from densegrad._core import Tensor, Variable
from densegrad.layers import Layer


def function(func=None, **options):
    """`densegrad.function`, without a warning: where a value leaves the function, its Python code runs at every call.

    Takes TensorFlow's keywords, also as a decorator. Source: TensorFlow `tf.function`.
    """
    if func is None:
        return lambda f: function(f, **options)
    made = programs.function(func)
    made._warns, made.python_function = False, func
    made.get_concrete_function = functools.partial(_ConcreteFunction, made)
    return made


class _ConcreteFunction:
    """A function whose arguments that are no tensors are fixed: it is called with the tensors alone.

    It is recorded at its first call. Source: TensorFlow `ConcreteFunction`.
    """

    def __init__(self, function, *args, **kwargs):
        self._function, self._arguments = function, (args, kwargs)

    def __call__(self, *tensors):
        values = iter(tensors)
        kinds = (TensorSpec, Tensor, Variable, np.ndarray)
        filled = [next(values, v) if isinstance(v, kinds) else v for v in nest.flatten(self._arguments)]
        args, kwargs = nest.pack_as(self._arguments, filled)
        return self._function(*args, **kwargs)


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
        return tuple(part for part in _parts(self, {id(self)}) if not isinstance(part, Variable))

    @property
    def variables(self):
        """All variables: of the attributes by name, lists and dicts among them; then of its modules and layers."""
        return tuple(part for part in _parts(self, {id(self)}) if isinstance(part, Variable))

    @property
    def trainable_variables(self):
        """The variables that gradients are wanted for."""
        return tuple(v for v in self.variables if v.trainable)


def _parts(owner, seen):
    """The variables, modules and layers that a module or layer holds, then those that its modules and layers hold."""
    inner = []
    for part in _leaves(vars(owner)) if isinstance(owner, Module) else _held(owner):
        key = part.id if isinstance(part, Variable) else id(part)
        if key in seen:
            continue
        seen.add(key)
        yield part
        if not isinstance(part, Variable):
            inner.append(part)
    for part in inner:
        yield from _parts(part, seen)


def _held(layer):
    return [*layer.trainable_variables, *layer.non_trainable_variables, *getattr(layer, "layers", ())]


def _leaves(value):
    if isinstance(value, (Variable, Module, Layer)):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in (value[key] for key in sorted(value, key=str)) if isinstance(value, dict) else value:
            yield from _leaves(item)


def while_loop(cond, body, loop_vars, maximum_iterations=None, **options):
    """loop_vars after body(*loop_vars) took their place for as long as cond(*loop_vars) holds."""
    rounds = 0
    while (maximum_iterations is None or rounds < maximum_iterations) and bool(cond(*loop_vars)):
        result = body(*loop_vars)
        loop_vars = type(loop_vars)(result if isinstance(result, (list, tuple)) else [result])
        rounds += 1
    return loop_vars


def print(*inputs, output_stream=None, end="\n", sep=" ", summarize=3, name=None):
    """Writes tensors and other values to `output_stream`, standard error by default, as numbers without their type.

    `output_stream` is a stream, or "file://" and the path of a file to append to.
    """
    edge = sys.maxsize if summarize == -1 else summarize

    def text(leaf):
        if not isinstance(leaf, (Tensor, Variable, np.ndarray)):
            return leaf
        options = {"threshold": 2 * edge, "edgeitems": edge}
        return _Text(np.array2string(np.asarray(leaf), formatter={"float": _digits, "int": str}, **options))

    line = sep.join(str(nest.pack_as(x, [text(leaf) for leaf in nest.flatten(x)])) for x in inputs) + end
    if isinstance(output_stream, str) and output_stream.startswith("file://"):
        with open(output_stream.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(line)
    else:
        (sys.stderr if output_stream is None else output_stream).write(line)


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
    """Let every `tf.function` run its Python code at every call, or (False) be recorded again."""
    programs.run_eagerly(run_eagerly)


def functions_run_eagerly():
    """Whether `run_functions_eagerly` was asked for."""
    return programs.runs_eagerly()


def list_physical_devices(device_type=None):
    """No devices of any type but the CPU, which is not listed."""
    return []


def list_logical_devices(device_type=None):
    """No devices of any type but the CPU, which is not listed."""
    return []


def get_visible_devices(device_type=None):
    """No devices of any type but the CPU, which is not listed."""
    return []


def gpu_device_name():
    """Nothing: there is no such device."""
    return ""


def get_logger():
    """The logger of the name "densegrad"; warnings are Python's own."""
    return logging.getLogger("densegrad")


def do_not_convert(func=None):
    """The function itself: none is converted."""
    return func if func is not None else do_not_convert


def set_nothing(*args, **kwargs):
    """Changes nothing: there is one device, and every operation gives the same bits on any number of threads."""


def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """False: everything runs on the CPU."""
    return False


def is_built_with_cuda():
    """False: everything runs on the CPU."""
    return False


def init_scope():
    """A context that changes nothing: everything runs eagerly."""
    return contextlib.nullcontext()


def control_dependencies(control_inputs):
    """A context that changes nothing: operations run in the order in which they are written."""
    return contextlib.nullcontext()


def group(*inputs, **options):
    """Nothing: the operations have run."""


def identity_n(input, name=None):
    """The tensors of a list under identities of their own."""
    return [_core.identity(x) for x in input]


def no_op(name=None):
    """Does nothing at all."""


def gradients(ys, xs, grad_ys=None, name="gradients", **options):
    """Raises RuntimeError, as TensorFlow's does outside of graphs: there are tapes."""
    raise RuntimeError(
        "[tf.gradients] there is no graph to differentiate: compute `ys` inside `with tf.GradientTape() as tape:`, "
        "after tape.watch(xs) if they are no variables, and call tape.gradient(ys, xs)."
    )


def recompute_grad(f):
    """The function itself: its values are kept."""
    return f


def numpy_function(func, inp, Tout, stateful=True, name=None):
    """func of arrays, outside of the record; its results as tensors of the dtypes `Tout`."""
    return _typed(func(*(_core.convert(x).numpy() for x in inp)), Tout)


def py_function(func=None, inp=None, Tout=None, name=None):
    """func of tensors, recorded; its results as tensors of the dtypes `Tout`."""
    return _typed(func(*(_core.convert(x) for x in inp)), Tout)


def _typed(values, dtypes):
    if not isinstance(dtypes, (list, tuple)):
        return _core.convert(values, dtypes)
    values = values if isinstance(values, (list, tuple)) else [values]
    return [_core.convert(v, dtype) for v, dtype in zip(values, dtypes, strict=True)]
