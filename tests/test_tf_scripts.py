"""densegrad.tf: what published scripts do around their gradients."""

import densegrad.tf as tf
import numpy as np
import pytest
from densegrad.tf import keras


def first_weights(before):
    keras.utils.set_random_seed(3)
    before()
    layer = keras.layers.Dense(4)
    layer.build((None, 3))
    return layer.kernel.numpy()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: list(tf.data.Dataset.range(4).shuffle(4)),
        lambda: tf.random.normal((2,)),
        lambda: tf.random.truncated_normal((2,)),
        lambda: tf.random.uniform((2,)),
        lambda: tf.random.uniform((2,), maxval=3, dtype=tf.int32),
        lambda: tf.random.shuffle(np.arange(3)),
        lambda: tf.random.categorical([[0.0, 1.0]], 2),
        lambda: tf.random.Generator.from_non_deterministic_state().normal((2,)),
    ],
)
def test_draws_that_are_none_of_keras_leave_the_seeds_of_later_layers(draw):
    assert np.array_equal(first_weights(draw), first_weights(lambda: None))


def test_draws_that_are_none_of_keras_are_repeated_by_a_seed():
    def draws():
        keras.utils.set_random_seed(4)
        rows = [int(i) for i in tf.data.Dataset.range(50).shuffle(50)]
        return rows, tf.random.normal((3,)).numpy().tolist(), tf.random.shuffle(np.arange(50)).numpy().tolist()

    assert draws() == draws()


def test_print_appends_to_a_file(tmp_path):
    path = tmp_path / "out.txt"
    for value in (1.5, 2.0):
        tf.print("loss", tf.constant(value), output_stream=f"file://{path}")
    assert path.read_text() == "loss 1.5\nloss 2\n"


def test_classes_and_functions_are_registered_under_keras_utils():
    @keras.utils.register_keras_serializable("scripts")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    def cube(x):
        return x**3

    assert keras.utils.get_registered_name(Twice) == "scripts>Twice"
    with keras.utils.custom_object_scope({"cube": cube}):
        assert keras.layers.Activation("cube")(tf.constant([2.0])).numpy() == 8
    assert keras.utils.get_custom_objects() is keras.saving.get_custom_objects()


def test_indexed_slices_become_tensors():
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([2, 2]), (4, 2))
    assert tf.convert_to_tensor(rows).numpy().tolist() == [[0, 0], [0, 0], [4, 6], [0, 0]]
    assert rows.dtype == tf.float32 and rows.values.shape == (2, 2) and rows.dense_shape.numpy().tolist() == [4, 2]
    table = tf.Variable(np.ones((4, 2)))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.gather(table, [1, 1, 3]))
    gradient = tape.gradient(y, table)
    assert not isinstance(gradient, tf.IndexedSlices) and gradient.numpy()[:, 0].tolist() == [0, 2, 0, 1]
    with pytest.raises(ValueError, match=r"^\[tf.IndexedSlices\] `dense_shape` is None: it must be given to make a t"):
        tf.convert_to_tensor(tf.IndexedSlices([1.0], [0]))


def test_compute_gradient_gives_jacobians_of_both_kinds():
    a, b = np.array([[0.5, -1.0]]), np.array([2.0, 3.0, 4.0])

    def f(a, b):
        return tf.reduce_sum(a) ** 2 * b[:2] ** 3

    theoretical, numerical = tf.test.compute_gradient(f, [a, b])
    s, p = a.sum(), b[:2] ** 3
    exact = np.outer(p, [2 * s, 2 * s]), np.hstack([np.diag(3 * s**2 * b[:2] ** 2), np.zeros((2, 1))])
    for ours, differences, right in zip(theoretical, numerical, exact):
        assert np.allclose(ours, right, rtol=1e-14)
        # The third derivatives are at most 6, the truncation h^2 of them; the rounding is eps |f| / h.
        assert np.abs(differences - right).max() <= 2 * (6 / 6 / 1024**2 + 1024 * 16 * np.finfo(float).eps)
    assert np.allclose(tf.test.compute_gradient(f, [a, b], delta=0.5)[1][0], exact[0], rtol=1e-12)  # quadratic in a
    with pytest.raises(ValueError, match=r"^\[tf.test.compute_gradient\] `x` is a ndarray: it must be a list of the"):
        tf.test.compute_gradient(f, a)


def test_nested_structures():
    pair = {"b": [tf.constant(1.0), 2.0], "a": (3.0,)}
    assert [float(leaf) for leaf in tf.nest.flatten(pair)] == [3, 1, 2] and not tf.nest.is_nested(tf.constant(1.0))
    assert tf.nest.pack_sequence_as(pair, [1, 2, 3]) == {"b": [2, 3], "a": (1,)}
    assert tf.nest.map_structure(lambda v, w: v - 2 * w, [1, (2, {"k": 3})], [1, (1, {"k": 1})]) == [-1, (0, {"k": 1})]
    assert tf.nest.map_structure(lambda v: v + 1, 2) == 3
    tf.nest.assert_same_structure([1, (2,)], [5, [2]], check_types=False)


@pytest.mark.parametrize(
    "one, other, text",
    [
        ([1, (2,)], [5, [2]], r"\(2,\) and \[2\] are in the same place"),
        ([1], [1, 2], r"\[1\] and \[1, 2\] are in the same place"),
        ([1], [[1]], r"1 and \[1\] are in the same place"),
        ([{"a": 1}], [{"b": 1}], r"\['a'\] and \['b'\] are the keys"),
    ],
)
def test_structures_that_differ(one, other, text):
    with pytest.raises(ValueError, match=rf"^\[tf.nest.map_structure\] the structures differ: {text}.$"):
        tf.nest.map_structure(lambda v, w: v, one, other)
    with pytest.raises(ValueError, match=rf"^\[tf.nest.assert_same_structure\] the structures differ: {text}.$"):
        tf.nest.assert_same_structure(one, other)
    with pytest.raises(ValueError, match=r"^\[tf.nest.pack_sequence_as\] `flat_sequence` has 9 entries: `structure` t"):
        tf.nest.pack_sequence_as(one, range(9))


def test_the_mean_of_bools_counts():
    assert keras.backend.mean([[True, False], [True, True]], axis=0).numpy().tolist() == [1, 0.5]
    assert keras.backend.mean([[1.0, 2.0]], axis=1, keepdims=True).numpy().tolist() == [[1.5]]


@pytest.mark.parametrize("bounds", [(0, 0), (1, 0), (-1, 0), (0, -1), (-1, -1), (2, 1), (0, 9)])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (0, 3)])
def test_band_part_keeps_diagonals(bounds, shape):
    x = tf.Variable(np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
    low, up = (max(shape) if n < 0 else n for n in bounds)
    kept = np.triu(np.tril(np.ones(shape), up), -low)
    with tf.GradientTape() as tape:
        y = tf.linalg.band_part(x, *bounds)
    assert np.array_equal(y, x.numpy() * kept) and np.array_equal(tape.gradient(y, x), kept)
    assert tf.linalg.band_part(tf.cast(x, tf.int32), *bounds).dtype == tf.int32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linspace_between_tensors_has_a_gradient(dtype):
    start, stop = tf.Variable(-1.0, dtype=dtype), tf.Variable(2.0, dtype=dtype)
    with tf.GradientTape() as tape:
        y = tf.linspace(start, stop, 5)
    assert y.dtype == dtype and y.numpy().tolist() == np.linspace(-1, 2, 5).tolist()
    weights = tf.constant([1.0, 2.0, 3.0, 4.0, 5.0], dtype)
    assert [float(g) for g in tape.gradient(y, [start, stop], output_gradients=weights)] == [5, 10]
    rows = tf.linspace(tf.constant([0.0, 1.0], dtype), 3.0, 4)
    np.testing.assert_allclose(rows, np.linspace([0, 1], 3, 4), rtol=4 * np.finfo(dtype).eps)
    assert tf.linspace(start, stop, 1).numpy().tolist() == [-1] and tf.linspace(start, stop, 0).shape == (0,)


def test_a_layer_that_counts_in_a_metric_runs_for_its_shapes():
    class Endpoint(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = keras.metrics.Mean(name="seen")

        def call(self, logits, targets):
            self.add_loss(tf.reduce_mean((logits - targets) ** 2))
            self.seen.update_state(logits)
            return tf.nn.softmax(logits)

    x, t = keras.Input((3,)), keras.Input((2,))
    end = Endpoint()
    model = keras.Model([x, t], end(keras.layers.Dense(2)(x), t))
    assert model.compute_output_shape([(5, 3), (5, 2)]) == (5, 2)
    model.compile("sgd")
    model.fit([np.ones((4, 3)), np.zeros((4, 2))], batch_size=2, verbose=0)
    assert float(end.seen.count) == 4  # the rows of both batches, and none of the runs for shapes


def test_batch_normalization():
    x = np.array([[1.0, 5.0], [2.0, -1.0], [6.0, 2.0]])
    mean, variance = tf.nn.moments(tf.constant(x), [0])
    y = tf.nn.batch_normalization(tf.constant(x), mean, variance, None, None, 0.0)
    np.testing.assert_allclose(y, (x - x.mean(0)) / x.std(0), rtol=1e-14)
    y = tf.nn.batch_normalization(tf.constant(x), [1.0, 2.0], [3.0, 8.0], [0.5, -1.0], [2.0, 3.0], 1.0)
    np.testing.assert_allclose(y, (x - [1, 2]) / [2, 3] * [2, 3] + [0.5, -1], rtol=1e-14)
