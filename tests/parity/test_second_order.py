"""Second order: the gradient of a squared gradient norm, through two nested tapes, equals TensorFlow's.

S = sum over all weights of |dL/dW|^2; dS/dW and dS/dx are compared. The bound is a running error analysis again: the
gradient of a node is made of nodes (bounds.py), so `gradient` applied to S built from `gradient` of L carries the
rounding of the forward pass, of the first walk backwards and of the second; |dg - tf| <= bound(dg) + bound(tf).
"""

from __future__ import annotations

from itertools import product

import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from bounds import Machine
from cases import ACTIVATIONS, LOSSES, Case
from problems import HEADS, Problem, draw, forward, per_sample, reduced
from replaying import run_twice
from sides import make_loss
from within import assert_within


def _cases() -> list[Case]:
    """Every hidden activation x output x loss, dtypes in turn, weighted, two or three layers in turn."""
    cases = []
    for i, (hidden, output, loss) in enumerate(product(ACTIVATIONS, ACTIVATIONS, LOSSES)):
        options = {"layers": 2 + i % 3 % 2, "batch": 5, "units": 3, "weighted": i % 4 < 2, "use_bias": i % 5 > 0}
        cases += [Case(output, loss, "sum_over_batch_size", ("float64", "float32")[i % 2], hidden, **options)]
    return cases


CASES = _cases()


def weight_names(case: Case) -> list[str]:
    return [n for n in case.sources if n.startswith(("kernel", "bias"))]


def analyse_twice(problem: Problem, ulps: float) -> dict[str, rb.Node] | None:
    """dS/d(weights, x) with bounds; None if a kink is within reach."""
    case = problem.case
    machine = Machine(case.dtype, ulps)
    nodes = forward(problem, machine)
    head = nodes[f"{'z' if case.fused else 'a'}{case.layers}"]
    loss = reduced(problem, per_sample(problem, head, case.from_logits or case.fused))
    names = weight_names(case)
    first = rb.gradient(loss, [nodes[n] for n in names])
    norm = machine.const(0.0)
    for g in first:
        norm = norm + rb.total(g * g)
    second = rb.gradient(norm, [nodes[n] for n in [*names, "x"]])
    return None if machine.kinks else dict(zip([*names, "x"], second, strict=True))


def tensorflow_twice(problem: Problem) -> dict[str, np.ndarray]:
    import keras
    import tensorflow as tf

    case = problem.case
    heads = {"linear": tf.identity, "sigmoid": tf.nn.sigmoid, "relu": tf.nn.relu, "softmax": tf.nn.softmax}
    x = tf.constant(problem.x)
    kernels = [tf.Variable(k) for k in problem.kernels]
    biases = [None if b is None else tf.Variable(b) for b in problem.biases]
    weights = [v for pair in zip(kernels, biases, strict=True) for v in pair if v is not None]
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            h = x
            for kernel, bias, name in zip(kernels, biases, problem.activations, strict=True):
                z = tf.matmul(h, kernel)
                z = z if bias is None else tf.nn.bias_add(z, bias)
                h = heads[name](z)
            loss_fn = make_loss(keras.losses, problem, case.from_logits or case.fused)
            loss = loss_fn(problem.y, z if case.fused else h, problem.weights)
        norm = tf.add_n([tf.reduce_sum(tf.square(g)) for g in inner.gradient(loss, weights)])
    result = outer.gradient(norm, [*weights, x], unconnected_gradients="zero")
    return {n: g.numpy() for n, g in zip([*weight_names(case), "x"], result, strict=True)}


def densegrad_twice(problem: Problem) -> dict[str, np.ndarray]:
    case = problem.case
    layers = []
    for kernel, bias, name in zip(problem.kernels, problem.biases, problem.activations, strict=True):
        layer = dg.layers.Dense(kernel.shape[1], activation=name, use_bias=bias is not None, dtype=case.dtype)
        layer.build((None, kernel.shape[0]))
        layer.set_weights([kernel] if bias is None else [kernel, bias])
        layers.append(layer)
    model = dg.Sequential(layers)
    weights = model.trainable_variables
    loss_fn = make_loss(dg.losses, problem, case.from_logits)

    def twice(x: object, y: object) -> list:
        with dg.GradientTape() as outer:
            outer.watch(x)
            with dg.GradientTape() as inner:
                loss = loss_fn(y, model(x), problem.weights)
            gradients = inner.gradient(loss, weights)
            norm = dg.ops.sum(dg.ops.square(gradients[0]))
            for g in gradients[1:]:
                norm = norm + dg.ops.sum(dg.ops.square(g))
        return outer.gradient(norm, [*weights, x], unconnected_gradients="zero")

    result = run_twice(twice, [problem.x, problem.y])
    return {n: g.numpy() for n, g in zip([*weight_names(case), "x"], result, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_of_the_gradient_norm(case, seed, figures):
    """dS/dW of every kernel and bias, and dS/dx."""
    problem, _, _ = draw(case, seed)
    ours, theirs = (analyse_twice(problem, ulps) for ulps in (rb.DG_ULPS, rb.TF_ULPS))
    assert ours is not None and theirs is not None
    dg_result, tf_result = densegrad_twice(problem), tensorflow_twice(problem)
    ratios = figures.setdefault(f"second order in {case.dtype}, |dg - tf| / bound", [])
    for name, node in ours.items():
        off = [f"{np.abs(r[name] - node.value).max():.3g}" for r in (dg_result, tf_result)]
        where = f"{name}; densegrad and TensorFlow are off the float64 reference by {' and '.join(off)}"
        ratios.append(assert_within(dg_result[name], tf_result[name], node.error + theirs[name].error, where))


def test_the_bound_is_not_vacuous(seed):
    """The median bound is below 1e-2 (float32), 1e-10 (float64) of the array's largest entry, for 9 of 10 arrays."""
    relative = {"float32": [], "float64": []}
    for case in CASES:
        problem, _, _ = draw(case, seed)
        for node in analyse_twice(problem, rb.TF_ULPS).values():
            if np.abs(node.value).max() > node.error.max():  # not identically zero
                relative[case.dtype].append(np.median(node.error) / np.abs(node.value).max())
    assert len(relative["float32"]) > 200 and len(relative["float64"]) > 200
    assert np.quantile(relative["float32"], 0.9) < 1e-2
    assert np.quantile(relative["float64"], 0.9) < 1e-10
    assert set(HEADS) == set(ACTIVATIONS)
