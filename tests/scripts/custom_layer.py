"""A layer with its own weights, subclassed from Layer; gradients in the order of the weights."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(16)


class Linear(keras.layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="glorot_uniform", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b


class MLPBlock(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.linear_1 = Linear(8)
        self.linear_2 = Linear(1)

    def call(self, inputs):
        x = self.linear_1(inputs)
        x = tf.nn.relu(x)
        return self.linear_2(x)


mlp = MLPBlock()
y = mlp(tf.ones(shape=(3, 5)))
print("trainable weights:", len(mlp.trainable_weights))
x = tf.constant(np.random.randn(4, 5).astype(np.float32))
target = tf.constant(np.random.randn(4, 1).astype(np.float32))
optimizer = keras.optimizers.SGD(learning_rate=1e-1)
for step in range(3):
    with tf.GradientTape() as tape:
        mse = tf.reduce_mean((mlp(x) - target) ** 2)
    gradients = tape.gradient(mse, mlp.trainable_weights)
    optimizer.apply_gradients(zip(gradients, mlp.trainable_weights))
names = [tuple(w.shape) for w in mlp.weights]
