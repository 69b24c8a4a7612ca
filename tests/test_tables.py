"""Every row of tables.py: registries agree, data varies, values are the oracle's, layouts make no difference.

Asserted per row: |value - oracle| within the row's own derived bound, in float32 and float64, over all its shapes;
the same bits for contiguous, reversed, strided, Fortran-ordered, read-only and byte-swapped inputs.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from compositions import CREATION
from densegrad import _core
from oracles import LOSSES, gamma, ulp, unit
from rows import generator, narrow, widen
from steps import optimizer_update
from tables import ACTIVATION_CASES, COARSE_PRIMITIVES, OPTIMIZERS, ROWS

DTYPES = ("float32", "float64")
# The oracle's own error: none against float32, nor against float64 where long double is wider.
ORACLE_ULPS = 0 if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps else 4


def assert_same_bits(a, b):
    """Equal dtype, shape and bytes."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype and a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def test_registries_python_names_and_tables_hold_the_same_sets():
    assert set(_core.primitive_names()) == {row.primitive for row in ROWS} - {None}
    assert len(set(_core.primitive_names())) == len(_core.primitive_names())
    assert set(_core.coarse_primitive_names()) == COARSE_PRIMITIVES
    assert set(_core.activation_names()) == {name for _, name, *_ in ACTIVATION_CASES}
    assert set(_core.activation_names()) == set(dg.activations._NAME_OF.values())
    assert set(_core.loss_names()) == {name for name, _ in LOSSES}
    assert set(_core.loss_names()) == {f.__name__ for f in dg.losses._FUNCTIONS}
    assert set(_core.optimizer_names()) == set(OPTIMIZERS) == set(dg.optimizers._CLASSES)


def test_ops_offers_every_row_under_its_public_name():
    offered = {row.op for row in ROWS} - {None}
    offered |= CREATION | {"dense_vjp"} | {f"{name}_vjp" for name in _core.loss_names()}
    assert set(dg.ops.__all__) == offered
    assert all(callable(getattr(dg.ops, name)) and getattr(dg.ops, name).__doc__ for name in dg.ops.__all__)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_data_varies(row, seed):
    """A test whose data is constant proves nothing: entries differ from each other, and from seed to seed."""
    shapes = row.shapes[row.example]
    first, second = (row.draw(generator(s, row), shapes) for s in (seed, seed + 1))
    for a, b in zip(first, second, strict=True):
        if a.size > 4:
            assert len(np.unique(a)) > (2 if a.dtype.kind == "f" else 1)
            assert not np.array_equal(a, b)
    values = row.oracle(*first)
    if np.size(values) > 4:
        assert len(np.unique(values)) > 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_value_is_the_oracles_within_the_rows_bound(row, dtype, seed):
    for shapes in row.shapes:
        inputs = narrow(row.draw(generator(seed, row, shapes), shapes), dtype)
        value = np.asarray(row.call(*inputs))
        wide = widen(inputs)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.asarray(row.oracle(*wide))
        assert value.shape == expected.shape, (shapes, value.shape)
        if expected.dtype.kind == "f" and row.primitive != "one_hot":
            assert value.dtype == dtype
        bound = np.asarray(row.bound(expected, dtype, *wide), np.float64)
        error = np.abs(value.astype(np.longdouble) - expected)
        extra = ORACLE_ULPS * ulp(expected, dtype) if dtype == "float64" else 0
        assert np.all(error <= bound + extra), (shapes, np.max(error - bound))


def layouts(x):
    """The same numbers in other layouts of memory."""
    spread = np.zeros((*x.shape, 2), x.dtype)
    spread[..., 0] = x
    locked = x.copy()
    locked.setflags(write=False)
    yield "strided", spread[..., 0]
    yield "reversed", np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x
    yield "Fortran order", np.asfortranarray(x)
    yield "read-only", locked
    yield "big-endian", x.astype(x.dtype.newbyteorder(">"))
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype) if x.size else x
    yield "unaligned", unaligned.reshape(x.shape)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_layout_of_the_inputs_does_not_change_a_bit(row, seed):
    shapes = row.shapes[row.example]
    inputs = narrow(row.draw(generator(seed, row), shapes), "float32")
    copies = [x.copy() for x in inputs]
    expected = row.call(*inputs)
    for versions in zip(*[layouts(x) for x in inputs], strict=True):
        result = row.call(*[x for _, x in versions])
        assert_same_bits(result, expected)
    for x, copy in zip(inputs, copies, strict=True):
        assert_same_bits(x, copy)  # no input was written to


@pytest.mark.parametrize("row", [r for r in ROWS if r.wrt], ids=str)
def test_tensors_and_arrays_give_the_same_bits(row, seed):
    inputs = narrow(row.draw(generator(seed, row), row.shapes[row.example]), "float32")
    assert_same_bits(row.call(*inputs), row.call(*[dg.constant(x) for x in inputs]))


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "divide", "power", "less", "where"])
def test_shapes_that_do_not_broadcast_are_refused_with_both_shapes(name):
    f = getattr(dg.ops, name)
    a, b = np.ones((2, 3), "float32"), np.ones((4,), "float32")
    with pytest.raises(ValueError, match=rf"\[{name}\] `x1` has shape \(2, 3\) but `x2` has shape \(4,\)"):
        f(True, a, b) if name == "where" else f(a, b)


# ---- Optimizers: one step from given slots ---------------------------------------------------------------------------


def sgd_step(w, g, slots, lr, momentum, nesterov):
    """w and slots after a step, and a bound of their error over u: a sum of two products rounds four times at most."""
    if not slots:
        return w - lr * g, [], 2 * (np.abs(w) + np.abs(lr * g)), []
    m = momentum * slots[0] - lr * g
    size = np.abs(momentum * slots[0]) + np.abs(lr * g)
    move = momentum * m - lr * g if nesterov else m
    return w + move, [m], 8 * (np.abs(w) + size), [4 * size]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("momentum,nesterov", [(None, 0), (0.9, 0), (0.9, 1)])
def test_sgd_step_equals_the_formula(momentum, nesterov, dtype, seed):
    for n in (0, 1, 7, 15, 16, 17, 33, 65):
        rng = generator(seed, "sgd", momentum, nesterov, n)
        w, g, m = (rng.normal(size=n).astype(dtype) for _ in range(3))
        variable, slot = dg.Variable(w), dg.Variable(m)
        lr, mu = float(np.dtype(dtype).type(0.1)), float(np.float32(momentum or 0))  # as Keras: float32 first
        optimizer_update("sgd", variable, g, [slot] if momentum else [], lr, (mu, nesterov), 1)
        new, slots, bound, slot_bounds = sgd_step(*widen([w, g]), widen([m]) if momentum else [], lr, mu, nesterov)
        assert np.all(np.abs(variable.numpy() - new) <= bound * unit(dtype))
        for s, e in zip(slots, slot_bounds):
            assert np.all(np.abs(slot.numpy() - s) <= e * unit(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("step", [1, 2, 1000])
def test_adam_step_equals_the_formula(step, amsgrad, dtype, seed):
    """w - m alpha / (sqrt(v) + eps), alpha = lr sqrt(1 - b2^t) / (1 - b1^t): 1 - b^t is off by u b^t (t + 2).

    As in Keras, the b of the powers has been a float32, whatever the dtype; that of 1 - b has not.
    """
    u = unit(dtype)
    for n in (0, 1, 7, 16, 33):
        rng = generator(seed, "adam", amsgrad, step, n)
        w, g, m = (rng.normal(size=n).astype(dtype) for _ in range(3))
        v, hat = (rng.uniform(0.1, 2, n).astype(dtype) for _ in range(2))
        variable, slots = dg.Variable(w), [dg.Variable(s) for s in ([m, v, hat] if amsgrad else [m, v])]
        b1, b2, lr, eps = 0.9, 0.999, 0.01, 1e-7
        optimizer_update("adam", variable, g, slots, lr, (b1, b2, eps), step)
        w, g, m, v, hat = widen([w, g, m, v, hat])
        m_new, v_new = m + (g - m) * (1 - b1), v + (g * g - v) * (1 - b2)
        m_error = gamma(5, dtype) * (np.abs(m) + (np.abs(g) + np.abs(m)) * (1 - b1))
        v_error = gamma(6, dtype) * (v + (g * g + v) * (1 - b2))
        assert np.all(np.abs(slots[0].numpy() - m_new) <= m_error)
        assert np.all(np.abs(slots[1].numpy() - v_new) <= v_error)
        used = np.maximum(hat, v_new) if amsgrad else v_new
        if amsgrad:
            assert np.all(np.abs(slots[2].numpy() - used) <= v_error)
        b1, b2 = float(np.float32(b1)), float(np.float32(b2))
        alpha = lr * np.sqrt(1 - b2**step) / (1 - b1**step)
        alpha_error = sum(u * (b**step * (step + 2) / (1 - b**step) + 1) for b in (b1, b2)) + 5 * u
        move = m_new * alpha / (np.sqrt(used) + eps)
        error = np.abs(move) * (alpha_error + v_error / used + 4 * u) + m_error * alpha / np.sqrt(used)
        assert np.all(np.abs(variable.numpy() - (w - move)) <= error + u * (np.abs(w) + 2 * np.abs(move)))
