"""The bounds: TensorFlow keeps them, they are tight enough to see small bugs, and wrong gradients break them."""

from __future__ import annotations

import bounds as rb
import numpy as np
import pytest
from bounds import Machine
from cases import CASES, DTYPES, OTHER_CASES
from problems import draw
from sides import tensorflow_gradients
from within import assert_within

FLOAT32 = [case for case in CASES if case.dtype == "float32"]


@pytest.mark.parametrize("case", FLOAT32, ids=str)
def test_tensorflow_keeps_its_bound(case, seed):
    """|tf - float64 reference| <= TensorFlow's bound alone, in float32, where the reference is exact by comparison."""
    problem, _, theirs = draw(case, seed)
    measured = tensorflow_gradients(problem)
    for name in [*case.sources, "loss"]:
        assert_within(measured[name], theirs.value[name], theirs.bound[name], name)


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-3), ("float64", 1e-11)])
def test_bounds_are_not_vacuous(dtype, limit, seed):
    """The median bound of a gradient is below `limit` times its largest entry, for nine of ten gradients."""
    relative = []
    for case in CASES + OTHER_CASES:
        if case.dtype == dtype:
            _, ours, theirs = draw(case, seed)
            for name in case.sources:
                relative.append(np.median(ours.bound[name] + theirs.bound[name]) / np.abs(ours.value[name]).max())
    assert np.all(np.isfinite(relative))
    assert np.median(relative) < limit / 10
    assert np.quantile(relative, 0.9) < limit


def _wrong(name: str, right: np.ndarray, batch: int) -> dict[str, np.ndarray]:
    wrong = {"0.1 % too large": right * 1.001}
    if batch > 1:
        wrong["missing 1/N"] = right * batch
    if name == "kernel2" and right.shape[0] == right.shape[1]:
        wrong["transposed"] = right.T
    return wrong


@pytest.mark.parametrize("dtype", DTYPES)
def test_wrong_gradients_break_the_bound(dtype, seed):
    """A transposed kernel gradient, a missing 1/N and an error of 0.1 % are seen.

    Every one in float64. In float32, where the bound of a gradient that nearly cancels can exceed 0.1 % of it, all of
    the first two and more than nine in ten of the third.
    """
    seen: dict[str, list[bool]] = {}
    for case in CASES + OTHER_CASES:
        if case.dtype != dtype:
            continue
        _, ours, theirs = draw(case, seed)
        for name in case.sources:
            right, allowed = ours.value[name], ours.bound[name] + theirs.bound[name]
            for bug, wrong in _wrong(name, right, case.batch).items():
                seen.setdefault(bug, []).append(bool(np.any(np.abs(wrong - right) > allowed)))
    assert min(map(len, seen.values())) >= 10
    for bug, found in seen.items():
        assert np.mean(found) > 0.9 if (dtype, bug) == ("float32", "0.1 % too large") else all(found), bug


def _float32(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32)


FUNCTIONS = {
    "exp": (rb.exp, np.exp, (-20, 20)),
    "log": (rb.log, np.log, (0.1, 50)),
    "sqrt": (rb.sqrt, np.sqrt, (0.01, 50)),
    "sigmoid": (rb.sigmoid, lambda x: 1 / (1 + np.exp(-x)), (-20, 20)),
    "softplus": (rb.softplus, lambda x: np.logaddexp(0, x), (-20, 20)),
    "softmax": (rb.softmax, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), (-8, 8)),
    "log_softmax": (rb.log_softmax, lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)), (-8, 8)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_propagation_is_sound(name, seed):
    """Arguments moved anywhere within their error stay inside the bound of the value, for errors up to 10 %.

    The machine is float32, so that its own rounding allowance covers the float64 arithmetic of this test.
    """
    bounded, exact, (low, high) = FUNCTIONS[name]
    rng = np.random.default_rng([seed, len(name)])
    x = rng.uniform(low, high, (200, 5))
    error = np.abs(x) * 10.0 ** rng.uniform(-6, -1, x.shape)
    node = bounded(Machine("float32", rb.DG_ULPS).leaf(x, error))
    for corner in (rng.choice([-1, 1], x.shape) for _ in range(50)):
        assert_within(exact(x + corner * error), node.value, node.error)


def test_products_and_sums_are_sound(seed):
    """Products, quotients and sums that NumPy evaluates in float32 lie within their bounds of the float64 result."""
    rng = np.random.default_rng(seed)
    a, b = _float32(rng.standard_normal((30, 200))), _float32(rng.standard_normal((200, 20)))
    machine = Machine("float32", 1)
    na, nb = machine.leaf(a), machine.leaf(b)
    pairs = [
        (rb.matmul(na, nb), a @ b),
        (rb.total(na, 0), a.sum(0)),
        (rb.total(na * na), (a * a).sum()),
        (na / (na * na + machine.const(1.0)), a / (a * a + np.float32(1))),
    ]
    for node, measured in pairs:
        difference = np.abs(measured - node.value)
        assert np.ptp(difference) > 0 or difference.size == 1
        assert np.all(difference <= node.error)


def test_kinks_are_seen():
    """A relu or clip argument within its error of the kink is counted; one just outside is not."""
    machine = Machine("float32", 1)
    rb.relu(machine.leaf([1e-7, -1e-7, 1.0], 2e-7))
    rb.clip(machine.leaf([0.5, 1.0 + 1e-8], 1e-7), 0.0, 1.0)
    assert machine.kinks == 3
    rb.relu(machine.leaf([3e-7, 0.0], [2e-7, 0.0]))
    assert machine.kinks == 3


def test_the_comparison_itself():
    """One entry over its bound, a NaN, or other shapes raise; entries at their bound, or 0 within 0, do not."""
    a = np.array([1.0, 2.0, 3.0])
    assert assert_within(a, a + [0, 0.5, 0], [0, 0.5, 1]) == 1
    for wrong, allowed in (
        (a + [0, 0, 1e-9], 1e-10),
        (np.array([1, np.nan, 3]), 1e9),
        (a[:2], 1.0),
        (a, np.ones((2, 3))),
    ):
        with pytest.raises((AssertionError, ValueError)):
            assert_within(a, wrong, allowed)
