"""TensorFlow's signatures of convolutions and pooling, on densegrad's operations."""

from densegrad import _core
from densegrad.errors import InvalidArgumentError
from densegrad.ops import windows
from densegrad.ops._arguments import tensor, together

_FORMATS = {"NHWC": "channels_last", "NCHW": "channels_first"}


def _format(tag, data_format):
    if data_format not in (None, *_FORMATS):
        raise InvalidArgumentError(f"[{tag}] `data_format` is {data_format!r}: it must be 'NHWC' or 'NCHW'.")
    return _FORMATS[data_format or "NHWC"]


def _pair(tag, name, value, data_format):
    """What a number, a list of one or two, or of four with a 1 for samples and channels, says of height and width."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) == 4:
        places = (1, 2) if data_format == "channels_last" else (2, 3)
        if any(values[a] != 1 for a in range(4) if a not in places):
            raise InvalidArgumentError(f"[{tag}] `{name}` is {value!r}: it must be 1 for samples and for channels.")
        values = [values[a] for a in places]
    return windows.per_axis(tag, name, values[0] if len(values) == 1 else values, 2)


def conv2d(input, filters, strides, padding, data_format="NHWC", dilations=None, name=None):
    """A convolution of images; `padding` is "VALID", "SAME", or how many zeros there are before and after each axis."""
    tag = "tf.nn.conv2d"
    data_format = _format(tag, data_format)
    strides = _pair(tag, "strides", strides, data_format)
    dilations = _pair(tag, "dilations", 1 if dilations is None else dilations, data_format)
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


def _pool(name, kind):
    tag = f"tf.nn.{name}"

    def function(input, ksize, strides, padding, data_format="NHWC", name=None):
        data_format = _format(tag, data_format)
        ksize, strides = (_pair(tag, n, v, data_format) for n, v in (("ksize", ksize), ("strides", strides)))
        x, padding = tensor(input), windows.checked_padding(padding, tag)
        return windows.pooled(windows.Words(tag, "input"), kind, x, ksize, strides, padding, data_format)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The {kind} of the windows of images; `padding` is 'VALID' or 'SAME'."
    return function


max_pool = _pool("max_pool", "max")
max_pool2d = _pool("max_pool2d", "max")
avg_pool = _pool("avg_pool", "average")
avg_pool2d = _pool("avg_pool2d", "average")
