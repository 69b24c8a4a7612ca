"""The gradient penalty of a critic: a norm of gradients inside of a loss."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(14)
critic = keras.Sequential([keras.layers.Dense(8, activation="sigmoid"), keras.layers.Dense(1)])
real = tf.constant(np.random.randn(6, 3), tf.float32)
fake = tf.constant(np.random.randn(6, 3), tf.float32)
alpha = tf.constant(np.random.rand(6, 1), tf.float32)
d_optimizer = keras.optimizers.SGD(learning_rate=0.05, momentum=0.9)


def gradient_penalty(real, fake):
    diff = fake - real
    interpolated = real + alpha * diff
    with tf.GradientTape() as gp_tape:
        gp_tape.watch(interpolated)
        pred = critic(interpolated, training=True)
    grads = gp_tape.gradient(pred, [interpolated])[0]
    norm = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1]))
    return tf.reduce_mean((norm - 1.0) ** 2)


costs = []
for _ in range(3):
    with tf.GradientTape() as tape:
        d_cost = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real))
        gp = gradient_penalty(real, fake)
        d_loss = d_cost + gp * 10.0
    d_gradient = tape.gradient(d_loss, critic.trainable_variables)
    d_optimizer.apply_gradients(zip(d_gradient, critic.trainable_variables))
    costs.append([d_cost.numpy(), gp.numpy(), d_loss.numpy()])
