"""Binary classification with one sigmoid neuron: dL/dz = (a - y) / n."""

import numpy as np
import tensorflow as tf

x = tf.constant([[0.2, -1.0], [1.5, 0.3], [-0.7, 0.8]])
y = tf.constant([[1.0], [0.0], [1.0]])
w = tf.Variable([[0.4], [-0.6]])
b = tf.Variable([0.1])
bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)

with tf.GradientTape() as tape:
    z = x @ w + b
    tape.watch(z)
    loss = bce(y, z)
dz, dw, db = tape.gradient(loss, [z, w, b])
a = tf.sigmoid(z)
print(loss.numpy(), dz.numpy().ravel(), dw.numpy().ravel(), db.numpy())
assert np.allclose(dz, (a - y) / 3, atol=1e-6)

with tf.GradientTape() as tape:
    per_entry = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x @ w + b)
    total = tf.reduce_sum(per_entry)
gw = tape.gradient(total, w)
