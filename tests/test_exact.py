"""Integer-valued data: every gradient equals NumPy's int64 arithmetic bit for bit, over several hundred random shapes.

Sums and products of integers are exact as long as no partial sum leaves the significand. Each case computes the largest
partial sum with absolute values and takes float32 if it is below 2^24, else float64 (below 2^53): then there
is no tolerance at all, whatever the order of the sums. A mean over 1, 2, 4, ... columns only moves the exponent.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from rows import generator

SIZES = [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65]
ROWS = [*SIZES, 127, 1023, 1025, 2049]  # beyond 1024 rows the weight gradients are summed in blocks
CASES = 300


def integers(rng, shape, top=2):
    return rng.integers(-top, top + 1, shape)


def forward_backward(x, w, b, v, c, t, weight, relu):
    """All gradients of sum_i weight_i sum_j (y - t)^2 for y = max(x w + b, 0) v + c, in the integers given."""
    z = x @ w + b
    a = np.maximum(z, 0) if relu else z
    y = a @ v + c
    e = 2 * weight[:, None] * (y - t)
    da = e @ v.T
    dz = da * (z > 0) if relu else da
    value = (weight[:, None] * (y - t) ** 2).sum()
    grads = {"w": x.T @ dz, "b": dz.sum(0), "v": a.T @ e, "c": e.sum(0), "x": dz @ w.T, "a": da, "z": dz, "y": e}
    return value, grads


def largest_partial_sum(x, w, b, v, c, t, weight):
    """The same with absolute values: no partial sum of the computation exceeds the largest entry."""
    x, w, b, v, c, t, weight = map(np.abs, (x, w, b, v, c, t, weight))
    a = x @ w + b
    y = a @ v + c + t
    e = 2 * weight[:, None] * y
    dz = e @ v.T
    products = (y * y * weight[:, None], x.T @ dz, dz.sum(0), a.T @ e, e.sum(0), dz @ w.T, y * y)
    return max(np.sum(products[0]), *(p.max(initial=0) for p in products))


def scattered(a):
    """The same numbers, not contiguous."""
    spread = np.zeros((2 * a.shape[0] + 1, *a.shape[1:][::-1]), a.dtype)
    view = spread[1::2].transpose(0, *range(a.ndim - 1, 0, -1))[::-1]
    view[...] = a
    return view


@pytest.mark.parametrize("part", range(10))
def test_network_gradients_are_exact(part, seed):
    """relu or linear hidden layer, linear output, MSE with reduction "sum" and integer sample weights."""
    rng = generator(seed, "network", part)
    dtypes = set()
    for case in range(CASES // 10):
        n, k, m, p = rng.choice(ROWS), rng.choice(SIZES), rng.choice(SIZES), 2 ** rng.integers(0, 7)
        n = ROWS[-1 - case] if case < 3 else n
        relu = bool(rng.integers(2))
        numbers = [integers(rng, s, 1) for s in ((n, k), (k, m), (m,), (m, p), (p,), (n, p))] + [rng.integers(0, 3, n)]
        top = largest_partial_sum(*numbers)
        assert top < 2**53
        dtype = "float32" if top < 2**24 else "float64"
        dtypes.add(dtype)
        value, expected = forward_backward(*numbers, relu)

        floats = [a.astype(dtype) for a in numbers]
        x, w, b, v, c = (dg.constant(scattered(a) if i % 2 == case % 2 else a) for i, a in enumerate(floats[:5]))
        with dg.GradientTape() as tape:
            tape.watch([x, w, b, v, c])
            a = dg.ops.dense(x, w, b, "relu" if relu else "linear")
            y = dg.ops.dense(a, v, c)
            loss = dg._core.loss("mean_squared_error", scattered(floats[5]), y, floats[6], reduction="sum")
        sources = {"w": w, "b": b, "v": v, "c": c, "x": x, "a": a, "z": a.z, "y": y}
        grads = tape.gradient(loss, sources)
        if n:
            assert float(loss) == value / p
        for name, g in grads.items():
            assert g.dtype == dtype
            exact = (expected[name] / p).astype(dtype)
            assert np.array_equal(g.numpy(), exact), (part, case, name, (n, k, m, p), dtype)
    assert dtypes == {"float32", "float64"}


@pytest.mark.parametrize("part", range(4))
def test_dense_vjp_is_exact_for_inputs_of_rank_two_to_four(part, seed):
    rng = generator(seed, "dense", part)
    for _ in range(25):
        lead = tuple(rng.choice([0, 1, 2, 3, 17]) for _ in range(rng.integers(1, 4)))
        k, m = rng.choice(SIZES), rng.choice(SIZES)
        x, w, b, dy = (integers(rng, s) for s in ((*lead, k), (k, m), (m,), (*lead, m)))
        z = x @ w + b
        for activation, dz in (("linear", dy), ("relu", dy * (z > 0))):
            y = dg.ops.dense(scattered(x.astype("float32")), w.astype("float32"), b.astype("float32"), activation)
            assert np.array_equal(y, z if activation == "linear" else np.maximum(z, 0))
            grads = dg.ops.dense_vjp(x.astype("float32"), w.astype("float32"), b.astype("float32"), activation,
                                     scattered(dy.astype("float32")))  # fmt: skip
            count = int(np.prod(lead))
            flat_x, flat_dz = x.reshape(count, k), dz.reshape(count, m)
            exact = (dz @ w.T, flat_x.T @ flat_dz, flat_dz.sum(0))
            for g, e in zip(grads, exact, strict=True):
                assert g.shape == e.shape and np.array_equal(g, e)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_matmul_and_its_gradients_are_exact(transpose_a, transpose_b, seed):
    rng = generator(seed, "matmul", transpose_a, transpose_b)
    for _ in range(60):
        m, n, k = rng.choice(SIZES), rng.choice(SIZES), rng.choice(ROWS)
        a, b, g = integers(rng, (m, k)), integers(rng, (k, n)), integers(rng, (m, n))
        stored = [a.T if transpose_a else a, b.T if transpose_b else b]
        ta, tb = (dg.constant(s.astype("float32")) for s in stored)
        with dg.GradientTape() as tape:
            tape.watch([ta, tb])
            y = dg._core.matmul(ta, tb, transpose_a, transpose_b)
        da, db = tape.gradient(y, [ta, tb], output_gradients=g.astype("float32"))
        assert np.array_equal(y.numpy(), a @ b)
        assert np.array_equal(da.numpy(), (g @ b.T).T if transpose_a else g @ b.T)
        assert np.array_equal(db.numpy(), (a.T @ g).T if transpose_b else a.T @ g)


def test_batched_matmul_gradients_sum_over_broadcast_axes_exactly(seed):
    rng = generator(seed, "batched")
    shapes = [
        ((2, 1, 3, 4), (5, 4, 2)),
        ((7, 3, 4), (4, 2)),
        ((4,), (3, 4, 2)),
        ((3, 2, 4), (4,)),
        ((1, 3, 4), (6, 4, 1)),
    ]
    for sa, sb in shapes:
        a, b = integers(rng, sa), integers(rng, sb)
        ta, tb = dg.constant(a.astype("float32")), dg.constant(b.astype("float32"))
        with dg.GradientTape() as tape:
            tape.watch([ta, tb])
            y = ta @ tb
        g = integers(rng, y.shape)
        da, db = tape.gradient(y, [ta, tb], output_gradients=g.astype("float32"))
        # <g, a' b> = <da, a'> for any a': the adjoint identity, exact in integers, and as many of them as needed.
        for _ in range(5):
            a2, b2 = integers(rng, sa), integers(rng, sb)
            assert np.sum(g * (a2 @ b)) == np.sum(da.numpy().astype(int) * a2)
            assert np.sum(g * (a @ b2)) == np.sum(db.numpy().astype(int) * b2)


def test_sums_and_broadcasts_are_exact(seed):
    rng = generator(seed, "sums")
    for _ in range(100):
        shape = tuple(rng.choice([0, 1, 2, 3, 17, 33, 130]) for _ in range(rng.integers(1, 4)))
        axis = tuple(np.flatnonzero(rng.integers(0, 2, len(shape))).tolist()) or None
        x = integers(rng, shape, 9)
        t = dg.constant(x.astype("float32"))
        small = integers(rng, tuple(n if rng.integers(2) else 1 for n in shape), 9)
        s = dg.constant(small.astype("float32"))
        with dg.GradientTape(persistent=True) as tape:
            tape.watch([t, s])
            y = dg.ops.sum(t, axis=axis)
            z = t * s - s
        assert np.array_equal(y.numpy(), x.sum(axis=axis)) and np.array_equal(z.numpy(), x * small - small)
        assert np.array_equal(tape.gradient(y, t).numpy(), np.ones(shape))
        reduced = tuple(i for i, (a, b) in enumerate(zip(shape, small.shape)) if b == 1)
        exact = (x - 1).sum(axis=reduced, keepdims=True)
        assert np.array_equal(tape.gradient(z, s).numpy(), exact.reshape(small.shape))
        assert np.array_equal(tape.gradient(z, t).numpy(), np.broadcast_to(small, shape))


def test_gather_and_scatter_are_exact(seed):
    rng = generator(seed, "gather")
    for n in (1, 2, 17, 33):
        x, i, g = integers(rng, (n, 3)), rng.integers(0, n, 65), integers(rng, (65, 3))
        t = dg.constant(x.astype("float32"))
        with dg.GradientTape() as tape:
            tape.watch(t)
            y = dg.ops.take(t, i, 0)
        back = tape.gradient(y, t, output_gradients=g.astype("float32"))
        exact = np.zeros((n, 3), int)
        np.add.at(exact, i, g)
        assert np.array_equal(y.numpy(), x[i]) and np.array_equal(back.numpy(), exact)
