"""Newton's method, conjugate gradients on Hessian-vector products, Gauss-Newton from the Jacobian, a Laplacian."""

import numpy as np
import tensorflow as tf

tf.keras.backend.set_floatx("float64")
rng = np.random.default_rng(21)
X = tf.constant(rng.normal(size=(40, 3)))
t = tf.constant((rng.normal(size=(40, 1)) + X.numpy()[:, :1] > 0).astype(float))
w = tf.Variable(rng.normal(size=(3, 1)) * 0.1)


def nll(w):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=t, logits=X @ w)) + 0.01 * tf.nn.l2_loss(w)


newton = []
for k in range(4):
    with tf.GradientTape() as o:
        with tf.GradientTape() as i:
            loss = nll(w)
        g = i.gradient(loss, w)
    H = tf.reshape(o.jacobian(g, w), (3, 3))
    w.assign_sub(tf.linalg.solve(H, g))
    newton.append(loss.numpy())

tf.keras.utils.set_random_seed(5)
net = tf.keras.Sequential(
    [tf.keras.Input((3,)), tf.keras.layers.Dense(5, "tanh", kernel_initializer="he_uniform"), tf.keras.layers.Dense(1)]
)


def loss_fn():
    return tf.reduce_mean(tf.square(net(X) - t))


def hvp(vs):
    with tf.GradientTape() as o:
        with tf.GradientTape() as i:
            loss = loss_fn()
        g = i.gradient(loss, net.trainable_variables)
    return o.gradient(g, net.trainable_variables, output_gradients=vs)


def flat(ts):
    return tf.concat([tf.reshape(v, [-1]) for v in ts], axis=0)


def unflat(v):
    out, k = [], 0
    for p in net.trainable_variables:
        n = int(np.prod(p.shape))
        out.append(tf.reshape(v[k : k + n], p.shape))
        k += n
    return out


with tf.GradientTape() as tp:
    loss = loss_fn()
b = flat(tp.gradient(loss, net.trainable_variables))
x = tf.zeros_like(b)
r = b
p = r
rs = tf.tensordot(r, r, 1)
for k in range(4):
    Ap = flat(hvp(unflat(p))) + 1.0 * p
    a = rs / tf.tensordot(p, Ap, 1)
    x += a * p
    r -= a * Ap
    new = tf.reduce_sum(r * r)
    p = r + (new / rs) * p
    rs = new
with tf.GradientTape() as tp:
    out = net(X)
J = tf.concat([tf.reshape(j, (40, -1)) for j in tp.jacobian(out, net.trainable_variables)], axis=1)
delta = tf.linalg.solve(
    tf.matmul(J, J, transpose_a=True) + 0.1 * tf.eye(J.shape[1], dtype=tf.float64),
    tf.matmul(J, out - t, transpose_a=True),
)
before = loss_fn()
for v, d in zip(net.trainable_variables, unflat(tf.squeeze(delta))):
    v.assign_sub(d)
print(J.shape, before.numpy(), loss_fn().numpy())
pts = tf.constant(rng.normal(size=(6, 3)))
with tf.GradientTape(persistent=True) as t2:
    t2.watch(pts)
    with tf.GradientTape() as t1:
        t1.watch(pts)
        u = net(pts)
    du = t1.gradient(u, pts)
    comps = tf.unstack(du, axis=1)
lap = tf.add_n([t2.gradient(c, pts)[:, i] for i, c in enumerate(comps)])
np.testing.assert_allclose(lap, tf.linalg.trace(t2.batch_jacobian(du, pts)), rtol=1e-8)
del t2
theoretical, numerical = tf.test.compute_gradient(
    lambda v: tf.sin(v) * v**2, [tf.constant([0.3, 1.2, -2.0], tf.float64)]
)
print(np.max(np.abs(theoretical[0] - numerical[0])) < 1e-5)
