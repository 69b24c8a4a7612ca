"""TensorFlow's eager step. DENSEGRAD_BENCH_THREADS=n sets both of its pools; unset leaves its defaults."""

from __future__ import annotations

import os

import keras
import tensorflow as tf
from worker import serve

THREADS = os.environ.get("DENSEGRAD_BENCH_THREADS")
if THREADS:
    tf.config.threading.set_intra_op_parallelism_threads(int(THREADS))
    tf.config.threading.set_inter_op_parallelism_threads(int(THREADS))


def make(case, data):
    """The step of one case (see bench/eager.py)."""
    dtype, kernels, biases = case["dtype"], case["kernels"], case["biases"]
    x, y = tf.constant(data["x"]), tf.constant(data["y"])
    activations = ["relu"] * (len(kernels) - 1)
    if case["row"] == "model":
        layers = [
            keras.layers.Dense(data[k].shape[1], activation=a, dtype=dtype)
            for k, a in zip(kernels, [*activations, "softmax"], strict=True)
        ]
        model = keras.Sequential([keras.Input((data["x"].shape[1],), dtype=dtype), *layers])
        model.set_weights([data[n] for pair in zip(kernels, biases) for n in pair])
        loss_fn = keras.losses.CategoricalCrossentropy(dtype=dtype)
        sources = [*(v.value for v in model.trainable_variables), x]

        def step():
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = loss_fn(y, model(x))
            return loss, tape.gradient(loss, sources)

    else:
        weights = [(tf.Variable(data[k]), tf.Variable(data[b])) for k, b in zip(kernels, biases)]
        hidden, (last_kernel, last_bias) = weights[:-1], weights[-1]
        sources = [*(v for pair in weights for v in pair), x]

        def step():
            with tf.GradientTape() as tape:
                tape.watch(x)
                h = x
                for kernel, bias in hidden:
                    h = tf.nn.relu(tf.matmul(h, kernel) + bias)
                logits = tf.matmul(h, last_kernel) + last_bias
                loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
            return loss, tape.gradient(loss, sources)

    return step, [*(n for pair in zip(kernels, biases) for n in pair), "x"], lambda name, value: value.numpy()


if __name__ == "__main__":
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")
    version = f"{tf.__version__}, Keras {keras.__version__}, oneDNN {onednn}, threads {THREADS or 'default'}"
    serve({"name": "tensorflow", "version": version}, make)
