"""Inputs that nobody should pass and somebody will: odd dtypes, empty batches, enormous shapes.

Asserted: a clear exception of a documented type, or the right result; never a crash; and the process works on. What
could take much memory runs in a process of its own under RLIMIT_AS.
"""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from loss_oracles import SPARSE

LOSSES = _core.loss_names()


@pytest.mark.parametrize(
    "value",
    [
        np.array([1, None], object),
        np.array(["a", "b"]),
        np.array([b"a"]),
        np.array([1 + 2j]),
        np.zeros(2, [("a", "f4"), ("b", "i4")]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.array([1], "timedelta64[s]"),
        np.array([{}]),
        "text",
        b"bytes",
        {"a": 1.0},
        {1.0, 2.0},
        object(),
        lambda: 1.0,
        Decimal("1.5"),
        1 + 2j,
        [1.0, "a"],
        [[1.0, 2.0], [3.0]],
        [None, 1.0],
        Ellipsis,
    ],
    ids=lambda v: f"{type(v).__name__} {getattr(v, 'dtype', '')}",
)
def test_values_that_are_no_numbers_are_refused_everywhere(value):
    calls = [
        lambda: dg.constant(value),
        lambda: dg.Variable([value]),  # a function alone is an initializer
        lambda: dg.ops.exp(value),
        lambda: dg.ops.dense(value, np.ones((2, 2), "float32")),
        lambda: _core.loss("mean_squared_error", value, np.ones((2, 2), "float32")),
        lambda: dg.Variable(np.ones(2, "float32")).assign(value),
    ]
    for call in calls:
        with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
            call()
        assert str(caught.value)
    assert dg.ops.exp(0.0).item() == 1


@pytest.mark.parametrize(
    "dtype,stored",
    [("float16", "float32"), ("longdouble", "float64"), ("int8", "int32"), ("uint8", "int32"), ("int16", "int32"),
     ("uint16", "int32"), ("uint32", "int64"), ("uint64", "int64"), (">f8", "float64"), (">i4", "int32"),
     ("bool", "bool")],
)  # fmt: skip
def test_other_dtypes_are_stored_with_their_values(dtype, stored):
    x = np.array([[0, 1, 2], [3, 100, 5]]).astype(dtype)
    t = dg.constant(x)
    assert t.dtype == stored and np.array_equal(t.numpy(), x)


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**63) - 1, 10**400], ids=["2^63", "2^70", "-2^63-1", "10^400"])
def test_python_integers_beyond_int64_are_refused(number):
    for call in (lambda: dg.constant(number), lambda: dg.constant(1) + number, lambda: dg.constant(2**40) * number):
        with pytest.raises((OverflowError, TypeError)):
            call()
    assert dg.constant(2**63 - 1).dtype == "int64" and dg.constant(2**31 - 1).dtype == "int32"


@pytest.mark.parametrize("bad_dtype", ["float16", "int8", "uint64", "complex64", "U3", object, "nonsense", 3.5])
def test_dtypes_that_are_not_supported_are_refused_by_name(bad_dtype):
    for call in (dg.constant, dg.ops.cast):
        with pytest.raises(TypeError, match=r"is not supported: use float32, float64, int32, int64 or bool"):
            call(1.0, bad_dtype)


@pytest.mark.parametrize(
    ("name", "logits"), [(n, z) for n in LOSSES for z in (False, True) if _core.loss_has_logits(n) or not z]
)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "sum_over_batch_size", "mean_with_sample_weight"])
def test_losses_of_an_empty_batch_are_empty(name, reduction, logits):
    """As in Keras: values of shape (0,) are returned unreduced, and their gradient is empty."""
    labels = np.zeros(0, "int32") if name in SPARSE else np.zeros((0, 3), "float32")
    p = dg.constant(np.zeros((0, 3), "float32"))
    with dg.GradientTape() as tape:
        tape.watch(p)
        value = _core.loss(name, labels, p, from_logits=logits, reduction=reduction)
    assert value.shape == (0,)
    assert tape.gradient(value, p).shape == (0, 3)


def test_empty_batches_through_a_network():
    model = dg.Sequential([dg.layers.Dense(4, activation="relu"), dg.layers.Dense(3, activation="softmax")])
    x = dg.constant(np.zeros((0, 5), "float32"))
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = model(x)
        value = dg.losses.CategoricalCrossentropy(reduction="sum")(np.zeros((0, 3), "float32"), y)
    assert y.shape == (0, 3) and tape.gradient(y, x).shape == (0, 5)
    for g, v in zip(tape.gradient(value, model.trainable_variables), model.trainable_variables, strict=True):
        assert g.shape == v.shape and not np.any(g.numpy())


@pytest.mark.parametrize("name", LOSSES)
def test_no_classes_at_all(name):
    """(n, 0) predictions: no class to be right about. A clear error, or values of n rows."""
    labels = np.zeros(2, "int32") if name in SPARSE else np.zeros((2, 0), "float32")
    try:
        values = _core.loss(name, labels, np.zeros((2, 0), "float32"), reduction="none")
    except ValueError as error:
        assert str(error).startswith(f"[{name}] ")
    else:
        assert values.shape == (2,)


@pytest.mark.parametrize("label", [-1, 3, 2**31 - 1, -(2**31), 2**40, float("nan"), float("inf"), -0.5, 2.5])
@pytest.mark.parametrize("logits", [False, True])
def test_labels_out_of_range_are_refused_and_fractions_are_truncated(label, logits):
    p = np.full((2, 3), 1 / 3, "float32")

    def values(second):
        labels = np.array([0, second])
        return _core.loss("sparse_categorical_crossentropy", labels, p, None, logits, reduction="none")

    if label in (-0.5, 2.5):
        assert np.array_equal(values(label).numpy(), values(int(label)).numpy())
    else:
        with pytest.raises(
            ValueError, match=r"`y_true` contains the label (-?\d+|nan|inf): with 3 classes it must be in \[0, 3\)"
        ):
            values(label)


def test_indices_at_the_edges():
    x = dg.constant(np.arange(3.0))
    for i in (3, -1, 2**31, 2**62, -(2**63)):
        with pytest.raises((IndexError, OverflowError)):
            dg.ops.take(x, np.array([i]))
        with pytest.raises((IndexError, OverflowError)):
            dg.ops.scatter_add(x, np.array([i]), np.ones(1))
    for i in (3, -4, 2**62, 2**70):
        with pytest.raises(IndexError):
            x[i]
    assert np.array_equal(x[:: -(2**62)], [2]) and x[2**62 :].shape == (0,)
    assert not np.any(dg.ops.one_hot(np.array([-(2**63), 2**63 - 1]), 3).numpy())


@pytest.mark.parametrize("axis", [2, -3, 2**40, -(2**70), 2**70, 1.5, "x", [0, 0]])
def test_axes_that_do_not_exist(axis):
    x = np.ones((2, 3), "float32")
    for f in (dg.ops.sum, dg.ops.max, dg.ops.mean, dg.ops.logsumexp):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            f(x, axis=axis)
    assert dg.ops.sum(x).item() == 6


@pytest.mark.parametrize("shape", [(-2, 3), (2**62, 4), (2**31, 2**31, 2**31), "ab", (1.5,), None, (2**64,)])
def test_shapes_that_cannot_be(shape):
    for f in (dg.ops.reshape, dg.ops.broadcast_to, dg.ops.sum_to):
        with pytest.raises((ValueError, TypeError, OverflowError, MemoryError)):
            f(np.ones((2, 3), "float32"), shape)
    for f in (lambda: _core.random_uniform(shape, 0, 1, 1), lambda: dg.ops.one_hot([0], 2**62)):
        with pytest.raises((ValueError, TypeError, OverflowError, MemoryError)):
            f()


# ---- Enormous sizes, each in a process of its own with 512 MB to spare --------------------------------------

PROLOGUE = """
import resource, sys
import numpy as np, densegrad as dg
from densegrad import _core
dg.ops.matmul(np.ones((2, 2)), np.ones((2, 2)))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (512 << 20), used + (512 << 20)))
n, n8 = 2**31 + 5, 2**13
wide = np.broadcast_to(np.float32(1), (n, 1))
def attempt(call):
    try:
        call()
    except (MemoryError, OverflowError, ValueError) as error:
        print(type(error).__name__, str(error)[:80])
    else:
        print("done")
    x = dg.constant(2.0)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 4
"""
SIZES = {
    "constant": "dg.constant(wide)",
    "dense": "dg.ops.dense(wide, np.ones((1, 1), 'float32'))",
    "matmul": "dg.ops.matmul(np.ones((2, 1), 'float32'), wide.T)",
    "sum": "dg.ops.sum(wide)",
    "broadcast_to": "dg.ops.broadcast_to(1.0, (n, 1))",
    "too many entries": "dg.ops.broadcast_to(1.0, (2**40, 2**40))",
    "too many bytes": "dg.ops.broadcast_to(1.0, (2**61, 2))",
    "outer product": "dg.ops.multiply(np.ones((2**20, 1), 'float32'), np.ones((1, 2**20), 'float32'))",
    "one_hot": "dg.ops.one_hot(np.zeros(1000, 'int32'), 2**40)",
    "pad": "dg.ops.pad(np.ones(2, 'float32'), [(2**62, 2**62)])",
    "pad to 2^64 = 0": "dg.ops.pad(np.ones(2, 'float32'), [(2**63 - 1, 2**63 - 1)])",
    "pad to 2^63 = unknown": "dg.ops.pad(np.ones(2, 'float32'), [(5, 2**63 - 1)])",
    "concatenate": "dg.ops.concatenate([np.ones((2**24,), 'float32')] * 12)",
    "loss": "_core.loss('mean_squared_error', wide, wide)",
    "Variable": "dg.Variable(wide)",
    "random_uniform": "_core.random_uniform((2**40,), 0, 1, 1)",
    "empty but huge": "dg.ops.matmul(np.ones((0, 1), 'float32'), wide.T)",
    "take": "dg.ops.take(np.ones((2**10, 256), 'float32'), np.zeros(2**20, 'int32'), 0)",
    "gradient": "_core.dense_vjp(np.ones((n8, 1)), np.ones((1, n8)), None, 'linear', np.broadcast_to(1.0, (n8, n8)))",
}


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is Linux's")
def test_enormous_sizes_are_errors_and_never_crashes():
    code = PROLOGUE + "".join(f"print({name!r}, end=': '); attempt(lambda: {call})\n" for name, call in SIZES.items())
    path = os.pathsep.join(filter(None, [str(Path(_core.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert results.keys() == SIZES.keys()
    allowed_to_work = {"empty but huge"}
    for name, result in results.items():
        assert (
            result.startswith(("MemoryError", "OverflowError", "InvalidArgumentError", "ResourceExhaustedError"))
            or name in allowed_to_work
        ), (
            name,
            result,
        )


def test_a_product_longer_than_a_blas_integer_is_an_error():
    """k = 2^31 + 5 with m = n = 0 or 1 needs no memory beyond what a zero-stride array pretends to have."""
    x = np.broadcast_to(np.float32(1), (0, 2**31 + 5))
    w = np.broadcast_to(np.float32(1), (2**31 + 5, 0))
    assert dg.constant(x).shape == x.shape  # nothing to store
    y = dg.ops.matmul(x, w)
    assert y.shape == (0, 0)


@pytest.mark.parametrize("make", [np.asarray, dg.constant], ids=["array", "tensor"])
def test_concatenate_walks_what_makes_its_entries_on_the_way(make):
    """The rows of an array are new objects: nobody else keeps them alive."""
    rows = np.arange(64.0).reshape(8, 8)
    for _ in range(20):
        np.testing.assert_array_equal(dg.ops.concatenate(make(rows)).numpy(), rows.ravel())
