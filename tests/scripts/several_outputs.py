"""A functional model with two heads: the gradient of each loss and of their weighted sum."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(10)
inputs = keras.Input(shape=(6,), name="features")
x = layers.Dense(8, activation="relu", name="shared")(inputs)
price = layers.Dense(1, name="price")(x)
kind = layers.Dense(3, activation="softmax", name="kind")(x)
model = keras.Model(inputs=inputs, outputs=[price, kind])

data = np.random.rand(12, 6).astype("float32")
y_price = np.random.rand(12, 1).astype("float32")
y_kind = np.random.randint(0, 3, 12)
mse = keras.losses.MeanSquaredError()
scce = keras.losses.SparseCategoricalCrossentropy()

with tf.GradientTape(persistent=True) as tape:
    out_price, out_kind = model(data, training=True)
    loss_price = mse(y_price, out_price)
    loss_kind = scce(y_kind, out_kind)
    total = 0.3 * loss_price + 0.7 * loss_kind
shared = model.get_layer("shared").trainable_weights
grads_price = tape.gradient(loss_price, shared)
grads_kind = tape.gradient(loss_kind, shared)
grads_total = tape.gradient(total, model.trainable_weights)
missing = tape.gradient(loss_price, model.get_layer("kind").kernel)
del tape
norms = [float(tf.norm(g)) for g in grads_total]
print(norms, missing)
