"""Several gradients from one tape, stop_recording, reset, control flow."""

import tensorflow as tf

x = tf.constant([1, 3.0])
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    y = x * x
    z = y * y
dz_dx = tape.gradient(z, x).numpy()
dy_dx = tape.gradient(y, x).numpy()
del tape

x0 = tf.constant(0.0)
x1 = tf.constant(10.0)
with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(x1)
    y0 = tf.math.sin(x0)
    y1 = tf.nn.softplus(x1)
    ys = tf.reduce_sum(y0 + y1)
grad = tape.gradient(ys, {"x0": x0, "x1": x1})
print("dy/dx1:", grad["x1"].numpy(), grad["x0"])

v0, v1 = tf.Variable(2.0), tf.Variable(2.0)
v = tf.constant(1.0)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(v)
    if v > 0.0:
        result = v0
    else:
        result = v1**2
branches = [tape.gradient(result, v0), tape.gradient(result, v1)]

p = tf.Variable(2.0)
q = tf.Variable(3.0)
with tf.GradientTape() as t:
    p_sq = p * p
    with t.stop_recording():
        q_sq = q * q
    r = p_sq + q_sq
parts = t.gradient(r, {"p": p, "q": q})
reset = True
with tf.GradientTape() as t:
    p_sq = p * p
    if reset:
        t.reset()
    r = p_sq + q * q
after_reset = t.gradient(r, [p, q])

n = tf.Variable(1.5)
with tf.GradientTape() as tape:
    power = n
    for i in tf.range(3):
        power = power * n
dpower = tape.gradient(power, n)
two = tf.Variable(2.0)
with tf.GradientTape() as tape:
    pair = {"y0": two**2, "y1": 1 / two}
summed = tape.gradient(pair, two).numpy()
