"""Functions of functions: gradients, Jacobians and directional derivatives, without a tape in sight.

They nest in any order, with `vmap` too: `jvp` of `grad` is a Hessian-vector product, `vmap(grad(f))` gives the gradient
of every example.
"""

from __future__ import annotations

import functools

import numpy as np

from densegrad import _core, config, nest
from densegrad.tape import GradientTape

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


def value_and_grad(function, argnums=0, has_aux=False):
    """A function that returns the value of `function` and its gradient.

    Args:
        function: takes tensors, or nested lists, tuples and dicts of them, and returns a scalar tensor.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        has_aux: whether `function` returns a pair (scalar, anything): the second part is passed through.

    Returns: a function of the same arguments that returns `(value, gradient)`, or `((value, aux), gradient)`. The
        gradient has the structure, shapes and dtypes of the argument; with a tuple of positions it is a tuple. It is
        zero where the value does not depend on the argument. Arrays, numbers and lists of numbers are taken as tensors.

    Raises: TypeError for an argument or a value that holds no float tensor, or no position in `argnums`; ValueError for
        a position twice, or if the value is no scalar.

    Source: JAX `value_and_grad`.
    """

    return _value_and_grad("grad", function, argnums, has_aux)


def _value_and_grad(tag, function, argnums=0, has_aux=False):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        args, chosen = _sources(tag, args, argnums)
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(chosen)
            result = function(*args, **kwargs)
        value, aux = _with_aux(tag, result, has_aux)
        if isinstance(value, (list, tuple, dict)):
            raise ValueError(
                f"[{tag}] the function returned a structure of type {type(value).__name__}: it must return a scalar."
            )
        if value.shape != ():
            raise ValueError(
                f"[{tag}] the function returned a tensor of shape {tuple(value.shape)}: it must return a scalar; "
                "reduce it, or use jacobian."
            )
        gradient = _unpacked(tape.gradient(value, chosen, unconnected_gradients="zero"), argnums)
        return ((value, aux) if has_aux else value), gradient

    return wrapped


def grad(function, argnums=0, has_aux=False):
    """A function that returns the gradient of `function`; with `has_aux`, the pair (gradient, aux).

    Args, Raises: as `value_and_grad`.

    Source: JAX `grad`.
    """
    return _grad("grad", function, argnums, has_aux)


def _grad(tag, function, argnums, has_aux=False):
    both = _value_and_grad(tag, function, argnums, has_aux)

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def jacobian(function, argnums=0, has_aux=False):
    """A function that returns the Jacobian of `function`: every entry of the result by every entry of the argument.

    Args:
        function: takes tensors, or structures of them, and returns a tensor, or a structure of tensors.
        argnums, has_aux: as in `value_and_grad`.

    Returns: a function that returns, for every tensor of the result, what `grad` returns for a scalar, with the shape
        result.shape + argument.shape.

    Source: JAX `jacrev`.
    """

    return _jacobian("jacobian", function, argnums, has_aux)


def _jacobian(tag, function, argnums, has_aux=False):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        args, chosen = _sources(tag, args, argnums)
        with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(chosen)
            result = function(*args, **kwargs)
        value, aux = _with_aux(tag, result, has_aux)
        rows = [_unpacked(tape._jacobian(leaf, chosen, True, False, tag), argnums) for leaf in nest.flatten(value)]
        full = nest.pack_as(value, rows)
        return (full, aux) if has_aux else full

    return wrapped


def hessian(function, argnums=0):
    """A function that returns the matrix of second derivatives of a scalar `function`.

        H[i..., j...] = d^2 function / d x[i...] d x[j...]

    Args: as in `grad`.

    Returns: a function that returns the Jacobian of the gradient: shape x.shape + x.shape for one tensor x; a structure
        of structures else.

    Source: JAX `hessian`.
    """
    return _jacobian("hessian", _grad("hessian", function, argnums), argnums)


def jvp(function, primals, tangents):
    """The value of `function` and its directional derivative, in one forward pass.

        jvp = sum_i d function / d primals[i] · tangents[i]

    Args:
        function: takes tensors, or structures of them, and returns a tensor or a structure of tensors.
        primals: a tuple of the arguments.
        tangents: a tuple of directions, in the structure and shapes of `primals`; cast to their dtypes.

    Returns: `(value, tangent)`, both in the structure of the result; the tangent is zero where nothing connects it.

    Raises: TypeError if `primals` is no tuple or list, or holds no float tensor, or for a result that is none;
        ValueError for shapes that differ.

    Source: JAX `jvp`.
    """
    return _jvp("jvp", function, primals, tangents)


def _jvp(tag, function, primals, tangents):
    _check_tuples(tag, primals, tangents)
    if len(primals) != len(tangents):
        raise ValueError(
            f"[{tag}] `tangents` has {len(tangents)} entries and `primals` {len(primals)}: one is for each."
        )
    args, sources = _sources(tag, primals, tuple(range(len(primals))))
    directions = matching(tag, "tangents", tangents, sources)
    sources = nest.flatten(sources)
    tape = _core.Tape(True, False)
    with tape:
        tape.watch(sources)
        value = _differentiable(tag, function(*args))
    leaves = nest.flatten(value)
    moved = tape._jvp(leaves, sources, directions)
    zeros = [zeros_like(leaf) if t is None else t for leaf, t in zip(leaves, moved)]
    return value, nest.pack_as(value, zeros)


def vjp(function, *primals):
    """The value of `function`, and a function that pulls cotangents back to the arguments.

        vjp_function(c)[i] = d <c, function> / d primals[i]

    Args:
        function: takes tensors, or structures of them, and returns a tensor or a structure of tensors.
        primals: the arguments.

    Returns: `(value, vjp_function)`. `vjp_function` takes cotangents in the structure and shapes of the value and
        returns a tuple with one gradient per argument; it may be called any number of times.

    Source: JAX `vjp`.
    """
    args, sources = _sources("vjp", primals, tuple(range(len(primals))))
    tape = GradientTape(persistent=True, watch_accessed_variables=False)
    with tape:
        tape.watch(sources)
        value = _differentiable("vjp", function(*args))
    leaves = nest.flatten(value)

    def pull_back(cotangents):
        weights = matching("vjp", "cotangents", cotangents, value)
        return tape.gradient(leaves, sources, weights, unconnected_gradients="zero")

    return value, pull_back


def hvp(function, primals, tangents):
    """The gradient of a scalar `function`, and its Hessian times a vector: forward over reverse, without the Hessian.

    Args: as in `jvp`.

    Returns: `(gradient, product)`, each a tuple with one entry per argument.
    """
    _check_tuples("hvp", primals, tangents)
    return _jvp("hvp", _grad("hvp", function, tuple(range(len(primals)))), primals, tangents)


def zeros_like(x):
    return _core.constant(np.zeros(x.shape, x.dtype))


def _check_tuples(tag, *values):
    if not all(isinstance(value, (tuple, list)) for value in values):
        raise TypeError(f"[{tag}] `primals` and `tangents` must be tuples, one entry per argument of the function.")


def _sources(tag, args, argnums):
    """The arguments with fresh tensors at `argnums`, and these tensors as a tuple of structures."""
    args, chosen, seen = list(args), [], set()
    for n in argnums if isinstance(argnums, (tuple, list)) else (argnums,):
        if not config.is_integer(n) or not -len(args) <= n < len(args):
            raise TypeError(f"[{tag}] `argnums` has {n!r} for {len(args)} positional arguments: it must be a position.")
        if n % len(args) in seen:
            raise ValueError(f"[{tag}] `argnums` is {argnums!r}: every argument may be named once.")
        seen.add(n % len(args))
        # A fresh identity: the same tensor elsewhere, and an enclosing derivative, are other variables.
        args[n] = nest.argument(args[n])
        leaves = [_core.identity(leaf) for leaf in nest.flatten(args[n])]
        for leaf in leaves:
            if leaf.dtype.kind != "f":
                raise TypeError(
                    f"[{tag}] argument {n} is {leaf.dtype}: it must be float32 or float64; convert it with "
                    "dg.ops.cast(x, 'float32')."
                )
        args[n] = nest.pack_as(args[n], leaves)
        chosen.append(args[n])
    return args, tuple(chosen)


def _unpacked(results, argnums):
    return results if isinstance(argnums, (tuple, list)) else results[0]


def _with_aux(tag, result, has_aux):
    aux = None
    if has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"[{tag}] `has_aux` is True but the function did not return a pair (value, aux).")
        result, aux = result
    return _differentiable(tag, result), aux


def _differentiable(tag, result):
    """What the function returned, as float tensors."""
    value = nest.results(tag, result)
    for leaf in nest.flatten(value):
        if leaf.dtype.kind != "f":
            raise TypeError(
                f"[{tag}] the function returned {leaf.dtype}, which has no derivative: return float32 or float64."
            )
    return value


def matching(tag, name, values, structure):
    """One tensor in `values` for each in `structure`, cast to its dtype; the shapes must be equal."""
    likes, leaves = nest.flatten(structure), nest.flatten_up_to(structure, values)
    missing = sum(leaf is None for leaf in leaves)
    if missing:
        raise ValueError(f"[{tag}] `{name}` lacks {missing} of {len(likes)} tensors: it must have their structure.")
    out = [_core.convert(leaf, like.dtype) for leaf, like in zip(leaves, likes)]
    for leaf, like in zip(out, likes):
        if leaf.shape != like.shape:
            raise ValueError(
                f"[{tag}] `{name}` has a tensor of shape {tuple(leaf.shape)} where {tuple(like.shape)} is needed."
            )
    return out
