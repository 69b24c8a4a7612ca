"""softmax + CCE, softmax + sparse CCE and sigmoid + BCE: dL/da exists, is right, and agrees with the stable dL/dz.

dL/da = sum(t) / sum(p) - t / p (for BCE (1 - t) / (1 - p) - t / p), dL/dz = p sum(t) - t (for BCE p - t), each times
the weight of the sample (design, D1).
"""

from __future__ import annotations

import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from bounds import Machine
from cases import DTYPES, Case
from problems import analyse, draw, forward, per_sample, reduced
from sides import densegrad_gradients, make_loss, tensorflow_gradients
from within import assert_within

PAIRS = [("softmax", "cce"), ("softmax", "scce"), ("sigmoid", "bce")]
REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean_with_sample_weight")


def a_case(output: str, loss: str, **options: object) -> Case:
    defaults = {"reduction": "sum_over_batch_size", "dtype": "float64", "hidden": "sigmoid", "layers": 2, "batch": 4}
    return Case(output, (loss, False), **{**defaults, "units": 3, "weighted": True, **options})


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_da_is_the_central_difference(output, loss, reduction, seed):
    """dL/da equals (L(p + h) - L(p - h)) / 2h of the loss called on plain arrays of p, in float64.

    Bound: truncation h^2 / 6 times the third derivative, which is at most 2 / q^3 (+ 2 / (1 - q)^3 for BCE; + 2 for the
    logarithm of the sum) times the sample's weight, q the smallest p within reach; plus the error bound of the two
    values over 2h; plus the bound of dL/da.
    """
    case = a_case(output, loss, reduction=reduction)
    problem, ours, _ = draw(case, seed)
    da, p = densegrad_gradients(problem)["a2"], forward_p(problem)
    assert da is not None
    machine = Machine("float64", rb.DG_ULPS)
    node = machine.leaf(p)
    value = reduced(problem, per_sample(problem, node, from_logits=False))
    slope = np.abs(rb.gradient(reduced(problem, rb.total(node, -1)), [node])[0].value)  # the weight of each sample
    loss_fn = make_loss(dg.losses, problem, from_logits=False)
    h = 1e-6
    for at in np.ndindex(p.shape):
        up, down = p.copy(), p.copy()
        up[at] += h
        down[at] -= h
        high, low = (np.sum(loss_fn(problem.y, q, problem.weights).numpy()) for q in (up, down))
        q = p[at] - 2 * h
        third = slope[at] * (2 / q**3 + (2 / (1 - q - 4 * h) ** 3 if loss == "bce" else 2.0))
        noise = 2 * (np.sum(value.error) + np.abs(value.value).sum() * np.finfo(float).eps * value.value.size)
        allowed = h**2 / 6 * third + noise / (2 * h) + ours.bound["a2"][at]
        assert abs(da[at] - (high - low) / (up[at] - down[at])) <= allowed
        assert allowed < 1e-5 * max(abs(da[at]), slope[at])


def forward_p(problem) -> np.ndarray:
    """The output as densegrad computes it."""
    h = dg.constant(problem.x)
    for kernel, bias, name in zip(problem.kernels, problem.biases, problem.activations, strict=True):
        h = dg.ops.dense(h, kernel, bias, name)
    return h.numpy()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_dz_is_the_jacobian_times_da(output, loss, reduction, seed):
    """dL/dz = J^T dL/da in float64 for eps <= p <= 1 - eps, J the Jacobian of the head at p.

    Bound: that of the fused dL/dz plus that of the literal route (loss of p, then the head's vjp), from two analyses.
    """
    problem, ours, _ = draw(a_case(output, loss, reduction=reduction, batch=17), seed)
    gradients, p = densegrad_gradients(problem), forward_p(problem)
    assert p.min() >= 1e-7 and p.max() <= 1 - 1e-7
    da = gradients["a2"]
    pulled = p * (da - np.sum(da * p, -1, keepdims=True)) if output == "softmax" else da * p * (1 - p)
    literal = Machine("float64", rb.DG_ULPS)
    z = literal.leaf(np.log(p) if output == "softmax" else np.log(p) - np.log1p(-p), ours_z_error(problem))
    head = rb.softmax(z) if output == "softmax" else rb.sigmoid(z)
    dz = rb.gradient(reduced(problem, per_sample(problem, head, from_logits=False)), [z])[0]
    assert_within(gradients["z2"], pulled, ours.bound["z2"] + dz.error)
    assert np.ptp(pulled) > 0


def ours_z_error(problem) -> np.ndarray:
    """The bound of the last pre-activation."""
    return forward(problem, Machine("float64", rb.DG_ULPS))["z2"].error


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_huge_logits(output, loss, dtype):
    """Logits of +-1e4: no NaN in any gradient, dL/da = -inf exactly where p = 0 < t, and dL/dz = p sum(t) - t.

    The rows are chosen so that every p is exactly 0 or 1, and the counts are powers of two: dL/dz is exact.
    """
    z = np.full((4, 4), -1e4) + 2e4 * np.eye(4)
    right = {"cce": np.eye(4), "scce": np.arange(4), "bce": np.eye(4)}[loss]
    wrong = np.roll(right, 1, axis=0)
    problem = simple_problem(output, loss, dtype)
    for y in (right, wrong):
        t = np.eye(4)[y] if loss == "scce" else y
        problem.x, problem.kernels, problem.y = np.eye(4, dtype=dtype), [z.astype(dtype)], y
        got = densegrad_gradients(problem)
        assert not any(np.isnan(value).any() for value in got.values())
        weight = 1 / 16 if loss == "bce" else 1 / 4
        np.testing.assert_array_equal(got["z1"], ((np.eye(4) - t) * weight).astype(dtype))
        assert np.all(np.isfinite(got["kernel1"])) and np.all(np.isfinite(got["x"])) and np.isfinite(got["loss"])
        hit = (np.eye(4) == 0) & (t > 0)
        assert np.all(got["a1"][hit] == -np.inf)
        if loss != "bce":
            assert np.all(np.isfinite(got["a1"][~hit]))
        expected = {"bce": 1e4 / 2, "cce": 2e4, "scce": 2e4}[loss] if y is wrong else 0.0
        assert got["loss"] == expected


def simple_problem(output: str, loss: str, dtype: str = "float64", **options: object):
    """One layer without bias, 4 inputs and 4 outputs, to be filled in."""
    case = a_case(output, loss, dtype=dtype, layers=1, hidden=None, use_bias=False, units=4, weighted=False, **options)
    problem = draw(case, 0)[0]
    return problem


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["cce", "bce"])
def test_labels_that_do_not_sum_to_one(loss, dtype, seed):
    """dL/dz = p sum(t) - t for any t, unlike Keras, whose softmax loss returns p - t; bound from the analysis."""
    output = "softmax" if loss == "cce" else "sigmoid"
    problem, _, _ = draw(a_case(output, loss, dtype=dtype), seed)
    problem.y = np.array([[0.0, 1, 1], [0, 0, 0], [0.5, 0.25, 0], [2, 0, 1]]).astype(dtype)
    ours = analyse(problem, Machine(dtype, rb.DG_ULPS))
    got = densegrad_gradients(problem)
    slack = 1 if dtype == "float32" else 2  # in float64 the reference itself rounds as much
    for name in problem.case.sources:
        assert_within(got[name], ours.value[name], slack * ours.bound[name], name)
    if loss == "cce":
        off = np.abs(got["z2"] - tensorflow_gradients(problem)["z2"])
        assert off[0].max() > 1e-2 and off[1].max() > 1e-2


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_sources(output, loss, seed):
    """y_pred, y_pred.z and a layer are sources; a layer means its output, bit for bit; called twice, it is an error."""
    problem, _, _ = draw(a_case(output, loss), seed)
    case = problem.case
    sizes = zip(problem.kernels, problem.activations, strict=True)
    model = dg.Sequential([dg.layers.Dense(k.shape[1], activation=a, dtype=case.dtype) for k, a in sizes])
    loss_fn = make_loss(dg.losses, problem, from_logits=False)
    x = dg.constant(problem.x)
    with dg.GradientTape(persistent=True) as tape:
        y_pred = model(x)
        value = loss_fn(problem.y, y_pred)
    by_tensor, by_z, by_layer, hidden = tape.gradient(value, [y_pred, y_pred.z, model.layers[-1], model.layers[0]])
    np.testing.assert_array_equal(by_tensor.numpy(), by_layer.numpy())
    assert by_z.shape == y_pred.shape and hidden.shape == (case.batch, problem.kernels[0].shape[1])
    np.testing.assert_array_equal(tape.gradient(value, y_pred).numpy(), by_tensor.numpy())
    np.testing.assert_array_equal(tape.gradient(value, y_pred.z).numpy(), by_z.numpy())
    with dg.GradientTape() as tape:
        value = loss_fn(problem.y, model(x)) + loss_fn(problem.y, model(x))
    with pytest.raises((ValueError, RuntimeError), match="2"):
        tape.gradient(value, model.layers[-1])


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_other_uses_of_p_propagate(output, loss, seed):
    """With + sum(p^2) added to the loss, z receives fused + J^T 2p, p reports its dL/da + 2p.

    Bound: the analysis of the same sum.
    """
    problem, _, _ = draw(a_case(output, loss, layers=1, hidden=None), seed)
    layer = dg.layers.Dense(3, activation=output, dtype="float64")
    layer.build((None, problem.x.shape[1]))
    layer.set_weights([problem.kernels[0], problem.biases[0]])
    loss_fn = make_loss(dg.losses, problem, from_logits=False)
    with dg.GradientTape() as tape:
        p = layer(dg.constant(problem.x))
        value = loss_fn(problem.y, p, problem.weights) + dg.ops.sum(p * p)
    da, dz, dw = tape.gradient(value, [p, p.z, layer.kernel])
    machine = Machine("float64", rb.DG_ULPS)
    nodes = forward(problem, machine)
    a, z, w = nodes["a1"], nodes["z1"], nodes["kernel1"]
    squares = rb.total(a * a)
    stable = reduced(problem, per_sample(problem, z, from_logits=True)) + squares
    literal = reduced(problem, per_sample(problem, a, from_logits=False)) + squares
    expected = [*rb.gradient(literal, [a]), *rb.gradient(stable, [z, w])]
    for got, node in zip((da, dz, dw), expected, strict=True):
        assert_within(got.numpy(), node.value, 2 * node.error)  # once for densegrad, once for this reference


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_value_comes_from_z_with_or_without_a_tape(output, loss):
    """A saturated wrong answer costs |z|, not Keras' clipped 16.118: inside and outside a tape, to the last bit."""
    z = np.array([[200.0, 0.0, -200.0]])
    y = {"cce": [[0.0, 0, 1]], "scce": [2], "bce": [[0.0, 0, 1]]}[loss]
    loss_fn = {"cce": dg.losses.CategoricalCrossentropy, "scce": dg.losses.SparseCategoricalCrossentropy}.get(
        loss, dg.losses.BinaryCrossentropy
    )()
    layer = dg.layers.Activation(output, dtype="float64")
    outside = loss_fn(np.array(y), layer(z)).numpy()
    with dg.GradientTape():
        inside = loss_fn(np.array(y), layer(dg.constant(z))).numpy()
    exact = (400 + np.log(2)) / 3 if loss == "bce" else 400.0
    assert outside == inside and abs(outside - exact) <= 1e-13 * exact
    plain = loss_fn(np.array(y), layer(z).numpy()).numpy()
    assert plain < 17


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_plain_probabilities_are_clipped_as_keras_does(output, loss, dtype, seed):
    """Without z: Keras' renormalise-and-clip value and its derivative, also where it clips; bound from the analysis."""
    import keras
    import tensorflow as tf

    problem, _, _ = draw(a_case(output, loss, dtype=dtype, units=3), seed)
    p = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.4, 1.0, 0.6], [1e-9, 0.25, 0.75]], dtype)
    if loss == "bce":
        p = p + np.array([[0], [0], [0.5], [0]], dtype)
    results = []
    x, xt = dg.constant(p), tf.constant(p)
    with dg.GradientTape() as tape:
        tape.watch(x)
        value = make_loss(dg.losses, problem, from_logits=False)(problem.y, x, problem.weights)
    results.append((value.numpy(), tape.gradient(value, x).numpy()))
    with tf.GradientTape() as tape:
        tape.watch(xt)
        value = make_loss(keras.losses, problem, from_logits=False)(problem.y, xt, problem.weights)
    results.append((value.numpy(), tape.gradient(value, xt).numpy()))
    allowed = [0.0, 0.0]
    for ulps in (rb.DG_ULPS, rb.TF_ULPS):
        node = Machine(dtype, ulps).leaf(p)
        loss_node = reduced(problem, per_sample(problem, node, from_logits=False))
        allowed[0] = allowed[0] + loss_node.error
        allowed[1] = allowed[1] + rb.gradient(loss_node, [node])[0].error
    for got, expected, bound in zip(*results, allowed, strict=True):
        assert_within(got, expected, bound)
