"""Layers that make one tensor of several."""

from __future__ import annotations

import functools
import math

from densegrad import _core
from densegrad.config import is_integer
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.ops._arguments import one_axis
from densegrad.ops.derived import normalize


class Merge(Layer):
    """Base of the layers that are called on a list of tensors; shapes without the batch axis broadcast from the right.

    Source: Keras `layers.merging.base_merge.Merge`.
    """

    def build(self, input_shape):
        """Check the list of shapes; there are no weights."""
        self._require_list(input_shape)
        self._check_samples(input_shape)
        self.compute_output_shape(input_shape)

    def _require_list(self, shapes):
        if not shapes or not all(isinstance(shape, (tuple, list)) for shape in shapes):
            raise ValueError(f"[{self.name}] is called on one tensor: it must be called on a list of tensors.")

    def _check_samples(self, shapes):
        if len({shape[0] for shape in shapes if len(shape)} - {None}) > 1:
            raise ValueError(
                f"[{self.name}] the inputs have shapes {_shown(shapes)}: the first axes, of the samples, must be equal."
            )

    def call(self, inputs):
        rank = max(x.ndim for x in inputs)
        return self._merge([_with_rank(x, rank) for x in inputs])

    def _merge(self, inputs):
        """Return the result for inputs of one rank."""
        return functools.reduce(self._pair, inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for a list of shapes."""
        inputs = [_core.placeholder(tuple(shape), self._dtype) for shape in input_shape]
        try:
            with _core.Pause():
                return tuple(self.call(inputs).shape)
        except ValueError as error:
            raise ValueError(f"[{self.name}] the inputs have shapes {_shown(input_shape)}: {self._rule}.") from error

    _rule = "they must be equal or broadcast"


@names.register()
class Add(Merge):
    """y = x_1 + x_2 + ... Source: Keras `layers.Add`."""

    _pair = staticmethod(_core.add)


@names.register()
class Subtract(Merge):
    """y = x_1 - x_2 for a list of two tensors. Source: Keras `layers.Subtract`."""

    _pair = staticmethod(_core.subtract)

    def build(self, input_shape):
        """Check that there are two shapes that broadcast."""
        self._require_list(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"[{self.name}] is called on {len(input_shape)} tensors: the layer should be called on exactly 2 "
                "inputs."
            )
        super().build(input_shape)


@names.register()
class Multiply(Merge):
    """y = x_1 x_2 ... Source: Keras `layers.Multiply`."""

    _pair = staticmethod(_core.multiply)


@names.register()
class Average(Merge):
    """y = (x_1 + ... + x_n) / n. Source: Keras `layers.Average`."""

    _pair = staticmethod(_core.add)

    def _merge(self, inputs):
        return _core.divide(super()._merge(inputs), float(len(inputs)))


@names.register()
class Maximum(Merge):
    """y = max(x_1, x_2, ...); the gradient of a tie goes to the first. Source: Keras `layers.Maximum`."""

    _pair = staticmethod(_core.maximum)


@names.register()
class Minimum(Merge):
    """y = min(x_1, x_2, ...); the gradient of a tie goes to the first. Source: Keras `layers.Minimum`."""

    _pair = staticmethod(_core.minimum)


@names.register()
class Concatenate(Merge):
    """The inputs side by side.

    Args:
        axis: int, the axis along which they are joined; the other axes must be equal.
        trainable, dtype, name: as for `Layer`.

    Source: Keras `layers.Concatenate`.
    """

    _rule = "the layer requires inputs with matching shapes except for the concatenation axis"

    def __init__(self, axis=-1, **kwargs):
        if not is_integer(axis):
            raise TypeError(f"[Concatenate] `axis` is {axis!r}: it must be an integer.")
        super().__init__(**kwargs)
        self.axis = int(axis)

    def _check_samples(self, shapes):
        pass  # the samples themselves may be joined

    def call(self, inputs):
        return _core.concatenate(inputs, self.axis)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Concatenate.get_config`."""
        return {**super().get_config(), "axis": self.axis}


@names.register()
class Dot(Merge):
    """The sums of products of two tensors along one axis of each, sample by sample.

        y[n, ..., ...] = sum over i of x_1[n, ..., i, ...] x_2[n, ..., i, ...]

    Args:
        axes: int, the axis of both, or two of them; not 0, that of the samples.
        normalize: whether to divide both by their norms along the axis first: then y is the cosine of their angle.
        trainable, dtype, name: as for `Layer`.

    Call on a list of two tensors. Returns the axes of x_1 but its own, then those of x_2 but its own and the samples;
    (n, 1) if no other is left.

    Raises:
        TypeError: if `axes` is no integer, nor a list or tuple.
        ValueError: for other `axes`, and for inputs that do not fit.

    Source: Keras `layers.Dot`.
    """

    def __init__(self, axes, normalize=False, **kwargs):
        if not is_integer(axes):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(
                    f"[Dot] Invalid type for argument `axes`: it should be a list or an int. Received: axes={axes!r}."
                )
            if len(axes) != 2 or not all(map(is_integer, axes)):
                raise ValueError(
                    f"[Dot] Invalid format for argument `axes`: it should contain two elements, and list elements "
                    f"should be integers. Received: axes={axes!r}."
                )
        super().__init__(**kwargs)
        self.axes, self.normalize = axes, normalize

    def build(self, input_shape):
        """Check that there are two shapes with equal extents along the axes."""
        if len(input_shape) != 2 or not all(isinstance(shape, (tuple, list)) for shape in input_shape):
            raise ValueError(
                f"[{self.name}] A `Dot` layer should be called on a list of 2 inputs. Received: "
                f"input_shape={input_shape}."
            )
        super().build(input_shape)

    def call(self, inputs):
        first, second = inputs
        axes = [self.axes] * 2 if is_integer(self.axes) else self.axes
        a, b = (one_axis(self.name, axis, x.ndim, "axes") for axis, x in zip(axes, inputs, strict=True))
        if not a or not b:
            raise ValueError(f"[{self.name}] `axes` is {self.axes}: axis 0 is that of the samples.")
        if first.shape[a] != second.shape[b]:
            raise ValueError(
                f"[{self.name}] Incompatible input shapes: axis values {first.shape[a]} (at axis {a}) != "
                f"{second.shape[b]} (at axis {b}). Full input shapes: {_shown([first.shape, second.shape])}."
            )
        if self.normalize:
            first, second = normalize(first, a), normalize(second, b)
        rows, columns = ([k for k in range(1, x.ndim) if k != c] for x, c in ((first, a), (second, b)))
        samples = -1 if None in (first.shape[0], second.shape[0]) else first.shape[0]
        left = _core.transpose(first, [0, *rows, a])
        right = _core.transpose(second, [0, b, *columns])
        shape = [*(first.shape[k] for k in rows), *(second.shape[k] for k in columns)]
        n, m = math.prod(left.shape[1:-1]), math.prod(right.shape[2:])
        product = _core.matmul(
            _core.reshape(left, (samples, n, left.shape[-1])), _core.reshape(right, (samples, right.shape[1], m))
        )
        return _core.reshape(product, (samples, *(shape or [1])))

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Dot.get_config`."""
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _with_rank(x, rank):
    """`x` with axes of one entry after the first, as many as it lacks."""
    missing = rank - x.ndim
    if not missing:
        return x
    samples, *rest = x.shape
    return _core.reshape(x, (-1 if samples is None else samples, *(1,) * missing, *rest))


def _shown(shapes):
    return ", ".join(str(tuple(shape)) for shape in shapes)


def add(inputs, **kwargs):
    """Return `Add(**kwargs)(inputs)`. Source: Keras `layers.add`."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """Return `Subtract(**kwargs)(inputs)`. Source: Keras `layers.subtract`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """Return `Multiply(**kwargs)(inputs)`. Source: Keras `layers.multiply`."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """Return `Average(**kwargs)(inputs)`. Source: Keras `layers.average`."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """Return `Maximum(**kwargs)(inputs)`. Source: Keras `layers.maximum`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """Return `Minimum(**kwargs)(inputs)`. Source: Keras `layers.minimum`."""
    return Minimum(**kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """Return `Dot(axes, **kwargs)(inputs)`. Source: Keras `layers.dot`."""
    return Dot(axes, **kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """Return `Concatenate(axis, **kwargs)(inputs)`. Source: Keras `layers.concatenate`."""
    return Concatenate(axis, **kwargs)(inputs)
