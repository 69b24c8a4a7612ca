"""A custom gradient of a function that reads variables, in a training loop."""

import tensorflow as tf
import numpy as np

w = tf.Variable([[0.5, -0.3], [0.2, 0.8]], name="w")
b = tf.Variable([0.1, -0.1], name="b")


@tf.custom_gradient
def linear_with_clipped_grad(x):
    y = tf.matmul(x, w) + b

    def grad(upstream, variables=None):
        upstream = tf.clip_by_value(upstream, -0.5, 0.5)
        grad_x = tf.matmul(upstream, w, transpose_b=True)
        grad_vars = []
        for v in variables:
            if v.name.startswith("w"):
                grad_vars.append(tf.matmul(x, upstream, transpose_a=True))
            else:
                grad_vars.append(tf.reduce_sum(upstream, axis=0))
        return grad_x, grad_vars

    return y, grad


x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    y = linear_with_clipped_grad(x)
    loss = tf.reduce_sum(tf.square(y))
print("y", y.numpy())
dx = tape.gradient(loss, x)
dw, db = tape.gradient(loss, [w, b])
print(dx.numpy(), dw.numpy(), db.numpy())
print([v.name for v in tape.watched_variables()])
opt = tf.keras.optimizers.SGD(0.1)
for step in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(linear_with_clipped_grad(x) - 1.0))
    grads = tape.gradient(loss, [w, b])
    opt.apply_gradients(zip(grads, [w, b]))
    print(step, float(loss))
