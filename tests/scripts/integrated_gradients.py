"""Integrated gradients of a dense classifier."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(13)
model = tf.keras.Sequential([tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(3)])
image = tf.constant(np.random.rand(6), dtype=tf.float32)
baseline = tf.zeros(shape=(6,))
m_steps = 20
alphas = tf.linspace(start=0.0, stop=1.0, num=m_steps + 1)


def interpolate_images(baseline, image, alphas):
    alphas_x = alphas[:, tf.newaxis]
    baseline_x = tf.expand_dims(baseline, axis=0)
    input_x = tf.expand_dims(image, axis=0)
    delta = input_x - baseline_x
    return baseline_x + alphas_x * delta


def compute_gradients(images, target_class_idx):
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images)
        probs = tf.nn.softmax(logits, axis=-1)[:, target_class_idx]
    return tape.gradient(probs, images)


def integral_approximation(gradients):
    grads = (gradients[:-1] + gradients[1:]) / tf.constant(2.0)
    return tf.math.reduce_mean(grads, axis=0)


interpolated = interpolate_images(baseline, image, alphas)
path_gradients = compute_gradients(interpolated, target_class_idx=1)
ig = integral_approximation(path_gradients)
attributions = (image - baseline) * ig
total = tf.reduce_sum(attributions)
batches = tf.split(interpolated, [10, 11], axis=0)
stacked = tf.concat([compute_gradients(b, 1) for b in batches], axis=0)
