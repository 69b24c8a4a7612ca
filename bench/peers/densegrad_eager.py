"""densegrad's eager step: tape, forward, loss, all gradients."""

from __future__ import annotations

import densegrad as dg
from worker import serve


def make(case, data):
    """The step of one case (see bench/eager.py)."""
    dtype, kernels, biases = case["dtype"], case["kernels"], case["biases"]
    x, y = dg.constant(data["x"]), dg.constant(data["y"])
    activations = ["relu"] * (len(kernels) - 1)
    if case["row"] == "model":
        layers = [
            dg.layers.Dense(data[k].shape[1], activation=a, dtype=dtype)
            for k, a in zip(kernels, [*activations, "softmax"], strict=True)
        ]
        model = dg.Sequential([dg.Input((data["x"].shape[1],), dtype=dtype), *layers])
        model.set_weights([data[n] for pair in zip(kernels, biases) for n in pair])
        loss_fn = dg.losses.CategoricalCrossentropy()
        sources = [*model.trainable_variables, x]

        def step():
            with dg.GradientTape() as tape:
                tape.watch(x)
                loss = loss_fn(y, model(x))
            return loss, tape.gradient(loss, sources)

    else:
        weights = [(dg.Variable(data[k]), dg.Variable(data[b])) for k, b in zip(kernels, biases)]
        hidden, (last_kernel, last_bias) = weights[:-1], weights[-1]
        dense, crossentropy = dg.ops.dense, dg.ops.categorical_crossentropy
        sources = [*(v for pair in weights for v in pair), x]

        def step():
            with dg.GradientTape() as tape:
                tape.watch(x)
                h = x
                for kernel, bias in hidden:
                    h = dense(h, kernel, bias, "relu")
                logits = dense(h, last_kernel, last_bias)
                loss = crossentropy(y, logits, from_logits=True, reduction="sum_over_batch_size")
            return loss, tape.gradient(loss, sources)

    return step, [*(n for pair in zip(kernels, biases) for n in pair), "x"], lambda name, value: value.numpy()


if __name__ == "__main__":
    serve({"name": "densegrad", "version": dg.__version__}, make)
