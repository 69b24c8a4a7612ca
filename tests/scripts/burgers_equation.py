import tensorflow as tf
import numpy as np

tf.keras.backend.set_floatx("float64")
rng = np.random.RandomState(0)
model = tf.keras.Sequential()
model.add(tf.keras.layers.InputLayer(shape=(2,)))
model.add(tf.keras.layers.Lambda(lambda x: 2.0 * x - 1.0))
for _ in range(2):
    model.add(
        tf.keras.layers.Dense(10, activation=tf.keras.activations.get("tanh"), kernel_initializer="glorot_normal")
    )
model.add(tf.keras.layers.Dense(1))
model.set_weights([rng.normal(size=w.shape) * 0.7 for w in model.get_weights()])
X_r = tf.constant(rng.rand(7, 2))
X_0 = tf.constant(rng.rand(4, 2))
u_0 = tf.sin(np.pi * X_0[:, 1:2])


def get_r(model, X_r):
    with tf.GradientTape(persistent=True) as tape:
        t, x = X_r[:, 0:1], X_r[:, 1:2]
        tape.watch(t)
        tape.watch(x)
        u = model(tf.stack([t[:, 0], x[:, 0]], axis=1))
        u_x = tape.gradient(u, x)
    u_t = tape.gradient(u, t)
    u_xx = tape.gradient(u_x, x)
    del tape
    return u_t + u * u_x - 0.01 / np.pi * u_xx


def compute_loss(model, X_r, X_data, u_data):
    r = get_r(model, X_r)
    loss = tf.reduce_mean(tf.square(r))
    for i in range(len(X_data)):
        u_pred = model(X_data[i])
        loss += tf.reduce_mean(tf.square(u_data[i] - u_pred))
    return loss


def get_grad(model, X_r, X_data, u_data):
    with tf.GradientTape(persistent=True) as tape:
        loss = compute_loss(model, X_r, X_data, u_data)
    g = tape.gradient(loss, model.trainable_variables)
    del tape
    return loss, g


lr = tf.keras.optimizers.schedules.PiecewiseConstantDecay([5, 10], [1e-2, 1e-3, 5e-4])
optim = tf.keras.optimizers.Adam(learning_rate=lr)


@tf.function
def train_step():
    loss, grad_theta = get_grad(model, X_r, [X_0], [u_0])
    optim.apply_gradients(zip(grad_theta, model.trainable_variables))
    return loss


hist = []
for i in range(15):
    loss = train_step()
    hist.append(loss.numpy())
    if i % 5 == 0:
        print("It {:05d}: loss = {:10.8e}".format(i, loss))
print(round(float(get_r(model, X_r)[0, 0]), 8))
tf.keras.backend.set_floatx("float32")
