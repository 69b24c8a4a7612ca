"""REINFORCE and a DQN target on a small dense network: gather, one_hot, log."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(15)
states = np.random.randn(5, 4).astype("float32")
actions = np.array([0, 1, 1, 0, 1])
returns = tf.constant([1.0, 0.5, -0.2, 0.8, 0.1])
policy = keras.Sequential(
    [keras.layers.Dense(8, activation="relu", input_shape=(4,)), keras.layers.Dense(2, activation="softmax")]
)
optimizer = keras.optimizers.Adam(learning_rate=0.01)
normalized = (returns - tf.math.reduce_mean(returns)) / (tf.math.reduce_std(returns) + 1e-8)
with tf.GradientTape() as tape:
    probs = policy(states)
    indices = tf.stack([tf.range(5), tf.cast(actions, tf.int32)], axis=1)
    chosen = tf.gather_nd(probs, indices)
    loss = -tf.reduce_sum(tf.math.log(chosen) * normalized)
grads = tape.gradient(loss, policy.trainable_variables)
optimizer.apply_gradients(zip(grads, policy.trainable_variables))

q_net = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
target_q = tf.reduce_max(q_net(states), axis=1) * 0.99 + returns
masks = tf.one_hot(actions, 2)
loss_function = keras.losses.MeanSquaredError()
with tf.GradientTape() as tape:
    q_values = q_net(states)
    q_action = tf.reduce_sum(tf.multiply(q_values, masks), axis=1)
    q_loss = loss_function(target_q, q_action)
q_grads = tape.gradient(q_loss, q_net.trainable_variables)
greedy = tf.argmax(q_values, axis=1).numpy()
batched = tf.gather(q_values, actions, axis=1, batch_dims=1)
