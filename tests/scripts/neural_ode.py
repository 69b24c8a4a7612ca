"""A neural ordinary differential equation: gradients through Runge-Kutta steps, and through loops."""

import numpy as np
import tensorflow as tf

np.random.seed(0)
true_A = tf.constant([[-0.1, 2.0], [-2.0, -0.1]])
t = tf.linspace(0.0, 2.0, 21)


def rk4_step(f, h, y, t):
    k1 = f(t, y)
    k2 = f(t + h / 2, y + h / 2 * k1)
    k3 = f(t + h / 2, y + h / 2 * k2)
    k4 = f(t + h, y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def odeint(f, y0, t):
    ys = [y0]
    for i in range(len(t) - 1):
        ys.append(rk4_step(f, t[i + 1] - t[i], ys[-1], t[i]))
    return tf.stack(ys)


true_y = odeint(lambda t, y: tf.matmul(y**3, true_A), tf.constant([[2.0, 0.0]]), t)
print(true_y[-1], true_y.shape)


class ODEFunc(tf.keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.x_layer = tf.keras.layers.Lambda(lambda y: y**3)
        self.l1 = tf.keras.layers.Dense(
            16,
            activation="tanh",
            kernel_initializer=tf.keras.initializers.RandomUniform(-0.1, 0.1, seed=3),
            bias_initializer="zeros",
        )
        self.l2 = tf.keras.layers.Dense(2, kernel_initializer=tf.keras.initializers.RandomUniform(-0.1, 0.1, seed=4))

    def call(self, t, y):
        return self.l2(self.l1(self.x_layer(y)))


func = ODEFunc()
optimizer = tf.keras.optimizers.RMSprop(learning_rate=1e-2)
losses = []
for itr in range(4):
    s = np.random.choice(np.arange(16, dtype=np.int64), 4, replace=False)
    by = tf.stack([true_y.numpy()[s + i] for i in range(5)], axis=0)
    with tf.GradientTape() as tape:
        pred = odeint(func, by[0], t[:5])
        loss = tf.reduce_mean(tf.abs(pred - by))
    grads = tape.gradient(loss, func.trainable_variables)
    optimizer.apply_gradients(zip(grads, func.trainable_variables))
    losses.append(float(loss))
    print(itr, loss.numpy())


@tf.function
def euler(y, n):
    ta = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    for i in range(n):
        y = y + 0.1 * (y @ true_A)
        ta = ta.write(i, y)
    return ta.stack()


path = euler(tf.constant([[1.0, 0.0]]), 5)
k = tf.Variable(0.3)
with tf.GradientTape() as tape:
    z = tf.scan(lambda a, x: k * a + x, tf.constant([1.0, 2.0, 3.0, 4.0]))
    s = tf.foldl(lambda a, x: a * k + x, tf.constant([1.0, 2.0, 3.0]))
dk = tape.gradient([z, s], k)
x = tf.constant(2.0)
with tf.GradientTape() as tape:
    tape.watch(x)
    i, y = tf.while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, y * x), (tf.constant(0), tf.constant(1.0)))
dx = tape.gradient(y, x)
print(dk.numpy(), dx.numpy())
ends = tf.Variable([-1.0, 3.0])
with tf.GradientTape() as tape:
    grid = tf.linspace(ends[0], ends[1], 5) ** 2
dends = tape.gradient(grid, ends)
