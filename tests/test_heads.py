"""Softmax and sigmoid heads with their cross-entropies have a stable dL/dz and a defined dL/da.

The identities are asserted within a few roundings of their own terms, dL/da against central differences.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from gradcheck import along, derivative
from oracles import gamma
from rows import generator

PAIRS = [("softmax", "categorical_crossentropy"), ("softmax", "sparse_categorical_crossentropy"),
         ("sigmoid", "binary_crossentropy")]  # fmt: skip


def head_problem(activation, loss, seed):
    rng = generator(seed, activation, loss)
    z = rng.normal(size=(5, 4)) * 2
    sparse = loss.startswith("sparse")
    t = rng.integers(0, 4, 5) if sparse else rng.uniform(0, 1, (5, 4))  # labels need not sum to one
    return dg.constant(z), t


@pytest.mark.parametrize("activation,loss", PAIRS)
def test_fused_pairs_have_both_gradients_and_they_agree(activation, loss, seed):
    """dL/dz = J^T dL/da, and dL/da is the central difference of the unclipped loss of the probabilities."""
    z, t = head_problem(activation, loss, seed)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(z)
        a = _core.activation(activation, z)
        value = _core.loss(loss, t, a, reduction="sum")
    da, dz, dpre = tape.gradient(value, [a, z, a.z])
    through = tape.gradient(a, z, output_gradients=da).numpy()
    # Both sides are sums of at most 4 products of numbers that are off by a few roundings: 30 of them, of the terms.
    terms = np.abs(da.numpy()).max() + 1
    assert np.all(np.abs(through - dz.numpy()) <= gamma(30, "float64") * terms)
    assert np.array_equal(dz.numpy(), dpre.numpy())

    def unclipped(p):
        labels = np.eye(4)[t] if t.ndim == 1 else t
        if loss == "binary_crossentropy":
            return -(labels * np.log(p) + (1 - labels) * np.log1p(-p)).mean(axis=-1).sum()
        return -(labels * np.log(p / p.sum(axis=-1, keepdims=True))).sum()

    p = np.asarray(a)
    h = min(p.min(), (1 - p).min()) / 8  # stays inside (0, 1)
    v = generator(seed, "direction").choice([-1.0, 1.0], p.shape)
    measured, truncation = derivative(along(unclipped, [p], (0,), [v], np.float64(1)), h)
    rounding = 64 * 2.0**-53 * abs(unclipped(p)) / h
    assert (
        abs(measured - np.sum(da.numpy() * v))
        <= truncation + rounding + gamma(30, "float64") * np.abs(da.numpy()).sum()
    )


@pytest.mark.parametrize("activation,loss", PAIRS)
def test_fuses_whether_a_tape_is_open_or_not(activation, loss, seed):
    z, t = head_problem(activation, loss, seed)
    a = _core.activation(activation, dg.constant(z.numpy() * 1000))
    outside = _core.loss(loss, t, a, reduction="none").numpy()
    with dg.GradientTape() as tape:
        tape.watch(z)
        inside = _core.loss(loss, t, _core.activation(activation, dg.constant(z.numpy() * 1000)), reduction="none")
    assert np.array_equal(outside, inside.numpy())
    assert outside.max() > 17  # -log(1e-7) = 16.1: not clipped


@pytest.mark.parametrize("activation,loss", PAIRS)
def test_the_reported_cotangent_is_not_propagated_and_other_uses_are(activation, loss, seed):
    z, t = head_problem(activation, loss, seed)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(z)
        a = _core.activation(activation, z)
        value = _core.loss(loss, t, a, reduction="sum")
        other = dg.ops.sum(a * a)
        both = value + other
    alone, extra, total = (tape.gradient(y, [a, z]) for y in (value, other, both))
    for i in range(2):  # one addition of two terms more
        expected = alone[i].numpy() + extra[i].numpy()
        assert np.all(np.abs(total[i].numpy() - expected) <= 4 * 2.0**-53 * (np.abs(alone[i]) + np.abs(extra[i])))
    only_z = tape.gradient(value, z).numpy()
    assert np.array_equal(only_z, alone[1].numpy())  # asking for dL/da changes nothing


@pytest.mark.parametrize("break_it", ["identity", "reshape", "slice", "multiply", "constant"])
def test_a_changed_output_has_no_z_and_takes_the_clipped_formula(break_it):
    z = dg.constant([[300.0, 0.0]])
    a = dg.ops.softmax(z)
    changed = {"identity": lambda: dg.ops.identity(a), "reshape": lambda: dg.ops.reshape(a, (1, 2)),
               "slice": lambda: a[:, ::1], "multiply": lambda: a * 1.0,
               "constant": lambda: dg.constant(a)}[break_it]()  # fmt: skip
    t = np.array([[0.0, 1.0]], "float32")
    assert dg.ops.categorical_crossentropy(t, a).item() == 300
    if break_it == "reshape":  # the same shape: reshape may give the tensor itself
        assert changed is a or dg.ops.categorical_crossentropy(t, changed).item() in (300, np.float32(-np.log(1e-7)))
    else:
        expected = -np.log(np.float32(1e-7))
        assert abs(dg.ops.categorical_crossentropy(t, changed).item() - expected) <= 2 * np.spacing(expected)


def test_other_pairings_are_computed_from_their_values():
    """sigmoid + categorical, softmax + binary, from_logits=True on a softmax head."""
    z = dg.constant(np.array([[0.3, -1.2, 2.0]]))
    t = np.array([[0.2, 0.3, 0.5]])
    for activation, loss, logits in (
        ("sigmoid", "categorical_crossentropy", False),
        ("softmax", "binary_crossentropy", False),
        ("softmax", "categorical_crossentropy", True),
    ):
        a = _core.activation(activation, z)
        literal = _core.loss(loss, t, a, None, logits, reduction="none")
        plain = _core.loss(loss, t, a.numpy(), None, logits, reduction="none")
        assert np.array_equal(literal.numpy(), plain.numpy())
        with dg.GradientTape(persistent=True) as tape:
            tape.watch(z)
            a = _core.activation(activation, z)
            value = _core.loss(loss, t, a, None, logits, reduction="sum")
        da, dz = tape.gradient(value, [a, z])
        assert np.array_equal(tape.gradient(a, z, output_gradients=da).numpy(), dz.numpy())


def test_terms_with_label_zero_are_zero_and_saturation_is_finite():
    z = dg.constant(np.array([[1e4, -1e4, 0.0]], "float32"))
    t = np.array([[1.0, 0.0, 0.0]], "float32")
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(z)
        a = dg.ops.softmax(z)
        value = _core.loss("categorical_crossentropy", t, a)
    da, dz = tape.gradient(value, [a, z])
    assert np.array_equal(da.numpy(), [[0, 1, 1]]) and np.array_equal(dz.numpy(), [[0, 0, 0]]) and float(value) == 0
