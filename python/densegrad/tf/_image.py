"""TensorFlow's signature of resizing, which heatmaps over an image need."""

import numpy as np

from densegrad import _core, ops


def _sources(old, new):
    """Where the centres of `new` pixels lie among `old` ones."""
    return (np.arange(new) + 0.5) * (old / new) - 0.5


def _weights(old, new):
    """The matrix (new, old) that interpolates linearly between the centres of pixels; edges are repeated."""
    at = _sources(old, new)
    below = np.floor(at)
    weights = np.zeros((new, old), "float32")
    rows = np.arange(new)
    for index, share in ((below, 1 - (at - below)), (below + 1, at - below)):
        np.add.at(weights, (rows, np.clip(index, 0, old - 1).astype(int)), share)
    return weights


def resize(images, size, method="bilinear", preserve_aspect_ratio=False, antialias=False, name=None):
    """Images (height, width, channels), or a batch of them, with another height and width: `size`.

    Args:
        method: "bilinear", whose result is float32, or "nearest".
    """
    x = _core.convert(images)
    if x.ndim not in (3, 4) or 0 in x.shape:
        raise ValueError(
            f"[image.resize] `images` has shape {x.shape}: it must be (height, width, channels) or a batch of such, "
            "without empty axes; images[..., None] adds the channel."
        )
    size = tuple(int(n) for n in np.ravel(size))
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"[image.resize] `size` is {size}: it must be (height, width), both at least 1.")
    if preserve_aspect_ratio or antialias or method not in ("bilinear", "nearest"):
        raise NotImplementedError(
            f"[image.resize] `method` is {method!r}, `antialias` {antialias}, `preserve_aspect_ratio` "
            f"{preserve_aspect_ratio}: it knows 'bilinear' and 'nearest', without these; resize arrays with an image "
            "library such as Pillow."
        )
    *batch, height, width, channels = x.shape
    if method == "nearest":
        for axis, old, new in ((x.ndim - 3, height, size[0]), (x.ndim - 2, width, size[1])):
            x = ops.take(x, np.floor(_sources(old, new) + 0.5).astype("int64"), axis)
        return x
    x = ops.reshape(ops.cast(x, "float32"), (*batch, height, width * channels))
    x = ops.reshape(ops.matmul(_weights(height, size[0]), x), (*batch, size[0], width, channels))
    return ops.matmul(_weights(width, size[1]), x)
