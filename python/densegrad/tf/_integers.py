"""Integers of widths that no tensor has: their values in int32 or int64, as those of arrays are."""

import numpy as np

from densegrad import _core, nest, ops
from densegrad.errors import InvalidTypeError

WIDE = {np.dtype(name): "int32" for name in ("int8", "int16", "uint8", "uint16")} | {np.dtype("uint32"): "int64"}


def narrow(dtype):
    """`dtype` as NumPy's if it is one of those integers, else None."""
    dtype = _known(dtype)
    return dtype if dtype in WIDE else None


def _known(dtype):
    try:
        return None if dtype is None else np.dtype(dtype)
    except TypeError:  # which the core reports
        return None


def kept(value, dtype):
    """`value` and `dtype` as the core takes them; Python's floats are no integers."""
    known, kind = _known(dtype), narrow(dtype)
    is_plain = type(value) is float or nest.is_numbers(value)
    if is_plain and known is not None and known.kind in "iu" and np.asarray(value).dtype.kind == "f":
        raise InvalidTypeError(
            f"[tf.constant] `value` is {value}: for {known} it must hold integers; tf.cast cuts floats."
        )
    if kind is None:
        return value, dtype
    if isinstance(value, (_core.Tensor, _core.Variable)):
        return cast(value, kind), None
    return np.array(value, kind), None


def cast(x, dtype, name=None):
    """x in another dtype. Integers of 8 and 16 bits are wrapped around as theirs are, in int32; uint32 in int64."""
    kind = narrow(dtype)
    if kind is None:
        return ops.cast(x, dtype)
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    return ops.mod(ops.cast(x, WIDE[kind]) - low, high - low + 1) + low


def saturate_cast(value, dtype, name=None):
    """value in another dtype, where what does not fit becomes the nearest number that does."""
    value, dtype = _core.convert(value), np.dtype(dtype)
    if dtype.kind not in "iu":
        return ops.cast(value, dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    if value.dtype.kind == "f":
        low, high = value.dtype.type(low), value.dtype.type(high)
        if int(high) > np.iinfo(dtype).max:  # rounded up
            high = np.nextafter(high, low)
    elif value.dtype.kind == "i":
        own = np.iinfo(value.dtype)
        low, high = max(low, own.min), min(high, own.max)
    else:
        return cast(value, dtype)
    return cast(ops.minimum(ops.maximum(value, low), high), dtype)
