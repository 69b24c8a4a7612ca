"""Gradient ascent on an input, with an optimizer and by hand: what excites a unit."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(11)
model = keras.Sequential([keras.layers.Dense(10, activation="relu"), keras.layers.Dense(4)])
model.build((None, 9))
start = (np.random.uniform(size=(1, 9)) * 0.25).astype("float32")

img = tf.Variable(start)
opt = tf.keras.optimizers.Adam(learning_rate=0.05)
for iteration in range(5):
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model(img)[:, 1]) + 1e-3 * tf.nn.l2_loss(img)
    opt.apply_gradients([(tape.gradient(loss, img), img)])


@tf.function
def gradient_ascent_step(img, filter_index, learning_rate):
    with tf.GradientTape() as tape:
        tape.watch(img)
        loss = tf.reduce_mean(model(img)[:, filter_index])
    grads = tape.gradient(loss, img)
    grads = tf.math.l2_normalize(grads)
    img += learning_rate * grads
    return loss, img


picture = tf.convert_to_tensor(start)
for iteration in range(4):
    value, picture = gradient_ascent_step(picture, 2, 0.5)
print(value.numpy(), img.numpy(), picture.numpy())
