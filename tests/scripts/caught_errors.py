"""Mistakes, and the except clauses that catch them."""

import tensorflow as tf
import numpy as np


def attempt(name, f):
    try:
        f()
        print(name, "ok")
    except tf.errors.InvalidArgumentError as e:
        print(name, "InvalidArgumentError")
    except TypeError:
        print(name, "TypeError")
    except RuntimeError:
        print(name, "RuntimeError")
    except ValueError as e:
        print(name, "ValueError")


x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
attempt("matmul", lambda: tf.matmul(x, tf.ones((3, 2))))
attempt("add dtype", lambda: x + tf.constant([1, 2]))
attempt("reshape", lambda: tf.reshape(x, (3, 3)))
attempt("gather", lambda: tf.gather(x, [4]))
attempt("check", lambda: tf.debugging.check_numerics(x / 0.0, "bad"))
attempt("assert", lambda: tf.debugging.assert_equal(x, x + 1))
attempt("concat", lambda: tf.concat([x, tf.ones((3, 3))], 0))
with tf.GradientTape() as tape:
    tape.watch(x)
    y = x * x
tape.gradient(y, x)
attempt("second gradient", lambda: tape.gradient(y, x))


def wrong():
    with tf.GradientTape() as t:
        t.watch([1.0, 2.0])


try:
    wrong()
except ValueError as e:
    print("watch ValueError")
model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(3)])
try:
    model(tf.ones((1, 5)))
except ValueError:
    print("model ValueError")
try:
    model.fit(np.ones((2, 2)), np.ones((2, 3)))
except (ValueError, RuntimeError) as e:
    print(type(e).__name__)
try:
    x[5]
except tf.errors.InvalidArgumentError:
    print("index")
it = iter(tf.data.Dataset.range(2))
total = 0
while True:
    try:
        total += int(it.get_next())
    except tf.errors.OutOfRangeError:
        print("end", total)
        break
try:
    raise tf.errors.InvalidArgumentError(None, None, "my message")
except tf.errors.OpError as e:
    print(e.message)
