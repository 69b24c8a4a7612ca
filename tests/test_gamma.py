"""digamma and polygamma near their poles, between them, and for orders that nothing should wait for."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest

mpmath = pytest.importorskip("mpmath")
POINTS = [-1e-8, -1e-15, -1e-17, -1e-20, -1 + 1e-12, -1 - 1e-12, -2 + 1e-15, -0.3, -5.49, -30.25, 1e-20, 0.5, 3.2, 40.0]
WHERE = [(n, x) for n in range(4) for x in POINTS] + [(10, -1.5), (50, -0.5), (100, -0.5), (170, -0.5), (100, -3.3)]


def found(n, x):
    return float(dg.ops.polygamma(dg.constant(float(n), "float64"), dg.constant(x, "float64")))


@pytest.mark.parametrize(("n", "x"), WHERE)
def test_polygamma_is_mpmaths(n, x):
    """Within some 20 roundings for each unit of the order, and of the reflection where both sides nearly cancel."""
    with mpmath.workdps(60):
        expected = float(mpmath.polygamma(n, mpmath.mpf(x)))
    assert found(n, x) == pytest.approx(expected, rel=20 * (n + 1) * 2.0**-52)


@pytest.mark.parametrize("x", POINTS)
def test_digamma_is_polygamma_of_order_0(x):
    assert float(dg.ops.digamma(dg.constant(x, "float64"))) == found(0, x)


@pytest.mark.parametrize("n", [1e8, 1e10, 1e30])
@pytest.mark.parametrize("x", [2.5, -0.3, 1e8, 1e10])
def test_orders_beyond_the_largest_number_end(n, x):
    assert np.isnan(found(n, x)), "0 times infinity"
    assert np.isnan(found(np.inf, x))
