"""A convolution in front of a dense head, trained for a step; Grad-CAM of its feature maps."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, models

tf.keras.utils.set_random_seed(12)
model = models.Sequential()
model.add(layers.Conv2D(4, (3, 3), strides=2, padding="same", activation="relu", input_shape=(8, 8, 1)))
model.add(layers.Flatten())
model.add(layers.Dense(10, activation="softmax"))
x = np.random.rand(2, 8, 8, 1).astype("float32")
y = np.array([3, 7])
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy()

with tf.GradientTape() as tape:
    loss = loss_fn(y, model(x, training=True))
grads = tape.gradient(loss, model.trainable_variables)
print([g.shape for g in grads])

conv, flatten, dense = model.layers
with tf.GradientTape() as tape:
    maps = conv(x)
    tape.watch(maps)
    predictions = dense(flatten(maps))
    loss = predictions[:, 3]
dmaps = tape.gradient(loss, maps)
pooled_grads = tf.reduce_mean(dmaps, axis=(0, 1, 2))
heatmap = tf.squeeze(maps[0] @ pooled_grads[..., tf.newaxis])
heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
