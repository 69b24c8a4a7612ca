"""`fit` over datasets and generators, with validation, steps, and sample weights."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(21)
rng = np.random.RandomState(0)
x, y = rng.randn(100, 5).astype("float32"), rng.randint(0, 3, 100)
train = tf.data.Dataset.from_tensor_slices((x[:80], y[:80])).batch(16)
val = tf.data.Dataset.from_tensor_slices((x[80:], y[80:])).batch(7)
model = keras.Sequential([keras.Input(shape=(5,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
h = model.fit(train, epochs=3, validation_data=val, verbose=0, shuffle=False)
print(h.history["loss"], h.history["val_accuracy"])
print(model.evaluate(val, verbose=0))
print(model.evaluate(val, verbose=0, return_dict=True)["loss"])
print(model.predict(val, verbose=0).shape)


def gen():
    while True:
        for i in range(0, 80, 20):
            yield x[i : i + 20], y[i : i + 20]


h = model.fit(gen(), steps_per_epoch=4, epochs=2, verbose=0, shuffle=False)
print(h.history["loss"])
h = model.fit(train.repeat(), steps_per_epoch=3, epochs=2, verbose=0, shuffle=False)
print(h.history["loss"])
w = tf.data.Dataset.from_tensor_slices((x, y, rng.rand(100).astype("float32"))).batch(32)
h = model.fit(w, epochs=1, verbose=0, shuffle=False)
print(h.history["loss"])
print(model.train_on_batch(x[:4], y[:4]))
sh = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(100).batch(32)
n = sum(int(b.shape[0]) for b, _ in sh)
print(n, len(sh), sh.cardinality().numpy())
weights = model.get_weights()
clone = keras.models.clone_model(model)
clone.set_weights(weights)
print(np.abs(clone(x) - model(x)).max())
