"""TensorFlow's signatures of convolutions and pooling, on densegrad's operations."""

from densegrad import _core
from densegrad.errors import InvalidArgumentError
from densegrad.ops import windows
from densegrad.ops._arguments import tensor, together

_WHAT = {1: "sequences", 2: "images"}
_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW")}


def _format(tag, data_format, rank=2):
    last, first = _FORMATS[rank]
    if data_format not in (None, last, first):
        raise InvalidArgumentError(f"[{tag}] `data_format` is {data_format!r}: it must be {last!r} or {first!r}.")
    return "channels_first" if data_format == first else "channels_last"


def _sizes(tag, name, value, data_format, rank=2):
    """What a number, a list of one or `rank`, or of two more with a 1 for samples and channels, says of positions."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) == rank + 2:
        first = 1 if data_format == "channels_last" else 2
        places = range(first, first + rank)
        if any(values[a] != 1 for a in range(rank + 2) if a not in places):
            raise InvalidArgumentError(f"[{tag}] `{name}` is {value!r}: it must be 1 for samples and for channels.")
        values = [values[a] for a in places]
    return windows.per_axis(tag, name, values[0] if len(values) == 1 else values, rank)


def conv2d(input, filters, strides, padding, data_format="NHWC", dilations=None, name=None):
    """A convolution of images; `padding` is "VALID", "SAME", or how many zeros there are before and after each axis."""
    tag = "tf.nn.conv2d"
    data_format = _format(tag, data_format)
    strides = _sizes(tag, "strides", strides, data_format)
    dilations = _sizes(tag, "dilations", 1 if dilations is None else dilations, data_format)
    x, filters = together(tag, input, filters)
    if filters.ndim != 4:
        raise InvalidArgumentError(
            f"[{tag}] `filters` has shape {tuple(filters.shape)}: it must have 4 axes, (height, width, channels, "
            "filters)."
        )
    if isinstance(padding, (list, tuple)):
        x, padding = _core.pad(x, padding), "valid"
    padding, words = windows.checked_padding(padding, tag), windows.Words(tag, "input", "filters")
    x = windows.channels_last(words, x, 2, data_format)
    y = windows.convolved(words, x, filters, None, "linear", strides, padding, dilations)
    return windows.channels_back(y, data_format)


def conv1d(input, filters, stride, padding, data_format="NWC", dilations=None, name=None):
    """A convolution of sequences; `padding` is "VALID" or "SAME"."""
    tag = "tf.nn.conv1d"
    x, filters = together(tag, input, filters)
    if filters.ndim != 3:
        raise InvalidArgumentError(
            f"[{tag}] `filters` has shape {tuple(filters.shape)}: it must have 3 axes, (length, channels, filters)."
        )
    data_format, padding = _format(tag, data_format, 1), windows.checked_padding(padding, tag)
    stride = _sizes(tag, "stride", stride, data_format, 1)
    dilations = _sizes(tag, "dilations", 1 if dilations is None else dilations, data_format, 1)
    words = windows.Words(tag, "input", "filters")
    x = windows.channels_last(words, x, 1, data_format)
    y = windows.convolved(words, x, filters, None, "linear", stride, padding, dilations)
    return windows.channels_back(y, data_format)


def convolution(input, filters, strides=None, padding="VALID", data_format=None, dilations=None, name=None):
    """A convolution of sequences or images, as the filters have 3 axes or 4."""
    rank = _core.convert(filters).ndim - 2
    if rank not in _FORMATS:
        raise InvalidArgumentError(
            f"[tf.nn.convolution] `filters` has {rank + 2} axes: it must have 3 or 4, (sizes, channels, filters)."
        )
    function = conv1d if rank == 1 else conv2d
    return function(input, filters, 1 if strides is None else strides, padding, data_format, dilations)


def _pool(name, kind, rank=2):
    tag = f"tf.nn.{name}"

    def function(input, ksize, strides, padding, data_format=None, name=None):
        data_format = _format(tag, data_format, rank)
        ksize, strides = (_sizes(tag, n, v, data_format, rank) for n, v in (("ksize", ksize), ("strides", strides)))
        x, padding = tensor(input), windows.checked_padding(padding, tag)
        return windows.pooled(windows.Words(tag, "input"), kind, x, ksize, strides, padding, data_format)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The {kind} of the windows of {_WHAT[rank]}; `padding` is 'VALID' or 'SAME'."
    return function


max_pool1d = _pool("max_pool1d", "max", 1)
avg_pool1d = _pool("avg_pool1d", "average", 1)
max_pool = _pool("max_pool", "max")
max_pool2d = _pool("max_pool2d", "max")
avg_pool = _pool("avg_pool", "average")
avg_pool2d = _pool("avg_pool2d", "average")
