"""`Layer`: what every layer shares. Calling, building, names, making weights."""

from __future__ import annotations

import functools
import threading

import numpy as np

from densegrad import _core, config, graph, regularizers
from densegrad._core import Tensor, Variable
from densegrad.layers.configs import Configurable, names
from densegrad.layers.input_spec import check
from densegrad.layers.penalties import Penalized, adding
from densegrad.layers.tracking import Tracked
from densegrad.saving import deserialize_keras_object

_convert = _core.convert
_note_call = _core.note_call
_LISTS = ("_own", "_sublayers", "_chain")  # what a layer holds in lists of its own
_NOT_COPIED = ("_key", "_inbound_nodes", "_linker")
_ARRAYS = (Tensor, Variable, np.ndarray)
_building = threading.local()  # the layers being built, outermost first: they make up the paths of new weights


class _Mode(threading.local):
    """`training` of the call under way, which the layers inside that call take over."""

    training = None


_mode = _Mode()


class _Scope:
    """Put `layer` on the stack of layers being built, once."""

    def __init__(self, layer):
        self._layer = layer

    def __enter__(self):
        stack = _building.__dict__.setdefault("stack", [])
        self._entered = not stack or stack[-1] is not self._layer
        if self._entered:
            stack.append(self._layer)

    def __exit__(self, *exc_info):
        if self._entered:
            _building.stack.pop()


def _wrap_build(build, noted=True):
    @functools.wraps(build)
    def wrapper(self, *args, **kwargs):
        variables, layers = len(self._own), len(self._sublayers)
        try:
            with _Scope(self), _core.Rehearsal(False):  # weights are made for good, also for a symbolic input
                build(self, *args, **kwargs)
        except BaseException:
            del self._own[variables:], self._sublayers[layers:]
            raise
        self.built = True
        if noted:
            object.__setattr__(self, "_build_shape", next(iter((*args, *kwargs.values())), None))

    return wrapper


class Layer(Configurable, Penalized, Tracked):
    """A callable with weights; subclass it and define `call(self, x)` and, for its weights, `build(self, input_shape)`.

    Variables and layers that are set as attributes (also inside lists and dicts) are tracked in that order.

    Args:
        activity_regularizer: name or callable as `regularizers.get` takes it; its value for the outputs, divided by the
            batch size, is added to `losses`.
        trainable: False keeps the weights out of `trainable_variables`; gradients still reach them.
        dtype: "float32", "float64" or None for `floatx()`: of the weights and of the inputs, which are cast to it.
        name: str; None takes the class name with a counter.
        input_shape, input_dim: shape of one sample, read when the layer is the first of a `Sequential`.

    Source: Keras `layers.Layer`.
    """

    _ready = False  # built and called once
    _stateless = False  # without weights, unless a subclass defines `build`: built from the start
    _output_shape = None  # of the first call, with None for the batch
    _takes_training = False
    input_spec = None  # an `InputSpec`, or a list of one for each input
    _casts_integers = False  # of inputs; a layer that indexes by its input must keep them
    _takes_one = False  # tensor; several, in a list or dict, are refused

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, name=None, **kwargs):
        cls = type(self).__name__
        shape = kwargs.pop("input_shape", None)
        if "input_dim" in kwargs:
            shape = (kwargs.pop("input_dim"),)
        if kwargs:
            raise ValueError(
                f"[{cls}] arguments not recognized: {', '.join(f'`{k}`' for k in kwargs)}. "
                "Besides its own it accepts `activity_regularizer`, `trainable`, `dtype`, `name`, `input_shape`, "
                "`input_dim`."
            )
        activity_regularizer = regularizers.get(activity_regularizer)
        if name is not None and (not isinstance(name, str) or "/" in name or not name):
            raise ValueError(f"[{cls}] `name` is {name!r}: it must be a non-empty string without '/'.")
        dtype = config.float_dtype(deserialize_keras_object(dtype) if isinstance(dtype, dict) else dtype, cls)
        _set = object.__setattr__
        _set(self, "_own", [])
        _set(self, "_sublayers", [])
        _set(self, "_has_containers", False)
        _set(self, "_ready", False)
        _set(self, "_trainable", bool(trainable))
        _set(self, "built", self._stateless and type(self).build is Layer.build)
        _set(self, "_dtype", dtype)
        _set(self, "_input_shape_arg", None if shape is None else tuple(shape))
        _set(self, "name", name or config.auto_name(cls))
        _set(self, "_path", None)
        _set(self, "_key", _core.unique_id())  # what a tape knows the layer by
        _set(self, "_inbound_nodes", [])
        if activity_regularizer is not None:
            self.activity_regularizer = activity_regularizer

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _wrap_build(cls.__dict__["build"])
        code = getattr(cls.call, "__code__", None)
        if code is not None:
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            cls._takes_training = "training" in names or bool(code.co_flags & 0x08)  # CO_VARKEYWORDS

    # -- copying: a copy is another layer to a tape ---------------------------------------------------------------

    def __getstate__(self):
        # A copy is not part of the graphs that the layer is in.
        return {name: value for name, value in self.__dict__.items() if name not in _NOT_COPIED}

    def __setstate__(self, state):
        own = {"_dtype": np.dtype(state["_dtype"].name), "_key": _core.unique_id(), "_inbound_nodes": []}
        self.__dict__.update(state, **own)
        self.activity_regularizer = self._activity_regularizer

    def __copy__(self):
        copy = type(self).__new__(type(self))
        copy.__setstate__({k: list(v) if k in _LISTS else v for k, v in self.__getstate__().items()})
        return copy

    # -- calling -----------------------------------------------------------------------------------------------

    def __call__(self, x, *args, **kwargs):
        if self.input_spec is not None:
            check(self, x)
        if type(x) is not Tensor and graph.is_symbolic(x, args, kwargs):
            self._require_init()
            return graph.call_layer(self, (x, *args), kwargs)
        if kwargs or adding or self._takes_training or not self._ready:
            return (self._call_with_losses if adding else self._call_in_mode)(x, args, kwargs)
        if type(x) is not Tensor or x.dtype is not self._dtype:
            x = self._as_input(x)
        y = self.call(x, *args)
        _note_call(self._key, y)
        return y

    def _call_in_mode(self, x, args, kwargs):
        """Call with `training` as given, else as in the call under way, where `call` has that argument."""
        outer = _mode.training
        training = kwargs.pop("training", None)
        if training is None and not args:
            training = outer
        if training is not None and self._takes_training:
            kwargs["training"] = training
        _mode.training = training
        try:
            if not self._ready:
                return self._first_call(x, args, kwargs)
            if type(x) is not Tensor or x.dtype is not self._dtype:
                x = self._as_input(x)
            y = self.call(x, *args, **kwargs)
            _note_call(self._key, y)
            return y
        finally:
            _mode.training = outer

    def _first_call(self, x, args, kwargs):
        self._require_init()
        x = self._as_input(x)
        with _Scope(self):
            if not self.built:
                self.build(_shape_of(x))
            y = self.call(x, *args, **kwargs)
        self._ready = True
        if isinstance(y, Tensor) and y.ndim:
            object.__setattr__(self, "_output_shape", (None, *y.shape[1:]))
        _note_call(self._key, y)
        return y

    def _as_input(self, x):
        several = isinstance(x, (list, tuple)) and any(isinstance(item, _ARRAYS) for item in x)
        if self._takes_one and (several or isinstance(x, dict)):
            raise ValueError(
                f"[{self.name}] got a {type(x).__name__} of {len(x)} inputs: it takes one; call it on each of them, or "
                "join them with `Concatenate`."
            )
        if several:
            return type(x)(self._as_input(item) for item in x)
        if isinstance(x, dict):
            return {key: self._as_input(item) for key, item in x.items()}
        x = x if isinstance(x, Tensor) else _convert(x)
        if x.dtype != self._dtype and (self._casts_integers or x.dtype.kind == "f"):
            x = _convert(x, self._dtype)
        return x

    def build(self, input_shape):
        """Make the weights for inputs of `input_shape` (unknown axes None); the default makes none."""

    def call(self, x):
        """Return the output for the input `x`, a tensor of this layer's dtype."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `call(self, x)`.")

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for inputs of `input_shape`, without making weights.

        Raises:
            NotImplementedError: if it cannot be inferred: the layer is not built, or its `call` needs values.
        """
        hint = "define `compute_output_shape(self, input_shape)`"
        if not self._ready and not self.built:
            raise NotImplementedError(f"[{self.name}] is not built: call it on data first, or {hint}.")
        try:
            with _core.Pause(), _core.Rehearsal():  # this is no call of the layer
                y = self.call(_core.placeholder(tuple(input_shape), self._dtype))
        except (RuntimeError, TypeError, ValueError) as error:
            if "symbolic" not in str(error):
                raise
            raise NotImplementedError(f"[{self.name}] cannot run without values: {hint}.") from error
        if not isinstance(y, Tensor):
            raise NotImplementedError(f"[{self.name}] returns a {type(y).__name__}, no tensor: {hint}.")
        return tuple(y.shape)

    @property
    def input(self):
        """What the layer was first called on in a functional model: a symbolic tensor or a list of them."""
        return self._first_node("input").input

    @property
    def output(self):
        """What the first call of the layer in a functional model returned: symbolic tensors."""
        return self._first_node("output").result

    def _first_node(self, name):
        if not self._inbound_nodes and "_linker" in self.__dict__:
            model = self._linker()  # a `Sequential` that was built by a call on values
            if model is not None:
                model._link()
        if not self._inbound_nodes:
            raise AttributeError(
                f"[{self.name}] has no `{name}`: it was never called on the symbolic tensor of an `Input`."
            )
        return self._inbound_nodes[0]

    @property
    def path(self):
        """The names of the enclosing layers and of this one, joined by `/`."""
        stack = _building.__dict__.get("stack")
        if self._path is None and stack:
            names = [layer.name for layer in stack]
            object.__setattr__(self, "_path", "/".join(names if stack[-1] is self else [*names, self.name]))
        return self._path or self.name

    @property
    def dtype(self):
        """The name of the dtype of weights and outputs."""
        return self._dtype.name

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _shape_of(x):
    if isinstance(x, Tensor):
        return tuple(x.shape)
    return {k: _shape_of(v) for k, v in x.items()} if isinstance(x, dict) else [_shape_of(v) for v in x]


Layer.build = _wrap_build(Layer.build, noted=False)
names.register(path="keras.Layer")(Layer)
