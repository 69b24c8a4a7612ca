"""`Embedding`, `Normalization`, `UnitNormalization`, noise and padding beside Keras': values, gradients, configs.

Results are a dozen roundings of numbers around 1; normal numbers of one seed are within 2e-6 of Keras'.
"""

from __future__ import annotations

import densegrad.tf as dtf
import numpy as np
import pytest
from twins import plain

X = np.array([[1.0, -2.0, 3.0], [4.0, 0.5, -6.0]], np.float32)
SEQUENCES = (np.arange(48, dtype=np.float32).reshape(2, 6, 4) * 7 % 11 - 5) / 8
LAYERS = {
    "Embedding(5, 2, embeddings_initializer='ones', embeddings_regularizer='l2')": np.array([[1, 4], [0, 1]]),
    "Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 2.0])": X,
    "Normalization(axis=None, mean=3.0, variance=2.0, invert=True)": X,
    "Normalization(mean=3.0, variance=0.0)": X,
    "Normalization(axis=(1, 2), mean=[[1.0], [2.0]], variance=[[4.0], [1.0]])": np.stack([X, X]),
    "UnitNormalization()": X,
    "UnitNormalization(axis=[0, 1])": X,
    "GaussianNoise(0.5, seed=7)": X,
    "GaussianDropout(0.3, seed=7)": X,
    "AlphaDropout(0.3, seed=7)": X,
    "AlphaDropout(0.3, noise_shape=(2, 1), seed=7)": X,
    "RepeatVector(3)": X,
    "ZeroPadding1D((2, 1))": np.stack([X, X]),
    "ZeroPadding2D(((1, 0), 2))": np.stack([X, X])[..., None],
    "ZeroPadding2D(1, data_format='channels_first')": np.stack([X, X])[..., None],
    "Conv1D(4, 2, strides=2, kernel_initializer='ones', bias_initializer='ones', activation='tanh')": SEQUENCES,
    "Conv1D(4, 3, padding='causal', dilation_rate=2, kernel_initializer='ones')": SEQUENCES,
    "Conv1D(2, 3, padding='causal', strides=2, kernel_initializer='ones')": SEQUENCES,
    "Conv1D(4, 3, padding='same', kernel_initializer='ones', kernel_regularizer='l2')": SEQUENCES,
    "MaxPooling1D()": SEQUENCES,
    "MaxPool1D(3, 1, 'same')": SEQUENCES,
    "AveragePooling1D(3, strides=2, padding='same')": SEQUENCES,
    "AvgPool1D(2, data_format='channels_first')": SEQUENCES,
    "GlobalAveragePooling1D()": SEQUENCES,
    "GlobalMaxPooling1D(keepdims=True)": SEQUENCES,
    "GlobalAvgPool1D('channels_first')": SEQUENCES,
}


def run(tf, keras, text, value):
    layer = eval(f"layers.{text}", {"layers": keras.layers})
    x = tf.constant(value)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True) if "seed" in text else layer(x)
        loss = tf.reduce_sum(y * y * y)
    sources = [x] if value.dtype.kind == "f" else []
    config = {k: v for k, v in layer.get_config().items() if k not in ("name", "dtype", "quantization_config")}
    gradients = tape.gradient(loss, sources + layer.trainable_variables)
    return (
        plain([y, *gradients]),
        config,
        [tuple(w.shape) for w in layer.weights],
        layer.compute_output_shape(value.shape),
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", LAYERS)
def test_layer(text, tensorflow):
    import keras  # tf.keras has an older AlphaDropout

    (ours, our_config, *our_rest), (theirs, config, *rest) = (
        run(*libraries, text, LAYERS[text]) for libraries in ((dtf, dtf.keras), (tensorflow, keras))
    )
    assert list(map(list, our_rest)) == list(map(list, rest)) and our_config.keys() == config.keys()
    assert {k: str(v) for k, v in our_config.items() if "_regularizer" not in k and "_initializer" not in k} == {
        k: str(v) for k, v in config.items() if "_regularizer" not in k and "_initializer" not in k
    }
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        spread = np.abs(b).max(initial=0)
        assert np.abs(a - b).max(initial=0) <= spread * (12 * 2.0**-24 + 2e-6 * ("seed" in text) * 4)


def test_adapt(tensorflow):
    data = np.arange(24.0, dtype=np.float32).reshape(8, 3) % 7

    def of(tf, given):
        layer = tf.keras.layers.Normalization()
        layer.adapt(given(tf))
        return [np.asarray(w) for w in layer.get_weights()] + [np.asarray(layer(data))]

    for given in (lambda tf: data, lambda tf: tf.data.Dataset.from_tensor_slices(data).batch(3)):
        for a, b in zip(of(dtf, given), of(tensorflow, given), strict=True):
            assert a.shape == b.shape and np.abs(a - b).max() <= 40 * 2.0**-24 * max(1, np.abs(b).max())
