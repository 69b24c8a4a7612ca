"""Domain-adversarial training by a reversed gradient; straight-through rounding."""

import tensorflow as tf


def reverse_gradient(x, lam):
    @tf.custom_gradient
    def reverse(x):
        return tf.identity(x), lambda dy: -lam * dy

    return reverse(x)


class GradientReversal(tf.keras.layers.Layer):
    def __init__(self, lam=1.0, **kwargs):
        super().__init__(**kwargs)
        self.lam = lam

    def call(self, x):
        return reverse_gradient(x, self.lam)


tf.keras.utils.set_random_seed(3)
feature = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3, activation="tanh")])
label_head = tf.keras.layers.Dense(2)
domain_head = tf.keras.Sequential([GradientReversal(0.7), tf.keras.layers.Dense(1)])
x = tf.constant([[0.1, 0.2, -0.3, 0.4], [1.0, -1.0, 0.5, 0.0], [0.3, 0.3, 0.3, 0.3]])
y = tf.constant([0, 1, 1])
d = tf.constant([[0.0], [1.0], [1.0]])
scce = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)
opt = tf.keras.optimizers.Adam(0.05)
label_head(feature(x))
domain_head(feature(x))
variables = feature.trainable_variables + label_head.trainable_variables + domain_head.trainable_variables
history = []
for epoch in range(5):
    with tf.GradientTape() as tape:
        f = feature(x)
        loss = scce(y, label_head(f)) + bce(d, domain_head(f))
    grads = tape.gradient(loss, variables)
    grads, norm = tf.clip_by_global_norm(grads, 1.0)
    opt.apply_gradients(zip(grads, variables))
    history.append(float(loss))
    print(f"epoch {epoch}: loss {float(loss):.5f}, norm {float(norm):.4f}")


@tf.custom_gradient
def binarize(x):
    return tf.sign(x), lambda dy: dy * tf.cast(tf.abs(x) <= 1.0, dy.dtype)


v = tf.Variable([-2.0, -0.3, 0.4, 1.7])
with tf.GradientTape() as tape:
    out = tf.reduce_sum(binarize(v) * [1.0, 2.0, 3.0, 4.0])
g = tape.gradient(out, v)
print(g)
rounded = tf.grad_pass_through(tf.round)
with tf.GradientTape() as tape:
    out = tf.reduce_sum(rounded(v * 2.0) ** 2)
print(tape.gradient(out, v).numpy())
