"""Operations that move entries."""

from densegrad import _core


def reshape(x, newshape):
    """The entries of x, in order, in another shape; one extent may be -1.

    Gradient: reshaped back.
    """
    return _core.reshape(x, newshape)


def transpose(x, axes=None):
    """x with its axes in the order `axes`, or reversed.

    Gradient: transposed back.
    """
    return _core.transpose(x, axes)


def concatenate(xs, axis=0):
    """The tensors `xs` joined along one axis.

    Gradient: the parts.
    """
    return _core.concatenate(xs, axis)


def pad(x, pad_width):
    """x with zeros around it: one pair (before, after) per axis.

    Gradient: the inner part.
    """
    return _core.pad(x, pad_width)


def take(x, indices, axis=None):
    """The slices of x at integer `indices` along one axis, or the entries of the flat x.

    Gradient: scattered back; equal indices add up.
    """
    return _core.take(x, indices, axis)


def scatter_add(x, indices, updates):
    """A copy of x with `updates` added to its rows at integer `indices`; equal indices add up.

    Gradient: d/dx = 1; d/dupdates = the rows taken.
    """
    return _core.scatter_add(x, indices, updates)


def one_hot(indices, num_classes, dtype="float32"):
    """1 at each index along a new last axis; an index outside [0, num_classes) gives zeros."""
    return _core.one_hot(indices, num_classes, dtype)


def broadcast_to(x, shape):
    """x repeated to `shape` under NumPy's rules.

    Gradient: summed back.
    """
    return _core.broadcast_to(x, shape)


def sum_to(x, shape):
    """x summed to `shape`: the adjoint of `broadcast_to`.

    Gradient: broadcast back.
    """
    return _core.sum_to(x, shape)


def stop_gradient(x):
    """x as a constant.

    Gradient: none flows.
    """
    return _core.stop_gradient(x)


def identity(x):
    """x as a new tensor, which has forgotten its pre-activation.

    Gradient: passed on.
    """
    return _core.identity(x)
