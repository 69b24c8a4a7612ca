"""TensorFlow's batch Jacobian, eager and compiled. DENSEGRAD_BENCH_THREADS=n sets both of its pools."""

from __future__ import annotations

import os

import tensorflow as tf
from worker import serve

THREADS = os.environ.get("DENSEGRAD_BENCH_THREADS")
if THREADS:
    tf.config.threading.set_intra_op_parallelism_threads(int(THREADS))
    tf.config.threading.set_inter_op_parallelism_threads(int(THREADS))


def make(case, data):
    """The step of one case (see bench/jacobian.py)."""
    x, w0, w1 = (tf.constant(data[name]) for name in ("x", "W0", "W1"))

    def recorded(x, persistent):
        with tf.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = tf.matmul(tf.nn.relu(tf.matmul(x, w0)), w1)
        return tape, y

    def array(name, value):
        return value.numpy()

    if case["what"] == "jacobian":
        tape, y = recorded(x, True)
        return lambda: (y, [tape.batch_jacobian(y, x)]), ["jacobian"], array

    @tf.function
    def compiled(x):
        tape, y = recorded(x, False)
        return y, tape.batch_jacobian(y, x)

    def step():
        y, jacobian = compiled(x)
        return y, [jacobian]

    return step, ["jacobian"], array


if __name__ == "__main__":
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")
    serve({"name": "tensorflow", "version": f"{tf.__version__}, oneDNN {onednn}, threads {THREADS or 'default'}"}, make)
