"""Runs a test module of Keras on densegrad, and says of each test: passed, failed, or not applicable and why."""

from __future__ import annotations

import contextlib
import io
import traceback
import unittest
import warnings
import zlib

import numpy as np
import pytest
from keras_suite import redirect
from samples import SEED


class _Result(unittest.TestResult):
    """The outcome of one test."""

    outcome, detail = "passed", ""

    def _set(self, outcome, detail):
        if self.outcome != "failed":
            self.outcome, self.detail = outcome, detail

    def addError(self, test, err):
        if issubclass(err[0], pytest.skip.Exception):
            self._set("skipped", str(err[1]))
        else:
            self._set("failed", "".join(traceback.format_exception(*err)))

    def addFailure(self, test, err):
        self._set("failed", "".join(traceback.format_exception(*err)))

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addError(test, err)

    def addSkip(self, test, reason):
        self._set("skipped" if " " in reason else "absent", reason)


@contextlib.contextmanager
def _silence():
    """Summaries and progress bars go nowhere."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        yield


def _skipped_by_keras(test) -> str | None:
    """The reason of a `pytest.mark.skipif` that holds, or of a `pytest.mark.skip`."""
    method = getattr(type(test), test._testMethodName)
    for mark in [*getattr(method, "pytestmark", ()), *getattr(type(test), "pytestmark", ())]:
        if mark.name == "skip" or (mark.name == "skipif" and mark.args[0]):
            return mark.kwargs.get("reason", "marked to be skipped")
    return None


def run(path: str) -> dict[str, tuple[str, str]]:
    """{test id: (outcome, detail)}: "passed"; "failed" with a traceback; "absent" with the name that densegrad has not;
    "skipped" with the reason that Keras gives itself."""
    module = redirect.load(path)
    results = {}
    for cls in list(vars(module).values()):
        if not (isinstance(cls, type) and issubclass(cls, unittest.TestCase) and cls.__module__ == module.__name__):
            continue
        for test in unittest.defaultTestLoader.loadTestsFromTestCase(cls):
            name = f"{path}::{cls.__name__}::{test._testMethodName}"
            if reason := _skipped_by_keras(test):
                results[name] = ("skipped", reason)
                continue
            np.random.seed([SEED, zlib.crc32(name.encode())])  # noqa: NPY002 - what Keras' tests draw from
            result = _Result()
            with warnings.catch_warnings(action="ignore"), _silence():
                test.run(result)
            results[name] = (result.outcome, result.detail)
    return results
