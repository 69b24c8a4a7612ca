"""The methods that NumPy users expect on an array, for Tensor and Variable: operations of `ops`, recorded as such."""

from densegrad import _core, ops


def reshape(self, *shape):
    """The entries, in order, in another shape: `t.reshape(2, -1)` or `t.reshape((2, -1))`."""
    return ops.reshape(self, shape[0] if len(shape) == 1 else shape)


def transpose(self, *axes):
    """The tensor with its axes in another order, reversed without arguments."""
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return ops.transpose(self, axes or None)


def astype(self, dtype):
    """The tensor in another dtype; the gradient is cast back."""
    return ops.cast(self, dtype)


def clip(self, min=None, max=None):
    """The entries cut to [min, max]; None is no bound."""
    return ops.clip(self, min, max)


def flatten(self):
    """The entries, in order, along one axis."""
    return ops.ravel(self)


def copy(self):
    """The tensor under an identity of its own; the gradient is passed on."""
    return ops.identity(self)


def tolist(self):
    """The entries as nested lists of Python numbers, outside of the record."""
    return self.numpy().tolist()


def get_shape(self):
    """The extents, as the property `shape`. Source: TensorFlow `Tensor.get_shape`."""
    return self.shape


def _and(self, other):
    return ops.logical_and(*_bools(self, other))


def _or(self, other):
    return ops.logical_or(*_bools(self, other))


def _xor(self, other):
    return ops.logical_xor(*_bools(self, other))


def _invert(self):
    return ops.logical_not(*_bools(self))


def _bools(*values):
    tensors = [_core.convert(v) for v in values]
    for t in tensors:
        if t.dtype != bool:
            raise TypeError(f"[Tensor] `&`, `|`, `^` and `~` got {t.dtype}: they take bool tensors.")
    return tensors


# Operations whose first argument becomes the tensor itself.
_SAME = (
    "all any argmax argmin cumsum diagonal dot max mean min prod ravel repeat squeeze std sum swapaxes take trace var"
)
_OWN = (reshape, transpose, astype, clip, flatten, copy, get_shape, tolist)
_OPERATORS = {"and": _and, "or": _or, "xor": _xor}


def install():
    """Gives Tensor and Variable their methods."""
    for cls in (_core.Tensor, _core.Variable):
        for name in _SAME.split():
            setattr(cls, name, getattr(ops, name))
        for method in _OWN:
            setattr(cls, method.__name__, method)
        for name, method in _OPERATORS.items():
            setattr(cls, f"__{name}__", method)
            setattr(cls, f"__r{name}__", method)
        cls.__invert__ = _invert
        cls.__pos__ = copy
