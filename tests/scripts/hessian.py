"""Second derivatives: a Hessian by jacobian of a gradient, a Hessian-vector product, a Newton step."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(4)
x = tf.constant(np.random.randn(7, 5), tf.float32)
layer1 = tf.keras.layers.Dense(4, activation="sigmoid")
layer2 = tf.keras.layers.Dense(3, activation="sigmoid")

with tf.GradientTape() as t2:
    with tf.GradientTape() as t1:
        h = layer1(x)
        h = layer2(h)
        loss = tf.reduce_mean(h**2)
    g = t1.gradient(loss, layer1.kernel)
h = t2.jacobian(g, layer1.kernel)
print(f"layer.kernel.shape: {layer1.kernel.shape}", f"h.shape: {h.shape}")
n_params = tf.reduce_prod(layer1.kernel.shape)
g_vec = tf.reshape(g, [n_params, 1])
h_mat = tf.reshape(h, [n_params, n_params])
asymmetry = tf.reduce_max(abs(h_mat - tf.transpose(h_mat))).numpy()
assert asymmetry < 1e-6

v = tf.constant(np.random.randn(5, 4), tf.float32)
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        loss = tf.reduce_mean(layer2(layer1(x)) ** 2)
    grads = inner.gradient(loss, layer1.kernel)
    gv = tf.reduce_sum(grads * tf.stop_gradient(v))
hvp = outer.gradient(gv, layer1.kernel)

y = tf.Variable(1.0)
with tf.GradientTape() as t2:
    with tf.GradientTape() as t1:
        z = y * y * y
    dz_dy = t1.gradient(z, y)
d2z_dy2 = t2.gradient(dz_dy, y)
print("dz_dy:", dz_dy.numpy(), "d2z_dy2:", d2z_dy2.numpy())
