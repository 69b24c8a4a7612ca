"""A recurrent network by hand: gradients through time, clipped, Adagrad by hand; a cell as a layer."""

import numpy as np
import tensorflow as tf

np.random.seed(3)
data = "hello gradient world hello tape world"
chars = sorted(set(data))
ix = {c: i for i, c in enumerate(chars)}
V, H = len(chars), 12
seq = [ix[c] for c in data]
Wxh = tf.Variable(np.random.randn(V, H).astype("f") * 0.1, name="Wxh")
Whh = tf.Variable(np.random.randn(H, H).astype("f") * 0.1)
Why = tf.Variable(np.random.randn(H, V).astype("f") * 0.1)
bh, by = tf.Variable(tf.zeros((1, H))), tf.Variable(tf.zeros(shape=[1, V]))
params = [Wxh, Whh, Why, bh, by]
mem = [tf.Variable(tf.ones(p.shape)) for p in params]
h, p = tf.zeros((1, H)), 0
for n in range(3):
    inputs, targets = seq[p : p + 8], seq[p + 1 : p + 9]
    with tf.GradientTape() as tape:
        loss = 0.0
        hs = h
        for t in range(8):
            xt = tf.one_hot([inputs[t]], V)
            hs = tf.tanh(tf.matmul(xt, Wxh) + tf.matmul(hs, Whh) + bh)
            logits = hs @ Why + by
            loss += tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[targets[t]], logits=logits)[0]
    h = tf.stop_gradient(hs)
    dparams = [tf.clip_by_value(g, -5, 5) for g in tape.gradient(loss, params)]
    for w, g, m in zip(params, dparams, mem):
        m.assign_add(g * g)
        w.assign_sub(1e-1 * g / tf.sqrt(m + 1e-8))
    p += 8
    print("iter %d, loss: %f" % (n, loss))

x = tf.constant(np.random.randn(10, 4, V).astype("f"))
states = []
with tf.GradientTape() as tape:
    s = tf.zeros((4, H))
    tape.watch(s)
    for xt in tf.unstack(x):
        s = tf.tanh(xt @ Wxh + s @ Whh + bh)
        states.append(s)
    last = tf.reduce_sum(states[-1] ** 2)
through_time = tape.gradient(last, states)
print([round(float(tf.norm(g)), 5) for g in through_time])


class LSTMCell(tf.keras.layers.Layer):
    def __init__(self, units, **kw):
        super().__init__(**kw)
        self.units = units

    def build(self, s):
        self.kernel = self.add_weight(
            shape=(s[-1], 4 * self.units), initializer=tf.keras.initializers.GlorotUniform(seed=1), name="kernel"
        )
        self.rec = self.add_weight(
            shape=(self.units, 4 * self.units), initializer=tf.keras.initializers.GlorotUniform(seed=2), name="rec"
        )
        self.bias = self.add_weight(shape=(4 * self.units,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x, states):
        h, c = states
        z = tf.matmul(x, self.kernel) + tf.matmul(h, self.rec) + self.bias
        i, f, g, o = tf.split(z, 4, axis=1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, (h, c)


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.cell = LSTMCell(6)
        self.head = tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.HeUniform(seed=5))

    def call(self, x, training=False):
        st = (tf.zeros((tf.shape(x)[0], 6)), tf.zeros((tf.shape(x)[0], 6)))
        for t in range(x.shape[1]):
            o, st = self.cell(x[:, t], st)
        return self.head(o)


net = Net()
X = np.random.randn(32, 5, 3).astype("f")
Y = X[:, :, 0].sum(1, keepdims=True)
net.compile(optimizer=tf.keras.optimizers.SGD(0.02, momentum=0.9), loss="mse")
history = net.fit(X, Y, epochs=2, batch_size=16, verbose=0, shuffle=False).history["loss"]
out = net(X[:2])
slices = tf.keras.Model(inp := tf.keras.Input((3,)), [tf.keras.layers.Dense(2, kernel_initializer="ones")(inp)])
print(slices(X[0]).shape, tf.reduce_sum(tf.linalg.band_part(tf.ones((4, 4)), -1, 0)).numpy())
