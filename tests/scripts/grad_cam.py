import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, models

np.random.seed(0)
tf.random.set_seed(0)
inp = keras.Input(shape=(8, 8, 3))
x = layers.Conv2D(4, 3, padding="same", activation="relu", name="last_conv")(inp)
x = layers.MaxPooling2D((2, 2))(x)
x = layers.Flatten()(x)
x = layers.Dense(16, activation="relu")(x)
out = layers.Dense(5, activation="softmax")(x)
model = models.Model(inp, out)
rng = np.random.RandomState(1)
for w in model.weights:
    w.assign(rng.normal(scale=0.3, size=w.shape).astype("float32"))
img = rng.rand(1, 8, 8, 3).astype("float32")


def make_gradcam_heatmap(img_array, model, last_conv_layer_name, pred_index=None):
    grad_model = tf.keras.models.Model(model.input, [model.get_layer(last_conv_layer_name).output, model.output])
    with tf.GradientTape() as tape:
        last_conv_layer_output, preds = grad_model(img_array)
        if pred_index is None:
            pred_index = tf.argmax(preds[0])
        class_channel = preds[:, pred_index]
    grads = tape.gradient(class_channel, last_conv_layer_output)
    pooled_grads = tf.reduce_mean(grads, axis=(0, 1, 2))
    last_conv_layer_output = last_conv_layer_output[0]
    heatmap = last_conv_layer_output @ pooled_grads[..., tf.newaxis]
    heatmap = tf.squeeze(heatmap)
    heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
    return heatmap.numpy()


h = make_gradcam_heatmap(img, model, "last_conv")
print(h.shape, np.round(h, 3))
heat = np.uint8(255 * h)
print(heat.sum())
