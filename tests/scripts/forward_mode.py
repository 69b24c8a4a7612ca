"""Forward mode: a Jacobian-vector product with ForwardAccumulator."""

import tensorflow as tf

x = tf.constant([[2.0, 3.0], [1.0, 4.0]])
targets = tf.constant([[1.0], [-1.0]])
kernel = tf.Variable([[0.3], [-0.4]])
bias = tf.Variable([0.1])


def loss_fn():
    return tf.reduce_sum((tf.nn.sigmoid(x @ kernel + bias) - targets) ** 2.0)


with tf.autodiff.ForwardAccumulator(primals=kernel, tangents=tf.constant([[1.0], [0.0]])) as acc:
    loss = loss_fn()
jvp = acc.jvp(loss)
with tf.GradientTape() as tape:
    loss = loss_fn()
gradient = tape.gradient(loss, kernel)
primal = tf.constant([1.1, 0.2])
tangent = tf.constant([1.0, 0.5])
with tf.autodiff.ForwardAccumulator(primal, tangent) as acc:
    with tf.GradientTape() as tape:
        tape.watch(primal)
        value = tf.reduce_sum(tf.exp(primal) * primal[0])
    grad = tape.gradient(value, primal)
hessian_vector = acc.jvp(grad)
print(jvp.numpy(), gradient.numpy(), hessian_vector.numpy())
