"""TensorFlow, and Keras with it, is the yardstick: a test that needs it fails without it, unless it cannot be had."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys

import pytest

PLATFORMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")}


def cannot_install() -> str | None:
    """Why no TensorFlow wheel exists for this interpreter, or None."""
    here = (platform.system(), platform.machine())
    if here not in PLATFORMS:
        return f"no TensorFlow wheels for {' '.join(here)}"
    if sys.version_info >= (3, 14):
        return "no TensorFlow wheels for CPython >= 3.14"
    if here[0] == "Linux" and platform.libc_ver()[0] != "glibc":
        return "no TensorFlow wheels for this C library"
    return None


def require(module: str) -> None:
    """Skip where `module` cannot be installed or DENSEGRAD_ALLOW_NO_TF=1; fail where it is merely missing."""
    if importlib.util.find_spec(module) is not None:
        return
    if os.environ.get("DENSEGRAD_ALLOW_NO_TF") == "1":
        pytest.skip("TensorFlow is not installed and DENSEGRAD_ALLOW_NO_TF=1")
    if reason := cannot_install():
        pytest.skip(reason)
    pytest.fail("this test needs TensorFlow: pip install '.[test]', or set DENSEGRAD_ALLOW_NO_TF=1")
