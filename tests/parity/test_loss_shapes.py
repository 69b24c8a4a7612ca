"""Losses beyond (batch, units): higher ranks, other axes, aligned ranks, every form of labels and weights, as in Keras.

Higher ranks and axes are compared within the running error bounds. How ranks are aligned is compared to the bit, in
float64, on integers and quotients of powers of two, which neither library rounds.
"""

from __future__ import annotations

import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from bounds import Machine
from cases import DTYPES, Case
from problems import draw, per_sample, reduced
from sides import densegrad_gradients, loss_class, make_loss, tensorflow_gradients
from within import assert_within

HEADS = [
    ("linear", ("mse", False)),
    ("sigmoid", ("bce", False)),
    ("linear", ("bce", True)),
    ("softmax", ("cce", False)),
]
HEADS += [("linear", ("cce", True)), ("softmax", ("scce", False)), ("linear", ("scce", True))]
REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean_with_sample_weight")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "loss"), HEADS)
def test_rank_three(output, loss, dtype, seed):
    """Inputs (3, 4, features), labels and weights to match: the gradients of the 12 rows, reshaped.

    Keras divides by 12, not by 3; bounds of the same 12 rows as a matrix.
    """
    for reduction in REDUCTIONS:
        case = Case(output, loss, reduction, dtype, "sigmoid", layers=2, batch=12, units=5, weighted=True)
        problem, ours, theirs = draw(case, seed)
        expected = tensorflow_gradients(problem)
        problem.x, problem.y = (v.reshape(3, 4, *v.shape[1:]) for v in (problem.x, problem.y))
        problem.weights = problem.weights.reshape(3, 4)
        got = densegrad_gradients(problem)
        assert got["x"].shape == problem.x.shape and got["a2"].shape == (3, 4, 5)
        for name in [*case.sources, "loss"]:
            allowed = ours.bound[name] + theirs.bound[name]
            assert_within(got[name].reshape(expected[name].shape), expected[name], allowed, f"{reduction}, {name}")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("name", ["cce", "bce"])
def test_other_axes(name, from_logits, smoothing, seed):
    """axis=1 of (4, 3, 3): Keras' value and gradient, in float64, within the bound of the transposed problem."""
    case = Case("linear", (name, from_logits), "none", "float64", units=3, batch=12, smoothing=smoothing)
    problem, _, _ = draw(case, seed)
    p = np.random.default_rng(seed).dirichlet(np.ones(3), (4, 3)).transpose(0, 2, 1)
    y = problem.y.reshape(4, 3, 3).transpose(0, 2, 1)
    options = {"from_logits": from_logits, "label_smoothing": smoothing, "axis": 1, "reduction": "none"}
    ours, theirs = _both(name, y, p, **options)
    assert ours[0].shape == theirs[0].shape == (4, 3)
    allowed = [0.0, 0.0]
    for ulps in (rb.DG_ULPS, rb.TF_ULPS):
        node = Machine("float64", ulps).leaf(p.transpose(0, 2, 1).reshape(12, 3))
        loss = reduced(problem, per_sample(problem, node, from_logits))
        slope = rb.gradient(loss, [node])[0].error.reshape(4, 3, 3).transpose(0, 2, 1)
        allowed = [allowed[0] + loss.error.reshape(4, 3), allowed[1] + slope]
    for got, expected, bound in zip(ours, theirs, allowed, strict=True):
        assert_within(got, expected, bound)


def test_smoothing_along_another_axis(seed):
    """axis=1 of (2, 3, 4): both spread the smoothing over the last axis, of 4, although axis 1 has the classes.

    Bound: both values are sums of three terms t' log q; ten roundings each, at the size of their terms.
    """
    rng = np.random.default_rng(seed)
    p, y = rng.dirichlet(np.ones(3), (2, 4)).transpose(0, 2, 1), rng.dirichlet(np.ones(3), (2, 4)).transpose(0, 2, 1)
    ours, theirs = _both("cce", y, p, label_smoothing=0.1, axis=1, reduction="none")
    for value, _ in (ours, theirs):
        terms = -(y * 0.9 + 0.1 / 4) * np.log(p)
        assert_within(value, terms.sum(1), 2 * Machine("float64", 0).gamma(10 + 2 * rb.TF_ULPS) * terms.sum(1))


def _both(name: str, y: object, p: np.ndarray, weights: object = None, **options: object) -> list[tuple]:
    import keras
    import tensorflow as tf

    results = []
    for namespace, constant, tape in ((dg, dg.constant, dg.GradientTape), (keras, tf.constant, tf.GradientTape)):
        x = constant(p)
        with tape() as t:
            t.watch(x)
            value = getattr(namespace.losses, loss_class(name))(dtype="float64", **options)(y, x, weights)
        results.append((value.numpy(), t.gradient(value, x).numpy()))
    return results


ALIGNED = {
    "(4,) and (4, 1)": ((4,), (4, 1), None),
    "(4, 1) and (4,)": ((4, 1), (4,), None),
    "(4,) and (4,)": ((4,), (4,), None),
    "(4, 2), weights (4,)": ((4, 2), (4, 2), (4,)),
    "(4, 2), weights (4, 1)": ((4, 2), (4, 2), (4, 1)),
    "(4, 2), a single weight": ((4, 2), (4, 2), ()),
    "(4, 2, 2), weights (4, 2)": ((4, 2, 2), (4, 2, 2), (4, 2)),
    "(4, 2, 2), weights (4, 1)": ((4, 2, 2), (4, 2, 2), (4, 1)),
    "(4, 2, 2), weights (4, 2, 1)": ((4, 2, 2), (4, 2, 2), (4, 2, 1)),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shapes", ALIGNED)
def test_alignment(shapes, reduction, seed):
    """Mean squared error of small integers with weights 0, 1, 2, 4: value, shape and gradient are equal to the bit.

    With `mean_with_sample_weight` the one division may round: a unit in the last place of float64 is granted.
    """
    y_shape, p_shape, w_shape = ALIGNED[shapes]
    rng = np.random.default_rng([seed, len(shapes)])
    y, p = rng.integers(-4, 5, y_shape).astype(float), rng.integers(-4, 5, p_shape).astype(float)
    weights = None if w_shape is None else rng.choice([1.0, 2.0, 4.0], w_shape)
    ours, theirs = _both("mse", y, p, weights, reduction=reduction)
    for got, expected in zip(ours, theirs, strict=True):
        assert got.shape == expected.shape
        allowed = np.spacing(np.abs(expected)) if reduction == "mean_with_sample_weight" else np.zeros(expected.shape)
        assert_within(got, expected, allowed, shapes)


LABELS = {
    "sparse int64": ("scce", np.array([0, 2, 1, 3], np.int64)),
    "sparse int32": ("scce", np.array([0, 2, 1, 3], np.int32)),
    "sparse uint8": ("scce", np.array([0, 2, 1, 3], np.uint8)),
    "sparse float32": ("scce", np.array([0, 2, 1, 3], np.float32)),
    "sparse float64, truncated": ("scce", np.array([0.0, 2.9, 1.5, 3.0])),
    "sparse (4, 1)": ("scce", np.array([[0], [2], [1], [3]])),
    "one-hot int64": ("cce", np.eye(4, dtype=np.int64)[[0, 2, 1, 3]]),
    "one-hot bool": ("cce", np.eye(4, dtype=bool)[[0, 2, 1, 3]]),
    "one-hot float32": ("cce", np.eye(4, dtype=np.float32)[[0, 2, 1, 3]]),
    "binary int32": ("bce", np.eye(4, dtype=np.int32)[[0, 2, 1, 3]]),
    "binary bool": ("bce", np.eye(4, dtype=bool)[[0, 2, 1, 3]]),
}


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("form", LABELS)
def test_forms_of_labels(form, from_logits, seed):
    """Integer, bool and float labels in either dtype mean the same; value and gradient are within the bound."""
    name, y = LABELS[form]
    p = np.random.default_rng(seed).dirichlet(np.ones(4), 4)
    ours, theirs = _both(name, y, p, from_logits=from_logits)
    case = Case("linear", (name, from_logits), "sum_over_batch_size", "float64", units=4, batch=4)
    problem, _, _ = draw(case, seed)
    problem.y = y.reshape(-1).astype(np.int64) if name == "scce" else y.astype(float)
    allowed = [0.0, 0.0]
    for ulps in (rb.DG_ULPS, rb.TF_ULPS):
        node = Machine("float64", ulps).leaf(p)
        loss = reduced(problem, per_sample(problem, node, from_logits))
        allowed = [allowed[0] + loss.error, allowed[1] + rb.gradient(loss, [node])[0].error]
        assert_within(ours[0], loss.value, 2 * loss.error, form)
    for got, expected, bound in zip(ours, theirs, allowed, strict=True):
        assert_within(got, expected, bound, form)


def test_dtype_of_the_loss():
    """Without a dtype a loss computes in the dtype of y_pred (Keras: in float32 always); with one, in that."""
    for dtype in DTYPES:
        p = dg.constant(np.array([[0.25, 0.75]], dtype))
        for name in ("MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy"):
            assert getattr(dg.losses, name)()(np.array([[0, 1]]), p).dtype == dtype
            assert getattr(dg.losses, name)(dtype="float64")(np.array([[0, 1]]), p).dtype == "float64"
    assert make_loss(dg.losses, draw(Case("linear", ("mse", False), "sum", "float64"), 0)[0], False) is not None
