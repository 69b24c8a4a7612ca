"""MAML: the gradient through one step of gradient descent."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(2)
w1 = tf.Variable(rng.randn(1, 6).astype("float32"))
b1 = tf.Variable(tf.zeros((6,)))
w2 = tf.Variable(rng.randn(6, 1).astype("float32"))
x_s = tf.constant(rng.rand(5, 1), tf.float32)
x_q = tf.constant(rng.rand(5, 1), tf.float32)


def forward(x, params):
    w1, b1, w2 = params
    return tf.matmul(tf.nn.sigmoid(tf.matmul(x, w1) + b1), w2)


def mse(y, p):
    return tf.reduce_mean(tf.math.squared_difference(y, p))


params = [w1, b1, w2]
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        train_loss = mse(2 * x_s, forward(x_s, params))
    inner_grads = inner.gradient(train_loss, params)
    adapted = [p - 0.1 * g for p, g in zip(params, inner_grads)]
    test_loss = mse(2 * x_q, forward(x_q, adapted))
meta_grads = outer.gradient(test_loss, params)
for p, g in zip(params, meta_grads):
    p.assign_sub(0.01 * g)
