"""A forecast from windows of a series."""

import tensorflow as tf
import numpy as np

series = np.sin(np.arange(40) * 0.3).astype("float32")
window = 5
ds = tf.data.Dataset.from_tensor_slices(series)
ds = ds.window(window + 1, shift=1, drop_remainder=True)
ds = ds.flat_map(lambda w: w.batch(window + 1))
ds = ds.map(lambda w: (w[:-1], w[-1:]))
ds = ds.batch(8).prefetch(1)
tf.keras.utils.set_random_seed(0)
model = tf.keras.Sequential(
    [tf.keras.Input((window,)), tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(1)]
)
opt = tf.keras.optimizers.SGD(0.05)
losses = []
for epoch in range(3):
    total, count = 0.0, 0
    for xb, yb in ds:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(xb, training=True) - yb) ** 2)
        grads = tape.gradient(loss, model.trainable_variables)
        opt.apply_gradients(zip(grads, model.trainable_variables))
        total += loss.numpy() * len(xb)
        count += len(xb)
    losses.append(total / count)
    print("Epoch %d  loss %.5f" % (epoch + 1, losses[-1]))
for i, (a, b) in ds.enumerate():
    if i == 1:
        print(a.shape, b.shape)
short = tf.data.Dataset.range(10).interleave(lambda k: tf.data.Dataset.from_tensors(k).repeat(2), cycle_length=3)
print([int(v) for v in short])
