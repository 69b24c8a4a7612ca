"""Gradients of mini-batches added up, applied once; sample weights."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(17)
x = np.random.randn(12, 4).astype("float32")
y = np.random.randint(0, 2, (12, 1)).astype("float32")
model = tf.keras.Sequential(
    [tf.keras.layers.Dense(6, activation="relu"), tf.keras.layers.Dense(1, activation="sigmoid")]
)
model.build(input_shape=(None, 4))
loss_object = tf.keras.losses.BinaryCrossentropy(reduction="sum")
optimizer = tf.keras.optimizers.Adam(0.01, beta_1=0.8)
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(5)
accumulated = [tf.zeros_like(v) for v in model.trainable_variables]
mean_loss = tf.keras.metrics.Mean(name="train_loss")
for batch, (xb, yb) in enumerate(dataset):
    with tf.GradientTape() as tape:
        loss = loss_object(yb, model(xb)) / len(x)
    grads = tape.gradient(loss, model.trainable_variables)
    accumulated = [a + g for a, g in zip(accumulated, grads)]
    mean_loss(loss)
with tf.GradientTape() as tape:
    whole = loss_object(y, model(x)) / len(x)
direct = tape.gradient(whole, model.trainable_variables)
for a, d in zip(accumulated, direct):
    tf.debugging.assert_near(a, d, atol=1e-6)
optimizer.apply_gradients(zip(accumulated, model.trainable_variables))
template = "Epoch {}, Loss: {}"
print(template.format(1, float(mean_loss.result())))
weighted = tf.keras.losses.BinaryCrossentropy()(y, model(x), sample_weight=np.linspace(0, 1, 12).reshape(-1, 1))
