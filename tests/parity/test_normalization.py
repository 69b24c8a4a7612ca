"""Normalization layers against Keras': values, gradients, moving statistics, within bounds derived for both.

The libraries evaluate different expressions of one function; each has its own running error analysis (bounds.py):

    densegrad     d = x - mean,  d f + beta                   f = gamma / sqrt(variance + epsilon)
    TensorFlow    x f + (beta - mean f),   and in the variance the mean is held fixed, which changes no first derivative
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS, TF_ULPS, Machine, Node, gradient, reshape, sqrt, total
from replaying import run_twice
from within import assert_within

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

EPSILON = 1e-3


def held(x: Node) -> Node:
    return Node(x.machine, x.value, x.error)


def averaged(x: Node, axis: int) -> Node:
    return total(x, axis, keepdims=True) / x.machine.const(float(x.shape[axis]))


def normalized(library: str, x: Node, gamma: Node, beta: Node, axis: int):
    """The output and the statistics for the entries of a matrix; `axis` is summed over."""
    machine, mean = x.machine, averaged(x, axis)
    d = x - (mean if library == "dg" else held(mean))
    variance = averaged(d * d, axis)
    f = machine.const(1.0) / sqrt(variance + machine.rounded(EPSILON)) * gamma
    y = d * f + beta if library == "dg" else x * f + (beta - mean * f)
    return y, mean, variance


def analysed(library, arrays, weights, axis, dtype):
    """y, mean, variance, and the derivatives of sum(weights y) with respect to x, gamma and beta, as nodes."""
    machine = Machine(dtype, DG_ULPS if library == "dg" else TF_ULPS)
    leaves = [machine.leaf(a) for a in arrays]
    y, mean, variance = normalized(library, *leaves, axis)
    return [y, *gradient(y * machine.const(weights), leaves), mean, variance]


def drawn(seed, dtype, count, length):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(count, length)) * 2 + 1).astype(dtype)
    gamma, beta = (rng.uniform(0.5, 2, length).astype(dtype) for _ in range(2))
    return x, gamma, beta, rng.normal(size=x.shape).astype(dtype)


def derivatives(lib, layer, x, weights):
    """The same from a layer of the library."""
    training = {"training": True} if "Batch" in type(layer).__name__ else {}
    with (dg.GradientTape if lib is dg else tf.GradientTape)() as tape:
        tape.watch(x)
        y = layer(x, **training)
    return [y, *tape.gradient(y, [x, *layer.trainable_variables], output_gradients=weights)]


def compare(name, axis, arrays, shape):
    """For inputs of this shape, whose channels are the columns of the matrices among `arrays`."""
    *arrays, weights = arrays
    dtype = arrays[0].dtype

    def as_input(a):
        lengths = [n for k, n in enumerate(shape) if k != axis % len(shape)]
        return np.ascontiguousarray(np.moveaxis(a.reshape(*lengths, shape[axis]), -1, axis))

    def as_matrix(a):
        return np.moveaxis(np.asarray(a), axis, -1).reshape(arrays[0].shape)

    results = []
    for lib, run in ((dg, run_twice), (keras, lambda f, given: f(*map(tf.constant, given)))):
        layer = getattr(lib.layers, name)(axis, epsilon=EPSILON, dtype=dtype.name)
        layer.build(shape)
        layer.gamma.assign(arrays[1])
        layer.beta.assign(arrays[2])
        given = [as_input(arrays[0]), as_input(weights)]
        y, dx, *rest = run(lambda x, w, lib=lib, layer=layer: derivatives(lib, layer, x, w), given)
        results.append([as_matrix(y), as_matrix(dx), *map(np.asarray, rest)])
    over = 0 if name == "BatchNormalization" else 1
    bounds = [
        [node.error for node in analysed(library, arrays, weights.astype("float64"), over, dtype)[:4]]
        for library in ("dg", "tf")
    ]
    for a, b, ours, theirs, what in zip(*results, *bounds, ("y", "dx", "dgamma", "dbeta"), strict=True):
        assert a.dtype == b.dtype == dtype, what
        assert_within(a, b, ours + theirs, what)


BATCHES = [(-1, (17, 5)), (-1, (3, 4, 2, 5)), (1, (4, 3, 5)), (3, (2, 3, 3, 4))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("axis", "shape"), BATCHES, ids=str)
def test_batch_normalization(axis, shape, dtype, seed):
    arrays = drawn(seed, dtype, int(np.prod(shape)) // shape[axis], shape[axis])
    compare("BatchNormalization", axis, arrays, shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 17), (2, 3, 9)], ids=str)
def test_layer_normalization(shape, dtype, seed):
    arrays = drawn(seed, dtype, int(np.prod(shape)) // shape[-1], shape[-1])
    compare("LayerNormalization", -1, arrays, shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_normalization_over_two_axes(dtype, seed):
    """Both axes as one, whose scale and offset are vectors of the entries of a sample."""
    x, gamma, beta, _ = drawn(seed, dtype, 3, 12)
    results = []
    for lib in (dg, keras):
        layer = lib.layers.LayerNormalization((1, 2), epsilon=EPSILON, dtype=dtype)
        layer.build((3, 4, 3))
        layer.set_weights([gamma.reshape(4, 3), beta.reshape(4, 3)])
        results.append(np.asarray(layer(x.reshape(3, 4, 3))).reshape(x.shape))
    machines = [(library, Machine(dtype, ulps)) for library, ulps in (("dg", DG_ULPS), ("tf", TF_ULPS))]
    nodes = [normalized(library, *map(m.leaf, (x, gamma, beta)), 1)[0] for library, m in machines]
    assert_within(*results, nodes[0].error + nodes[1].error)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moving_statistics_of_a_fit(dtype, seed):
    """The first layer's depend on the data alone: each update takes a share of the statistics of one batch."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(40, 3)) * 2 + 1).astype("float32").astype(dtype)  # which Keras' `fit` makes it anyway
    y = rng.normal(size=(40, 1)).astype(dtype)
    models = []
    for lib in (dg, keras):
        layers = lib.layers
        model = lib.Sequential([layers.BatchNormalization(momentum=0.75, dtype=dtype), layers.Dense(1, dtype=dtype)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
        models.append([np.asarray(w) for w in model.layers[0].non_trainable_weights])
    allowed = 0.0
    for library, ulps in (("dg", DG_ULPS), ("tf", TF_ULPS)):
        machine = Machine(dtype, ulps)
        moving = [machine.const(np.zeros((1, 3))), machine.const(np.ones((1, 3)))]
        one = machine.const(np.ones(3))
        for rows in [x[:16], x[16:32], x[32:]] * 3:
            _, *statistics = normalized(library, machine.leaf(rows), one, one, 0)
            moving = [m * machine.const(0.75) + held(s) * machine.const(0.25) for m, s in zip(moving, statistics)]
        allowed = allowed + np.array([reshape(m, (3,)).error for m in moving])
    for a, b, limit in zip(*models, allowed, strict=True):
        assert_within(a, b, limit)
    assert all(np.any(w != start) for w, start in zip(models[0], (0, 1)))


def test_the_bound_is_narrow(seed):
    """A derivative that leaves out that mean and variance move with the batch is found."""
    *arrays, weights = drawn(seed, "float32", 17, 5)
    ours, theirs = (analysed(library, arrays, weights.astype("float64"), 0, "float32")[1] for library in ("dg", "tf"))
    wrong = weights * arrays[1] / np.sqrt(arrays[0].var(0) + EPSILON)
    assert (ours.error + theirs.error).max() < 1e-3 * np.abs(wrong - ours.value).max()


def test_batch_jacobians(seed):
    """TensorFlow's: summed over the samples that an output is of. A few dozen roundings of numbers of this size."""
    x = np.random.default_rng(seed).normal(size=(5, 3))
    results = []
    for lib, tape_class, constant in ((dg, dg.GradientTape, dg.constant), (keras, tf.GradientTape, tf.constant)):
        layer, given = lib.layers.BatchNormalization(dtype="float64"), constant(x)
        with tape_class() as tape:
            tape.watch(given)
            y = layer(given, training=True)
        results.append(tape.batch_jacobian(y, given).numpy())
    np.testing.assert_allclose(*results, rtol=0, atol=64 * 2.0**-53)
