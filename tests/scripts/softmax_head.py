"""Why is the gradient with respect to the model's output None? A softmax head and a probability loss."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(7)
model = keras.Sequential(
    [
        keras.layers.Dense(6, activation="relu", input_shape=(4,)),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
x = np.random.rand(5, 4).astype("float32")
y = keras.utils.to_categorical([0, 1, 2, 1, 0], num_classes=3)

with tf.GradientTape(persistent=True) as tape:
    pred = model(x)
    loss = keras.losses.categorical_crossentropy(y, pred)
    loss = tf.reduce_mean(loss)
dloss_dpred = tape.gradient(loss, pred)
grads = tape.gradient(loss, model.trainable_variables)
for g, v in zip(grads, model.trainable_variables):
    print(v.shape, g.shape, float(tf.norm(g)))
