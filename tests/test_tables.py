"""Every row of tables.py: registries agree, data varies, values are the oracle's, layouts make no difference.

Asserted per row: |value - oracle| within the row's own derived bound, in float32 and float64, over all its shapes;
the same bits for contiguous, reversed, strided, Fortran-ordered, read-only and byte-swapped inputs.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from compositions import CREATION, GATES
from densegrad import _core
from loss_oracles import LOSSES
from oracles import ulp
from rows import generator, narrow, widen
from tables import ACTIVATION_CASES, COARSE_PRIMITIVES, ROWS
from updates import OPTIMIZERS

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
    classes = dg.optimizers.names.objects
    assert {cls._update_name for cls in classes.values()} == set(_core.optimizer_names())
    assert set(_core.optimizer_names()) == {classes[row.cls.lower()]._update_name for row in OPTIMIZERS.values()}


def test_ops_offers_every_row_under_its_public_name():
    offered = {row.op for row in ROWS} - {None}
    offered |= CREATION | GATES | {"dense_vjp"} | {f"{name}_vjp" for name in _core.loss_names()}
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
