"""A model of categories and numbers: embeddings, normalized inputs, noise."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(11)
rng = np.random.RandomState(0)
ids = rng.randint(0, 20, (64, 3)).astype("int32")
nums = rng.normal(5.0, 3.0, (64, 2)).astype("float32")
target = (ids.sum(1, keepdims=True) / 10.0 + nums[:, :1]).astype("float32")
norm = layers.Normalization()
norm.adapt(nums)
a = keras.Input((3,), dtype="int32")
b = keras.Input((2,))
x = layers.Flatten()(layers.Embedding(20, 4)(a))
x = layers.Concatenate()([x, norm(b)])
x = layers.GaussianNoise(0.1, seed=1)(x)
x = layers.Dense(16, activation="selu")(x)
x = layers.AlphaDropout(0.1, seed=2)(x)
out = layers.Dense(1)(x)
model = keras.Model([a, b], out)
print(model.count_params())
model.compile(keras.optimizers.Adam(0.01), "mse")
with tf.GradientTape() as tape:
    pred = model([ids, nums], training=False)
    loss = tf.reduce_mean(keras.losses.mse(target, pred))
grads = [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]
for v, g in zip(model.trainable_variables, grads):
    print(v.name, g.shape, float(tf.norm(g)))
first = float(loss)
predictions = model.predict([ids, nums], verbose=0)
print(predictions.shape, np.allclose(predictions, pred.numpy(), atol=1e-5))
unit = layers.UnitNormalization()(pred[:3])
print(unit.numpy())
rep = layers.RepeatVector(2)(nums[:2])
print(rep.shape)
pad = layers.ZeroPadding1D(1)(rep)
print(pad.numpy()[0])
