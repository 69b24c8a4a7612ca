"""The one comparison of this folder."""

from __future__ import annotations

import numpy as np


def assert_within(a: np.ndarray, b: np.ndarray, allowed: np.ndarray, where: object = "") -> float:
    """Assert |a - b| <= allowed in every entry; return the largest |a - b| / allowed."""
    allowed = np.asarray(allowed, np.float64)
    difference = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    assert difference.shape == np.broadcast_shapes(difference.shape, np.shape(allowed)), f"{where}: shapes differ"
    wrong = ~(difference <= allowed)  # NaN is wrong
    if wrong.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            worst = np.unravel_index(np.nanargmax(np.where(wrong, difference / allowed, -1)), wrong.shape)
        limit = np.broadcast_to(allowed, wrong.shape)[worst]
        raise AssertionError(
            f"{where}: {np.count_nonzero(wrong)} of {wrong.size} entries exceed the bound; at {tuple(map(int, worst))} "
            f"|{np.asarray(a)[worst]!r} - {np.asarray(b)[worst]!r}| = {difference[worst]:.3g} > {limit:.3g}"
        )
    return float((difference / np.where(allowed > 0, allowed, 1)).max(initial=0))
