"""The gradient with respect to a hidden activation, through a second model that shares the layers."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model
from tensorflow.keras.layers import Dense

tf.keras.utils.set_random_seed(6)
inp = Input((5,))
h1 = Dense(7, activation="relu", name="h1")(inp)
h2 = Dense(4, activation="sigmoid", name="h2")(h1)
out = Dense(2, name="out")(h2)
model = Model(inp, out)

grad_model = Model(model.inputs, [model.get_layer("h1").output, model.output])
x = tf.constant(np.random.randn(3, 5), dtype=tf.float32)
with tf.GradientTape() as tape:
    hidden, predictions = grad_model(x)
    tape.watch(hidden)
    score = predictions[:, 0]
with tf.GradientTape() as tape2:
    hidden, predictions = grad_model(x)
    score = predictions[:, 0]
dscore_dhidden = tape2.gradient(score, hidden)

activations = x
tensors = []
with tf.GradientTape() as tape:
    tape.watch(activations)
    for layer in model.layers[1:]:
        activations = layer(activations)
        tensors.append(activations)
    loss = tf.reduce_sum(activations**2)
layer_gradients = tape.gradient(loss, tensors)
weights = tf.reduce_mean(dscore_dhidden, axis=0)
heatmap = tf.nn.relu(tf.reduce_sum(hidden * weights, axis=-1))
