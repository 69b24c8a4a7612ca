"""`tf.Variable`: densegrad's, with TensorFlow's arguments and names."""

from densegrad import _core


class Variable(_core.Variable):
    """A variable whose `name` ends with ":0", as TensorFlow's do; weights of layers are `keras.Variable`s without it.

    Args:
        initial_value: an array, tensor or number, or a function that makes one.
        trainable: whether open tapes watch it when it is read; None means True.
        name: str.
        dtype: None keeps the value's.
        constraint: a function of the value, which optimizers apply after a step.
        shape: what the value's must be, None in it for any extent.
        validate_shape, caching_device, variable_def, import_scope, options: accepted for TensorFlow's sake.

    Source: TensorFlow `Variable`.
    """

    def __init__(
        self,
        initial_value=None,
        trainable=True,
        validate_shape=True,
        caching_device=None,
        name=None,
        variable_def=None,
        dtype=None,
        import_scope=None,
        constraint=None,
        synchronization=None,
        aggregation=None,
        shape=None,
        **options,
    ):
        super().__init__(initial_value, True if trainable is None else trainable, name, dtype, shape)
        if constraint is not None:
            self.constraint = constraint

    @property
    def name(self):
        """The name that it was given, and ":0"."""
        return f"{super().name}:0"

    def __repr__(self):
        text = repr(self.numpy())
        start = "\n" if "\n" in text else ""
        return f"<tf.Variable '{self.name}' shape={tuple(self.shape)} dtype={self.dtype}, numpy={start}{text}>"

    def __reduce__(self):
        _, (value, trainable, name, path), state = super().__reduce__()
        return _restored, (value, trainable, name, path), state


def _restored(value, trainable, name, path):
    variable = Variable(value, trainable, name=name)
    variable.path = path
    return variable
