"""What every test shares: the environment of TensorFlow, the seed, and a closing line of figures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # oneDNN changes the order of sums and the treatment of infinities
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import pytest

for folder in ("", "parity"):  # `import bounds`, `import cases`: whatever pytest's import mode is
    path = str(Path(__file__).parent / folder)
    if path not in sys.path:
        sys.path.insert(0, path)

from samples import SEED  # noqa: E402 - found through the path above

REPLAY = pytest.StashKey()
FIGURES = pytest.StashKey[dict[str, list[float]]]()


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of all random data; DENSEGRAD_TEST_SEED draws other data."""
    return SEED


@pytest.fixture(autouse=True)
def isolated():
    """Automatic names start afresh, and no test leaves a tape open."""
    from densegrad import _core, config

    config.clear_session()
    assert not _core.recording()
    yield
    assert not _core.recording()


@pytest.fixture(scope="session", autouse=True)
def replay(request: pytest.FixtureRequest):
    """Programs take every gradient again that a test takes."""
    from replayed_gradients import Replay

    request.config.stash[REPLAY] = replay = Replay()
    with replay.installed():
        yield replay


@pytest.fixture(autouse=True)
def through_programs(request: pytest.FixtureRequest, replay, isolated):
    with replay.following(alone=request.node.get_closest_marker("python_alone") is not None):
        yield


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> dict[str, list[float]]:
    """Lists of measured numbers by name: the closing report prints how many, and the largest."""
    return request.config.stash.setdefault(FIGURES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = terminalreporter.config.stash.get(FIGURES, {})
    if figures:
        terminalreporter.section("measured")
    for name, values in ((n, v) for n, v in figures.items() if v):
        terminalreporter.line(f"{name}: {len(values)} comparisons, largest {max(values):.3g}")
    replay = terminalreporter.config.stash.get(REPLAY, None)
    if replay and replay.counts:
        terminalreporter.section("gradients through programs")
        for what, count in replay.counts.most_common():
            terminalreporter.line(f"{count:8,} {what}")
        if replay.is_rotten():
            terminalreporter.line("too few of them were replayed", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    replay = session.config.stash.get(REPLAY, None)
    if replay and replay.is_rotten():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
