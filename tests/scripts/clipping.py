"""Clipping gradients by value, by norm, by global norm, then applying them."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(3)
model = tf.keras.Sequential([tf.keras.layers.Dense(5, activation="relu"), tf.keras.layers.Dense(2)])
x = np.random.randn(10, 4).astype("float32")
y = (np.random.randn(10, 2) * 10).astype("float32")
loss_fn = tf.keras.losses.MeanSquaredError()
optimizer = tf.keras.optimizers.SGD(learning_rate=0.1)

with tf.GradientTape() as tape:
    loss = loss_fn(y, model(x))
gradients = tape.gradient(loss, model.trainable_variables)
by_value = [tf.clip_by_value(grad, -0.5, 0.5) for grad in gradients]
by_norm = [(tf.clip_by_norm(grad, 1.0)) for grad in gradients]
by_global_norm, global_norm = tf.clip_by_global_norm(gradients, 2.0)
assert abs(float(tf.linalg.global_norm(by_global_norm)) - 2.0) < 1e-5
print("norm before", global_norm.numpy())
optimizer.apply_gradients(zip(by_global_norm, model.trainable_variables))
after = [v.numpy() for v in model.trainable_variables]
