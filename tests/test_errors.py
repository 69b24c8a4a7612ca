"""Every error message of the compiled core, by its full text, and that the next correct call works.

The rows are in messages.py. A last test reads the C++ sources,
where they are at hand, and fails for a message that no row provokes. Hostile sizes are in test_hostile_inputs.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core, errors
from messages import ROWS

SOURCES = Path(__file__).parent.parent / "cpp"


# What is raised as one of Python's errors and of TensorFlow's at once.
TENSORFLOWS = {
    IndexError: errors.InvalidIndexError,
    MemoryError: errors.ResourceExhaustedError,
    TypeError: errors.InvalidTypeError,
    ValueError: errors.InvalidArgumentError,
    ZeroDivisionError: errors.InvalidDivisionError,
}


def message_of(call, kind):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) in (kind, TENSORFLOWS.get(kind))
    return str(caught.value)


def works():
    """A call of every part still gives what it should."""
    x, w = dg.constant(np.ones((1, 2), "float32")), dg.Variable(np.ones((2, 3), "float32"))
    with dg.GradientTape() as tape:
        y = dg.ops.dense(x, w, None, "softmax")
        value = _core.loss("sparse_categorical_crossentropy", [0], y)
    g = tape.gradient(value, w)
    return not _core.recording() and np.all(np.abs(g.numpy() * 3 - [[-2, 1, 1]] * 2) < 1e-6)  # a few ULP of 2


@pytest.mark.parametrize("call,kind,text", ROWS, ids=[f"{i} {(r[2] or '')[:40]}" for i, r in enumerate(ROWS)])
def test_message(call, kind, text):
    message = message_of(call, kind)
    assert re.match(r"\[[\w.]+\] ", message), message  # the tag
    assert message.endswith("."), message
    if text is not None:
        assert message == text
    assert works()


def test_every_message_of_the_sources_has_a_row():
    """Each `fail(...)` of the C++ sources: its longest piece of text occurs in a message that a row provoked."""
    if not SOURCES.is_dir():
        pytest.skip("the sources are not at hand")
    messages = [message_of(call, kind) for call, kind, _ in ROWS]
    missing = []
    for path in sorted(SOURCES.rglob("*")):
        if path.suffix not in (".cpp", ".h") or path.name in ("gemm.cpp", "dispatch.cpp", "cpus.cpp", "error.h"):
            continue  # these fail in processes of their own: test_packaging.py, test_isa.py, test_threads.py
        for found in re.finditer(r"\bfail(?:<[\w:]+>)?\((.*?)\);", path.read_text(), re.DOTALL):
            pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', re.sub(r'"\s*\n\s*"', "", found[1]))
            longest = max(pieces, key=len, default="").replace('\\"', '"')
            if longest and not any(longest in m for m in messages):
                missing.append(f"{path.name}: {longest}")
    assert not missing
