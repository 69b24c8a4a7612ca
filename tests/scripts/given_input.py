"""The gradient of the output layer for one given input, and per-sample gradients in a loop."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(18)
model = keras.Sequential()
model.add(keras.layers.Dense(5, activation="relu", input_shape=(3,)))
model.add(keras.layers.Dense(2, activation="linear", kernel_initializer="glorot_uniform"))
sample = np.array([[0.5, -1.0, 2.0]], dtype=np.float32)
with tf.GradientTape() as tape:
    output = model(sample)
    loss = tf.keras.losses.mse(np.array([[1.0, 0.0]], np.float32), output)
output_layer_gradients = tape.gradient(loss, model.layers[-1].trainable_weights)
for w, g in zip(model.layers[-1].weights, output_layer_gradients):
    print(w.shape, g.numpy())

batch = np.random.randn(4, 3).astype(np.float32)
per_sample = []
for row in batch:
    with tf.GradientTape() as tape:
        value = model(row[np.newaxis, :])[0, 1]
    per_sample.append(tape.gradient(value, model.trainable_variables))
flat = tf.stack([tf.concat([tf.reshape(g, [-1]) for g in grads], axis=0) for grads in per_sample if None not in grads])
first_layer = [grads[0].numpy() for grads in per_sample]
