"""A network of modules trained with an optimizer written by hand."""

import numpy as np
import tensorflow as tf


class DenseLayer(tf.Module):
    def __init__(self, in_features, out_features, activate=None, name=None):
        super().__init__(name=name)
        rng = np.random.RandomState(in_features)
        self.w = tf.Variable(tf.constant(rng.normal(size=(in_features, out_features)), tf.float32), name="w")
        self.b = tf.Variable(tf.zeros([out_features]), name="b")
        self.activate = activate

    @tf.Module.with_name_scope
    def __call__(self, x):
        y = tf.matmul(x, self.w) + self.b
        return self.activate(y) if self.activate else y


class MLP(tf.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = []
        with self.name_scope:
            for i, o in zip(sizes[:-1], sizes[1:]):
                self.layers.append(DenseLayer(i, o, tf.nn.relu if o != sizes[-1] else None))

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


net = MLP([4, 8, 3])
rng = np.random.RandomState(0)
X = tf.constant(rng.randn(30, 4), dtype=tf.float32)
T = tf.one_hot(rng.randint(0, 3, 30), depth=3)
print(len(net.trainable_variables), len(net.submodules))


def cross_entropy_loss(y_pred, y):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=y_pred))


def accuracy(y_pred, y):
    ok = tf.equal(tf.argmax(y_pred, 1), tf.argmax(y, 1))
    return tf.reduce_mean(tf.cast(ok, tf.float32))


class Adam:
    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, ep=1e-7):
        self.beta_1, self.beta_2, self.learning_rate, self.ep, self.t = beta_1, beta_2, learning_rate, ep, 1.0
        self.v_dvar, self.s_dvar = [], []
        self.built = False

    def apply_gradients(self, grads, vars):
        if not self.built:
            for var in vars:
                v = tf.Variable(tf.zeros(shape=var.shape))
                s = tf.Variable(tf.zeros(shape=var.shape))
                self.v_dvar.append(v)
                self.s_dvar.append(s)
            self.built = True
        for i, (d_var, var) in enumerate(zip(grads, vars)):
            self.v_dvar[i].assign(self.beta_1 * self.v_dvar[i] + (1 - self.beta_1) * d_var)
            self.s_dvar[i].assign(self.beta_2 * self.s_dvar[i] + (1 - self.beta_2) * tf.square(d_var))
            v_bc = self.v_dvar[i] / (1 - (self.beta_1**self.t))
            s_bc = self.s_dvar[i] / (1 - (self.beta_2**self.t))
            var.assign_sub(self.learning_rate * (v_bc / (tf.sqrt(s_bc) + self.ep)))
        self.t += 1.0


opt = Adam(0.01)
losses = []
for epoch in range(5):
    with tf.GradientTape() as tape:
        pred = net(X)
        batch_loss = cross_entropy_loss(pred, T)
    batch_acc = accuracy(pred, T)
    grads = tape.gradient(batch_loss, net.variables)
    opt.apply_gradients(grads, net.variables)
    losses.append(batch_loss)
    print(f"Epoch: {epoch} loss: {batch_loss:.3f} acc {batch_acc:.3f}")
final = tf.reduce_mean(losses)
print(final.numpy(), np.mean(losses))


@tf.function
def xavier_init(shape):
    in_dim, out_dim = shape
    lim = tf.sqrt(6.0) / tf.sqrt(tf.cast(in_dim + out_dim, tf.float32))
    return lim


print(xavier_init((3, 5)).numpy())
w = tf.Variable(tf.random.normal((3, 2)), name="w")
b = tf.Variable(tf.zeros(2))
del w, b
r = tf.random.uniform(shape=[3, 2], minval=0, maxval=1, seed=1)
print(r.shape)
del r
tf.random.truncated_normal([2, 2], stddev=0.1).shape
h = tf.nn.relu(tf.add(tf.matmul(X, net.layers[0].w), net.layers[0].b))
print(h.shape, tf.nn.sigmoid_cross_entropy_with_logits(labels=T, logits=pred).shape)
p = tf.nn.softmax(pred, axis=-1)
nll = -tf.reduce_sum(T * tf.math.log(p + 1e-10), axis=1)
print(nll.numpy().mean(), tf.argmax(p, axis=-1).numpy()[:5])
perm = tf.random.shuffle(tf.range(30))
print(tf.reduce_sum(perm).numpy())
del perm
