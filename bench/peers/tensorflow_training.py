"""TensorFlow: eager, `tf.function` with and without XLA, on plain operations and its fused Adam; and Keras' `fit`."""

from __future__ import annotations

import itertools
import os

import keras
import tensorflow as tf
from worker import rewinder, serve

THREADS = os.environ.get("DENSEGRAD_BENCH_THREADS")
if THREADS:
    tf.config.threading.set_intra_op_parallelism_threads(int(THREADS))
    tf.config.threading.set_inter_op_parallelism_threads(int(THREADS))


def array(name, value):
    return value.numpy() if isinstance(value, tf.Tensor) else value


def keras_fit(case, data):
    """Keras' own loop, with its defaults of compilation."""
    kernels, biases = case["kernels"], case["biases"]
    activations = ["relu"] * (len(kernels) - 1) + [None]
    layers = [keras.layers.Dense(data[k].shape[1], activation=a) for k, a in zip(kernels, activations)]
    model = keras.Sequential([keras.Input((data["x"].shape[1],)), *layers])
    model.set_weights([data[n] for pair in zip(kernels, biases) for n in pair])
    crossentropy = case["loss"] == "crossentropy"
    loss = keras.losses.CategoricalCrossentropy(from_logits=True) if crossentropy else "mse"
    optimizer = keras.optimizers.Adam(case["rate"], *case["betas"], epsilon=case["epsilon"])
    model.compile(optimizer, loss)
    options = case.get("fit", {"epochs": 1, "verbose": 0, "shuffle": False})
    rewind = rewinder(model, optimizer) if "fit" in case else lambda: None  # scikit-learn's fit begins anew, too

    def step():
        rewind()
        history = model.fit(data["x"], data["y"], batch_size=case["batch"], **options)
        return history.history["loss"][-1], []

    return step, [], array


def make(case, data):
    """One case of bench/nets.py."""
    keras.backend.clear_session()
    keras.config.set_floatx(case["dtype"])
    if case["how"] == "keras":
        return keras_fit(case, data)
    names = [n for pair in zip(case["kernels"], case["biases"]) for n in pair]
    weights = [tf.Variable(data[n]) for n in names]
    moments = [(tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))) for w in weights]
    rate, beta_1, beta_2, epsilon = (
        tf.constant(v, case["dtype"]) for v in (case["rate"], *case["betas"], case["epsilon"])
    )
    powers = tf.Variable(beta_1), tf.Variable(beta_2)
    kernels, biases = weights[0::2], weights[1::2]

    def forward(x):
        h = x
        for kernel, bias in zip(kernels[:-1], biases[:-1]):
            h = tf.nn.relu(tf.nn.bias_add(tf.matmul(h, kernel), bias))
        return tf.nn.bias_add(tf.matmul(h, kernels[-1]), biases[-1])

    def gradient(x, y):
        with tf.GradientTape() as tape:
            z = forward(x)
            if case["loss"] == "crossentropy":
                loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z))
            else:
                loss = tf.reduce_mean(tf.math.squared_difference(z, y))
        return loss, tape.gradient(loss, weights)

    def update(x, y):
        loss, grads = gradient(x, y)
        for w, (m, v), g in zip(weights, moments, grads):
            tf.raw_ops.ResourceApplyAdam(
                var=w.handle, m=m.handle, v=v.handle, beta1_power=powers[0], beta2_power=powers[1], lr=rate,
                beta1=beta_1, beta2=beta_2, epsilon=epsilon, grad=g,
            )  # fmt: skip
        powers[0].assign(powers[0] * beta_1)
        powers[1].assign(powers[1] * beta_2)
        return loss

    def epoch(xs, ys):
        total = tf.zeros((), case["dtype"])
        for i in tf.range(tf.shape(xs)[0]):
            total += update(xs[i], ys[i])
        return total / tf.cast(tf.shape(xs)[0], case["dtype"])

    if case["how"] != "eager":
        compiled = tf.function(jit_compile=case["how"] == "xla")
        forward_, gradient_, update_, epoch_ = map(compiled, (forward, gradient, update, epoch))
    else:
        forward_, gradient_, update_, epoch_ = forward, gradient, update, epoch
    x, y, batch = tf.constant(data["x"]), tf.constant(data["y"]), case["batch"]
    if case["what"] == "epoch":
        xs, ys = (tf.reshape(a, (-1, batch, a.shape[1])) for a in (x, y))
        return lambda: (epoch_(xs, ys), []), [], array
    batches = itertools.cycle([(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)])
    first = next(batches)
    if case["what"] == "forward":
        return lambda: (forward_(first[0]), []), [], array
    if case["what"] == "gradient":
        return lambda: gradient_(*first), names, array
    batches = itertools.chain([first], batches)
    return lambda: (update_(*next(batches)), []), [], array


if __name__ == "__main__":
    version = f"{tf.__version__}, Keras {keras.__version__}, threads {THREADS or 'default'}"
    serve({"name": "tensorflow", "version": version}, make)
