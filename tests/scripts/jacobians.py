"""The Jacobian of a layer, per batch, against the gradient, which is its sum."""

import numpy as np
import tensorflow as tf

x = tf.linspace(-10.0, 10.0, 21)
delta = tf.Variable(0.0)
with tf.GradientTape() as tape:
    y = tf.nn.sigmoid(x + delta)
dy_dx = tape.jacobian(y, delta)

tf.keras.utils.set_random_seed(2)
inputs = tf.constant(np.random.randn(7, 5), tf.float32)
layer = tf.keras.layers.Dense(10, activation=tf.nn.relu)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(inputs)
    y2 = layer(inputs)
j = tape.jacobian(y2, layer.kernel)
g = tape.gradient(y2, layer.kernel)
j_sum = tf.reduce_sum(j, axis=[0, 1])
delta_j = tf.reduce_max(abs(g - j_sum)).numpy()
assert delta_j < 1e-4
print(j.shape, g.shape)

full = tape.jacobian(y2, inputs)
per_sample = tape.batch_jacobian(y2, inputs)
diagonal = tf.einsum("bxby->bxy", tf.transpose(full, [0, 1, 2, 3]))
print(full.shape, per_sample.shape)
