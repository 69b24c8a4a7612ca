"""`tf.debugging`: assertions that raise `tf.errors.InvalidArgumentError`, which is a ValueError here."""

import numpy as np

from densegrad import _core, errors, ops


def assert_near(x, y, rtol=None, atol=None, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless |x - y| <= atol + rtol |y|; 10 times the dtype's epsilon by default."""
    x, y = ops._arguments.together("tf.debugging.assert_near", x, y)
    step = 10 * np.finfo(x.dtype).eps
    rtol, atol = (step if v is None else v for v in (rtol, atol))
    if not np.allclose(x.numpy(), y.numpy(), rtol, atol):
        raise errors.InvalidArgumentError(
            f"[tf.debugging.assert_near] {message or 'x and y are not near'}: {x} and {y}."
        )


def _assertion(name, comparison, words):
    def function(x, y, message=None, summarize=None, name=None):
        x, y = ops._arguments.together(f"tf.debugging.{function.__name__}", x, y)
        if not np.all(comparison(x.numpy(), y.numpy())):
            raise errors.InvalidArgumentError(
                f"[tf.debugging.{function.__name__}] {message or f'x is not {words} y'}: {x} and {y}."
            )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Raises InvalidArgumentError unless every entry of x is {words} that of y."
    return function


assert_greater = _assertion("assert_greater", np.greater, "greater than")
assert_greater_equal = _assertion("assert_greater_equal", np.greater_equal, "at least")
assert_less = _assertion("assert_less", np.less, "less than")
assert_less_equal = _assertion("assert_less_equal", np.less_equal, "at most")


def assert_non_negative(x, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless no entry is negative."""
    assert_greater_equal(x, 0, message or "an entry is negative")


def assert_positive(x, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless all entries are positive."""
    assert_greater(x, 0, message or "an entry is not positive")


def assert_equal(x, y, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless all entries are equal."""
    x, y = ops._arguments.together("tf.debugging.assert_equal", x, y)
    if not np.all(x.numpy() == y.numpy()):
        raise errors.InvalidArgumentError(
            f"[tf.debugging.assert_equal] {message or 'x and y are not equal'}: {x} and {y}."
        )


def check_numerics(tensor, message="", name=None):
    """The tensor; raises InvalidArgumentError if an entry is infinite or NaN."""
    tensor = _core.convert(tensor)
    if not np.all(np.isfinite(_core.stop_gradient(tensor).numpy())):
        raise errors.InvalidArgumentError(
            f"[tf.debugging.check_numerics] {message or 'the tensor'} has infinite or NaN entries."
        )
    return tensor


def assert_all_finite(x, message, name=None):
    """The tensor; raises InvalidArgumentError if an entry is infinite or NaN."""
    return check_numerics(x, message)


def assert_none_equal(x, y, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError if an entry of x is that of y."""
    x, y = ops._arguments.together("tf.debugging.assert_none_equal", x, y)
    if np.any(x.numpy() == y.numpy()):
        raise errors.InvalidArgumentError(
            f"[tf.debugging.assert_none_equal] {message or 'x and y share an entry'}: {x} and {y}."
        )


def assert_negative(x, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless all entries are negative."""
    assert_less(x, 0, message or "an entry is not negative")


def assert_non_positive(x, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless no entry is positive."""
    assert_less_equal(x, 0, message or "an entry is positive")


def assert_rank(x, rank, message=None, name=None):
    """Raises InvalidArgumentError unless x has that many axes."""
    x = _core.convert(x)
    if x.ndim != int(rank):
        raise errors.InvalidArgumentError(
            f"[tf.debugging.assert_rank] {message or 'the ranks differ'}: {x.ndim} and {int(rank)}."
        )


def assert_rank_at_least(x, rank, message=None, name=None):
    """Raises InvalidArgumentError unless x has that many axes or more."""
    x = _core.convert(x)
    if x.ndim < int(rank):
        raise errors.InvalidArgumentError(
            f"[tf.debugging.assert_rank_at_least] {message or 'the rank is less'}: {x.ndim} and {int(rank)}."
        )


def assert_integer(x, message=None, name=None):
    """Raises TypeError unless x holds integers."""
    dtype = _core.convert(x).dtype
    if dtype.kind != "i":
        raise TypeError(f"[tf.debugging.assert_integer] {message or 'x must hold integers'}: it is {dtype}.")


def is_numeric_tensor(tensor):
    """Whether the argument is a tensor of numbers."""
    return isinstance(tensor, (_core.Tensor, _core.Variable)) and tensor.dtype != bool


def assert_scalar(tensor, message=None, name=None):
    """The tensor; raises InvalidArgumentError unless it has no axes."""
    assert_rank(tensor, 0, message)
    return tensor


def assert_type(tensor, tf_type, message=None, name=None):
    """Raises TypeError unless the tensor has that dtype."""
    dtype = _core.convert(tensor).dtype
    if dtype != np.dtype(tf_type):
        raise TypeError(
            f"[tf.debugging.assert_type] {message or 'the dtypes differ'}: {dtype} and {np.dtype(tf_type)}."
        )


def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless each tensor has its shape: numbers, None for any, names for equal extents."""
    known = {}
    for x, shape in shapes.items() if isinstance(shapes, dict) else shapes:
        got = tuple(_core.convert(x).shape)
        wanted = tuple(shape) if isinstance(shape, (tuple, list, str)) else (shape,)
        fits = len(got) == len(wanted) and all(
            n is None or (known.setdefault(n, m) if isinstance(n, str) else n) == m for n, m in zip(wanted, got)
        )
        if not fits:
            raise errors.InvalidArgumentError(
                f"[tf.debugging.assert_shapes] {message or 'a shape is another'}: {got} and {wanted}."
            )


def Assert(condition, data, summarize=None, name=None):
    """Raises InvalidArgumentError with `data` unless every entry of the condition holds."""
    if not np.all(_core.convert(condition).numpy()):
        raise errors.InvalidArgumentError(f"[tf.debugging.Assert] the condition does not hold: {data}.")
