import numpy as np
import tensorflow as tf


@tf.custom_gradient
def guidedRelu(x):
    def grad(dy):
        return tf.cast(dy > 0, "float32") * tf.cast(x > 0, "float32") * dy

    return tf.nn.relu(x), grad


rng = np.random.RandomState(0)
model = tf.keras.Sequential(
    [tf.keras.layers.Input((4,)), tf.keras.layers.Dense(6, activation="relu"), tf.keras.layers.Dense(3)]
)
model.set_weights([rng.randn(*w.shape) for w in model.get_weights()])
gb_model = tf.keras.models.clone_model(model)
gb_model.set_weights(model.get_weights())
for layer in gb_model.layers:
    if hasattr(layer, "activation") and layer.activation == tf.keras.activations.relu:
        layer.activation = guidedRelu
images = tf.convert_to_tensor(rng.randn(2, 4), dtype=tf.float32)
for m in (model, gb_model):
    with tf.GradientTape() as tape:
        tape.watch(images)
        out = m(images)
        top = tf.math.reduce_max(out, axis=1)
    g = tape.gradient(top, images)
    dgrad_abs = tf.math.abs(g)
    arr_min, arr_max = np.min(dgrad_abs), np.max(dgrad_abs)
    print(np.round((dgrad_abs - arr_min) / (arr_max - arr_min + 1e-18), 4))
smooth = tf.reduce_mean(tf.stack([images + 0.1 * i for i in range(3)]), axis=0)
print(np.round(smooth.numpy(), 4))
