"""Arguments that several operations read in the same way."""

from densegrad import _core
from densegrad.config import is_integer
from densegrad.errors import InvalidArgumentError, InvalidTypeError

TENSORS = (_core.Tensor, _core.Variable)
_WIDTHS = ("bool", "int32", "int64", "float32", "float64")


def tensor(x, like=None):
    """`x` as a tensor; an array or number takes the dtype of `like`. One of a functional model stays what it is."""
    if isinstance(x, _core.SymbolicTensor):
        return x
    return _core.convert(x) if isinstance(x, TENSORS) else _core.convert(x, like)


def together(tag, *xs):
    """Tensors of all `xs`: arrays and numbers take the dtype of the first tensor, or else the widest among them.

    Raises: TypeError for floats beside a tensor of integers, which would be cut off; for tensors of two dtypes.
    """
    like = next((x.dtype for x in xs if isinstance(x, TENSORS)), None)
    if like is None:
        ys = [_core.convert(x) for x in xs]
        widest = max((y.dtype.name for y in ys), key=_WIDTHS.index, default=None)
        return [_core.cast(y, widest) for y in ys]
    ys = [_beside(like, x) for x in xs]
    for y in ys:
        if y.dtype != like:
            raise InvalidTypeError(
                f"[{tag}] got {like} and {y.dtype}: all arguments must have one dtype; convert some with "
                f"cast(x, dtype)."
            )
    return ys


def _beside(like, x):
    """`x` as a tensor, in the dtype `like` of a tensor unless `x` is one itself or would be cut off."""
    if isinstance(x, TENSORS) or like.kind == "f":
        return tensor(x, like)
    natural = _core.convert(x)
    return natural if natural.dtype.kind == "f" else _core.cast(natural, like)


def one_axis(tag, axis, rank, argument="axis"):
    """`axis` counted from the front.

    Raises: TypeError if it is no integer; ValueError if it is out of range.
    """
    if not is_integer(axis):
        raise InvalidTypeError(f"[{tag}] `{argument}` is {axis!r}: it must be an integer.")
    if not -rank <= axis < rank:
        raise InvalidArgumentError(
            f"[{tag}] `{argument}` is {axis} but the tensor has {rank} axes: it must be in [-{rank}, {rank})."
        )
    return int(axis) % rank


def some_axes(tag, axis, rank):
    """`axis`, an integer, a sequence of them or None for all, as a list counted from the front, ascending."""
    if axis is None:
        return list(range(rank))
    axes = sorted(one_axis(tag, a, rank) for a in (axis if isinstance(axis, (list, tuple)) else [axis]))
    for a, b in zip(axes, axes[1:]):
        if a == b:
            raise InvalidArgumentError(f"[{tag}] `axis` names axis {a} twice: each axis may occur once.")
    return axes


def extent(tag, x, axis):
    """The length of an axis of `x`; ValueError if it is unknown."""
    n = x.shape[axis]
    if n is None:
        raise InvalidArgumentError(f"[{tag}] axis {axis} of this symbolic tensor is unknown: its length is needed.")
    return n


def known(tag, *xs):
    """Raise ValueError if the length of an axis is unknown."""
    for x in xs:
        for axis in range(x.ndim):
            extent(tag, x, axis)


def reshaped(x, shape):
    """`x` in another shape; None stands for the one unknown extent."""
    return _core.reshape(x, [-1 if n is None else n for n in shape])


def at(axis, index):
    """The index that takes `index` along one axis and everything along those before."""
    return (slice(None),) * axis + (index,)


def flattened(tag, x, axis):
    """`x` with the axes `axis` moved to the end and joined there, and the shape of the others."""
    axes = some_axes(tag, axis, x.ndim)
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = [x.shape[a] for a in kept]
    n = 1
    for a in axes:
        n *= extent(tag, x, a)
    if kept + axes != list(range(x.ndim)):
        x = _core.transpose(x, kept + axes)
    return reshaped(x, [*shape, n]), shape


def with_kept_axes(tag, y, axis, full, keepdims):
    """A reduced `y` with the reduced axes of the shape `full` as 1 if `keepdims`."""
    if not keepdims:
        return y
    axes = some_axes(tag, axis, len(full))
    return reshaped(y, [1 if a in axes else n for a, n in enumerate(full)])
