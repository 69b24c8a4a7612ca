"""Activations by Keras' names: plain functions on tensors. A new one is one entry in C++ and one line here."""

from __future__ import annotations

import warnings

from densegrad import _core, config
from densegrad.saving import Names, serialize_keras_object

_names = Names("activations")
_BY_NAME = _names.objects
_NAME_OF: dict = {}


def _define(name: str, sentence: str, *aliases: str, **parameters: str):
    """The function of one activation; `parameters` says what each of its numbers is."""
    known = _core.activation_parameters(name)
    required = [default is not None and default != default for _, default in known]
    arguments = ["x", *(p if needed else f"{p}={d!r}" for (p, d), needed in zip(known, required, strict=True))]
    values = f", -1, [{', '.join(p for p, _ in known)}]" if known else ""
    # As `namedtuple` does: a signature of its own, at no cost per call.
    scope = {"activation": _core.activation}
    exec(f"def {name}({', '.join(arguments)}):\n    return activation({name!r}, x{values})", scope)
    function = scope[name]
    lines = "".join(f"\n        {parameter}: {text}" for parameter, text in parameters.items())
    function.__module__ = __name__
    function.__doc__ = f"""{sentence}

    Args:
        x: tensor or array-like of any shape.{lines}

    Returns:
        A tensor of the shape and dtype of `x`; its attribute `z` is `x`. (`linear` returns a tensor `x` itself.)

    Raises:
        TypeError: if `x` is not float32 or float64.

    Source: Keras `activations.{name}`.
    """
    return _register(name, function, *aliases)


def _register(name: str, function, *aliases: str):
    _NAME_OF[function] = name
    return _names.register(*aliases)(function)


linear = _define("linear", "The identity: a = z.")
sigmoid = _define("sigmoid", "The logistic function: a = 1 / (1 + exp(-z)), derivative a (1 - a).")
tanh = _define("tanh", "The hyperbolic tangent: a = tanh z, derivative 1 - a^2.")
exponential = _define("exponential", "The exponential function: a = exp z, derivative a.")
softplus = _define("softplus", "A smooth rectifier: a = log(1 + exp z), derivative sigmoid(z).")
log_sigmoid = _define(
    "log_sigmoid", "The logarithm of the logistic function: a = -log(1 + exp(-z)), derivative sigmoid(-z)."
)
softsign = _define("softsign", "A sigmoid of slow decay: a = z / (1 + |z|), derivative 1 / (1 + |z|)^2.")
silu = swish = _define("silu", "The sigmoid-weighted input: a = z sigmoid(z).", "swish")
gelu = _define(
    "gelu",
    "The input weighted by the normal distribution: a = z P(X <= z).",
    approximate="whether to take z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2 instead.",
)
mish = _define("mish", "A smooth rectifier: a = z tanh(softplus(z)).")
squareplus = _define(
    "squareplus", "An algebraic softplus: a = (z + sqrt(z^2 + b)) / 2.", b="number >= 0, the square of the width at 0."
)
tanh_shrink = _define("tanh_shrink", "The rest of tanh: a = z - tanh z, derivative tanh(z)^2.")
relu = _define(
    "relu",
    "The rectifier: a = max(z, 0), derivative 1 for z > 0 and 0 for z <= 0.",
    negative_slope="slope below the threshold, where a = negative_slope (z - threshold).",
    max_value="the largest value, a number >= 0; None for no limit.",
    threshold="a = z only for z > threshold.",
)
relu6 = _define("relu6", "The rectifier up to 6: a = min(max(z, 0), 6), derivative 1 for 0 < z < 6, else 0.")
leaky_relu = _define(
    "leaky_relu",
    "The leaky rectifier: a = z for z > 0, else negative_slope z.",
    negative_slope="slope for z <= 0.",
)
elu = _define(
    "elu", "The exponential linear unit: a = z for z > 0, else alpha (exp z - 1).", alpha="minus the limit at -inf."
)
selu = _define(
    "selu", "The scaled exponential linear unit: a = 1.0507 elu(z, 1.67326), which keeps mean 0 and variance 1."
)
celu = _define(
    "celu",
    "The exponential linear unit of slope 1 at 0: a = z for z > 0, else alpha (exp(z / alpha) - 1).",
    alpha="number that is not 0, minus the limit at -inf.",
)
hard_sigmoid = _define(
    "hard_sigmoid", "Three lines like sigmoid: a = min(max(z + 3, 0), 6) / 6, derivative 1/6 for -3 < z < 3, else 0."
)
hard_silu = hard_swish = _define(
    "hard_silu", "The input weighted by the hard sigmoid: a = z min(max(z + 3, 0), 6) / 6.", "hard_swish"
)
hard_tanh = _define(
    "hard_tanh", "Three lines like tanh: a = min(max(z, -1), 1), derivative 1 for -1 <= z <= 1, else 0."
)
soft_shrink = _define(
    "soft_shrink",
    "The input moved towards 0: a = z - threshold for z > threshold, z + threshold for z < -threshold, else 0.",
    threshold="how far.",
)
hard_shrink = _define(
    "hard_shrink", "The input without its small entries: a = z for |z| > threshold, else 0.", threshold="what is small."
)
threshold = _define(
    "threshold",
    "The input where it is large: a = z for z > threshold, else default_value.",
    threshold="what is large.",
    default_value="number for the other entries.",
)
sparse_plus = _define("sparse_plus", "A softplus that reaches 0: a = (z + 1)^2 / 4 for -1 < z < 1, 0 below, z above.")
sparse_sigmoid = _define(
    "sparse_sigmoid",
    "Three lines like sigmoid: a = min(max((z + 1) / 2, 0), 1), derivative 1/2 for -1 < z < 1, else 0.",
)


def softmax(x, axis=-1):
    """Exponentials that sum to one: a_i = exp(z_i) / sum_j exp(z_j), computed after subtracting max z.

    Args:
        x: tensor or array-like of rank >= 1.
        axis: the axis that sums to one; a tuple for several axes together, None for all of them.

    Returns:
        A tensor of the shape and dtype of `x`; for an integer `axis` its attribute `z` is `x`.

    Raises:
        ValueError: if `x` is a scalar or `axis` is out of range.

    Source: Keras `activations.softmax`.
    """
    y = _over_axes("softmax", x, axis)
    if isinstance(axis, int) and y.shape[axis] == 1:
        warn_single_class(axis, y.shape)
    return y


def log_softmax(x, axis=-1):
    """The logarithm of softmax: a_i = z_i - log sum_j exp(z_j), computed after subtracting max z.

    Args:
        x: tensor or array-like of rank >= 1.
        axis: the axis whose exponentials sum to one; a tuple for several axes together, None for all of them.

    Returns:
        A tensor of the shape and dtype of `x`; for an integer `axis` its attribute `z` is `x`.

    Raises:
        ValueError: if `x` is a scalar or `axis` is out of range.

    Source: Keras `activations.log_softmax`.
    """
    return _over_axes("log_softmax", x, axis)


_register("softmax", softmax)
_register("log_softmax", log_softmax)


def _over_axes(name, x, axis):
    """A row-wise activation over one axis, or over several as if they were one."""
    if not isinstance(axis, (tuple, list)) and axis is not None:
        return _core.activation(name, x, axis)
    x = _core.convert(x)
    if not x.ndim:
        raise ValueError(f"[{name}] `x` is a scalar: it must have at least one axis.")
    axes = tuple(range(x.ndim) if axis is None else axis)
    if not axes or not all(config.is_integer(a) and -x.ndim <= a < x.ndim for a in axes):
        raise ValueError(
            f"[{name}] `axis` is {axis!r} for `x` of shape {tuple(x.shape)}: every entry must be an integer in "
            f"[{-x.ndim}, {x.ndim})."
        )
    axes = tuple(a % x.ndim for a in axes)
    if len(set(axes)) < len(axes):
        raise ValueError(f"[{name}] `axis` is {axis!r}: no axis may be named twice.")
    order = [a for a in range(x.ndim) if a not in axes] + list(axes)
    moved = _core.transpose(x, order)
    rows = _core.reshape(moved, moved.shape[: x.ndim - len(axes)] + (-1,))
    y = _core.reshape(_core.activation(name, rows, -1), moved.shape)
    return _core.transpose(y, sorted(range(x.ndim), key=order.__getitem__))


def warn_single_class(axis, shape) -> None:
    """Warn that a softmax over one entry is 1 whatever its input, so that nothing upstream learns."""
    warnings.warn(
        f"[softmax] `axis` {axis} of shape {tuple(shape)} has one entry: its softmax is always 1. Use sigmoid?",
        UserWarning,
        stacklevel=3,
    )


def get(identifier):
    """Return the activation that `identifier` means.

    Args:
        identifier: None (linear), a name such as `"relu"`, a config, or any callable on tensors (a layer too).

    Returns:
        A callable.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `activations.get`.
    """
    return linear if identifier is None else _names.get(identifier)


def serialize(activation):
    """Return the name of a built-in activation, the config of any other. Source: Keras `activations.serialize`."""
    name = getattr(activation, "__name__", None)
    return name if _BY_NAME.get(name) is activation else serialize_keras_object(activation)


def deserialize(config, custom_objects=None):
    """Return the activation that a name or a config means.

    Args:
        config: a name such as "relu", or a dict with `class_name` and `config`.
        custom_objects: dict from names to classes and functions.

    Raises:
        ValueError: for an unknown name.

    Source: Keras `activations.deserialize`.
    """
    return _names.deserialize(config, custom_objects)


def native_name(function) -> str | None:
    """Return the name under which the compiled core knows `function`, or None for a custom one."""
    try:
        return _NAME_OF.get(function)
    except TypeError:  # a callable object need not be hashable
        return None


# These are made of operations, some of which are activations: hence not at the top.
from densegrad.ops.gating import glu, sparsemax  # noqa: E402

_names.register()(glu)
_names.register()(sparsemax)

__all__ = ["deserialize", "get", "serialize", *_BY_NAME]
