"""Steps of a model as programs, and the run of a step over the batches of an epoch."""

from __future__ import annotations

import numpy as np

from densegrad import nest, programs
from densegrad.optimizers.options import OPTIONS
from densegrad.streams import pack_x_y_sample_weight

_SLICE = 0.05  # seconds between two looks at the progress bar and Ctrl-C


class Steps:
    """`train_step`, `test_step` and `predict_step` of a model as functions of (x, y, sample_weight).

    They are programs but where `compile` got `run_eagerly`. Another optimizer, other trainable variables, or another
    `compile` make new ones. Copies of a model begin without.
    """

    def __init__(self):
        self._made, self._state = {}, None

    def __reduce__(self):
        return Steps, ()

    def of(self, model, name):
        """Return the step `name` of `model`."""
        options = (getattr(model.optimizer, name, None) for name in OPTIONS)
        state = (model.optimizer, *options, *model.trainable_variables, *model._leaves()[1])
        if self._state is None or len(state) != len(self._state) or any(a is not b for a, b in zip(state, self._state)):
            self._made, self._state = {}, state
        if name not in self._made:
            self._made[name] = _step(model, name)
        return self._made[name]


def _step(model, name):
    def step(x, y, sample_weight):
        return getattr(model, name)(pack_x_y_sample_weight(x, y, sample_weight))

    step.__qualname__ = f"{type(model).__name__}.{name}"
    return step if model.run_eagerly else programs.function(step)


def over_batches(step, batches, begin, end, progress, stopped):
    """Run `step` on every batch of an epoch and return what the last one returned.

    Args:
        step: of `Steps`.
        batches: `Epochs` that began.
        begin, end: hooks around every batch, or None.
        progress: `Progress`, or None.
        stopped: function without arguments, whether to end after the batch.
    """
    logs, index = None, 0
    for batch in batches:
        if begin:
            begin(index)
        logs = step(*batch)
        if progress:
            progress.step(logs)
        if end:
            end(index, logs)
        index += 1
        if stopped():
            break
        if begin is None and end is None:
            logs = _whole_batches(step, batch, batches, progress, logs)
    return logs


def _whole_batches(step, batch, batches, progress, logs):
    """Run the batches that follow and are as long as `batch` without Python, where there are programs for them."""
    ahead, count = batches.ahead()
    if count < 1 or not hasattr(step, "programs"):
        return logs
    entry = programs.known(step, *batch)
    columns = [
        part for part in nest.flatten((ahead.data.x, ahead.data.y, ahead.data.sample_weight)) if part is not None
    ]
    if entry is None or not _fit(entry.program, columns):
        return logs
    while count:
        done, results = entry.program.run_rows(columns, ahead.order, ahead.first, count, _SLICE)
        batches.skip(done)
        count -= done
        logs = entry.packed(results)
        if progress:
            progress.step(logs, done)
    return logs


def _fit(program, columns):
    arguments = program.arguments
    return len(arguments) == len(columns) and all(
        type(column) is np.ndarray
        and column.dtype == dtype
        and column.flags.c_contiguous
        and column.shape[1:] == shape[1:]
        for column, (dtype, shape) in zip(columns, arguments)
    )
