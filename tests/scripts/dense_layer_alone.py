"""A dense layer alone: one sample, several samples, shapes of every gradient."""

import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Dense

tf.keras.utils.set_random_seed(0)
layer = Dense(3, activation="sigmoid")
one = tf.constant([[0.1, 0.2, 0.3, 0.4]])
many = tf.constant(np.arange(24).reshape(6, 4) / 10.0, dtype=tf.float32)
shapes, sums = [], []
for x in (one, many):
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x)
        loss = tf.reduce_sum(out**2)
    grads = tape.gradient(loss, [x] + layer.trainable_weights)
    shapes.append([tuple(g.shape) for g in grads])
    sums.append([tf.reduce_sum(g).numpy() for g in grads])
print(shapes)
assert [tuple(w.shape) for w in layer.get_weights()] == [(4, 3), (3,)]

relu_layer = tf.keras.layers.Dense(2, activation=tf.nn.relu, kernel_initializer="ones", bias_initializer="zeros")
with tf.GradientTape() as g:
    y = relu_layer(many)
dkernel, dbias = g.gradient(y, relu_layer.trainable_variables)
