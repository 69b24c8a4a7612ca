"""Functions whose derivative is written by hand."""

import functools
import inspect
from numbers import Number

from densegrad import _core, nest

__all__ = ["custom_gradient", "grad_pass_through"]


def custom_gradient(function=None):
    """Replaces the derivative of `function` by one that it supplies.

    Args:
        function: takes tensors, or lists, tuples and dicts of them, and returns `(y, grad)`: y a tensor or a structure
            of them; grad a function of one cotangent per output that returns one gradient (or None) per argument. If
            `function` reads trainable variables that are not among its arguments, grad is also given the keyword
            `variables`, a list of them, and returns a pair: the gradients of the arguments, and a list with one (or
            None) per variable. Without it: a decorator.

    Returns: a function, or a method, of the same arguments that returns y. A gradient of it calls grad; what grad
        computes is recorded by outer tapes, so higher derivatives are those of grad. Keywords are passed on, and have
        no gradient.

    Raises: TypeError if `function` reads such variables and grad takes no `variables`. ValueError for another number of
        gradients.

    Example:
        @dg.custom_gradient
        def clipped_identity(x):
            return dg.ops.identity(x), lambda dy: dg.ops.clip(dy, -1.0, 1.0)

    Source: TensorFlow `custom_gradient`.
    """
    return custom_gradient if function is None else _Custom(function)


def grad_pass_through(f):
    """A function with the values of `f` and the derivative of the identity.

    Args:
        f: takes tensors, and returns as many, of the same shapes.

    Returns: a function of the same arguments. Variables that `f` reads get no gradient from it.

    Source: TensorFlow `grad_pass_through`.
    """

    def passed(*args, **kwargs):
        def grad(*dys, variables=None):
            return dys if variables is None else (dys, [None] * len(variables))

        return f(*args, **kwargs), grad

    return _Custom(functools.update_wrapper(passed, f))


class _Custom:
    """What `custom_gradient` makes of a function; of a method, it binds the instance, which is no tensor."""

    def __init__(self, function):
        self._function = function
        functools.update_wrapper(self, function)

    def __get__(self, instance, owner=None):
        return self if instance is None else _Custom(self._function.__get__(instance, owner))

    def __reduce__(self):
        return self.__qualname__  # copied and pickled as functions are, by name

    def __call__(self, *args, **kwargs):
        args = [_given(arg) for arg in args]
        leaves = nest.flatten(args)
        own = {leaf.id for leaf in nest.flatten([args, kwargs]) if isinstance(leaf, _core.Variable)}
        probe = _core.Tape(False, True)  # sees the variables that the function reads
        with probe:  # outer tapes record too: grad may use what was computed here, and its derivative needs where from
            result = self._function(*args, **kwargs)
        if not (isinstance(result, tuple) and len(result) == 2 and callable(result[1])):
            raise TypeError("[custom_gradient] the function must return a pair (y, grad) with a callable grad.")
        y, grad = result
        variables = [v for v in probe.watched_variables() if v.id not in own]
        if variables:
            _check_takes_variables(grad, variables)
            grad = _with_variables(grad, variables)
        outputs = [_core.convert(leaf) for leaf in nest.flatten(y)]
        inputs = [_core.convert(leaf) for leaf in [*leaves, *variables]]
        return nest.pack_as(y, _core.record_custom(inputs, outputs, lambda *dys: nest.flatten([grad(*dys)])))


def _given(value):
    """An argument with its arrays as tensors; numbers and variables stay what they are."""
    if nest.is_numbers(value):
        return _core.convert(value)
    kept = (Number, _core.Tensor, _core.Variable)
    return nest.pack_as(value, [v if isinstance(v, kept) else _core.convert(v) for v in nest.flatten(value)])


def _check_takes_variables(grad, variables):
    parameters = inspect.signature(grad).parameters
    if "variables" not in parameters and all(p.kind != p.VAR_KEYWORD for p in parameters.values()):
        raise TypeError(
            f"[custom_gradient] the function reads the variables {[v.name for v in variables]}: its grad must accept "
            f"the keyword `variables`, and return a pair, the gradients of the arguments and of the variables; or pass "
            f"them as arguments."
        )


def _with_variables(grad, variables):
    def both(*dys):
        result = grad(*dys, variables=list(variables))
        if not isinstance(result, (list, tuple)) or len(result) != 2 or not isinstance(result[1], (list, tuple)):
            raise ValueError(
                "[custom_gradient] the gradient function got `variables`: it must return a pair, the gradients of the "
                "arguments and a list with those of the variables."
            )
        if len(result[1]) != len(variables):
            raise ValueError(
                f"[custom_gradient] the gradient function returned {len(result[1])} gradients of variables but got "
                f"{len(variables)} variables: it must return one per variable."
            )
        return result

    return both
