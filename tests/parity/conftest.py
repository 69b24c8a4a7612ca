"""TensorFlow is the yardstick of this folder: without it the tests fail, unless it cannot be had."""

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


@pytest.fixture(scope="session", autouse=True)
def tensorflow() -> object:
    """Import TensorFlow; skip only where it cannot be installed or DENSEGRAD_ALLOW_NO_TF=1."""
    if importlib.util.find_spec("tensorflow") is None:
        if os.environ.get("DENSEGRAD_ALLOW_NO_TF") == "1":
            pytest.skip("TensorFlow is not installed and DENSEGRAD_ALLOW_NO_TF=1")
        if reason := cannot_install():
            pytest.skip(reason)
        pytest.fail("the parity tests need TensorFlow: pip install '.[test]', or set DENSEGRAD_ALLOW_NO_TF=1")
    import tensorflow as tf

    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    return tf
