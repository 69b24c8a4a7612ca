"""A physics-informed network: u'' from nested tapes in the loss, trained with Adam."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(8)
tf.keras.backend.set_floatx("float64")
model = tf.keras.Sequential(
    [
        tf.keras.layers.Dense(10, activation="tanh", input_shape=(1,)),
        tf.keras.layers.Dense(10, activation="tanh"),
        tf.keras.layers.Dense(1),
    ]
)
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)
x = tf.reshape(tf.constant(np.linspace(0, 1, 11)), (-1, 1))
f = -(np.pi**2) * tf.constant(np.sin(np.pi * x.numpy()))


def residual(x):
    with tf.GradientTape() as tape2:
        tape2.watch(x)
        with tf.GradientTape() as tape1:
            tape1.watch(x)
            u = model(x)
        u_x = tape1.gradient(u, x)
    u_xx = tape2.gradient(u_x, x)
    return u_xx - f, u


history = []
for epoch in range(3):
    with tf.GradientTape() as tape:
        r, u = residual(x)
        boundary = tf.gather(u, [0, 10])
        loss = tf.reduce_mean(tf.square(r)) + tf.reduce_mean(tf.square(boundary))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    history.append(loss.numpy())
    tf.print("epoch", epoch, "loss", loss)
tf.keras.backend.set_floatx("float32")
