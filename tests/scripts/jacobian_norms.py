import tensorflow as tf
import numpy as np

rng = np.random.RandomState(0)
x = tf.linspace(-10.0, 10.0, 200 + 1)
delta = tf.Variable(0.0)
with tf.GradientTape() as tape:
    y = tf.nn.sigmoid(x + delta)
dy_dx = tape.jacobian(y, delta)
print(dy_dx.shape, round(float(tf.reduce_max(dy_dx)), 4))
layer = tf.keras.layers.Dense(10, activation=tf.nn.relu)
layer.build((None, 5))
layer.set_weights([rng.randn(5, 10), rng.randn(10)])
x = tf.constant(rng.randn(7, 5), tf.float32)
with tf.GradientTape(persistent=True) as tape:
    y = layer(x)
j = tape.jacobian(y, layer.kernel)
print(y.shape, layer.kernel.shape, j.shape)
g = tape.gradient(y, layer.kernel)
print("g.shape:", g.shape)
j_sum = tf.reduce_sum(j, axis=[0, 1])
delta = tf.reduce_max(abs(g - j_sum)).numpy()
assert delta < 1e-3
net = tf.keras.Sequential([tf.keras.layers.Dense(8, activation=tf.nn.elu), tf.keras.layers.Dense(6)])
net.build((None, 5))
net.set_weights([rng.randn(*w.shape) for w in net.get_weights()])
with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
    tape.watch(x)
    y = net(x)
j = tape.jacobian(y, x)
jb = tape.batch_jacobian(y, x)
j_sum = tf.reduce_sum(j, axis=2)
error = tf.reduce_max(abs(jb - j_sum))
assert error < 1e-3
print(jb.shape, np.round(jb.numpy()[0, 0], 4))
jb2 = tf.einsum("bxby->bxy", tf.convert_to_tensor(j))
print(bool(tf.reduce_all(tf.abs(jb - jb2) < 1e-5)))
sv = tf.linalg.eigvalsh(tf.matmul(jb, jb, transpose_a=True))
print(np.round(tf.sqrt(sv[:, -1]).numpy(), 3))
frob = tf.sqrt(tf.reduce_sum(tf.square(jb), axis=[1, 2]))
print(np.round(frob.numpy(), 3))


def grad_fn(x):
    with tf.GradientTape() as t:
        t.watch(x)
        y = tf.reduce_sum(tf.math.lgamma(1.0 + x**2) + tf.math.erf(x))
    return t.gradient(y, x)


per_example = tf.vectorized_map(lambda r: grad_fn(r), x)
print(np.round(per_example.numpy()[0], 4))
div = tf.linalg.trace(jb[:, :5, :5])
print(np.round(div.numpy(), 3))
out = tf.map_fn(lambda r: tf.reduce_max(r), x)
with tf.GradientTape() as t:
    t.watch(x)
    s = tf.math.segment_max(tf.reduce_sum(x * x, 1), tf.constant([0, 0, 1, 1, 1, 2, 2]))
print(s.shape, np.round(t.gradient(s, x).numpy()[:3, 0], 4))
