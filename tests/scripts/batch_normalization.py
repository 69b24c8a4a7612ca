"""A net with batch and layer normalization, trained by hand and by `fit`, used for inference, then frozen."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(5)
x = np.random.normal(2.0, 3.0, (24, 6)).astype("float32")
y = np.random.normal(size=(24, 1)).astype("float32")

inputs = keras.Input(shape=(6,))
h = keras.layers.Dense(8, use_bias=False)(inputs)
h = keras.layers.BatchNormalization(momentum=0.8, name="bn")(h)
h = keras.layers.Activation("relu")(h)
h = keras.layers.Dense(4)(h)
h = keras.layers.LayerNormalization()(h)
model = keras.Model(inputs, keras.layers.Dense(1)(h))
optimizer = keras.optimizers.SGD(0.05)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


losses = [float(train_step(x[k : k + 8], y[k : k + 8])) for k in (0, 8, 16, 0)]
bn = model.get_layer("bn")
moved = [w.numpy() for w in bn.non_trainable_variables]
print(len(model.trainable_variables), len(model.non_trainable_variables))

model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
after_fit = [w.numpy() for w in bn.non_trainable_variables]
predicted = model.predict(x[:3], verbose=0)

images = tf.constant(x[:3])
with tf.GradientTape() as tape:
    tape.watch(images)
    output = model(images, training=False)
sensitivity = tape.gradient(output, images)

bn.trainable = False
frozen = model(x[:5], training=True)
