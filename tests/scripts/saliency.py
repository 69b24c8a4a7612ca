"""A saliency map: the gradient of the winning class score with respect to the input image."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(5)
model = tf.keras.models.Sequential()
model.add(tf.keras.layers.Dense(12, input_dim=16, activation="relu"))
model.add(tf.keras.layers.Dense(10, activation="softmax"))
image = np.random.uniform(size=(1, 16)).astype(np.float32)
img = tf.Variable(image, dtype=float)

with tf.GradientTape() as tape:
    pred = model(img, training=False)
    class_idxs_sorted = np.argsort(pred.numpy().flatten())[::-1]
    score = pred[0][class_idxs_sorted[0]]
grads = tape.gradient(score, img)
dgrad_abs = tf.math.abs(grads)
dgrad_max_ = np.max(dgrad_abs, axis=0)
arr_min, arr_max = np.min(dgrad_max_), np.max(dgrad_max_)
grad_eval = (dgrad_max_ - arr_min) / (arr_max - arr_min + 1e-18)
print(grad_eval.reshape(4, 4))

x = tf.convert_to_tensor(image)
with tf.GradientTape() as tape:
    tape.watch(x)
    probabilities = model(x)
    top = tf.reduce_max(probabilities, axis=1)
saliency = tf.reduce_max(tf.abs(tape.gradient(top, x)), axis=-1)
print(f"saliency {saliency}")
