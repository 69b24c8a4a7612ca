"""Every gradient of every case equals tf.GradientTape's: |dg - tf| <= bound(dg) + bound(tf), componentwise.

The bounds come from running error analyses of the very numbers of the case (bounds.py): one with densegrad's ULPs, one
with TensorFlow's. One comparison is one array: the loss's gradient with respect to an input, kernel, bias,
pre-activation or activation. The loss value is checked too, by the same rule, and not counted.
"""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES, LOSSES, OTHER_CASES, OTHER_LOSSES, uncovered_pairs
from problems import Bounded, draw
from sides import densegrad_gradients, tensorflow_gradients
from within import assert_within

REPEATS = {case: 4 if case in CASES else 1 for case in CASES + OTHER_CASES}  # draws of numbers


def _blame(name: str, sides: dict[str, tuple[np.ndarray, Bounded]]) -> str:
    """Which side left the float64 reference: the first thing to know about a failure."""
    lines = [name]
    for side, (value, analysis) in sides.items():
        ratio = np.abs(value - analysis.value[name]) / np.maximum(analysis.bound[name], 1e-300)
        lines.append(f"{side} is off the float64 reference by {ratio.max():.3g} times its bound")
    return "; ".join(lines)


@pytest.mark.parametrize("case", REPEATS, ids=str)
def test_gradients_equal_tensorflows(case, seed, figures):
    """All sources of one case, for all its draws. (Keras' log 2 in log_cosh is float32: no row for its gradient.)"""
    compared = 0
    ratios = figures.setdefault(f"gradients in {case.dtype}, |dg - tf| / bound", [])
    value = [] if (case.loss_name, case.dtype) == ("log_cosh", "float64") else ["loss"]
    for repeat in range(REPEATS[case]):
        problem, ours, theirs = draw(case, seed, repeat)
        dg, tf = densegrad_gradients(problem), tensorflow_gradients(problem)
        for name in [*case.sources, *value]:
            assert dg[name].dtype == tf[name].dtype == np.dtype(case.dtype), name
            assert dg[name].shape == tf[name].shape, name
            where = _blame(name, {"densegrad": (dg[name], ours), "TensorFlow": (tf[name], theirs)})
            ratio = assert_within(dg[name], tf[name], ours.bound[name] + theirs.bound[name], where)
            if name != "loss":
                compared += 1
                ratios.append(ratio)
    assert compared == REPEATS[case] * len(case.sources)


def test_the_count():
    """920 cases (4 activations x 23 losses x 5 reductions x 2 dtypes), every pair of factors, > 3,000 comparisons."""
    assert len(REPEATS) == len(set(map(str, REPEATS))) == 4 * (7 + 16) * 5 * 2
    assert uncovered_pairs(CASES, LOSSES) == uncovered_pairs(OTHER_CASES, OTHER_LOSSES) == set()
    assert sum(len(case.sources) for case in REPEATS) > 3000


def test_the_draws(seed):
    """Less than 1 % of the draws sat on a kink; the data varies, within a draw and between draws."""
    kinked = 0
    for case in CASES:
        problems = [draw(case, seed, repeat)[0] for repeat in range(REPEATS[case])]
        kinked += sum(problem.kinked for problem in problems)
        for problem in problems:
            arrays = [problem.x, *problem.kernels, *(b for b in problem.biases if b is not None)]
            if case.batch >= 17:
                arrays += [problem.y] + [problem.weights] * case.weighted
            assert all(np.ptp(array) > 0 for array in arrays)
        assert not np.array_equal(problems[0].x, problems[1].x)
        assert not np.array_equal(problems[0].kernels[0], problems[1].kernels[0])
    print(f"{kinked} of {len(CASES) * 4} draws sat on a kink")
    assert kinked < 0.01 * len(CASES) * 4
