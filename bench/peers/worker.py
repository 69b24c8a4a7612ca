"""What a peer's process does: reads commands as lines of JSON, answers each with one.

    prepare   case, data (.npz), answer (.npz to write)      builds the step and stores loss and gradients by name
    time      seconds                                        {"seconds_per_step": ...}

Before the first command it says what it is. Anything that the libraries print goes to stderr.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np

# Makes (step, names, array) from a case and its data. A step returns (loss, gradients), `names` are theirs, and
# `array(name, value)` makes a NumPy array of one.
Step = Callable[[], tuple[object, list[object]]]
Make = Callable[[dict, dict[str, np.ndarray]], tuple[Step, list[str], Callable]]


def serve(
    info: dict[str, str], make: Callable[[dict, dict[str, np.ndarray]], tuple[Step, list[str], Callable]]
) -> None:
    """Answer until the input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(message: dict) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    reply(info)
    step: Step | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["command"] == "prepare":
                with np.load(request["data"]) as arrays:
                    data = {name: arrays[name] for name in arrays.files}
                step, names, array = make(request["case"], data)
                loss, grads = step()
                answer = {n: array(n, value) for n, value in zip(["loss", *names], [loss, *grads], strict=True)}
                np.savez(request["answer"], **answer)
                reply({})
            else:
                reply({"seconds_per_step": _time(step, request["seconds"])})
        except Exception as error:  # the other side decides what it means
            reply({"error": f"{type(error).__name__}: {error}"})


def _time(step: Step, seconds: float) -> float:
    gc.collect()
    gc.disable()
    try:
        count = 1
        while True:
            start = time.perf_counter()
            for _ in range(count):
                step()
            elapsed = time.perf_counter() - start
            if elapsed >= seconds / 2:
                return elapsed / count
            count = max(2 * count, int(0.8 * count * seconds / max(elapsed, 1e-9)))
    finally:
        gc.enable()
