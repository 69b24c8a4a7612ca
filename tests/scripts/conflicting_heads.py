import tensorflow as tf
import numpy as np
from tensorflow import keras

rng = np.random.RandomState(0)
inputs = keras.Input(shape=(4,), name="features")
shared = keras.layers.Dense(6, activation="selu", name="shared")(inputs)
drop = keras.layers.Dropout(0.0)(shared)
a = keras.layers.Dense(1, activation="sigmoid", name="a")(drop)
b = keras.layers.Dense(3, activation="softmax", name="b")(drop)
c = keras.layers.Dense(2, name="c")(keras.layers.Concatenate()([drop, inputs]))
model = keras.Model(inputs=inputs, outputs={"a": a, "b": b, "c": c})
model.set_weights([rng.randn(*w.shape) * 0.5 for w in model.get_weights()])
x = rng.randn(6, 4).astype("float32")
ya, yb, yc = rng.randint(0, 2, (6, 1)).astype("float32"), rng.randint(0, 3, 6), rng.randn(6, 2).astype("float32")
losses = {
    "a": keras.losses.BinaryCrossentropy(),
    "b": keras.losses.SparseCategoricalCrossentropy(),
    "c": keras.losses.Huber(),
}
with tf.GradientTape(persistent=True) as tape:
    out = model(x, training=True)
    L = {k: losses[k](y, out[k]) for k, y in zip("abc", (ya, yb, yc))}
    total = tf.add_n([0.5 * L["a"], 0.3 * L["b"], 0.2 * L["c"]])
w = model.get_layer("shared").kernel
parts = {k: tape.gradient(v, w) for k, v in L.items()}
whole = tape.gradient(total, w)
print(np.allclose(whole, 0.5 * parts["a"] + 0.3 * parts["b"] + 0.2 * parts["c"], atol=1e-6))
print({k: round(float(tf.norm(v)), 4) for k, v in parts.items()})
cos = tf.reduce_sum(parts["a"] * parts["b"]) / (tf.norm(parts["a"]) * tf.norm(parts["b"]))
print(round(float(cos), 4))
# PCGrad: project conflicting gradients
flat = [
    tf.concat([tf.reshape(g, [-1]) for g in tape.gradient(L[k], model.get_layer("shared").trainable_weights)], 0)
    for k in "abc"
]
G = tf.stack(flat)
dots = tf.matmul(G, G, transpose_b=True)
print(np.round(dots.numpy(), 4))
proj = G[0] - tf.minimum(dots[0, 1], 0.0) / dots[1, 1] * G[1]
print(np.round(tf.linalg.norm(proj).numpy(), 4))
del tape
model.compile("adam", loss=losses, loss_weights={"a": 0.5, "b": 0.3, "c": 0.2}, metrics={"b": "accuracy"})
h = model.fit(x, {"a": ya, "b": yb, "c": yc}, epochs=2, verbose=0, batch_size=3, shuffle=False)
print(sorted(h.history))
