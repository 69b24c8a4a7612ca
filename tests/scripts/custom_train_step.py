"""A subclassed model in a loop of steps with two metrics."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(19)


class CustomModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="relu")
        self.out = keras.layers.Dense(1)

    def call(self, inputs):
        return self.out(self.hidden(inputs))


model = CustomModel()
x = np.random.random((32, 4)).astype("float32")
y = np.random.random((32, 1)).astype("float32")
optimizer = keras.optimizers.SGD(learning_rate=0.1)
loss_tracker = keras.metrics.Mean(name="loss")
mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
for epoch in range(2):
    loss_tracker.reset_state()
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = keras.losses.mse(y, y_pred)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    loss_tracker.update_state(loss)
    mae_metric.update_state(y, y_pred)
    logs = {"loss": float(loss_tracker.result()), "mae": float(mae_metric.result())}
    print(logs)
