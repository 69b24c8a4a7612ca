"""The type of `Tensor.shape`; the core makes instances of it."""


class TensorShape(tuple):
    """A tuple of extents, None where one is unknown, that also answers by the names that TensorFlow gives its parts.

    Source: TensorFlow `TensorShape`.
    """

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
