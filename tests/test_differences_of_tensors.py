"""The rows of docs/differences.md on dtypes and values of tensors."""

import densegrad as dg
import densegrad.tf as tf
import numpy as np
from difference_rows import row


@row("a cast to `tf.uint8`, `uint16`, `int8`, `int16` or `uint32`")
def test_narrow_integers_are_kept_in_wider_ones():
    image = np.array([-1.5, 0.9, 255.0, 256.0])
    for name, wide in (
        ("uint8", "int32"),
        ("int8", "int32"),
        ("uint16", "int32"),
        ("int16", "int32"),
        ("uint32", "int64"),
    ):
        t = tf.cast(image, getattr(tf, name))
        assert t.dtype == wide
        np.testing.assert_array_equal(t, image.astype("int64").astype(name))
        assert tf.constant([1, 2], dtype=name).dtype == tf.constant(np.array([1, 2], name)).dtype == wide
    assert (tf.cast(200, tf.uint8) + tf.cast(100, tf.uint8)).numpy() == 300
    assert tf.convert_to_tensor(dg.constant([300, 5]), tf.uint8).numpy().tolist() == [44, 5]


@row("`Variable.value` after the variable was assigned")
def test_a_value_keeps_what_it_was():
    v = dg.Variable([1.0, 2.0])
    before = v.value
    v.assign([3.0, 4.0])
    assert before.numpy().tolist() == [1, 2] and v.value.numpy().tolist() == [3, 4]


@row("max pooling of a window with a NaN, or of -inf alone")
def test_max_pooling_hides_nothing():
    x = np.array([[1.0, np.nan, -np.inf, -np.inf], [3.0, 2.0, -np.inf, -np.inf]], "f").reshape(1, 2, 4, 1)
    np.testing.assert_array_equal(dg.layers.MaxPooling2D()(x).numpy().ravel(), [np.nan, -np.inf])


@row("second derivatives of `BatchNormalization`, `LayerNormalization` and `tf.nn.moments`")
def test_the_mean_moves_in_second_derivatives():
    """The variance of (a, b) is (a - b)^2 / 4: second derivatives 1/2 and -1/2; with the mean fixed, 1 and 0."""
    hessian = dg.hessian(lambda x: tf.nn.moments(x, [0])[1])(dg.constant([1.0, 4.0]))
    assert hessian.numpy().tolist() == [[0.5, -0.5], [-0.5, 0.5]]
    for layer in (dg.layers.BatchNormalization(0, dtype="float64"), dg.layers.LayerNormalization(dtype="float64")):
        x = np.array([[1.0, 4.0, 2.0], [2.0, -1.0, 0.0]])
        training = {"training": True} if layer.name.startswith("batch") else {}
        assert dg.gradcheck(lambda x, layer=layer, training=training: layer(x, **training), x, order=2).ok


@row("`BatchNormalization` in training, of a batch without entries")
def test_nothing_is_learnt_from_nothing():
    layer = dg.layers.BatchNormalization()
    assert layer(np.zeros((0, 3), "f"), training=True).shape == (0, 3)
    assert [w.tolist() for w in layer.get_weights()] == [[1] * 3, [0] * 3, [0] * 3, [1] * 3]
