"""The same problem in TensorFlow and in densegrad: every gradient by name, as NumPy arrays."""

from __future__ import annotations

import numpy as np
from cases import WITH_LOGITS
from problems import Problem
from replaying import run_twice

LOSS_CLASSES = {
    "mse": "MeanSquaredError",
    "bce": "BinaryCrossentropy",
    "cce": "CategoricalCrossentropy",
    "scce": "SparseCategoricalCrossentropy",
    "kl_divergence": "KLDivergence",
    "categorical_generalized_cross_entropy": "CategoricalGeneralizedCrossEntropy",
}


def loss_class(name: str) -> str:
    """The class of a loss in Keras and densegrad."""
    return LOSS_CLASSES.get(name) or name.title().replace("_", "")


def make_loss(namespace: object, problem: Problem, from_logits: bool) -> object:
    """The loss object of Keras or densegrad, with its dtype given: Keras computes in float32 otherwise."""
    case = problem.case
    options = {"reduction": case.reduction, "dtype": case.dtype}
    if case.loss_name in WITH_LOGITS:
        options["from_logits"] = from_logits
    if case.smoothing is not None:
        options["label_smoothing"] = case.smoothing
    return getattr(namespace, loss_class(case.loss_name))(**options)


def tensorflow_gradients(problem: Problem) -> dict[str, np.ndarray]:
    """Explicit tf ops forward, Keras' loss on tensors without hidden logits.

    A pair that densegrad fuses is given its logits, as Keras' own layers would, and dL/da comes from `tf.identity`.
    """
    import keras
    import tensorflow as tf

    case = problem.case
    heads = {"linear": tf.identity, "sigmoid": tf.nn.sigmoid, "relu": tf.nn.relu, "softmax": tf.nn.softmax}
    x = tf.constant(problem.x)
    nodes = {"x": x}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        h = x
        for i, (kernel, bias) in enumerate(zip(problem.kernels, problem.biases, strict=True), 1):
            nodes[f"kernel{i}"] = tf.Variable(kernel)
            z = tf.matmul(h, nodes[f"kernel{i}"])
            if bias is not None:
                nodes[f"bias{i}"] = tf.Variable(bias)
                z = tf.nn.bias_add(z, nodes[f"bias{i}"])
            h = heads[problem.activations[i - 1]](z)
            nodes |= {f"z{i}": z, f"a{i}": h}
        assert not hasattr(h, "_keras_logits"), "the probability route must be literal"
        literal = make_loss(keras.losses, problem, case.from_logits)(problem.y, tf.identity(h), problem.weights)
        loss = literal
        if case.fused:
            loss = make_loss(keras.losses, problem, from_logits=True)(problem.y, z, problem.weights)
    names = case.sources
    result = dict(zip(names, tape.gradient(loss, [nodes[n] for n in names]), strict=True))
    if case.fused:
        head = f"a{case.layers}"
        assert result[head] is None
        result[head] = tape.gradient(literal, nodes[head])
    return {name: value.numpy() for name, value in {**result, "loss": loss}.items()}


def densegrad_gradients(problem: Problem) -> dict[str, np.ndarray]:
    """Dense layers, a loss object and one tape, all gradients in one call; as Python and as a program."""
    import densegrad as dg

    case = problem.case
    layers = []
    for kernel, bias, activation in zip(problem.kernels, problem.biases, problem.activations, strict=True):
        layer = dg.layers.Dense(kernel.shape[1], activation=activation, use_bias=bias is not None, dtype=case.dtype)
        layer.build((None, kernel.shape[0]))
        layer.set_weights([kernel] if bias is None else [kernel, bias])
        layers.append(layer)
    loss_fn = make_loss(dg.losses, problem, case.from_logits)

    def gradients(x: object, y: object, weights: object = None) -> dict[str, object]:
        nodes = {"x": x}
        with dg.GradientTape() as tape:
            tape.watch(x)
            h = x
            for i, layer in enumerate(layers, 1):
                h = layer(h)
                nodes |= {f"kernel{i}": layer.kernel, f"bias{i}": layer.bias, f"z{i}": h.z, f"a{i}": h}
            loss = loss_fn(y, h, weights)
        found = tape.gradient(loss, [nodes[name] for name in case.sources])
        return {**dict(zip(case.sources, found, strict=True)), "loss": loss}

    weights = [] if problem.weights is None else [problem.weights]
    result = run_twice(gradients, [problem.x, problem.y, *weights])
    missing = [name for name, value in result.items() if value is None]
    assert not missing, f"densegrad returned no gradient for {missing}"
    return {name: value.numpy() for name, value in result.items()}
