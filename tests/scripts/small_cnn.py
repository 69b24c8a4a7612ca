"""Two convolutional nets, one of layers and one of `tf.nn` on variables: gradients, two steps, occlusion of a pixel."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(7)
x = np.random.rand(4, 12, 12, 1).astype("float32")
y = tf.one_hot([0, 2, 1, 2], 3)

model = tf.keras.Sequential(
    [
        layers.Conv2D(4, 3, padding="same", activation="relu", input_shape=(12, 12, 1)),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(6, (3, 3), activation="relu"),
        layers.AveragePooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    ]
)
loss_fn = tf.keras.losses.CategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.SGD(0.1, momentum=0.9)
losses = []
for _ in range(2):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x, training=True))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    losses.append(float(loss))


def weight(*shape):
    return tf.Variable(np.random.normal(0, 0.1, shape).astype("float32"))


w1, b1 = weight(5, 5, 1, 3), tf.Variable(tf.zeros([3]))
w2, b2 = weight(6 * 6 * 3, 3), tf.Variable(tf.zeros([3]))


def network(images):
    h = tf.nn.conv2d(images, w1, strides=[1, 1, 1, 1], padding="SAME")
    h = tf.nn.relu(tf.nn.bias_add(h, b1))
    h = tf.nn.max_pool2d(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    return tf.matmul(tf.reshape(h, [-1, 6 * 6 * 3]), w2) + b2


images = tf.convert_to_tensor(x)
with tf.GradientTape() as tape:
    tape.watch(images)
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=network(images)))
by_hand = tape.gradient(cost, [w1, b1, w2, b2, images])
saliency = tf.reduce_max(tf.abs(by_hand[-1]), axis=-1)
print([g.shape for g in by_hand])
