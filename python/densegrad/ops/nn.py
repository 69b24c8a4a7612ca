"""Dense layers, activations and losses as functions, with their vector-Jacobian products.

`dense`, the losses and the `_vjp`s give NumPy arrays for plain arrays, tensors if a tensor is among the arguments.
"""

from densegrad import _core, activations

_TENSORS = (_core.Tensor, _core.Variable)


def _as_given(result, *arguments):
    """`result` as an array if none of the arguments is a tensor."""
    for argument in arguments:
        if isinstance(argument, _TENSORS):
            return result
    return None if result is None else result.numpy()


def dense(x, kernel, bias=None, activation="linear"):
    """A dense layer.

        z = x @ kernel + bias,    y = activation(z)

    Args:
        x: (batch, ..., features) float32 or float64.   kernel: (features, units).   bias: (units,) or None.
        activation: the name of an activation, applied to the last axis.

    Returns: y, (batch, ..., units). As a tensor it carries its pre-activation as `y.z`.

    Raises: ValueError for shapes that do not fit; TypeError for dtypes that differ.
    """
    return _as_given(_core.dense(x, kernel, bias, activation), x, kernel, bias)


def dense_vjp(x, kernel, bias, activation, dy):
    """The gradients of sum(dy * dense(x, kernel, bias, activation)).

        dz = activation'(z)^T dy,    dx = dz @ kernel^T,    dkernel = x^T @ dz,    dbias = sum of dz over the batch

    Args: x, kernel, bias, activation as in `dense`; dy has the shape of its result.

    Returns: (dx, dkernel, dbias), each with the shape of its argument; dbias is None if bias is.
    """
    grads = _core.dense_vjp(x, kernel, bias, activation, dy)
    return tuple(_as_given(g, x, kernel, bias, dy) for g in grads)


def _make_loss(name):
    def loss(y_true, y_pred, from_logits=False, *, axis=-1, sample_weight=None, reduction="none", **parameters):
        result = _core.loss(name, y_true, y_pred, sample_weight, from_logits, axis, reduction, **parameters)
        return _as_given(result, y_true, y_pred, sample_weight, *parameters.values())

    def vjp(y_true, y_pred, dy=1.0, from_logits=False, *, axis=-1, sample_weight=None, reduction="none", **parameters):
        p = _core.convert(y_pred)
        if p.dtype.kind != "f":
            p = _core.cast(p, "float32")
        tape = _core.Tape()  # outer tapes record what it computes
        with tape:
            tape.watch(p)
            value = _core.loss(name, y_true, p, sample_weight, from_logits, axis, reduction, **parameters)
        grad = tape._gradient(value, p, [_core.broadcast_to(_core.convert(dy, value.dtype), value.shape)])
        return _as_given(grad, y_true, y_pred, sample_weight, dy, *parameters.values())

    loss.__name__ = loss.__qualname__ = name
    logits = _core.loss_has_logits(name)
    own = ", ".join(f"{key}={value!r}" for key, value in _core.loss_parameters(name).items())
    loss.__doc__ = f"""The loss of each sample: {_core.loss_formula(name)}.

    Args:
        y_true: labels, with the shape of y_pred (sparse: integers, without the class axis).
        y_pred: (..., classes) float32 or float64, probabilities or predictions{"; with from_logits, logits" * logits}.
        axis: of the classes.   sample_weight: factors of the values, or None.
        parameters: {own or "none"}; as in Keras.
        reduction: "none", "sum", "mean", "sum_over_batch_size" or "mean_with_sample_weight".

    Returns: the values, in the shape of y_pred without the class axis, or their reduction.

    Source: Keras `losses.{name}`.
    """
    vjp.__name__ = vjp.__qualname__ = f"{name}_vjp"
    vjp.__doc__ = f"""The gradient of sum(dy * {name}(y_true, y_pred, ...)) with respect to y_pred.

    Args: as in `{name}`; dy is a number or has the shape of its result.

    Returns: an array or tensor of the shape of y_pred.
    """
    return loss, vjp


def gelu(x, approximate=True):
    """The input weighted by the normal distribution, as `activations.gelu`, but approximate unless asked otherwise.

    Args: x: float32 or float64.   approximate: whether to take z (1 + tanh(...)) / 2.

    Returns: a tensor of the shape of x.

    Source: Keras `ops.gelu`, whose default differs from that of `activations.gelu`.
    """
    return activations.gelu(x, approximate)


__all__ = ["dense", "dense_vjp", "gelu"]
for _name in _core.activation_names():
    if _name not in __all__:
        globals()[_name] = getattr(activations, _name)
        __all__.append(_name)
for _name in _core.loss_names():
    globals()[_name], globals()[f"{_name}_vjp"] = _make_loss(_name)
    __all__ += [_name, f"{_name}_vjp"]
