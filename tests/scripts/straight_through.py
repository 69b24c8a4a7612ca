"""Straight-through samples; custom gradients under nested tapes and as methods."""

import tensorflow as tf

tf.random.set_seed(1)
logits = tf.Variable([[1.0, 0.5, -0.5]])
noise = tf.constant([[0.3, 0.1, 0.9]])
values = tf.constant([[1.0], [2.0], [4.0]])
with tf.GradientTape() as tape:
    soft = tf.nn.softmax((logits + noise) / 0.5)
    hard = tf.one_hot(tf.argmax(soft, axis=1), 3)
    sample = hard + soft - tf.stop_gradient(soft)
    reward = tf.reduce_sum(tf.matmul(sample, values))
print(sample.numpy(), tape.gradient(reward, logits).numpy())

scale = tf.Variable(2.0)


@tf.custom_gradient
def scaled_exp(x):
    y = scale * tf.exp(x)

    def grad(dy, variables=None):
        g = dy * y
        return g, [tf.reduce_sum(dy * tf.exp(x))]

    return y, grad


x = tf.Variable([0.0, 1.0])
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        y = tf.reduce_sum(scaled_exp(x))
    dx = inner.gradient(y, x)
    s = tf.reduce_sum(dx)
print(y.numpy(), dx.numpy(), [g.numpy() for g in outer.gradient(s, [x, scale])])


class MLP(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.w = tf.Variable(tf.ones((2, 2)) * 0.5, name="w")
        self.b = tf.Variable(tf.zeros(2), name="b")

    @tf.custom_gradient
    def __call__(self, x):
        y = tf.nn.relu(x @ self.w + self.b)

        def grad(dy, variables):
            dz = dy * tf.cast(y > 0, dy.dtype)
            table = {v.ref(): v for v in variables}
            grads = []
            for v in variables:
                grads.append(tf.transpose(x) @ dz if v.shape.rank == 2 else tf.reduce_sum(dz, 0))
            return dz @ tf.transpose(self.w), grads

        return y, grad


net = MLP("net")
inp = tf.constant([[1.0, -2.0], [0.5, 3.0]])
with tf.GradientTape() as tape:
    tape.watch(inp)
    out = tf.reduce_sum(net(inp) ** 2)
print([g.numpy() for g in tape.gradient(out, [inp, net.w, net.b])])
print([v.name for v in net.trainable_variables])
