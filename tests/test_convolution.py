"""`Conv2D`: values against sums over windows, shapes, derivatives of every order, initial weights, messages."""

from __future__ import annotations

import densegrad as dg
import densegrad.tf as tf
import numpy as np
import pytest
from samples import rows
from within import assert_within

L = dg.layers


def convolved(x, kernel, strides, padding):
    """The sum of the definition in float64, entry by entry, and the sum of the magnitudes."""
    (kh, kw), (sh, sw) = kernel.shape[:2], strides
    x, kernel = x.astype("float64"), kernel.astype("float64")
    if padding == "same":
        pads = []
        for n, k, s in zip(x.shape[1:3], (kh, kw), strides):
            missing = max((-(-n // s) - 1) * s + k - n, 0)
            pads.append((missing // 2, missing - missing // 2))
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    rows_, columns = (x.shape[1] - kh) // sh + 1, (x.shape[2] - kw) // sw + 1
    y = np.zeros((len(x), rows_, columns, kernel.shape[3]))
    size = np.zeros_like(y)
    for i in range(rows_):
        for j in range(columns):
            window = x[:, i * sh : i * sh + kh, j * sw : j * sw + kw]
            y[:, i, j] = np.tensordot(window, kernel, 3)
            size[:, i, j] = np.tensordot(np.abs(window), np.abs(kernel), 3)
    return y, size


CASES = [
    ((2, 5, 6, 3), 4, (3, 2), (1, 1)),
    ((2, 7, 5, 1), 2, (3, 3), (2, 2)),
    ((1, 4, 4, 2), 3, (1, 1), (1, 2)),
    ((1, 5, 5, 2), 3, (2, 2), (3, 1)),
    ((1, 3, 3, 2), 1, (3, 3), (1, 1)),
    ((0, 4, 4, 1), 2, (2, 2), (1, 1)),
]


@pytest.mark.parametrize(("shape", "filters", "kernel", "strides"), CASES, ids=str)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(shape, filters, kernel, strides, padding, dtype):
    x = rows(*shape, dtype=dtype)
    layer = L.Conv2D(filters, kernel, strides, padding, dtype=dtype, bias_initializer="ones", activation="relu")
    y = layer(x)
    z, size = convolved(x, layer.kernel.numpy(), strides, padding)
    terms = int(np.prod(layer.kernel.shape[:3])) + 1
    unit = np.finfo(dtype).eps / 2
    allowed = terms * unit / (1 - terms * unit) * (size + 1) + (dtype == "float64") * terms * unit * (size + 1)
    assert y.dtype == dtype and y.shape == z.shape
    assert_within(y.z.numpy(), z + 1, allowed)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *y.shape[1:])
    assert layer(dg.Input(shape[1:], dtype=dtype)).shape == (None, *y.shape[1:])
    first = L.Conv2D(filters, kernel, strides, padding, "channels_first", dtype=dtype)
    moved = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    first.build(moved.shape)
    first.set_weights(layer.get_weights())
    np.testing.assert_array_equal(first(moved).numpy(), y.z.numpy().transpose(0, 3, 1, 2))


def test_derivatives_of_every_order():
    """With v fixed, sum(v conv(x, k)) is linear in x and in k: the gradients are the adjoints, the rest is zero."""
    x = dg.constant(rows(2, 4, 5, 2, dtype="float64"))
    layer = L.Conv2D(3, (2, 3), (2, 1), "same", dtype="float64", use_bias=False)
    layer.build(x.shape)
    k = layer.kernel
    dx, dk = rows(2, 4, 5, 2, dtype="float64"), rows(*k.shape, dtype="float64")
    with dg.GradientTape() as outer:
        outer.watch(x)
        with dg.GradientTape() as inner:
            inner.watch(x)
            y = layer(x)
            v = rows(*y.shape, dtype="float64")
            value = dg.ops.sum(y * v)
        gx, gk = inner.gradient(value, [x, k])
        mixed = dg.ops.sum(gx * dx)  # linear in k
    ggk = outer.gradient(mixed, k)
    along_x, size_x = convolved(dx, k.numpy(), (2, 1), "same")
    along_k, size_k = convolved(x.numpy(), dk, (2, 1), "same")
    both, size = convolved(dx, dk, (2, 1), "same")
    terms = 2 * (y.size + k.size + x.size)
    for got, expected, magnitude in (
        (np.sum(gx.numpy() * dx), np.sum(along_x * v), np.sum(size_x * np.abs(v))),
        (np.sum(gk.numpy() * dk), np.sum(along_k * v), np.sum(size_k * np.abs(v))),
        (np.sum(ggk.numpy() * dk), np.sum(both * v), np.sum(size * np.abs(v))),
    ):
        assert abs(got - expected) <= terms * np.finfo("float64").eps * magnitude


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dilation_is_a_kernel_with_zeros_in_between(padding, dtype):
    x = rows(2, 7, 8, 2, dtype=dtype)
    layer = L.Conv2D(3, (3, 2), padding=padding, dilation_rate=(2, 3), dtype=dtype)
    y = layer(x)
    spread = np.zeros((5, 4, 2, 3), dtype)
    spread[::2, ::3] = layer.kernel.numpy()
    z, size = convolved(x, spread, (1, 1), padding)
    unit = np.finfo(dtype).eps / 2
    assert_within(y, z, (1 + (dtype == "float64")) * 12 * unit / (1 - 12 * unit) * size)
    assert layer.compute_output_shape((None, 7, 8, 2)) == (None, *y.shape[1:])


@pytest.mark.parametrize("activation", ["relu", "softmax", lambda z: z * 0.5], ids=str)
def test_groups_are_convolutions_side_by_side(activation):
    x = rows(2, 5, 4, 6)
    layer = L.Conv2D(9, 2, padding="same", groups=3, bias_initializer="ones", activation=activation)
    y = layer(x)
    assert layer.kernel.shape == (2, 2, 2, 9) and layer.compute_output_shape((None, 5, 4, 6)) == (None, 5, 4, 9)
    parts = []
    for k in range(3):
        part = L.Conv2D(3, 2, padding="same", use_bias=False)
        part.build((2, 5, 4, 2))
        part.set_weights([layer.kernel.numpy()[..., 3 * k : 3 * k + 3]])
        parts.append(part(x[..., 2 * k : 2 * k + 2]))
    z = dg.ops.concatenate(parts, -1) + 1
    np.testing.assert_array_equal(y, dg.activations.get(activation)(z))
    first = L.Conv2D(9, 2, padding="same", groups=3, data_format="channels_first", activation=activation)
    moved = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    first.build(moved.shape)
    first.set_weights(layer.get_weights())
    np.testing.assert_array_equal(first(moved), y.numpy().transpose(0, 3, 1, 2))


@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"dilation_rate": 3}, {"groups": 2}], ids=str)
@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_one_axis_is_two_of_which_one_has_length_1(padding, options):
    """What is before `x` alone is one side of what "valid" makes of `x` with as many zeros before it."""
    x = rows(2, 9, 4)
    layer = L.Conv1D(6, 3, padding=padding, activation="tanh", bias_initializer="ones", **options)
    y = layer(x)
    wide = {name: (n, 1) if name != "groups" else n for name, n in options.items()}
    zeros = 2 * options.get("dilation_rate", 1) if padding == "causal" else 0
    images = np.pad(x, [(0, 0), (zeros, 0), (0, 0)])[:, :, None]
    other = L.Conv2D(6, (3, 1), padding="same" if padding == "same" else "valid", activation="tanh", **wide)
    other.build(images.shape)
    other.set_weights([layer.kernel.numpy()[:, None], layer.bias.numpy()])
    np.testing.assert_array_equal(y, other(images)[:, :, 0])
    assert layer.kernel.shape == (3, 4 // options.get("groups", 1), 6)
    assert layer.compute_output_shape((None, 9, 4)) == (None, *y.shape[1:])
    assert layer(rows(0, 9, 4)).shape == (0, *y.shape[1:])
    again = L.Conv1D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.kernel_size == (3,)


def test_in_a_model():
    model = dg.Sequential([dg.Input((6, 6, 1)), L.Conv2D(3, 3, activation="relu"), L.Flatten(), L.Dense(2)])
    assert [layer.output.shape for layer in model.layers] == [(None, 4, 4, 3), (None, 48), (None, 2)]
    assert [w.path for w in model.weights][:2] == ["sequential/conv2d/kernel", "sequential/conv2d/bias"]
    model.compile(dg.optimizers.Adam(0.01), "mse")
    x = rows(16, 6, 6, 1)
    y = x[:, :2, 0, 0]
    history = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert history[-1] < history[0] / 2


def test_config():
    layer = L.Conv2D(3, 2, 2, "SAME", activation="relu", use_bias=False, name="c")
    other = L.Conv2D.from_config(layer.get_config())
    assert other.get_config() == layer.get_config() and other.padding == "same" and other.strides == (2, 2)
    layer = L.Conv2D(4, 2, dilation_rate=(1, 2), groups=2, name="c")
    other = L.Conv2D.from_config(layer.get_config())
    assert other.get_config() == layer.get_config() and (other.dilation_rate, other.groups) == ((1, 2), 2)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: L.Conv2D(0, 2), ValueError, "[Conv2D] `filters` is 0: it must be a positive integer."),
        (
            lambda: L.Conv2D(1, (2, 0)),
            ValueError,
            "[Conv2D] `kernel_size` is (2, 0): it must be a positive integer or two of them.",
        ),
        (
            lambda: L.Conv2D(1, 2, strides=(1, 1, 1)),
            ValueError,
            "[Conv2D] `strides` is (1, 1, 1): it must be a positive integer or two of them.",
        ),
        (
            lambda: L.Conv2D(1, 2, padding="causal"),
            ValueError,
            "[Conv2D] `padding` is 'causal': it must be 'valid' or 'same'.",
        ),
        (
            lambda: L.Conv2D(1, 2, 2, dilation_rate=(1, 3)),
            ValueError,
            "[Conv2D] `strides` is (2, 2) and `dilation_rate` is (1, 3): only one of them may be above 1.",
        ),
        (lambda: L.Conv2D(2, 2, groups=0), ValueError, "[Conv2D] `groups` is 0: it must be a positive integer."),
        (
            lambda: L.Conv2D(4, 2, groups=3),
            ValueError,
            "[Conv2D] `filters` is 4 and `groups` is 3: the groups must divide it.",
        ),
        (
            lambda: L.Conv2D(4, 2, groups=2, name="c")(rows(2, 3, 4, 3)),
            ValueError,
            "[c] `x` has shape (2, 3, 4, 3) and `groups` is 2: the groups must divide the 3 channels.",
        ),
        (
            lambda: L.Conv2D(1, 2, dilation_rate=3, name="c")(rows(2, 3, 4, 1)),
            ValueError,
            "[c] `x` has 3 x 4 positions: a kernel of 4 x 4 must fit.",
        ),
        (
            lambda: dg.ops.conv(rows(2, 3, 4, 3), rows(2, 2, 2, 1)),
            ValueError,
            "[conv] `inputs` has 3 channels but `kernel` has shape (2, 2, 2, 1): kernel.shape[2] must equal the "
            "channels.",
        ),
        (
            lambda: dg.ops.conv(rows(2, 3, 4, 5), rows(2, 2, 2, 1)),
            ValueError,
            "[conv] `inputs` has 5 channels but `kernel` has shape (2, 2, 2, 1): kernel.shape[2] must equal the "
            "channels or, as each group has them, divide them.",
        ),
        (
            lambda: dg.ops.conv(rows(2, 3, 4, 4), rows(2, 2, 2, 3)),
            ValueError,
            "[conv] `inputs` has 4 channels but `kernel` has shape (2, 2, 2, 3): the 2 groups of 2 channels must "
            "divide the 3 filters.",
        ),
        (
            lambda: dg.ops.conv(rows(2, 3, 4, 1), rows(2, 2)),
            ValueError,
            "[conv] `kernel` has shape (2, 2): it must have 3 or 4 axes, (sizes, channels, filters).",
        ),
        (
            lambda: tf.nn.conv2d(rows(2, 3, 4, 1), rows(2, 2, 1), 1, "SAME"),
            ValueError,
            "[tf.nn.conv2d] `filters` has shape (2, 2, 1): it must have 4 axes, (height, width, channels, filters).",
        ),
        (
            lambda: tf.nn.conv2d(rows(2, 3, 4, 3), rows(2, 2, 2, 1), 1, "SAME"),
            dg.errors.InvalidArgumentError,
            "[tf.nn.conv2d] `input` has 3 channels but `filters` has shape (2, 2, 2, 1): filters.shape[2] must equal "
            "the channels.",
        ),
        (
            lambda: L.Conv1D(1, 2, padding="full"),
            dg.errors.InvalidArgumentError,
            "[Conv1D] `padding` is 'full': it must be 'valid', 'same' or 'causal'.",
        ),
        (
            lambda: L.Conv1D(1, 4, name="c")(rows(2, 3, 1)),
            dg.errors.InvalidArgumentError,
            "[c] `x` has 3 positions: a kernel of 4 must fit.",
        ),
        (
            lambda: tf.nn.conv2d(rows(2, 3, 4, 1), rows(2, 2, 1, 1), [2, 1, 1, 1], "SAME"),
            ValueError,
            "[tf.nn.conv2d] `strides` is [2, 1, 1, 1]: it must be 1 for samples and for channels.",
        ),
        (
            lambda: L.Conv2D(1, 2, name="c")(rows(2, 3, 4)),
            ValueError,
            "[c] `x` has shape (2, 3, 4): it must have 4 axes, (n, height, width, channels).",
        ),
        (
            lambda: L.Conv2D(1, 4, name="c")(rows(2, 3, 4, 1)),
            ValueError,
            "[c] `x` has 3 x 4 positions: a kernel of 4 x 4 must fit.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


def test_channels_of_groups_are_checked():
    layer = L.Conv2D(2, 2, groups=2, name="c")
    layer(rows(1, 3, 3, 4))
    with pytest.raises(ValueError) as info:
        layer(rows(1, 3, 3, 2))
    assert str(info.value) == (
        "[c] `x` has 2 channels but `kernel` has shape (2, 2, 2, 2): kernel.shape[2] must equal the channels of one of "
        "the 2 groups."
    )


def test_channels_are_checked():
    layer = L.Conv2D(1, 2, name="c")
    layer(rows(1, 3, 3, 2))
    with pytest.raises(ValueError) as info:
        layer(rows(1, 3, 3, 1))
    assert str(info.value) == (
        "[c] `x` has 1 channels but `kernel` has shape (2, 2, 2, 1): kernel.shape[2] must equal the channels."
    )
