"""Native memory: nothing is kept by tens of thousands of tape steps, errors, custom gradients and assignments.

What malloc has handed out (mallinfo2) is read before and after, with the collector run; the allowed growth, 64 KiB, is
a few bytes per iteration at most, where a leak of one tensor per iteration would be megabytes.
"""

from __future__ import annotations

import ctypes
import gc
import sys

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core

pytestmark = pytest.mark.python_alone("a history keeps what it needs to repeat the steps")

ALLOWED = 64 * 1024


class MallInfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def allocated():
    """Bytes that malloc has handed out and not got back, large blocks included."""
    libc = ctypes.CDLL(None)
    if sys.platform != "linux" or not hasattr(libc, "mallinfo2"):
        pytest.skip("mallinfo2 is glibc's")
    libc.mallinfo2.restype = MallInfo2
    gc.collect()
    info = libc.mallinfo2()
    return info.uordblks + info.hblkhd


def growth(step, times):
    """Bytes kept by `times` steps, after a warm-up; the least of three, since Python's own caches settle late."""
    for _ in range(max(times // 20, 50)):
        step()
    least = float("inf")
    for _ in range(3):
        before = allocated()
        for _ in range(times // 3):
            step()
        least = min(least, allocated() - before)
        if least <= ALLOWED:
            break
    return least


X, Y = np.ones((8, 4), "float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2, 0, 1]]


def network():
    return [dg.Variable(np.full(s, 0.1, "float32")) for s in ((4, 5), (5,), (5, 3), (3,))]


def forward(w, x):
    return dg.ops.dense(dg.ops.dense(x, w[0], w[1], "relu"), w[2], w[3], "softmax")


WEIGHTS, VARIABLE, OPTIMIZER = network(), dg.Variable(X), dg.optimizers.Adam()


def tape_step():
    x = dg.constant(X)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = forward(WEIGHTS, x)
        loss = _core.loss("categorical_crossentropy", Y, y)
    for g, v in zip(tape.gradient(loss, [*WEIGHTS, x, y, y.z]), WEIGHTS):
        v.assign_sub(g * 1e-3)


def test_twenty_thousand_tape_steps_keep_nothing():
    assert growth(tape_step, 20_000) <= ALLOWED


def second_order_step():
    with dg.GradientTape() as outer:
        with dg.GradientTape() as inner:
            loss = _core.loss("categorical_crossentropy", Y, forward(WEIGHTS, X))
        grads = inner.gradient(loss, WEIGHTS)
        s = dg.ops.sum(dg.ops.square(grads[0]))
    outer.gradient(s, WEIGHTS)


def abandoned_step():
    """Recorded, never differentiated; once left open."""
    with dg.GradientTape(persistent=True):
        forward(WEIGHTS, X)
    dg.GradientTape().__enter__()


def failing_step():
    """Errors at every stage."""
    calls = [
        lambda: dg.ops.dense(X, WEIGHTS[2]),
        lambda: dg.constant(np.array(["a"])),
        lambda: WEIGHTS[0].assign(np.ones(3)),
        lambda: dg.ops.take(X, [99]),
        lambda: dg.constant([[1.0], [1.0, 2.0]]),
        lambda: _core.loss("sparse_categorical_crossentropy", [9] * 8, X),
    ]
    for call in calls:
        try:
            with dg.GradientTape() as tape:
                tape.watch(WEIGHTS)
                call()
        except (ValueError, TypeError, IndexError):
            pass
        else:
            raise AssertionError("no error")


def custom_step():
    def body(x):
        return x * x, lambda dy: (kept, 2.0 * x * dy)[1]

    x, kept = dg.constant(X), []
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.custom_gradient(body)(x)
    kept.append(tape)
    tape.gradient(y, x)


def failing_custom_step():
    x = dg.constant(X)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.custom_gradient(lambda a: (a * a, lambda dy: 1 / 0))(x)
    try:
        tape.gradient(y, x)
    except ZeroDivisionError:
        pass


def conversion_step():
    v = VARIABLE
    held = v.value
    v.assign(X[::-1])
    np.asarray(v)[0, 0] = 1
    dg.constant(X.astype(">f4"))
    dg.constant([[1, 2], [3, 4]])
    held[1:, ::2].numpy(), held[np.array([0, 1])], np.sum(held), str(held), float(held[0, 0])


def optimizer_step():
    with dg.GradientTape() as tape:
        loss = _core.loss("categorical_crossentropy", Y, forward(WEIGHTS, X))
    OPTIMIZER.apply_gradients(zip(tape.gradient(loss, WEIGHTS), WEIGHTS))


@pytest.mark.parametrize(
    "step,times",
    [(second_order_step, 3000), (abandoned_step, 6000), (failing_step, 3000), (custom_step, 6000),
     (failing_custom_step, 6000), (conversion_step, 6000), (optimizer_step, 3000)],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
def test_other_paths_keep_nothing(step, times):
    assert growth(step, times) <= ALLOWED


def test_a_leak_would_be_seen():
    """One small tensor kept per step is far beyond what is allowed."""
    kept = []
    assert growth(lambda: kept.append(dg.constant(X)), 6000) > ALLOWED


def test_results_do_not_alias_freed_or_reused_memory():
    """Gradients and values stay what they were while thousands of other tensors come and go."""
    w = network()
    with dg.GradientTape() as tape:
        y = forward(w, X)
        loss = _core.loss("categorical_crossentropy", Y, y)
    results = [*tape.gradient(loss, [*w, y, y.z]), y, loss]
    copies = [r.numpy() for r in results]
    for i in range(2000):
        junk = [dg.constant(np.full(r.shape, np.nan, "float32")) for r in results]
        tape_step()
        del junk
        if i % 100 == 0:
            assert all(np.array_equal(r.numpy(), c) for r, c in zip(results, copies, strict=True))


def test_the_collector_may_run_while_the_first_tape_of_a_class_is_made():
    """It then meets an object without a layout."""
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(20):
            x = dg.Variable(3.0)
            with type("OwnTape", (dg.GradientTape,), {})() as tape:
                y = x * x
            assert tape.gradient(y, x) == 6.0
    finally:
        gc.set_threshold(*before)
