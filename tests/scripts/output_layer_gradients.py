"""Gradient of the loss with respect to logits, probabilities, weights and bias of a softmax output layer."""

import numpy as np
import tensorflow as tf

np.random.seed(3)
x = tf.constant(np.random.randn(4, 5), tf.float32)
labels = tf.one_hot([0, 2, 1, 2], depth=3)
W = tf.Variable(np.random.randn(5, 3).astype("float32") * 0.3, name="W")
b = tf.Variable(tf.zeros([3]), name="b")
cce = tf.keras.losses.CategoricalCrossentropy()

with tf.GradientTape(persistent=True) as tape:
    z = tf.matmul(x, W) + b
    a = tf.nn.softmax(z)
    loss = cce(labels, a)
    manual = -tf.reduce_mean(tf.reduce_sum(labels * tf.math.log(a), axis=1))

dL_da = tape.gradient(loss, a)
dL_dz = tape.gradient(loss, z)
dL_dW, dL_db = tape.gradient(loss, [W, b])
manual_grads = tape.gradient(manual, {"W": W, "b": b, "z": z})
del tape

print("dL/da\n", dL_da.numpy())
print("dL/dz\n", dL_dz.numpy(), "\nexpected\n", ((a - labels) / 4).numpy())
tf.debugging.assert_near(dL_dz, (a - labels) / 4.0, atol=1e-6)
tf.debugging.assert_near(dL_dW, tf.matmul(x, dL_dz, transpose_a=True), atol=1e-6)
tf.debugging.assert_near(dL_db, tf.reduce_sum(dL_dz, axis=0), atol=1e-6)
