"""Pooling layers: shapes, ties, edges, dtypes, models, programs, batching, configs, messages. Values: tables.py."""

from __future__ import annotations

import densegrad as dg
import densegrad.tf as tf
import numpy as np
import pytest
from samples import rows

L = dg.layers


def gradient(layer, x, dy):
    x = dg.constant(x)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    return tape.gradient(y, x, output_gradients=dy).numpy()


@pytest.mark.parametrize("name", ["MaxPooling2D", "AveragePooling2D"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (0, 5, 6, 3), (1, 7, 4, 1)], ids=str)
def test_a_layer_is_its_operation(name, dtype, padding, shape):
    x = rows(*shape, dtype=dtype)
    function = dg.ops.max_pool if name == "MaxPooling2D" else dg.ops.average_pool
    layer = getattr(L, name)((3, 2), (1, 2), padding, dtype=dtype)
    y = layer(x)
    np.testing.assert_array_equal(y, function(x, (3, 2), (1, 2), padding), strict=True)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *y.shape[1:])
    assert layer(dg.Input(shape[1:], dtype=dtype)).shape == (None, *y.shape[1:])
    first = getattr(L, name)((3, 2), (1, 2), padding, "channels_first", dtype=dtype)
    moved = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(first(moved), y.numpy().transpose(0, 3, 1, 2))
    assert first.compute_output_shape((None, *moved.shape[1:])) == (None, *first(moved).shape[1:])


@pytest.mark.parametrize("name", ["GlobalMaxPooling2D", "GlobalAveragePooling2D"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(name, keepdims):
    x = rows(4, 3, 5, 2)
    function = dg.ops.max if "Max" in name else dg.ops.mean
    layer, first = (getattr(L, name)(f, keepdims) for f in (None, "channels_first"))
    y = layer(x)
    np.testing.assert_array_equal(y, function(x, (1, 2), keepdims), strict=True)
    np.testing.assert_array_equal(first(x), function(x, (2, 3), keepdims), strict=True)
    assert layer.compute_output_shape((None, 3, 5, 2)) == (None, *y.shape[1:])
    assert layer(rows(0, 3, 5, 2)).shape == (0, *y.shape[1:])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", ["MaxPool", "AvgPool", "GlobalMaxPool", "GlobalAvgPool"])
def test_one_axis_is_two_of_which_one_has_length_1(name, data_format):
    x = rows(3, 8, 7)
    line, plane = getattr(L, f"{name}1D"), getattr(L, f"{name}2D")
    where = {"data_format": data_format}
    for sizes in [()] if "Global" in name else [(2,), (3, 1), (3, 2, "same")]:
        layer = line(*sizes, **where)
        if sizes:
            sizes = ((sizes[0], 1), tuple(sizes[1:2] or sizes[:1]) * 2, *sizes[2:])
        expected = plane(*sizes, **where)(np.expand_dims(x, -2 if data_format == "channels_last" else -1))
        y = layer(x)
        np.testing.assert_array_equal(y, np.reshape(expected, y.shape))
        assert layer.compute_output_shape((None, 8, 7)) == (None, *y.shape[1:])
        assert line.from_config(layer.get_config()).get_config() == layer.get_config()


def test_the_gradient_of_a_tie_goes_to_the_first_entry():
    x = np.array([[1, 2, 2, 1], [2, 2, 2, 2], [0, 2, 2, 0], [1, 1, 1, 1]], "f").reshape(1, 4, 4, 1)
    dy = np.arange(1, 17, dtype="f").reshape(1, 4, 4, 1)
    expected = np.zeros_like(x)
    for i, j in np.ndindex(4, 4):
        window = [(a, b) for a in range(i - 1, i + 2) for b in range(j - 1, j + 2) if {a, b} <= set(range(4))]
        expected[0, *max(window, key=lambda at: x[0, *at, 0]), 0] += dy[0, i, j, 0]
    np.testing.assert_array_equal(gradient(L.MaxPool2D(3, 1, "same"), x, dy), expected)
    np.testing.assert_array_equal(gradient(L.GlobalMaxPool2D(), x, [[16.0]]), 2.0 * (x == 2))  # shared by 8


def test_edges_count_what_they_have():
    x = -np.ones((1, 3, 3, 1), "f")
    for name in ("MaxPool2D", "AvgPool2D"):
        np.testing.assert_array_equal(getattr(L, name)(2, 1, "same")(x), x)
    dx = gradient(L.AvgPool2D(2, 2, "same"), x, np.ones((1, 2, 2, 1), "f"))
    np.testing.assert_array_equal(dx[0, ..., 0], [[0.25, 0.25, 0.5], [0.25, 0.25, 0.5], [0.5, 0.5, 1]])
    assert np.all(L.MaxPool2D(2, 1, "same")(np.full((1, 3, 3, 1), -np.inf, "f")).numpy() == -np.inf)


def test_integers():
    x = np.arange(16).reshape(1, 4, 4, 1)
    for layer, dtype in ((L.MaxPool2D(), "int64"), (L.GlobalMaxPool2D(), "int64"), (L.AvgPool2D(), "float32"),
                         (L.GlobalAvgPool2D(), "float32")):  # fmt: skip
        assert layer(x).dtype == dtype
    np.testing.assert_array_equal(L.MaxPool2D()(x)[0, ..., 0], [[5, 7], [13, 15]])
    assert dg.ops.average_pool(dg.constant(x, "float64"), 2).numpy().ravel().tolist() == [2.5, 4.5, 10.5, 12.5]


def head(pooling):
    return dg.Sequential([dg.Input((6, 6, 1)), L.Conv2D(3, 3, activation="tanh"), *pooling, L.Dense(2)])


POOLING = {
    "max": [L.MaxPool2D, L.Flatten],
    "average": [L.AvgPool2D, L.Flatten],
    "global max": [L.GlobalMaxPool2D],
    "global average": [L.GlobalAvgPool2D],
}


@pytest.mark.parametrize("kind", POOLING)
def test_in_a_model_that_trains_as_a_program(kind):
    x, y = rows(16, 6, 6, 1), rows(16, 2)
    first = head([layer() for layer in POOLING[kind]])

    def trained(eagerly):
        model = head([layer() for layer in POOLING[kind]])
        model.set_weights(first.get_weights())
        model.compile(dg.optimizers.Adam(0.01), "mse", run_eagerly=eagerly)
        losses = model.fit(x, y, epochs=4, batch_size=8, shuffle=False, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        return [np.array(losses), *model.get_weights()]

    for a, b in zip(trained(False), trained(True), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batching_and_jacobians():
    x = dg.constant(rows(3, 4, 4, 2, dtype="float64"))
    layer = L.MaxPool2D(dtype="float64")
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    jacobian = tape.batch_jacobian(y, x).numpy()
    np.testing.assert_array_equal(jacobian.sum((4, 5, 6)), 1)
    np.testing.assert_array_equal((jacobian * x.numpy()[:, None, None, None]).sum((4, 5, 6)), y)
    one = dg.vmap(lambda image: layer(dg.ops.expand_dims(image, 0))[0])(x)
    np.testing.assert_array_equal(one, y)


def test_operations_between_layers():
    x = dg.Input((4, 6, 2))
    model = dg.Model(x, dg.ops.average_pool(dg.ops.max_pool(x, 2), (1, 3), 1, "same"))
    images = rows(5, 4, 6, 2)
    expected = dg.ops.average_pool(dg.ops.max_pool(images, 2), (1, 3), 1, "same")
    np.testing.assert_array_equal(model(images), expected)
    kernel = rows(2, 2, 2, 3)
    np.testing.assert_array_equal(dg.Model(x, dg.ops.conv(x, kernel))(images), dg.ops.conv(images, kernel))


def test_configs():
    layer = L.MaxPool2D((3, 2), 1, "SAME", "channels_first", name="p")
    other = L.MaxPooling2D.from_config(layer.get_config())
    assert other.get_config() == layer.get_config() and other.padding == "same" and other.strides == (1, 1)
    layer = L.GlobalAvgPool2D(keepdims=True, name="p")
    assert L.GlobalAveragePooling2D.from_config(layer.get_config()).get_config() == layer.get_config()


IMAGES = np.zeros((2, 3, 4, 1), "f")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: L.MaxPool2D((2, 2, 2)),
         "[MaxPooling2D] `pool_size` is (2, 2, 2): it must be a positive integer or two of them."),
        (lambda: L.AvgPool2D(2, 0), "[AveragePooling2D] `strides` is 0: it must be a positive integer or two of them."),
        (lambda: L.MaxPool2D(2.5), "[MaxPooling2D] `pool_size` is 2.5: it must be a positive integer or two of them."),
        (lambda: L.MaxPool2D(padding="full"), "[MaxPooling2D] `padding` is 'full': it must be 'valid' or 'same'."),
        (lambda: L.GlobalMaxPool2D("NHWC"),
         "[GlobalMaxPooling2D] `data_format` is 'NHWC': it must be 'channels_last' or 'channels_first'."),
        (lambda: L.MaxPool2D(name="p")(IMAGES[..., 0]),
         "[p] `x` has shape (2, 3, 4): it must have 4 axes, (n, height, width, channels)."),
        (lambda: L.GlobalAvgPool2D("channels_first", name="p")(IMAGES[0]),
         "[p] `x` has shape (3, 4, 1): it must have 4 axes, (n, channels, height, width)."),
        (lambda: L.AvgPool2D(4, name="p")(IMAGES), "[p] `x` has 3 x 4 positions: a window of 4 x 4 must fit."),
        (lambda: dg.ops.max_pool(IMAGES, (2,)),
         "[max_pool] `inputs` has shape (2, 3, 4, 1): it must have 3 axes, (n, length, channels)."),
        (lambda: dg.ops.average_pool(IMAGES[0, 0], 2),
         "[average_pool] `inputs` has shape (4, 1): it must have 3 or 4 axes, (n, positions, channels)."),
        (lambda: tf.nn.max_pool2d(IMAGES, [2, 2, 2, 1], 1, "SAME"),
         "[tf.nn.max_pool2d] `ksize` is [2, 2, 2, 1]: it must be 1 for samples and for channels."),
        (lambda: tf.nn.avg_pool2d(IMAGES, 2, [1, 2, 3], "SAME"),
         "[tf.nn.avg_pool2d] `strides` is [1, 2, 3]: it must be a positive integer or two of them."),
        (lambda: tf.nn.max_pool(IMAGES, 2, 2, "SAME", data_format="NHWCX"),
         "[tf.nn.max_pool] `data_format` is 'NHWCX': it must be 'NHWC' or 'NCHW'."),
        (lambda: tf.nn.avg_pool(IMAGES, 2, 2, [[0, 0]] * 4),
         "[tf.nn.avg_pool] `padding` is [[0, 0], [0, 0], [0, 0], [0, 0]]: it must be 'valid' or 'same'."),
        (lambda: tf.nn.bias_add(IMAGES, [1.0], "CHWN"),
         "[tf.nn.bias_add] `data_format` is 'CHWN': it must be 'N...C' or 'NC...'."),
        (lambda: tf.nn.bias_add(IMAGES, [1.0, 2.0]), "[tf.nn.bias_add] `value` has shape (2, 3, 4, 1) but `bias` has "
         "shape (2,): it must be a vector with an entry for each place on axis 3."),
    ],
)  # fmt: skip
def test_messages(call, text):
    with pytest.raises(ValueError) as info:
        call()
    assert str(info.value) == text
