"""Backpropagation by hand against the tape, layer by layer."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(1)
X = rng.randn(6, 4).astype(np.float32)
Y = rng.randn(6, 2).astype(np.float32)
W1, b1 = tf.Variable(rng.randn(4, 5).astype(np.float32)), tf.Variable(np.zeros(5, np.float32))
W2, b2 = tf.Variable(rng.randn(5, 2).astype(np.float32)), tf.Variable(np.zeros(2, np.float32))
x = tf.constant(X)
with tf.GradientTape() as tape:
    tape.watch(x)
    z1 = x @ W1 + b1
    a1 = tf.nn.sigmoid(z1)
    z2 = a1 @ W2 + b2
    loss = tf.reduce_mean(tf.reduce_sum((z2 - Y) ** 2, axis=1))
dx, dz1, da1, dz2, dW1, db1, dW2, db2 = tape.gradient(loss, [x, z1, a1, z2, W1, b1, W2, b2])

hand_dz2 = 2 * (z2.numpy() - Y) / len(X)
hand_da1 = hand_dz2 @ W2.numpy().T
hand_dz1 = hand_da1 * a1.numpy() * (1 - a1.numpy())
for ours, hand in [(dz2, hand_dz2), (da1, hand_da1), (dz1, hand_dz1), (dW2, a1.numpy().T @ hand_dz2),
                   (dW1, X.T @ hand_dz1), (db1, hand_dz1.sum(axis=0)), (dx, hand_dz1 @ W1.numpy().T)]:  # fmt: skip
    np.testing.assert_allclose(ours.numpy(), hand, rtol=1e-4, atol=1e-5)
with tf.GradientTape() as tape:
    tape.watch(x)
    upstream = tf.nn.sigmoid(x @ W1 + b1)
vjp = tape.gradient(upstream, x, output_gradients=tf.constant(hand_da1))
