"""Keras' tests are read from its wheel; some bear marks that its own configuration declares."""

from __future__ import annotations

import pytest
from yardstick import require


def pytest_configure(config: pytest.Config) -> None:
    for mark in ("requires_trainable_backend", "multi_device"):
        config.addinivalue_line("markers", f"{mark}: of Keras")


@pytest.fixture(scope="session", autouse=True)
def keras() -> None:
    """Keras is installed, or cannot be."""
    require("keras")
