"""Coarse equals decomposed: dense, activations and losses against the same formulas composed from dg.ops primitives.

Each formula below is written once and run twice: on tensors, as fine primitives, and on nodes of bounds.py, which
carry a componentwise bound of the rounding error of that very expression, forwards and backwards. The coarse
primitive evaluates the same expression in no more roundings, so |coarse - composed| <= 2 * bound, for values and for
every gradient, in float32 and float64. One exception: the coarse sigmoid differentiates from its output, y (1 - y),
which rounds differently near y = 1, and so brings the bound of that.
"""

from __future__ import annotations

import bounds
import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from loss_formulas import FORMULAS
from loss_oracles import HEADS, LOSSES, SPARSE, drawn
from rows import generator
from vocabulary import Bounded, BoundedCoarse, BoundedLosses, Fine, numbers

ACTIVATIONS = ("linear", "sigmoid", "relu", "softmax")


def activate(f, name, z):
    one = f.const(1.0, z)
    if name == "linear":
        return z
    if name == "relu":
        return f.masked(z, numbers(z) > 0)
    if name == "sigmoid" and getattr(f, "sigmoid", None):
        return f.sigmoid(z)
    if name == "sigmoid":
        return one / (one + f.exp(-z))
    e = f.exp(z - f.const(numbers(z).max(axis=-1, keepdims=True), z))
    return e / f.total(e)


def compare(coarse, fine, node, what, coarse_node=None):
    """Values and one gradient per source, within the sum of the two bounds."""
    for i, (a, b, n, m) in enumerate(zip(coarse, fine, node, coarse_node or node, strict=True)):
        a, b = a.numpy().astype(np.float64), b.numpy().astype(np.float64)
        difference, limit = np.abs(a - b), n.error + m.error
        assert a.shape == b.shape == n.shape
        assert np.all(difference <= limit), (what, i, np.max(difference - limit))


def on_tape(function, tensors, weights):
    with dg.GradientTape() as tape:
        tape.watch(tensors)
        y = function(*tensors)
    return [y, *tape.gradient(y, tensors, output_gradients=dg.constant(weights, y.dtype))]


def on_nodes(function, dtype, arrays, weights):
    machine = bounds.Machine(dtype, bounds.DG_ULPS)
    leaves = [machine.leaf(a) for a in arrays]
    y = function(*leaves)
    return [y, *bounds.gradient(y * machine.const(weights), leaves)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["activation", "dense"])
def test_layer_equals_its_formula(kind, name, dtype, seed):
    for shape in ((1, 2, 3), (17, 5, 33), (3, 31, 16)):
        rng = generator(seed, kind, name, dtype, shape)
        n, k, m = shape
        draw = [(n, m)] if kind == "activation" else [(n, k), (k, m), (m,)]
        arrays = [(rng.uniform(0.2, 2, s) * rng.choice([-1, 1], s)).astype(dtype) for s in draw]
        weights = rng.normal(size=(n, m)).astype(dtype)

        def formula(f, x, *rest, name=name):
            return activate(f, name, f.product(x, rest[0]) + rest[1] if rest else x)

        def coarse(x, *rest, name=name):
            return dg.ops.dense(x, *rest, name) if rest else _core.activation(name, x)

        tensors = [dg.constant(a) for a in arrays]
        node = on_nodes(lambda *a: formula(Bounded, *a), dtype, arrays, weights)
        if name == "relu" and node[0].machine.kinks:
            continue
        fine = on_tape(lambda *a: formula(Fine, *a), tensors, weights)
        other = on_nodes(lambda *a: formula(BoundedCoarse, *a), dtype, arrays, weights)
        compare(on_tape(coarse, tensors, weights), fine, node, (kind, name, shape), other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name,form", LOSSES, ids=lambda x: x)
def test_loss_equals_its_formula(name, form, smoothing, dtype, seed):
    """Values per row, and the gradient by predictions (or logits) and, where labels are real, by labels."""
    sparse = name in SPARSE
    options = {"label_smoothing": smoothing} if "label_smoothing" in _core.loss_parameters(name) else {}
    for shape in ((1, 2), (17, 5), (3, 33)):
        rng = generator(seed, name, form, dtype, shape)
        labels, p = drawn(name, form, rng, shape)
        t = np.eye(shape[1])[labels] if sparse else labels
        p, t = p.astype(dtype), t.astype(dtype)
        weights = rng.normal(size=(shape[0], 1)).astype(dtype)

        def coarse(z, y=None):
            y_true = labels if sparse else t if y is None else y  # noqa: B023
            z = _core.activation(HEADS[name], z) if form == "fused" else z
            values = _core.loss(name, y_true, z, None, form == "logits", -1, "none", **options)
            return dg.ops.reshape(values, (-1, 1))

        def formula(f, z, y=None):
            y = f.const(t, z) if y is None else y  # noqa: B023
            if options and smoothing:
                classes = 2 if name.startswith("binary") else shape[1]  # noqa: B023
                y = y * f.const(1 - smoothing, z) + f.const(smoothing / classes, z)
            return FORMULAS[name](f, form, y, z)

        arrays = [p] if sparse else [p, t]
        tensors = [dg.constant(a) for a in arrays]
        node = on_nodes(lambda *a: formula(Bounded, *a), dtype, arrays, weights)
        fine = on_tape(lambda *a: formula(Fine, *a), tensors, weights)
        other = on_nodes(lambda *a: formula(BoundedLosses, *a), dtype, arrays, weights)
        compare(on_tape(coarse, tensors, weights), fine, node, (name, form, shape), other)


@pytest.mark.parametrize("name,form", [key for key in LOSSES if key[0] != "mean_squared_error"], ids=lambda x: x)
def test_class_axis_anywhere_equals_the_class_axis_moved_last(name, form, seed):
    """Values, gradients and gradients of gradients: the same bits, since the kernels see the same rows."""
    rng = generator(seed, "axis", name, form)
    sparse = name in SPARSE
    p = rng.uniform(0.1, 0.9, (4, 3, 2)) if form == "values" else rng.normal(size=(4, 3, 2))
    t = rng.integers(0, 3, (4, 2)) if sparse else rng.uniform(size=(4, 3, 2))

    def run(p, t, axis):
        x = dg.constant(p)
        with dg.GradientTape() as outer:
            outer.watch(x)
            with dg.GradientTape() as tape:
                tape.watch(x)
                z = _core.activation(HEADS[name], x, axis) if form == "fused" else x
                loss = _core.loss(name, t, z, None, form == "logits", axis, "sum")
            g = tape.gradient(loss, x)
            s = dg.ops.sum(dg.ops.square(g))
        return loss, g, outer.gradient(s, x)

    if form == "fused" and HEADS[name] == "sigmoid":
        axis_moved = run(p.swapaxes(1, 2), t if sparse else t.swapaxes(1, 2), -1)
    else:
        axis_moved = run(p.swapaxes(1, 2), t if sparse else t.swapaxes(1, 2), 2)
    value, g, second = run(p, t, 1)
    assert np.allclose(float(value), float(axis_moved[0]), rtol=40 * 2.0**-53, atol=0)  # 8 positive terms, any order
    assert g.numpy().tobytes() == axis_moved[1].numpy().swapaxes(1, 2).tobytes()
    assert second.numpy().tobytes() == axis_moved[2].numpy().swapaxes(1, 2).tobytes()
