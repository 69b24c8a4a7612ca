"""Custom losses: a function, a closure, a Loss subclass, the Keras backend."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow import keras

y_true = tf.constant([[0.0, 1.0], [1.0, 0.0], [0.5, 0.2]])
y_pred = tf.Variable([[0.2, 0.7], [0.9, 0.4], [0.1, 0.6]])


def custom_mean_squared_error(y_true, y_pred):
    return tf.math.reduce_mean(tf.square(y_true - y_pred), axis=-1)


def huber(delta):
    def loss(y_true, y_pred):
        error = y_true - y_pred
        is_small = tf.abs(error) <= delta
        return tf.where(is_small, 0.5 * tf.square(error), delta * (tf.abs(error) - 0.5 * delta))

    return loss


class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = tf.math.reduce_mean(tf.square(y_true - y_pred), axis=-1)
        reg = tf.math.reduce_mean(tf.square(0.5 - y_pred), axis=-1)
        return mse + reg * self.regularization_factor


def root_mean_squared_error(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true)))


def dice(y_true, y_pred, smooth=1.0):
    intersection = K.sum(K.abs(y_true * y_pred), axis=-1)
    return 1 - (2.0 * intersection + smooth) / (K.sum(K.square(y_true), -1) + K.sum(K.square(y_pred), -1) + smooth)


def focal(y_true, y_pred, gamma=2.0, alpha=0.25):
    y_pred = K.clip(y_pred, K.epsilon(), 1.0 - K.epsilon())
    pt = tf.where(tf.equal(y_true, 1), y_pred, 1 - y_pred)
    return -K.mean(alpha * K.pow(1.0 - pt, gamma) * K.log(pt))


values, grads = [], []
for fn in (custom_mean_squared_error, huber(0.3), CustomMSE(), root_mean_squared_error, dice, focal):
    with tf.GradientTape() as tape:
        value = fn(y_true, y_pred)
    values.append(value.numpy())
    grads.append(tape.gradient(value, y_pred).numpy())

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Dense(2, input_dim=3, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=root_mean_squared_error)
data = np.random.rand(8, 3).astype("float32")
history = model.fit(data, np.random.rand(8, 2).astype("float32"), batch_size=4, epochs=2, shuffle=False, verbose=0)
losses = history.history["loss"]
