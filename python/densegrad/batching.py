"""`vmap`: a function of one example as a function of batches."""

from __future__ import annotations

import functools
import threading
import warnings

from densegrad import _core, config, nest

__all__ = ["vmap"]

_open = threading.local()  # how many batches the thread is in


def in_batch() -> bool:
    """Return whether a function runs on the stand-ins of a batch."""
    return getattr(_open, "count", 0) > 0


def vmap(function, in_axes=0, out_axes=0):
    """A function that does to every example of a batch what `function` does to one, as operations on whole batches.

        vmap(f)(x)[b] = f(x[b])

    `function` runs once, on stand-ins with the shape and dtype of one example; what it did is then done to the batch.
    If it reads values of an example (a branch on a number, `numpy()`), it runs once per example instead, and warns.
    A random draw inside is one draw for all examples.

    Args:
        function: takes tensors, or structures of them, and returns a tensor or a structure of tensors. A list of
            numbers is one array, as for `grad`.
        in_axes: for each argument the axis of the examples, or None for an argument that they share; one number for
            all, or a tuple with a number, None, or a structure of them per argument. Keyword arguments are batched over
            axis 0.
        out_axes: where the axis of the examples goes in the results; one number, or one per result.

    Returns: a function of the batches.

    Raises: ValueError for axes that do not exist, batches of different lengths, or no batch at all; TypeError for a
        function that returns None.

    Source: JAX `vmap`.
    """

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        places = _places(in_axes, len(args))
        args = [_whole(value, axis) for value, axis in zip(args, places)]
        kwargs = {name: _whole(value, 0) for name, value in kwargs.items()}
        leaves, axes = _batched_leaves([*zip(args, places), *((kwargs[name], 0) for name in sorted(kwargs))])
        lengths = {x.shape[axis] for x, axis in zip(leaves, axes) if axis is not None}
        if len(lengths) != 1:
            got = f"the lengths {sorted(lengths)}" if lengths else "no batched argument"
            raise ValueError(f"[vmap] there are {got}: all batched arguments must have one and the same length.")
        (batch,) = lengths
        batches = [_move_axis(x, axis, 0) for x, axis in zip(leaves, axes) if axis is not None]

        def apply(examples):
            rest = iter(examples)
            merged = [x if axis is None else next(rest) for x, axis in zip(leaves, axes)]
            positional, named = nest.pack_as((args, kwargs), merged)
            return nest.results("vmap", function(*positional, **named))

        return _moved(*_over_batch(apply, batches, batch), out_axes)

    return wrapped


def _over_batch(apply, batches, batch):
    """The structure of the results and their batches."""
    structure = []

    def flat(examples):
        structure[:] = [apply(examples)]
        return nest.flatten(structure[0])

    _open.count = getattr(_open, "count", 0) + 1
    try:
        return structure, _core.vmap(flat, batches, batch)
    except _core.SymbolicError:
        pass
    finally:
        _open.count -= 1
    if not batch:
        raise ValueError(
            "[vmap] the function reads the value of an example and the batch is empty, so nothing tells the shape of "
            "its results: select with dg.ops.where to have it batched."
        )
    warnings.warn(
        "[vmap] the function reads the value of an example, so it runs once per example: select with dg.ops.where to "
        "have it batched.",
        UserWarning,
        stacklevel=4,
    )
    rows = [flat([x[b] for x in batches]) for b in range(batch)]
    for b, row in enumerate(rows):
        shapes, first = ([tuple(y.shape) for y in some] for some in (row, rows[0]))
        if shapes != first:
            raise ValueError(
                f"[vmap] the function returned the shapes {first} for example 0 but {shapes} for example {b}: they "
                "must be equal."
            )
    return structure, [_core.concatenate([y[None] for y in column], 0) for column in zip(*rows)]


def _moved(structure, results, out_axes):
    (example,) = structure
    places = [out_axes] * len(results) if config.is_integer(out_axes) else nest.flatten(out_axes)
    if len(places) != len(results) or not all(map(config.is_integer, places)):
        raise ValueError(f"[vmap] `out_axes` is {out_axes!r}: it must be an integer, or one per result.")
    for y, place in zip(results, places):
        if not -y.ndim <= place < y.ndim:
            raise ValueError(f"[vmap] `out_axes` has {place} for a result with {y.ndim} axes: there is no such axis.")
    return nest.pack_as(example, [_move_axis(y, 0, place) for y, place in zip(results, places)])


def _places(in_axes, count):
    """One entry of `in_axes` per positional argument."""
    if config.is_integer(in_axes) or in_axes is None:
        return [in_axes] * count
    if not isinstance(in_axes, (tuple, list)) or len(in_axes) != count:
        raise ValueError(
            f"[vmap] `in_axes` is {in_axes!r} for {count} positional arguments: it must be an integer, None, or a "
            "tuple with one entry per argument."
        )
    return in_axes


def _whole(value, axis):
    """A list of numbers is one array, as for `grad`; a shared argument stays what it is."""
    return _core.convert(value) if axis is not None and nest.is_numbers(value) else value


def _batched_leaves(arguments):
    """All tensors of the (argument, axes) pairs, and for each its batch axis or None."""
    leaves, axes = [], []
    for value, axis in arguments:
        parts = nest.flatten(value)
        single = config.is_integer(axis) or axis is None
        spread = [axis] * len(parts) if single else nest.flatten_up_to(value, axis)
        parts = [x if a is None else _core.convert(x) for x, a in zip(parts, spread)]
        for x, a in zip(parts, spread):
            if a is not None and not (config.is_integer(a) and -x.ndim <= a < x.ndim):
                raise ValueError(
                    f"[vmap] `in_axes` has {a!r} for an argument of shape {tuple(x.shape)}: there is no such axis."
                )
        leaves += parts
        axes += spread
    return leaves, axes


def _move_axis(x, source, destination):
    order = list(range(x.ndim))
    order.insert(destination % x.ndim, order.pop(source))
    return _core.transpose(x, order)
