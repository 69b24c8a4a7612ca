"""What TensorFlow's tensors and variables have beside the methods of densegrad's: shapes with names for their parts."""

from densegrad._core import Tensor, Variable


class TensorShape(tuple):
    """A tuple of extents that also answers as TensorFlow's `TensorShape` does."""

    __slots__ = ()

    def as_list(self):
        """The extents as a list."""
        return list(self)

    def num_elements(self):
        """The product of the extents, None if one is unknown."""
        product = 1
        for n in self:
            product = None if n is None or product is None else product * n
        return product

    @property
    def rank(self):
        """The number of axes."""
        return len(self)

    ndims = rank

    def is_fully_defined(self):
        """Whether no extent is unknown."""
        return None not in self


def get_shape(self):
    """The extents, as the property `shape`."""
    return self.shape


def read_value(self):
    """The value as a tensor, recorded as a read of the variable."""
    return self.value


def install():
    """Gives Tensor and Variable these methods; a shape stays a tuple."""
    for cls in (Tensor, Variable):
        cls.shape = _named_extents(cls.shape)
        cls.get_shape = get_shape
    Variable.read_value = read_value


def _named_extents(shape):
    return property(lambda self: TensorShape(shape.fget(self)), doc="The extents, a tuple of ints.")
