"""densegrad: forward passes, gradients, steps of Adam, and `fit`; as programs or as Python."""

from __future__ import annotations

import itertools

import densegrad as dg
from worker import rewinder, serve


def make(case, data):
    """One case of bench/nets.py."""
    dtype, kernels, biases, batch = case["dtype"], case["kernels"], case["biases"], case["batch"]
    dg.config.set_floatx(dtype)
    activations = ["relu"] * (len(kernels) - 1) + [None]
    layers = [dg.layers.Dense(data[k].shape[1], activation=a) for k, a in zip(kernels, activations)]
    model = dg.Sequential([dg.Input((data["x"].shape[1],)), *layers])
    model.set_weights([data[n] for pair in zip(kernels, biases) for n in pair])
    variables = model.trainable_variables
    crossentropy = case["loss"] == "crossentropy"
    loss_fn = dg.losses.CategoricalCrossentropy(from_logits=True) if crossentropy else dg.losses.MeanSquaredError()
    optimizer = dg.optimizers.Adam(case["rate"], *case["betas"], epsilon=case["epsilon"])
    x, y = data["x"], data["y"]
    names = []

    def array(name, value):
        return value.numpy() if isinstance(value, dg.Tensor) else value

    if case["what"] in ("epoch", "fit"):
        model.compile(optimizer, loss_fn)
        options = case.get("fit", {"epochs": 1, "verbose": 0, "shuffle": False})
        rewind = rewinder(model, optimizer) if "fit" in case else lambda: None  # scikit-learn's fit begins anew, too

        def step():
            rewind()
            history = model.fit(x, y, batch_size=batch, **options)
            return history.history["loss"][-1], []

        return step, names, array

    maybe = dg.function if case["how"] == "compiled" else lambda f: f

    @maybe
    def forward(x):
        return model(x)

    @maybe
    def gradient(x, y):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        return loss, tape.gradient(loss, variables)

    @maybe
    def update(x, y):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    starts = range(0, len(x), batch)
    batches = itertools.cycle([(dg.constant(x[i : i + batch]), dg.constant(y[i : i + batch])) for i in starts])
    if case["what"] == "forward":
        first = next(batches)[0]
        return lambda: (forward(first), []), names, array
    if case["what"] == "gradient":
        first = next(batches)
        return lambda: gradient(*first), [n for pair in zip(kernels, biases) for n in pair], array
    return lambda: (update(*next(batches)), []), names, array


if __name__ == "__main__":
    serve({"name": "densegrad", "version": f"{dg.__version__}, threads {dg.get_num_threads()}"}, make)
