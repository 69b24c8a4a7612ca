"""The cases in which a gradient is None, and zeros in their place."""

import numpy as np
import tensorflow as tf

x = tf.Variable(2.0)
y = tf.Variable(3.0)
with tf.GradientTape() as tape:
    z = y * y
unconnected = tape.gradient(z, x)
print(unconnected)

w = tf.Variable(2.0)
for epoch in range(2):
    with tf.GradientTape() as tape:
        out = w + 1
    replaced = tape.gradient(out, w)
    print(type(w).__name__, ":", replaced)
    w = w + 1  # This should be `w.assign_add(1)`

m = tf.Variable([[1.0, 2.0], [3.0, 4.0]], dtype=tf.float32)
with tf.GradientTape() as tape:
    m2 = m**2
    through_numpy = np.mean(m2.numpy(), axis=0)
    through_numpy = tf.reduce_mean(through_numpy, axis=0)
outside = tape.gradient(through_numpy, m)

c = tf.constant(10.0)
with tf.GradientTape() as g:
    product = c * c
not_watched = g.gradient(product, c)

with tf.GradientTape() as tape:
    zero = tape.gradient(z, x, unconnected_gradients=tf.UnconnectedGradients.ZERO) if False else y * 2.0
zero = tape.gradient(zero, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
print(zero)

x0 = tf.Variable(3.0, name="x0")
x1 = tf.Variable(3.0, name="x1", trainable=False)
x2 = tf.Variable(2.0, name="x2") + 1.0
x3 = tf.constant(3.0, name="x3")
with tf.GradientTape() as tape:
    s = (x0**2) + (x1**2) + (x2**2)
grad = tape.gradient(s, [x0, x1, x2, x3])
for g in grad:
    print(g)
watched = [var.name.split(":")[0] for var in tape.watched_variables()]
integer = tf.constant(3)
with tf.GradientTape() as t:
    t.watch(x0)
    s = tf.cast(x0, tf.int32)
from_integer = t.gradient(tf.cast(s, tf.float32), x0)
blocked = tf.Variable(1.5)
with tf.GradientTape() as t:
    s = tf.stop_gradient(blocked**2) * blocked
stopped = t.gradient(s, blocked)
