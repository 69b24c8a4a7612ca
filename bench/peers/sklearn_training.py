"""scikit-learn's multi-layer perceptrons: prediction, `partial_fit` of a batch, `partial_fit` of all rows, `fit`."""

from __future__ import annotations

import itertools

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from worker import serve


def make(case, data):
    """One case of bench/nets.py. Its squared error is half of the mean; its gradients cannot be asked for."""
    kernels, biases, batch = case["kernels"], case["biases"], case["batch"]
    crossentropy = case["loss"] == "crossentropy"
    x, y = data["x"], data["y"].argmax(axis=1) if crossentropy else data["y"]
    if not crossentropy and y.shape[1] == 1:
        y = y[:, 0]
    model = (MLPClassifier if crossentropy else MLPRegressor)(
        hidden_layer_sizes=[data[k].shape[1] for k in kernels[:-1]],
        activation="relu",
        solver="adam",
        alpha=0.0,
        batch_size=batch,
        learning_rate_init=case["rate"],
        beta_1=case["betas"][0],
        beta_2=case["betas"][1],
        epsilon=case["epsilon"],
        shuffle=False,
        tol=0.0,
    )
    options = case.get("fit")
    if options:
        model.set_params(max_iter=options["epochs"], n_iter_no_change=options["epochs"], verbose=True, shuffle=True)

        def fit():
            model.fit(x, y)
            return np.asarray(model.loss_), []

        return fit, [], lambda name, value: value
    extra = {"classes": np.arange(data["y"].shape[1])} if crossentropy else {}
    model.partial_fit(x[:batch], y[:batch], **extra)  # makes the arrays
    for own, name in zip([*model.coefs_, *model.intercepts_], [*kernels, *biases], strict=True):
        own[:] = data[name]
    del model._optimizer  # the next step begins anew
    if case["what"] == "forward":  # logits are no part of its interface: probabilities of classes, or outputs
        predict = model.predict_proba if crossentropy else model.predict
        return lambda: (predict(x[:batch]), []), [], _logits if crossentropy else _columns
    starts = range(0, len(x), batch)
    parts = [(x, y)] if case["what"] == "epoch" else [(x[i : i + batch], y[i : i + batch]) for i in starts]
    batches = itertools.cycle(parts)

    def step():
        model.partial_fit(*next(batches))
        return np.asarray(model.loss_ if crossentropy else 2 * model.loss_), []

    return step, [], lambda name, value: value


def _columns(name, value):
    return value.reshape(len(value), -1)


def _logits(name, value):
    return np.log(value)


if __name__ == "__main__":
    serve({"name": "scikit-learn", "version": sklearn.__version__}, make)
