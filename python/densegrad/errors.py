"""What the operations raise: Python's own errors, which are also TensorFlow's.

`except ValueError` and `except tf.errors.InvalidArgumentError` both catch an `InvalidArgumentError`.
"""

__all__ = [
    "InvalidArgumentError",
    "InvalidDivisionError",
    "InvalidIndexError",
    "InvalidTypeError",
    "OpError",
    "OutOfRangeError",
    "ResourceExhaustedError",
]


class OpError(Exception):
    """An operation did not take its arguments, or could not be done.

    Args:
        arguments: the message; or, as TensorFlow has it, `(node_def, op, message, ...)`, of which the message counts.

    Source: TensorFlow `errors.OpError`.
    """

    def __init__(self, *arguments):
        super().__init__(*(arguments[2:3] or arguments))

    @property
    def message(self):
        """The text of the error."""
        return str(self)


class InvalidArgumentError(OpError, ValueError):
    """An argument has a value or a shape that does not fit. Source: TensorFlow `errors.InvalidArgumentError`."""


class InvalidTypeError(InvalidArgumentError, TypeError):
    """An argument is of a type or dtype that does not fit."""


class InvalidIndexError(InvalidArgumentError, IndexError):
    """An index is out of range."""


class InvalidDivisionError(InvalidArgumentError, ZeroDivisionError):
    """Integers were to be divided by zero."""


class OutOfRangeError(OpError, ValueError):
    """A dataset or a list of tensors has no such element. Source: TensorFlow `errors.OutOfRangeError`."""


class ResourceExhaustedError(OpError, MemoryError):
    """There is not as much memory. Source: TensorFlow `errors.ResourceExhaustedError`."""
