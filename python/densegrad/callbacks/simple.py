"""Callbacks that need no memory of a best value: rates, logs in a file, functions, a stop at NaN."""

from __future__ import annotations

import collections.abc
import csv
import math
import os

from densegrad.callbacks.base import Callback


def rate_of(optimizer) -> float:
    """Return the learning rate of `optimizer` now, as a float."""
    return float(optimizer.learning_rate)


class LearningRateScheduler(Callback):
    """At the begin of every epoch: learning_rate = schedule(epoch, learning_rate).

    Args:
        schedule: function of the epoch, an int from 0, and the rate, a float; or of the epoch alone. Returns a float.
        verbose: 1 prints each change, 0 nothing.

    Raises:
        ValueError: in `fit`, if `schedule` returns no float.

    Source: Keras `callbacks.LearningRateScheduler`.
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Set the rate."""
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, rate_of(optimizer))
        except TypeError:  # a function of the epoch alone
            rate = self.schedule(epoch)
        if not isinstance(rate, float) and str(getattr(rate, "dtype", "")) != "float32":
            raise ValueError(f"[LearningRateScheduler] `schedule` returned {rate!r}: it should be a float.")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        """Put the rate into the logs."""
        if logs is not None:
            logs["learning_rate"] = rate_of(self.model.optimizer)


class CSVLogger(Callback):
    """Writes one line per epoch to a CSV file: the epoch, and the logs in sorted order.

    Args:
        filename: path of the file.
        separator: between the columns.
        append: whether to go on in an existing file; else it is overwritten.

    Source: Keras `callbacks.CSVLogger`.
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.writer = self.keys = self.csv_file = None
        self.append_header = True

    def on_train_begin(self, logs=None):
        """Open the file."""
        if self.append and os.path.exists(self.filename):
            self.append_header = os.path.getsize(self.filename) == 0
        self._close()
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="")
        self.keys = None

    def on_epoch_end(self, epoch, logs=None):
        """Write a line."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):  # a later epoch may validate
                self.keys += [f"val_{key}" for key in self.keys]
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep)
            if self.append_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        """Close the file."""
        self._close()

    def _close(self):
        if self.csv_file is not None:
            self.csv_file.close()
        self.writer = self.csv_file = None


def _cell(value):
    if isinstance(value, str) or not isinstance(value, collections.abc.Iterable) or getattr(value, "ndim", 1) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end: functions of (epoch, logs).
        on_train_begin, on_train_end: functions of (logs).
        on_train_batch_begin, on_train_batch_end: functions of (batch, logs).
        **kwargs: any other hook by its name, and attributes.

    Source: Keras `callbacks.LambdaCallback`.
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **kwargs,
    ):
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        self.__dict__.update(kwargs, **{name: hook for name, hook in hooks.items() if hook is not None})


class TerminateOnNaN(Callback):
    """Ends training after the batch whose loss is NaN or infinite.

    Args:
        raise_error: whether to raise instead.

    Raises:
        RuntimeError: in `fit`, at such a loss, if `raise_error`.

    Source: Keras `callbacks.TerminateOnNaN`.
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"[TerminateOnNaN] the loss is {loss} at batch {batch}: NaN or Inf loss encountered, training ends."
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
