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

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        args, chosen = _sources("grad", args, argnums)
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(chosen)
            result = function(*args, **kwargs)
        value, aux = _with_aux("grad", result, has_aux)
        if value.dtype.kind != "f":
            raise TypeError(
                f"[grad] the function returned {value.dtype}, which has no derivative: return float32 or float64."
            )
        if value.shape != ():
            raise ValueError(
                f"[grad] the function returned a tensor of shape {tuple(value.shape)}: it must return a scalar; reduce "
                "it, or use jacobian."
            )
        gradient = _unpacked(tape.gradient(value, chosen, unconnected_gradients="zero"), argnums)
        return ((value, aux) if has_aux else value), gradient

    return wrapped


def grad(function, argnums=0, has_aux=False):
    """A function that returns the gradient of `function`; with `has_aux`, the pair (gradient, aux).

    Args, Raises: as `value_and_grad`.

    Source: JAX `grad`.
    """
    both = value_and_grad(function, argnums, has_aux)

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

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        args, chosen = _sources("jacobian", args, argnums)
        with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(chosen)
            result = function(*args, **kwargs)
        value, aux = _with_aux("jacobian", result, has_aux, structure=True)
        rows = [
            _unpacked(tape.jacobian(leaf, chosen, unconnected_gradients="zero"), argnums)
            for leaf in nest.flatten(value)
        ]
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
    return jacobian(grad(function, argnums), argnums)


def jvp(function, primals, tangents):
    """The value of `function` and its directional derivative, in one forward pass.

        jvp = sum_i d function / d primals[i] · tangents[i]

    Args:
        function: takes tensors, or structures of them, and returns a tensor or a structure of tensors.
        primals: a tuple of the arguments.
        tangents: a tuple of directions, in the structure and shapes of `primals`; cast to their dtypes.

    Returns: `(value, tangent)`, both in the structure of the result; the tangent is zero where nothing connects it.

    Raises: TypeError if `primals` is no tuple or list, or holds no float tensor; ValueError for shapes that differ.

    Source: JAX `jvp`.
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("[jvp] `primals` and `tangents` must be tuples, one entry per argument of the function.")
    if len(primals) != len(tangents):
        raise ValueError(f"[jvp] `tangents` has {len(tangents)} entries and `primals` {len(primals)}: one is for each.")
    args, sources = _sources("jvp", primals, tuple(range(len(primals))))
    directions = matching("jvp", "tangents", tangents, sources)
    sources = nest.flatten(sources)
    tape = _core.Tape(True, False)
    with tape:
        tape.watch(sources)
        value = nest.converted(function(*args))
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
        value = nest.converted(function(*args))
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
    return jvp(grad(function, tuple(range(len(primals)))), primals, tangents)


def zeros_like(x):
    return _core.constant(np.zeros(x.shape, x.dtype))


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


def _with_aux(tag, result, has_aux, structure=False):
    aux = None
    if has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"[{tag}] `has_aux` is True but the function did not return a pair (value, aux).")
        result, aux = result
    if not structure and isinstance(result, (list, tuple, dict)):
        raise ValueError(
            f"[{tag}] the function returned a structure of type {type(result).__name__}: it must return a scalar."
        )
    return nest.converted(result), aux


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
