"""The rows of docs/differences.md on what TensorFlow raises, and what it does not say."""

import densegrad.tf as tf
import numpy as np
import pytest
from difference_rows import row


@row("the `variables` that a custom gradient gets")
def test_captured_variables_come_in_the_order_of_their_construction():
    variables = [tf.Variable(float(i), name=f"v{9 - i}") for i in range(4)]
    seen = []

    def grad(dy, variables):
        seen.extend(variables)
        return dy, [dy for _ in variables]

    f = tf.custom_gradient(lambda x: (x + sum(variables[::-1]), grad))
    with tf.GradientTape() as tape:
        y = f(1.0)
    assert [float(g) for g in tape.gradient(y, variables)] == [1] * 4
    assert len(seen) == 4 and all(a is b for a, b in zip(seen, variables))


@row("`tf.gradients` inside a `tf.function`")
def test_tf_gradients_says_what_to_use():
    x = tf.Variable(2.0)
    for call in (lambda: tf.gradients(x * x, x), tf.function(lambda: tf.gradients(x * x, [x]))):
        with pytest.raises(RuntimeError, match=r"^\[tf.gradients\] there is no graph to differentiate: compute `ys`"):
            call()


@row("a number, array or list where a tape wants a tensor; a `batch_jacobian` of a scalar")
def test_what_is_no_tensor_is_named():
    x = tf.Variable([[2.0, 1.0]])
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        total = tf.reduce_sum(y)
    for call in (
        lambda: tape.gradient(3.0, x),
        lambda: tape.gradient(y, 3.0),
        lambda: tape.jacobian([y], x),
        lambda: tape.batch_jacobian(y, [x]),
    ):
        with pytest.raises(TypeError, match=r"^\[GradientTape.\w+\] `(target|sources?)` (holds a value|is a struct)"):
            call()
        with pytest.raises(tf.errors.InvalidArgumentError):
            call()
    with pytest.raises(
        ValueError, match=r"`target` has shape \(\) and `source` has shape \(1, 2\): both must have at l"
    ):
        tape.batch_jacobian(total, x)


@row("a value of another dtype in `assign`, `convert_to_tensor` or `output_gradients`; `tf.matmul` of a vector")
def test_dtypes_are_cast_where_there_is_one_answer():
    v = tf.Variable([1.0, 2.0])
    assert v.assign(tf.constant([3.0, 4.0], tf.float64)).dtype == tf.float32
    assert tf.convert_to_tensor(tf.ones(2), tf.float64).dtype == tf.float64
    with tf.GradientTape() as tape:
        y = v * v
    g = tape.gradient(y, v, output_gradients=tf.constant([1.0, 10.0], tf.float64))
    assert g.dtype == tf.float32 and g.numpy().tolist() == [6, 80]
    assert tf.matmul([[1.0, 2.0]], [3.0, 4.0]).numpy().tolist() == [11]


@row("the names of layers' weights in `tape.watched_variables()`")
def test_watched_weights_have_their_names():
    dense, scale = tf.keras.layers.Dense(2, name="dense"), tf.Variable(2.0, name="scale")
    with tf.GradientTape() as tape:
        dense(tf.ones((1, 3))) * scale
    watched = tape.watched_variables()
    assert {v.name for v in watched} == {"kernel", "bias", "scale:0"}
    assert {v.path for v in watched} == {"dense/kernel", "dense/bias", "scale"}


@row("a number or an array of a symbolic tensor: `float(x)`, `np.array(x)`, `x.numpy()`, a loop over it")
def test_values_of_symbolic_tensors_are_type_errors():
    x = tf.keras.Input((3,))
    for read in (float, int, bool, np.array, lambda t: t.numpy(), len, list):
        with pytest.raises(TypeError, match="a symbolic tensor of a functional model has no values here"):
            read(x)


@row("TensorFlow's and NumPy's functions of a symbolic tensor")
def test_functions_of_symbolic_tensors_are_part_of_the_model():
    x = tf.keras.Input((3,))
    model = tf.keras.Model(x, [tf.reduce_sum(x, 1), np.exp(x)])
    rows = np.float32([[1, 2, 3], [4, 5, 6]])
    total, powers = model(rows)
    assert total.numpy().tolist() == [6, 15] and np.array_equal(powers, tf.exp(rows))


@row("`tf.linalg.cholesky` of a matrix that is not positive definite")
def test_cholesky_names_the_pivot():
    with pytest.raises(tf.errors.InvalidArgumentError, match="`a` is not positive definite: its pivot 1 is -3"):
        tf.linalg.cholesky([[1.0, 2.0], [2.0, 1.0]])


@row("`tf.tile` with fewer multiples than axes")
def test_multiples_count_from_the_last_axis():
    x = np.float32([[1, 2], [3, 4]])
    assert np.array_equal(tf.tile(x, [2]), np.tile(x, [2]))


@row("`GaussianDropout(1)` and `AlphaDropout(1)`")
def test_noise_without_end_is_refused():
    for layer in (tf.keras.layers.GaussianDropout, tf.keras.layers.AlphaDropout):
        with pytest.raises(ValueError, match="Expected a float value of at least 0 and less than 1. Received: rate=1"):
            layer(1)
