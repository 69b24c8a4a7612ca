"""A training step as a concrete function, branches and loops."""

import tensorflow as tf


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        pred = tf.matmul(x, W) + b
        loss = tf.reduce_mean(tf.square(pred - y))
    dW, db = tape.gradient(loss, [W, b])
    W.assign_sub(0.1 * dW)
    b.assign_sub(0.1 * db)
    return loss


W = tf.Variable(tf.ones((2, 1)), name="W")
b = tf.Variable(tf.zeros((1,)), name="b")
concrete = train_step.get_concrete_function(tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([None, 1], tf.float32))
x = tf.constant([[1.0, 2.0], [3.0, 4.0], [0.5, 0.5]])
y = tf.constant([[1.0], [2.0], [0.3]])
losses = []
for i in range(5):
    losses.append(float(concrete(x, y) if i % 2 else train_step(x, y)))
print(losses)
print(W, b)
result = tf.case([(tf.less(losses[-1], 0.0), lambda: tf.constant(False))], default=lambda: tf.constant(True))
print(result.numpy())
best = tf.switch_case(tf.argmin(losses, output_type=tf.int32) % 2, [lambda: tf.constant(0.0), lambda: tf.constant(1.0)])
print(best.numpy())
i, acc = tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, a * 2.0), (tf.constant(0), tf.constant(1.0)))
print(i.numpy(), acc.numpy())
try:
    tf.gradients(W * 2.0, W)
except RuntimeError as e:
    print("RuntimeError")
