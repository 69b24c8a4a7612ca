"""Custom activations: a function, a lambda, a layer, a hand-written derivative."""

import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Dense, Layer

tf.keras.utils.set_random_seed(9)


def square_activation(x):
    return tf.math.square(x)


class Swish(Layer):
    def __init__(self, beta=1.5, **kwargs):
        super(Swish, self).__init__(**kwargs)
        self.beta = beta

    def call(self, inputs):
        return inputs * tf.sigmoid(self.beta * inputs)


@tf.custom_gradient
def clip_gradients(y):
    def backward(dy):
        return tf.clip_by_norm(dy, 0.5)

    return tf.identity(y), backward


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)

    def grad(upstream):
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), grad


x = tf.constant(np.random.randn(3, 4), dtype=tf.float32)
model = tf.keras.Sequential(
    [Dense(4, activation=square_activation), Swish(), Dense(2, activation=lambda t: t * tf.sigmoid(t))]
)
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(model(x) ** 2)
grads = tape.gradient(loss, model.trainable_variables)

v = tf.Variable(2.0)
with tf.GradientTape() as t:
    output = clip_gradients(v * v)
clipped = t.gradient(output, v)
print(clipped)
z = tf.constant([-1.0, 0.0, 10.0])
with tf.GradientTape() as t:
    t.watch(z)
    soft = log1pexp(z)
dsoft = t.gradient(soft, z)
