"""Keras' own unit tests, from its wheel, on densegrad: `redirect.py` says how, `expected.py` what comes out."""

from __future__ import annotations

import functools

import pytest
from keras_suite import running
from keras_suite.expected import MODULES

outcomes = functools.cache(running.run)


@pytest.mark.parametrize("path", MODULES)
def test_module_loads_and_has_tests(path):
    assert outcomes(path)
