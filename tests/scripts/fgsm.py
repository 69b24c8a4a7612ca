"""An adversarial example by the fast gradient sign method, and projected gradient descent."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
pretrained_model = tf.keras.Sequential(
    [tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(3, activation="softmax")]
)
loss_object = tf.keras.losses.CategoricalCrossentropy()
image = tf.constant(np.random.rand(1, 6), dtype=tf.float32)
label = tf.reshape(tf.one_hot(2, 3), (1, 3))


def create_adversarial_pattern(input_image, input_label):
    with tf.GradientTape() as tape:
        tape.watch(input_image)
        prediction = pretrained_model(input_image)
        loss = loss_object(input_label, prediction)
    gradient = tape.gradient(loss, input_image)
    signed_grad = tf.sign(gradient)
    return signed_grad


perturbations = create_adversarial_pattern(image, label)
epsilons = [0, 0.01, 0.1, 0.15]
confidences = []
for i, eps in enumerate(epsilons):
    adv_x = image + eps * perturbations
    adv_x = tf.clip_by_value(adv_x, -1, 1)
    confidences.append(pretrained_model(adv_x)[0, 2].numpy())
print(confidences)

adv = tf.identity(image)
for _ in range(3):
    with tf.GradientTape() as tape:
        tape.watch(adv)
        loss = loss_object(label, pretrained_model(adv))
    adv = adv + 0.05 * tf.sign(tape.gradient(loss, adv))
    adv = tf.clip_by_value(adv, image - 0.1, image + 0.1)
