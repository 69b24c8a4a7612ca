"""Mistakes that people make: an `except` clause for the class that TensorFlow raises catches what is raised here.

`{}`: TensorFlow's class `tf.errors.X` is looked up as `densegrad.tf.errors.X`. What TensorFlow raises by accident
(AttributeError, IndexError of its own code) and what is no mistake here are rows of docs/differences.md.
"""

from __future__ import annotations

import densegrad.tf as dtf
import numpy as np
import pytest

SQUARE = [[1.0, 2.0], [3.0, 4.0]]


def taped(use, x=SQUARE, **options):
    """`use(tape, x, y)` for y = x * x on a closed tape."""

    def call(tf):
        t = tf.constant(x)
        with tf.GradientTape(**options) as tape:
            tape.watch(t)
            y = t * t
        return use(tape, t, y)

    return call


def watched(value):
    def call(tf):
        with tf.GradientTape() as tape:
            tape.watch(value)

    return call


def twice(tape, x, y):
    tape.gradient(y, x)
    return tape.gradient(y, x)


def model(tf, **compiled):
    made = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    if compiled:
        made.compile(**compiled)
    return made


def fitted(x, y, **compiled):
    def call(tf):
        return model(tf, **compiled).fit(np.ones(x), np.ones(y), verbose=0)

    return call


def evaluated(text):
    return lambda tf: eval(text, {"tf": tf, "keras": tf.keras, "np": np, "model": model})


TAPES = {
    "watch a number": watched(3.0),
    "watch an array": watched(np.ones(2)),
    "watch a string": watched("x"),
    "watch None": watched(None),
    "gradient twice": taped(twice),
    "target None": taped(lambda tape, x, y: tape.gradient(None, x)),
    "source None": taped(lambda tape, x, y: tape.gradient(y, None)),
    "unconnected_gradients": taped(lambda tape, x, y: tape.gradient(y, x, unconnected_gradients="zeros")),
    "output_gradients of other shapes": taped(
        lambda tape, x, y: tape.gradient(y, x, output_gradients=np.ones((3, 2), "f"))
    ),
    "batch_jacobian of a vector": taped(lambda tape, x, y: tape.batch_jacobian(y, x), [1.0, 2.0]),
    "batch_jacobian of other samples": taped(lambda tape, x, y: tape.batch_jacobian(y[:1], x)),
    "stop_recording outside": taped(lambda tape, x, y: tape.stop_recording().__enter__()),
    "reset outside": taped(lambda tape, x, y: tape.reset()),
    "fit without compile": fitted((2, 3), (2, 2)),
    "fit on other numbers of rows": fitted((2, 3), (3, 2), loss="mse"),
    "fit on another width": fitted((2, 4), (2, 2), loss="mse"),
    "fit to another width": fitted((2, 3), (2, 5), loss="categorical_crossentropy"),
    "fit without a loss": fitted((2, 3), (2, 2), optimizer="sgd"),
    "fit with no such loss": fitted((2, 3), (2, 2), loss="nope"),
}
EXPRESSIONS = """
tf.matmul(tf.ones((2, 3)), tf.ones((2, 3)))
tf.ones((2, 3)) @ tf.ones((2, 3))
tf.matmul(tf.ones((2, 3)), tf.ones((3, 2), tf.float64))
tf.matmul(tf.ones((2, 3), tf.int32), tf.ones((3, 2)))
tf.ones((2, 3)) + tf.ones((2, 2))
tf.ones(3) + tf.ones(3, tf.float64)
tf.constant(1) + tf.constant(1.0)
tf.constant(1) + 1.5
tf.constant(1.0) + "a"
tf.constant(1.0) + None
tf.multiply(tf.ones(3), tf.ones(3, tf.float64))
tf.exp(tf.constant(1))
tf.math.log(tf.constant(4))
tf.sigmoid(tf.constant(1))
tf.reduce_sum("abc")
tf.reduce_sum(tf.ones((2, 3)), axis=4)
tf.argmax(tf.ones((2, 3)), 5)
tf.reshape(tf.ones((2, 3)), (4, 2))
tf.reshape(tf.ones((2, 3)), (-1, -1))
tf.concat([tf.ones((2, 3)), tf.ones((3, 2))], 0)
tf.concat([tf.ones((2, 3)), tf.ones((2, 3))], 5)
tf.concat([tf.ones(2), tf.ones(2, tf.float64)], 0)
tf.stack([tf.ones(2), tf.ones(3)])
tf.transpose(tf.ones((2, 3)), [0, 1, 2])
tf.squeeze(tf.ones((2, 3)), 0)
tf.expand_dims(tf.ones((2, 3)), 7)
tf.gather(tf.ones(3), [5])
tf.gather_nd(tf.ones((3, 3)), [[5, 0]])
tf.ones(3)[5]
tf.ones(3)["a"]
tf.ones(3)[1.5]
tf.ones(3)[0, 0]
tf.slice(tf.ones(3), [2], [5])
tf.split(tf.ones(5), 2)
tf.pad(tf.ones((2, 3)), [[1, 1]])
tf.one_hot([0.5], 3)
tf.broadcast_to(tf.ones(3), (2, 2))
tf.where([True, False], tf.ones(3), tf.zeros(3))
tf.einsum("ij,jk->ik", tf.ones((2, 3)), tf.ones((2, 3)))
tf.tensordot(tf.ones((2, 3)), tf.ones((2, 3)), 1)
tf.constant([[1.0], [1.0, 2.0]])
tf.constant([1.0, "a"])
tf.constant(None)
tf.constant(object())
tf.constant(1.0, dtype="float99")
tf.constant(1.5, dtype=tf.int32)
tf.constant([1, 2.5], tf.int64)
tf.Variable()
tf.Variable(None)
tf.Variable([1.0, 2.0]).assign([1.0])
tf.Variable([1.0, 2.0]).assign_add([1.0])
tf.Variable([1.0, 2.0]).assign("abc")
bool(tf.ones(2) > 0)
float(tf.ones(2))
len(tf.constant(1.0))
list(tf.constant(1.0))
hash(tf.constant(1.0))
tf.constant(1.0).nope
tf.nope
tf.constant(1) // tf.constant(0)
tf.constant(1) % tf.constant(0)
tf.linalg.inv(tf.zeros((2, 2)))
tf.linalg.inv(tf.zeros((2, 3)))
tf.clip_by_norm("a", 1.0)
tf.clip_by_value(tf.ones(3), tf.ones(2), 5.0)
tf.clip_by_global_norm(tf.ones(3), 1.0)
tf.zeros((-1, 2))
tf.eye(-1)
tf.range(0, 3, 0)
tf.random.normal((-1, 2))
tf.map_fn(lambda v: v, tf.constant(1.0))
tf.ensure_shape(tf.ones(2), [3])
tf.TensorArray(tf.float32, 2).write(3, 1.0)
tf.function(3)
tf.nn.softmax_cross_entropy_with_logits(tf.ones((2, 3)), tf.ones((2, 4)))
tf.nn.sparse_softmax_cross_entropy_with_logits([5], tf.ones((1, 3)))
tf.nn.sparse_softmax_cross_entropy_with_logits(tf.ones((2, 2), tf.int32), tf.ones((2, 3)))
tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones((2, 3)), logits=tf.ones((2, 4)))
tf.debugging.check_numerics(tf.constant(np.nan), "m")
tf.debugging.assert_equal(1, 2)
tf.debugging.assert_near(1.0, 2.0)
tf.debugging.assert_greater(1, 2)
tf.debugging.assert_positive(-1.0)
tf.debugging.assert_rank(tf.ones(2), 2)
tf.debugging.assert_shapes([(tf.ones(2), (3,))])
tf.debugging.assert_type(tf.ones(2), tf.int32)
tf.debugging.Assert(False, ["x"])
list(tf.data.Dataset.from_tensor_slices((np.ones(2), np.ones(3))))
iter(tf.data.Dataset.range(0)).get_next()
next(iter(tf.data.Dataset.range(0)))
len(tf.data.Dataset.range(3).repeat())
model(tf)(tf.ones((2, 4)))
keras.layers.Dense(2)(tf.ones(3))
keras.layers.Dense(0)
keras.layers.Dense(2, activation="nope")
keras.layers.Dense(2, nope=3)
keras.layers.Dense(2)("abc")
keras.layers.Dense(2)(None)
keras.layers.Dense(2).kernel
keras.layers.Add()([tf.ones((2, 3)), tf.ones((2, 4))])
keras.layers.Concatenate()([tf.ones((2, 3)), tf.ones((3, 4))])
keras.layers.Reshape((5,))(tf.ones((2, 3)))
keras.layers.Dropout(1.5)
keras.Model(keras.Input((3,)), keras.layers.Dense(2)(keras.Input((3,))))
model(tf).set_weights([np.ones(2)])
model(tf).set_weights([np.ones((2, 2)), np.ones(2)])
model(tf).get_layer("nope")
model(tf).get_layer(index=9)
keras.losses.MeanSquaredError()(tf.ones((2, 3)), tf.ones((2, 4)))
keras.losses.CategoricalCrossentropy()(tf.ones((2, 3)), tf.ones((2, 4)))
keras.losses.SparseCategoricalCrossentropy()(tf.ones((3,)), tf.ones((2, 4)) / 4)
keras.losses.MeanSquaredError(reduction="nope")
keras.losses.get("nope")
keras.optimizers.get("nope")
keras.activations.get("nope")
keras.initializers.get("nope")
keras.regularizers.get("nope")
keras.optimizers.Adam("abc")
keras.optimizers.Adam(nope=1)
keras.optimizers.Adam(clipnorm=1.0, clipvalue=1.0)
keras.optimizers.Adam().apply_gradients([])
keras.optimizers.Adam().apply_gradients([(None, tf.Variable(1.0))])
keras.optimizers.SGD().apply_gradients([(tf.ones(3), tf.Variable([1.0]))])
keras.utils.to_categorical([0, 3], 2)
""".strip().split("\n")
MISTAKES = TAPES | {text: evaluated(text) for text in EXPRESSIONS}


def raised(call, tf):
    with pytest.raises(Exception) as caught:
        call(tf)
    return type(caught.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_catches_tensorflows_error_catches_ours(mistake, tensorflow):
    theirs, ours = raised(MISTAKES[mistake], tensorflow), raised(MISTAKES[mistake], dtf)
    if issubclass(theirs, tensorflow.errors.OpError):
        theirs = getattr(dtf.errors, theirs.__name__)
    assert issubclass(ours, theirs), f"{ours.__name__} is not caught as {theirs.__name__}"


def test_errors_are_raised_with_a_message_of_ones_own():
    for error in (dtf.errors.InvalidArgumentError, dtf.errors.NotFoundError):
        for caught in (error, dtf.errors.OpError):
            with pytest.raises(caught, match=r"^no$") as info:
                raise error(None, None, "no")
            assert info.value.message == "no"


def test_tensorflows_errors_exist(tensorflow):
    names = {n for n in dir(tensorflow.errors) if isinstance(getattr(tensorflow.errors, n), type)}
    assert names <= set(dir(dtf.errors)), names - set(dir(dtf.errors))
