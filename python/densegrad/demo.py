"""`densegrad demo`: train on handwritten digits, then show every gradient of one batch, checked against TensorFlow."""

from __future__ import annotations

import os
import time

import numpy as np

import densegrad as dg
from densegrad.progress import Progress

EPOCHS, BATCH_SIZE, TEST_ROWS, SEED = 60, 32, 360, 0


class DemoError(RuntimeError):
    """The demo cannot run; the message says what to install."""


def load_digits():
    """Return scikit-learn's 1,797 digits, a stratified shuffled split with 360 test rows.

    Returns:
        x_train (1437, 64), y_train (1437,), x_test (360, 64), y_test (360,); float32 in [0, 1] and int64.

    Raises:
        DemoError: if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as load
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise DemoError("[demo] scikit-learn is not installed: run pip install 'densegrad[demo]'.") from error
    x, y = load(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=TEST_ROWS, stratify=y, shuffle=True, random_state=SEED
    )
    return x_train, y_train, x_test, y_test


def make_model():
    """Return the untrained 64-32-10 network of the demo."""
    return dg.Sequential(
        [
            dg.layers.Input((64,)),
            dg.layers.Dense(32, activation="relu", name="hidden"),
            dg.layers.Dense(10, activation="softmax", name="output"),
        ]
    )


def gradients(model, x, y):
    """Return the loss of a batch and its gradient with respect to every a, z, W, b and x, layer by layer.

    Returns:
        (loss, {(layer name, "dL/da" | "dL/dz" | "dL/dW" | "dL/db" | "dL/dx"): array})
    """
    sources = {}
    x = dg.constant(x)
    loss_fn = dg.losses.SparseCategoricalCrossentropy()
    with dg.GradientTape() as tape:
        tape.watch(x)
        inputs = x
        for layer in model.layers:
            a = layer(inputs)
            sources[layer.name, "dL/da"] = layer
            sources[layer.name, "dL/dz"] = a.z
            sources[layer.name, "dL/dW"] = layer.kernel
            sources[layer.name, "dL/db"] = layer.bias
            sources[layer.name, "dL/dx"] = inputs
            inputs = a
        loss = loss_fn(y, a)
    found = tape.gradient(loss, list(sources.values()))
    return float(loss), {key: g.numpy() for key, g in zip(sources, found)}


def tensorflow_gradients(model, x, y):
    """Return what `gradients` returns as TensorFlow computes it on the same weights, or None without TensorFlow.

    Keras gives no dL/da for a softmax output: there it is taken from -log(p_y / sum p) of the probabilities.
    """
    for name, value in (("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0"), ("CUDA_VISIBLE_DEVICES", "-1")):
        os.environ.setdefault(name, value)
    try:
        import tensorflow as tf
    except ImportError:
        return None
    sources = {}
    x = tf.constant(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        inputs = x
        for layer in model.layers:
            kernel, bias = tf.Variable(layer.kernel.numpy()), tf.Variable(layer.bias.numpy())
            z = tf.matmul(inputs, kernel) + bias
            a = tf.nn.relu(z) if layer.name == "hidden" else tf.nn.softmax(z)
            sources[layer.name, "dL/da"] = a
            sources[layer.name, "dL/dz"] = z
            sources[layer.name, "dL/dW"] = kernel
            sources[layer.name, "dL/db"] = bias
            sources[layer.name, "dL/dx"] = inputs
            inputs = a
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))
        p = tf.identity(a)
        tape.watch(p)
        p_y = tf.gather(p, y, batch_dims=1)
        loss_of_p = -tf.reduce_mean(tf.math.log(p_y / tf.reduce_sum(p, axis=-1)))
    found = {key: tape.gradient(loss, source) for key, source in sources.items()}
    found[layer.name, "dL/da"] = tape.gradient(loss_of_p, p)
    return float(loss), {key: g.numpy() for key, g in found.items()}


def table(ours, theirs=None) -> str:
    """Return the gradients as an aligned table, with a column of the largest differences if `theirs` are given."""
    header = ["layer", "gradient", "shape", "norm", "max |entry|"] + (["max |diff TF|"] if theirs else [])
    rows = []
    for (layer, name), g in ours.items():
        row = [layer, name, str(g.shape), f"{np.linalg.norm(g):.6e}", f"{np.abs(g).max():.6e}"]
        rows.append(row + ([f"{np.abs(g - theirs[layer, name]).max():.2e}"] if theirs else []))
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    lines = []
    for row in [header, ["-" * w for w in widths], *rows]:
        cells = (f"{c:<{w}}" if i < 3 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths)))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


class _EpochBar(dg.callbacks.Callback):
    """One bar for the whole training, a step for every epoch."""

    _progress = Progress(0)

    def on_train_begin(self, logs=None):
        self._progress = Progress(1, unit="epoch")
        self._progress.begin(0, self.params["epochs"])

    def on_epoch_end(self, epoch, logs=None):
        self._progress.step(logs)

    def on_train_end(self, logs=None):
        self._progress.end(logs or {})

    def close(self):
        self._progress.close()


def run(epochs=None, quiet=False, tensorflow=True) -> float:
    """Run the demo, print its results and return the test accuracy in [0, 1].

    Args:
        epochs: int, passes over the training data; None for the default.
        quiet: whether to leave out the progress bars.
        tensorflow: whether to compare with TensorFlow where it is installed.

    Raises:
        DemoError: if scikit-learn is not installed.
    """
    x_train, y_train, x_test, y_test = load_digits()
    dg.random.set_random_seed(SEED)
    model = make_model()
    model.compile(dg.optimizers.Adam(2e-3), dg.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    print(f"Digits: {len(x_train)} rows to train, {len(x_test)} to test; network 64-32-10, relu and softmax, Adam.")
    start = time.perf_counter()
    epochs = EPOCHS if epochs is None else epochs
    bar = [] if quiet else [_EpochBar()]
    try:
        model.fit(x_train, y_train, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=bar)
    finally:
        for each in bar:
            each.close()
    seconds = time.perf_counter() - start
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Trained {epochs} epochs in {seconds:.1f} s.")
    print(f"Test loss: {loss:.4f} nats per sample.")
    print(f"Test accuracy: {accuracy:.4f} ({round(accuracy * len(x_test))} of {len(x_test)}).")

    x, y = x_test[:BATCH_SIZE], y_test[:BATCH_SIZE]
    loss, ours = gradients(model, x, y)
    reference = tensorflow_gradients(model, x, y) if tensorflow else None
    print(f"\nGradients of the mean loss L of {BATCH_SIZE} test rows, L = {loss:.6f}:")
    print(table(ours, reference[1] if reference else None))
    if reference:
        print("max |diff TF|: the largest absolute difference from tf.GradientTape on the same weights.")
        print(f"L differs from TensorFlow's by {abs(loss - reference[0]):.2e}.")
    elif tensorflow:
        print("TensorFlow is not installed, so there is no column that compares with it (pip install tensorflow-cpu).")
    return accuracy
