"""What a peer's process does: reads commands as lines of JSON, answers each with one.

    prepare   case, data (.npz), answer (.npz to write)      {"first_call": seconds}; builds the step, stores loss and
                                                             gradients by name; of several calls the loss alone
    time      seconds                                        {"seconds_per_step": ...}
    memory                                                   {"peak": bytes since prepare, "before": bytes}, or {}

Before the first command it says what it is. Anything that the libraries print goes to stderr.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# Makes (step, names, array) from a case and its data. A step returns (loss, gradients), `names` are theirs, and
# `array(name, value)` makes a NumPy array of one, which waits for it where a library computes ahead.
Step = Callable[[], tuple[object, list[object]]]
Make = Callable[[dict, dict[str, np.ndarray]], tuple[Step, list[str], Callable]]


def rewinder(model, optimizer):
    """A function that puts weights, moments and step count of a Keras-like model back to what they are now."""
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    values = [np.array(v) for v in variables]

    def rewind():
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    return rewind


def serve(info: dict[str, str], make: Make) -> None:
    """Answer until the input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(message: dict) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    reply(info)
    step: Step | None = None
    array: Callable | None = None
    before: int | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["command"] == "prepare":
                step = None  # and with it what the last case held
                gc.collect()
                before = _forget_peak()
                with np.load(request["data"]) as arrays:
                    data = {name: arrays[name] for name in arrays.files}
                step, names, array = make(request["case"], data)
                answer, seconds = _answer(step, names, array, request["case"].get("calls"))
                np.savez(request["answer"], **answer)
                reply({"first_call": seconds})
            elif request["command"] == "memory":
                reply({} if before is None else {"peak": _memory("VmHWM"), "before": before})
            else:
                reply({"seconds_per_step": _time(step, array, request["seconds"])})
        except Exception as error:  # the other side decides what it means
            reply({"error": f"{type(error).__name__}: {error}"})


def _answer(step: Step, names: list[str], array: Callable, calls: int | None) -> tuple[dict[str, np.ndarray], float]:
    """Loss and gradients of one call, or the losses of several; and how long the first one took."""
    start = time.perf_counter()
    loss, grads = step()
    first = array("loss", loss)
    seconds = time.perf_counter() - start
    if calls is None:
        return {"loss": first, **{n: array(n, value) for n, value in zip(names, grads, strict=True)}}, seconds
    losses = [first, *(array("loss", step()[0]) for _ in range(calls - 1))]
    return {"loss": np.array(losses, np.float64)}, seconds


def _memory(key: str) -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(key + ":")[1].split()[0])


def _forget_peak() -> int | None:
    """Make the present memory the peak and return it; None where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _memory("VmRSS")
    except OSError:
        return None


def _time(step: Step, array: Callable, seconds: float) -> float:
    gc.collect()
    gc.disable()
    try:
        count = 1
        while True:
            start = time.perf_counter()
            for _ in range(count):
                loss, _grads = step()
            array("loss", loss)
            elapsed = time.perf_counter() - start
            if elapsed >= seconds / 2:
                return elapsed / count
            count = max(2 * count, int(0.8 * count * seconds / max(elapsed, 1e-9)))
    finally:
        gc.enable()
