"""`clip_by_value`, `clip_by_norm`, `global_norm` and `clip_by_global_norm` against TensorFlow's, gradients included.

Where no sum rounds and at the edges (zero, infinite and NaN norms, kinks) results are equal to the bit; elsewhere
within the bounds of both libraries' roundings.
"""

from __future__ import annotations

import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS, TF_ULPS, Machine
from twins import assert_same, plain
from within import assert_within

INF, NAN = np.inf, np.nan


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def both(function, *arrays):
    """(value, gradients of its sum) in densegrad and in TensorFlow; `function` gets a namespace and tensors."""
    import tensorflow as tf

    results = []
    for L, total in ((dg, dg.ops.sum), (tf, tf.reduce_sum)):
        tensors = [L.constant(a) for a in arrays]
        with L.GradientTape() as tape:
            for t in tensors:
                tape.watch(t)
            value = function(L, *tensors)
            parts = [v for v in value if v is not None] if isinstance(value, (list, tuple)) else [value]
            loss = sum((total(v) for v in parts[1:]), total(parts[0]))
        results.append(plain([value, tape.gradient(loss, tensors)]))
    return results


def global_norm(L, tensors):
    return L.global_norm(tensors) if L is dg else L.linalg.global_norm(tensors)


BY_NORM = {
    "below": (f32(3, 4), 10.0),
    "zero": (f32(0, 0), 1.0),
    "limit zero": (f32(3, 4), 0.0),
    "both zero": (f32(0, 0), 0.0),
    "negative limit": (f32(3, 4), -1.0),
    "infinite": (f32(INF, 1), 1.0),
    "NaN": (f32(NAN, 1), 1.0),
    "the norm overflows": (f32(1e20, 1e20), 1.0),
    "the norm underflows": (f32(1e-24, 1e-24), 1e-25),
    "empty": (f32(), 1.0),
    "float64": (np.array([3.0, 4.0]), 8.0),
}


@pytest.mark.parametrize("name", BY_NORM)
def test_clip_by_norm_at_its_edges(name):
    t, limit = BY_NORM[name]
    assert_same(*both(lambda L, x: L.clip_by_norm(x, limit), t), name)


@pytest.mark.parametrize("axes", [0, 1, [0, 1], [-1]])
def test_clip_by_norm_over_axes(axes):
    t = np.array([[3, 4], [0.25, 0], [0, 0]], np.float32)
    ours, theirs = (r[0] for r in both(lambda L, x: L.clip_by_norm(x, 1.0, axes), t))
    # A norm of two entries rounds as both libraries round it: one product each, one sum, one root.
    allowed = 4 * np.finfo(np.float32).eps * np.abs(theirs)
    assert_within(ours, theirs, allowed, "values")
    assert np.array_equal(ours == t, theirs == t)


def test_clip_by_norm_at_the_kink_takes_the_clipped_branch():
    (value, (gradient,)), (_, (other,)) = both(lambda L, x: L.clip_by_norm(x, 5.0), f32(3, 4))
    np.testing.assert_array_equal(value, f32(3, 4))
    np.testing.assert_allclose(gradient, [0.16, -0.12], rtol=0, atol=8 * np.finfo(np.float32).eps)  # terms up to 1.12
    np.testing.assert_allclose(gradient, other, rtol=0, atol=8 * np.finfo(np.float32).eps)  # terms up to 1.12


def test_clip_by_norm_does_not_always_return_what_is_short():
    """t c / c rounds: the same c change 0.7 in both."""
    import tensorflow as tf

    t = f32(0.7)
    changed = [[c for c in range(1, 200) if L.clip_by_norm(t, float(c)).numpy()[0] != t[0]] for L in (dg, tf)]
    assert changed[0] == changed[1] and 13 in changed[0]


LISTS = {
    "clipped": ([f32(3), f32(4)], 2.5),
    "below": ([f32(3), f32(4)], 8.0),
    "zero norm": ([f32(0, 0), f32(0)], 1.0),
    "infinite": ([f32(INF), f32(1)], 1.0),
    "NaN": ([f32(NAN), f32(1)], 1.0),
    "the norm overflows": ([f32(1e20), f32(1)], 1.0),
}


@pytest.mark.parametrize("name", LISTS)
def test_clip_by_global_norm_at_its_edges(name):
    tensors, limit = LISTS[name]
    ours, theirs = both(lambda L, *ts: L.clip_by_global_norm([ts[0], None, *ts[1:]], limit)[0], *tensors)
    assert_same(ours[0], theirs[0], name)
    if name not in ("clipped", "zero norm"):  # gradients through the norm: rounded below, and 0 / 0 at 0
        assert_same(ours[1], theirs[1], name)


def test_the_gradient_flows_through_the_global_norm():
    """[3], [4], c = 1: d first / d = 0.128, -0.096."""
    import tensorflow as tf

    for L in (dg, tf):
        a, b = L.constant(f32(3)), L.constant(f32(4))
        with L.GradientTape() as tape:
            tape.watch(a), tape.watch(b)
            (first, _), norm = L.clip_by_global_norm([a, b], 1.0)
        assert float(norm) == 5
        found = np.ravel([g.numpy() for g in tape.gradient(first, [a, b])])
        np.testing.assert_allclose(found, [0.128, -0.096], rtol=0, atol=16 * np.finfo(np.float32).eps)


def test_a_norm_may_be_given():
    ours, theirs = both(lambda L, a, n: L.clip_by_global_norm([a], 2.0, use_norm=n)[0], f32(8, 4), np.float32(4))
    assert_same(ours, theirs)


def test_global_norm():
    for tensors in ([f32(3), None, f32(0, 4)], [], [None], [f32(INF)], [f32(NAN)], [f32()]):
        given = [t for t in tensors if t is not None]
        if not given:
            assert float(dg.global_norm(tensors)) == 0
            continue
        assert_same(*both(lambda L, *ts: global_norm(L, list(ts)), *given))


BY_VALUE = {
    "both ends included": (f32(-1, 0, 0.5, 1, 2), 0.0, 1.0),
    "lo above hi": (f32(-1, 0, 1, 3), 2.0, 1.0),
    "infinite": (f32(-INF, INF), -1.0, 1.0),
    "bounds are tensors": (f32(-1, 0, 1, 3), f32(0, 0, 0, 0), f32(1, 1, 0.5, 2)),
    "bounds broadcast": (np.arange(6, dtype=np.float32).reshape(2, 3), f32(1, 1, 1), np.float32(3)),
}


@pytest.mark.parametrize("name", BY_VALUE)
def test_clip_by_value(name):
    t, lo, hi = BY_VALUE[name]
    arrays = [t, *(b for b in (lo, hi) if isinstance(b, (np.ndarray, np.floating)))]

    def clip(L, x, *rest):
        return L.clip_by_value(x, *(rest or (lo, hi)))

    assert_same(*both(clip, *arrays), name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("limit", [0.5, 64.0])
def test_random_tensors_within_the_bounds(limit, dtype, seed, figures):
    """Values and gradients of both functions by norm, of vectors whose norms are far from the limit."""
    rng = np.random.default_rng(seed)
    a, b, weights = (rng.normal(size=33).astype(dtype) for _ in range(3))

    def expected(machine):
        x, y, w, c = machine.leaf(a), machine.leaf(b), machine.const(weights), machine.const(limit)
        values = []
        for squares in (rb.total(x * x), rb.total(x * x) + rb.total(y * y)):
            norm = rb.sqrt(squares)
            scale = c / norm if norm.value > limit else machine.rounded(1.0)
            # Below the limit c / c is 1 up to roundings, and its derivative is 0.
            values.append(x * scale * machine.rounded(1.0) * machine.rounded(1.0))
        return [n for v in values for n in (v, *rb.gradient(rb.total(w * v), [x, y]))]

    def found(L, total):
        x, y, w = (L.constant(v) for v in (a, b, weights))
        values, out = (lambda: L.clip_by_norm(x, limit), lambda: L.clip_by_global_norm([x, y], limit)[0][0]), []
        for value in values:
            with L.GradientTape() as tape:
                tape.watch(x), tape.watch(y)
                v = value()
                loss = total(w * v)
            grads = tape.gradient(loss, [x, y])
            out += [v.numpy(), *(np.zeros(33) if g is None else g.numpy() for g in grads)]
        return out

    import tensorflow as tf

    machines = [Machine(dtype, ulps) for ulps in (DG_ULPS, TF_ULPS)]
    allowed = [sum(n.error for n in pair) for pair in zip(*(expected(m) for m in machines), strict=True)]
    ratios = figures.setdefault("clipping, |dg - tf| / bound", [])
    for mine, theirs, bound in zip(found(dg, dg.ops.sum), found(tf, tf.reduce_sum), allowed, strict=True):
        ratios.append(assert_within(mine, theirs, bound, f"limit {limit}"))
