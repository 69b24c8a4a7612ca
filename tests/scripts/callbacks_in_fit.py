"""A summary, callbacks that look at gradients, early stopping, a schedule, and optimizers used alone."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, regularizers, initializers, optimizers, losses, metrics, callbacks
from tensorflow.keras.callbacks import EarlyStopping, Callback, LambdaCallback

keras.backend.clear_session()
np.random.seed(0)
keras.utils.set_random_seed(1)
rng = np.random.RandomState(0)
X = rng.randn(60, 4)
Y = rng.randn(60, 2)
model = keras.Sequential(name="my_model")
model.add(keras.Input(shape=(4,)))
model.add(layers.Dense(3, activation="relu", name="layer1", kernel_regularizer=regularizers.L1L2(l1=1e-4, l2=1e-4)))
model.add(layers.Dense(2, name="layer2", use_bias=False, kernel_initializer=initializers.RandomNormal(stddev=0.1)))
model.summary()
model.compile(
    optimizer=optimizers.SGD(learning_rate=optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.9)),
    loss=losses.MeanSquaredError(),
    metrics=[metrics.MeanAbsoluteError(name="mae")],
)


class GradLog(Callback):
    def __init__(self):
        super().__init__()
        self.log = []

    def on_epoch_end(self, epoch, logs=None):
        with tf.GradientTape() as tape:
            loss = self.model.compute_loss(tf.constant(X, tf.float32), tf.constant(Y, tf.float32), self.model(X))
        gs = tape.gradient(loss, self.model.trainable_weights)
        self.log.append([float(tf.norm(g)) for g in gs])
        print(epoch, logs["loss"], sorted(logs.keys()))


cb = GradLog()
h = model.fit(
    X,
    Y,
    epochs=4,
    batch_size=20,
    shuffle=False,
    verbose=0,
    callbacks=[
        cb,
        EarlyStopping(monitor="loss", patience=2, restore_best_weights=True),
        LambdaCallback(on_epoch_begin=lambda e, logs: print("epoch", e)),
    ],
)
print(cb.log)
print(model.get_layer("layer1").get_weights()[0].shape, model.get_layer(index=1).name)
print(model.optimizer.learning_rate.numpy() if hasattr(model.optimizer.learning_rate, "numpy") else 0)
for layer in model.layers:
    print(layer.name, layer.output.shape, [w.shape for w in layer.weights], layer.count_params(), layer.trainable)
o = keras.optimizers.Adam(learning_rate=0.5)
o.learning_rate.assign(0.1)
print(o.learning_rate.numpy(), float(o.learning_rate))
o.learning_rate = 0.2
print(keras.backend.get_value(o.learning_rate))
var = tf.Variable(2.0)
o2 = keras.optimizers.SGD(0.1)
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = (var - 1.0) ** 2
    o2.apply_gradients([(tape.gradient(loss, var), var)])
print(var.numpy(), o2.iterations.numpy())
try:
    o2.minimize(lambda: var**2, [var])
except AttributeError:
    print("no minimize")
p = model.predict(X[:3], verbose=0)
print(p.shape, type(p).__name__)
