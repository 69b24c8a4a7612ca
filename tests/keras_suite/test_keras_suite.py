"""Keras' own unit tests, from its wheel, on densegrad: `redirect.py` says how, `expected.py` what comes out."""

from __future__ import annotations

import functools
from collections import Counter
from fnmatch import fnmatch

import pytest
from keras_suite import redirect, running
from keras_suite.expected import ABSENT, FAILING, KERAS, MODULES, NOT_APPLICABLE, PENDING, PROMISED, SHARE

outcomes = functools.cache(running.run)
LISTED = {name: reason for reason, names in ABSENT.items() for name in names.split()}


def verdict(name, outcome, detail):
    """What an outcome counts as: "passed", "failed", "not applicable", "skipped by Keras"; or what is wrong with it."""
    fails = any(fnmatch(name, pattern) for pattern in FAILING)
    elsewhere = any(fnmatch(name, pattern) for pattern in NOT_APPLICABLE)
    if outcome == "skipped":
        return "skipped by Keras"
    if outcome == "absent":
        known = any(detail == absent or detail.startswith(f"{absent}.") for absent in LISTED)
        return "not applicable" if known else f"{name} uses {detail}, which is not in ABSENT"
    if outcome == "passed":
        return f"{name} passes: take it out of the lists" if fails or elsewhere else "passed"
    return "failed" if fails else "not applicable" if elsewhere else f"{name} fails:\n{detail}"


@pytest.mark.parametrize("path", MODULES)
def test_outcomes_are_those_that_are_listed(path):
    results = {name: verdict(name, *result) for name, result in outcomes(path).items()}
    assert results
    wrong = [v for v in results.values() if v not in ("passed", "failed", "not applicable", "skipped by Keras")]
    assert not wrong or path.startswith(PENDING) or redirect.keras_version() != KERAS, "\n".join(wrong)


def test_every_line_of_the_lists_is_used():
    results = {name: result for path in MODULES for name, result in outcomes(path).items()}
    patterns = [*FAILING, *NOT_APPLICABLE]
    unused = [p for p in patterns if not any(fnmatch(name, p) for name in results)]
    used = {detail for outcome, detail in results.values() if outcome == "absent"}
    unused += [a for a in LISTED if not any(u == a or u.startswith(f"{a}.") for u in used)]
    assert not unused or PENDING or redirect.keras_version() != KERAS, unused


def test_share_that_passes(capsys):
    settled = [path for path in MODULES if not path.startswith(PENDING)]
    for area, prefixes in (("what is promised", PROMISED), ("everything", "")):
        paths = [path for path in settled if path.startswith(prefixes)]
        counts = Counter(verdict(name, *result) for path in paths for name, result in outcomes(path).items())
        passed, absent, skipped = (counts.pop(key, 0) for key in ("passed", "not applicable", "skipped by Keras"))
        failed = counts.total()
        with capsys.disabled():
            print(f"\nKeras' tests of {area}: {passed} pass, {failed} fail, ", end="")
            print(f"{absent} not applicable, {skipped} skipped by Keras", end="")
        assert area == "everything" or passed >= SHARE * (passed + failed)
