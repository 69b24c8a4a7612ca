"""Adversarial pictures through rescaling, padding and a convolution."""

import tensorflow as tf
from tensorflow.keras import Model, Sequential
from tensorflow.keras.layers import (
    Dense,
    Embedding,
    GaussianDropout,
    GlobalAveragePooling2D,
    Rescaling,
    ZeroPadding2D,
    Conv2D,
    Flatten,
)
import numpy as np

tf.keras.utils.set_random_seed(5)
images = np.random.RandomState(1).randint(0, 255, (4, 6, 6, 1)).astype("uint8")
model = Sequential(
    [
        tf.keras.Input((6, 6, 1)),
        Rescaling(1 / 255),
        ZeroPadding2D(1),
        Conv2D(2, 3, activation="relu"),
        Flatten(),
        GaussianDropout(0.2, seed=3),
        Dense(3, activation="softmax"),
    ]
)
model.summary(print_fn=lambda line: None)
y = tf.constant([0, 2, 1, 1])
x = tf.cast(images, tf.float32)
with tf.GradientTape() as tape:
    tape.watch(x)
    p = model(x, training=False)
    loss = tf.keras.losses.SparseCategoricalCrossentropy()(y, p)
g = tape.gradient(loss, x)
print(float(loss), float(tf.reduce_max(tf.abs(g))))
adv = tf.clip_by_value(x + 4.0 * tf.sign(g), 0.0, 255.0)
print(float(tf.keras.losses.SparseCategoricalCrossentropy()(y, model(adv))) > float(loss))
acc = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(p, 1, output_type=tf.int32), y), tf.float32))
print(acc.numpy())
print(int(tf.reduce_sum(tf.cast(tf.argmax(p, 1, output_type=tf.int32) == y, tf.int32))) / len(y))
layer_model = Model(model.inputs, model.layers[2].output)
print(layer_model(x).shape)
w = model.get_weights()
model.set_weights([v * 0.5 for v in w])
try:
    model.set_weights(w[:1])
except ValueError:
    print("ValueError")
