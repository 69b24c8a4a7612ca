"""Tapes under strain: ten thousand operations deep, in several threads, dropped while open.

Asserted with exact values (small integers).
"""

from __future__ import annotations

import gc
import threading

import densegrad as dg
from densegrad import _core
from steps import cube_gradient


def test_ten_thousand_operations_deep():
    x = dg.constant(1.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x
        for _ in range(10_000):
            y = y + x
    assert float(y) == 10_001 and float(tape.gradient(y, x)) == 10_001
    del tape, y  # a recursive destructor would overflow the stack
    gc.collect()
    with dg.GradientTape() as outer:
        outer.watch(x)
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in range(5_000):
                y = y * x if i % 100 == 0 else -y
        g = tape.gradient(y, x)
    assert float(g) == 51 and float(outer.gradient(g, x)) == 51 * 50


def test_every_thread_has_its_own_open_tapes():
    errors, start = [], threading.Barrier(4)

    def work(k):
        try:
            start.wait()
            for i in range(200):
                x = dg.constant(float(k + 2))
                with dg.GradientTape() as tape:
                    tape.watch(x)
                    y = x * x + i
                assert float(tape.gradient(y, x)) == 2 * (k + 2)
        except BaseException as error:  # reported by the main thread
            errors.append(error)

    x = dg.constant(2.0)
    with dg.GradientTape() as tape:
        tape.watch(x)
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for t in threads:
            t.start()
        y = x * x
        seen = []
        thread = threading.Thread(target=lambda: seen.append((_core.recording(), x * x)))
        thread.start()
        for t in [*threads, thread]:
            t.join()
    assert not errors
    assert seen[0][0] is False and tape.gradient([y, seen[0][1]], x).item() == 4  # the other thread's x * x is unseen


def test_tape_entered_in_one_thread_may_be_left_in_another():
    tape, x = dg.GradientTape(), dg.constant(2.0)
    thread = threading.Thread(target=tape.__enter__)
    thread.start()
    thread.join()
    assert not _core.recording()
    tape.watch(x)
    tape.__exit__(None, None, None)
    assert cube_gradient() == 12
    thread = threading.Thread(target=lambda: dg.GradientTape().__enter__())  # dropped while open, its thread gone
    thread.start()
    thread.join()
    gc.collect()
    assert cube_gradient() == 12


def test_tape_dropped_while_open_closes():
    tape = dg.GradientTape()
    tape.__enter__()
    assert _core.recording()
    del tape
    gc.collect()
    assert not _core.recording()
