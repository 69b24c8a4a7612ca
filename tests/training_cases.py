"""The models and data of the tests of training."""

from __future__ import annotations

import numpy as np

N, D, K = 50, 6, 3


def features(n=N, seed=0):
    return np.random.default_rng(seed).standard_normal((n, D)).astype(np.float32)


def labels(kind, n=N, seed=1):
    rng = np.random.default_rng(seed)
    if kind == "sparse":
        return rng.integers(0, K, n)
    if kind == "onehot":
        return np.eye(K, dtype=np.float32)[rng.integers(0, K, n)]
    if kind == "binary":
        return rng.integers(0, 2, (n, 1)).astype(np.float32)
    return rng.standard_normal((n, K)).astype(np.float32)


CASES = {
    "sparse": ("softmax", K, "sparse_categorical_crossentropy", "sparse"),
    "onehot": ("softmax", K, "categorical_crossentropy", "onehot"),
    "binary": ("sigmoid", 1, "binary_crossentropy", "binary"),
    "regression": (None, K, "mse", "real"),
}


def make(lib, case="sparse", optimizer="sgd", inputs=True, weights=None, **options):
    head, units, loss, _ = CASES[case]
    first = [lib.layers.Input((D,))] if inputs else []
    model = lib.Sequential([*first, lib.layers.Dense(5, "relu"), lib.layers.Dense(units, head)])
    if inputs:
        rng = np.random.default_rng(3)
        model.set_weights([rng.standard_normal(w.shape).astype(np.float32) * 0.5 for w in model.get_weights()])
    model.compile(optimizer, loss, **({"metrics": ["accuracy"]} | options))
    return model


def snapshot(model):
    return [v.numpy() for v in [*model.weights, *model.optimizer.variables]], int(model.optimizer.iterations)
