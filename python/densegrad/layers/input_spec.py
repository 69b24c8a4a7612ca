"""What a layer expects of its inputs, checked at every call."""

from __future__ import annotations

import numpy as np

from densegrad import nest
from densegrad.config import is_integer
from densegrad.layers.configs import names


@names.register(path="keras.InputSpec")
class InputSpec:
    """Shape, rank and dtype of an input; None says nothing. Set as `layer.input_spec`, it is checked at every call.

    Args:
        dtype: name of a dtype.
        shape: tuple of ints and Nones, batch included.
        ndim, max_ndim, min_ndim: the number of axes, its bounds; a `shape` says `ndim`.
        axes: dict from axis to its size.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing, or be there although `shape` lacks it.
        name: the key of the input where inputs come in a dict.
        optional: whether the input may be None.

    Raises:
        TypeError: if `axes` is no dict with integer keys.
        ValueError: if an entry of `axes` is no axis of `ndim` or `max_ndim`.

    Source: Keras `InputSpec`.
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        if axes is not None and not (isinstance(axes, dict) and all(map(is_integer, axes))):
            raise TypeError(f"[InputSpec] `axes` is {axes!r}: it must be a dict with integer keys.")
        self.dtype = None if dtype is None else np.dtype(dtype).name
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape)
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, dict(axes or {})
        self.allow_last_axis_squeeze, self.name, self.optional = allow_last_axis_squeeze, name, optional
        most = self.max_ndim if self.ndim is None else self.ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ValueError(f"[InputSpec] `axes` has axis {max(self.axes)}: with {most} axes it must be below {most}.")

    def get_config(self):
        """Return the constructor's arguments as plain values, in Keras' selection."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        """Return the specification that `get_config` describes."""
        return cls(**config)

    def __repr__(self):
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{n}={getattr(self, n)}' for n in names if getattr(self, n))})"

    def _misfit(self, x):
        """What is wrong with `x`, (expected, found) in words; None if nothing is."""
        shape, squeezed = tuple(x.shape), self.allow_last_axis_squeeze
        if self.ndim is not None and not squeezed and len(shape) != self.ndim:
            return f"ndim={self.ndim}", f"ndim={len(shape)}"
        if self.max_ndim is not None and len(shape) > self.max_ndim:
            return f"max_ndim={self.max_ndim}", f"ndim={len(shape)}"
        if self.min_ndim is not None and len(shape) < self.min_ndim:
            return f"min_ndim={self.min_ndim}", f"ndim={len(shape)}"
        if self.dtype is not None and np.dtype(x.dtype).name != self.dtype:
            return f"dtype={self.dtype}", f"dtype={np.dtype(x.dtype).name}"
        for axis, size in self.axes.items():
            if size is not None and not (-len(shape) <= axis < len(shape) and shape[axis] in (size, None)):
                found = f"size {shape[axis]}" if -len(shape) <= axis < len(shape) else "no such axis"
                return f"axis {axis} of size {size}", found
        if self.shape is not None:
            wanted, given = (s[:-1] if squeezed and s and s[-1] == 1 else s for s in (self.shape, shape))
            if any(None not in (a, b) and a != b for a, b in zip(wanted, given)):
                return f"shape={self.shape}", f"shape={shape}"
        return None


def check(layer, inputs):
    """Raise ValueError unless the inputs of `layer` are as its `input_spec`, one or a list of them, says."""
    specs = nest.flatten(layer.input_spec)
    keys = [spec.name for spec in specs if spec is not None]
    if isinstance(inputs, dict) and len(keys) == len(specs) and all(keys):
        missing = [key for key in keys if key not in inputs]
        if missing:
            raise ValueError(
                f"[{layer.name}] the input has the keys {list(inputs)}: it must have {missing[0]!r} too, of {keys}."
            )
        inputs = [inputs[key] for key in keys]
    leaves = nest.flatten(inputs)
    if not any(hasattr(leaf, "shape") for leaf in leaves):  # numbers in lists are one array
        leaves = [np.asarray(inputs)]
    if len(leaves) != len(specs):
        raise ValueError(f"[{layer.name}] got {len(leaves)} inputs: it expects {len(specs)}.")
    for i, (x, spec) in enumerate(zip(leaves, specs)):
        if spec is None or (x is None and spec.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(f"[{layer.name}] input {i} is a {type(x).__name__}: it must be a tensor.")
        misfit = spec._misfit(x)
        if misfit:
            named = f" with name '{spec.name}'" if spec.name else ""
            raise ValueError(
                f"[{layer.name}] input {i}{named} of shape {tuple(x.shape)} is incompatible with the layer: expected "
                f"{misfit[0]}, found {misfit[1]}."
            )
