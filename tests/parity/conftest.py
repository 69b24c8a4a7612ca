"""TensorFlow is the yardstick of this folder."""

from __future__ import annotations

import os

import pytest
from yardstick import require


@pytest.fixture(scope="session", autouse=True)
def tensorflow() -> object:
    """Import TensorFlow; skip only where it cannot be installed or DENSEGRAD_ALLOW_NO_TF=1."""
    require("tensorflow")
    import tensorflow as tf

    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    return tf
