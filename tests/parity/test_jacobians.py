"""Jacobians, Hessians and forward mode against TensorFlow's.

Shapes, structures and what is unconnected are equal exactly. Numbers: the nets have at most 3 products of inner
length <= 16 and elementwise functions within 4 ULP, so each library is off by at most c u of the sum of the magnitudes
of the terms, which the same net gives with absolute weights; c = 200 counts 3 x (16 + 4 x 4) roundings per library.
"""

from __future__ import annotations

import numpy as np
import pytest
from rows import generator
from twins import libraries

C = 200
SIZES = (5, 8, 3)


def tables(seed, dtype):
    rng = generator(seed, "jacobians", dtype)
    kernels = [rng.normal(0, 0.6, s).astype(dtype) for s in ((5, 8), (8, 3))]
    return rng.normal(size=(6, 5)).astype(dtype), kernels


def network(L, x, kernels, hidden):
    """Two dense layers of plain operations."""
    z = L.matmul(x, kernels[0])
    h = hidden(L, z)
    return L.matmul(h, kernels[1])


HIDDEN = {
    "exp": lambda L, z: L.exp(-L.square(z)),
    "relu": lambda L, z: L.relu(z),
    "logistic": lambda L, z: 1.0 / (1.0 + L.exp(-z)),
}


def limit(kernels, dtype):
    """Every hidden function has |f'| <= 1 and |f''| <= 2: the products of absolute weights bound all terms."""
    first, second = (np.abs(k).astype(np.float64) for k in kernels)
    return C * np.finfo(dtype).eps * (1 + (first @ second).max()) * (1 + first.max()) * 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_jacobians_equal_tensorflows(hidden, dtype, seed):
    x, kernels = tables(seed, dtype)
    results = []
    for L in libraries():
        tensor, weights = L.constant(x), [L.Variable(k) for k in kernels]
        with L.GradientTape(persistent=True) as tape:
            tape.watch(tensor)
            y = network(L, tensor, weights, HIDDEN[hidden])
        full = tape.jacobian(y, [tensor, *weights])
        results.append([np.asarray(j) for j in (*full, tape.batch_jacobian(y, tensor))])
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        assert np.abs(ours - theirs).max() <= limit(kernels, dtype) * (1 + np.abs(x).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", ["exp", "logistic"])
def test_hessians_equal_tensorflows(hidden, dtype, seed):
    x, kernels = tables(seed, dtype)
    results = []
    for L in libraries():
        tensor, weights = L.constant(x[:2]), [L.constant(k) for k in kernels]
        with L.GradientTape() as outer:
            outer.watch(tensor)
            with L.GradientTape() as inner:
                inner.watch(tensor)
                y = L.sum(L.square(network(L, tensor, weights, HIDDEN[hidden])))
            gradient = inner.gradient(y, tensor)
        results.append(np.asarray(outer.jacobian(gradient, tensor)))
    ours, theirs = results
    assert ours.shape == theirs.shape == (2, 5, 2, 5)
    size = (np.abs(kernels[0]).sum() * np.abs(kernels[1]).sum()) ** 2  # of the terms: products of two Jacobians
    assert np.abs(ours - theirs).max() <= C * np.finfo(dtype).eps * size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_forward_mode_equals_tensorflows(hidden, dtype, seed):
    import densegrad as dg
    import tensorflow as tf

    x, kernels = tables(seed, dtype)
    rng = generator(seed, "tangents", hidden, dtype)
    tangents = [rng.normal(size=a.shape).astype(dtype) for a in (x, *kernels)]
    ours, theirs = libraries()
    primals = [tf.constant(a) for a in (x, *kernels)]
    with tf.autodiff.ForwardAccumulator(primals, [tf.constant(t) for t in tangents]) as accumulator:
        y = network(theirs, primals[0], primals[1:], HIDDEN[hidden])
    expected = accumulator.jvp(y).numpy()
    value, found = dg.jvp(lambda x, *ks: network(ours, x, ks, HIDDEN[hidden]), (x, *kernels), tangents)
    assert value.dtype == found.dtype == dtype and found.shape == expected.shape
    size = (1 + np.abs(x).max()) * max(np.abs(t).max() for t in tangents) * (1 + 5 * np.abs(kernels[0]).max())
    assert np.abs(found.numpy() - expected).max() <= limit(kernels, dtype) * 8 * size


@pytest.mark.parametrize("case", ["wrong first axis", "vector", "list target", "unconnected zero"])
def test_what_tensorflow_refuses_is_refused(case):
    import densegrad as dg
    import tensorflow as tf

    def run(L, zero):
        a, b = L.constant(np.ones((2, 3), np.float32)), L.constant(np.ones((1, 3), np.float32))
        with L.GradientTape(persistent=True) as tape:
            tape.watch([a, b])
            y = a * b
        if case == "wrong first axis":
            return tape.batch_jacobian(y, b)
        if case == "vector":
            return tape.batch_jacobian(y[0], a)
        if case == "list target":
            return tape.jacobian([y, y], a)
        return np.asarray(tape.jacobian(y, L.constant([1.0, 2.0]), unconnected_gradients=zero))

    outcomes = []
    for L, zero in ((dg, "zero"), (tf, tf.UnconnectedGradients.ZERO)):
        try:
            outcomes.append(run(L, zero))
        except (ValueError, TypeError, AttributeError):
            outcomes.append("refused")
    if case == "unconnected zero":
        np.testing.assert_array_equal(*outcomes)
    else:
        assert outcomes == ["refused", "refused"]
