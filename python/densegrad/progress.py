"""Progress of `fit`, `evaluate` and `predict` on the terminal: a tqdm bar if tqdm is installed, else lines."""

from __future__ import annotations

import time

from densegrad.callbacks.base import plain_logs
from densegrad.config import is_number


def format_logs(logs) -> str:
    """Return ` - name: value` for every entry, with 4 digits, in exponential form up to 0.001, as Keras prints them."""
    return "".join(f" - {name}: {_format(value)}" for name, value in logs.items())


def _format(value):
    if not is_number(value):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def format_time(seconds: float) -> str:
    """Return a duration per step with its unit, such as `35ms`."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


class Progress:
    """One pass after the other over batches.

    Args:
        verbose: 0 silent, 1 a bar per epoch (one line where tqdm is missing), 2 one line per epoch.
        epochs: if more than one, every epoch is announced.
        unit: what a step is called.
    """

    def __init__(self, verbose, epochs=1, unit="step"):
        self._verbose, self._epochs, self._unit = verbose, epochs, unit
        self._bar_class = None
        self._bar = None
        if verbose == 1:
            try:
                from tqdm import tqdm
            except ImportError:
                pass
            else:
                self._bar_class = tqdm

    def begin(self, epoch, steps):
        """Announce an epoch, counted from 0, of `steps` batches, None if that is not known."""
        self._start, self._done, self._steps = time.perf_counter(), 0, steps
        if not self._verbose:
            return
        title = f"Epoch {epoch + 1}/{self._epochs}" if self._epochs > 1 else ""
        if self._bar_class is not None:
            self._bar = self._bar_class(total=steps, desc=title or None, unit=self._unit, dynamic_ncols=True)
        elif title:
            print(title, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def close(self):
        """Leave the bar as it is; after an error it would go on refreshing."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def step(self, logs, count=1):
        """Count `count` batches; `logs` are the values so far."""
        self._done += count
        if self._bar is not None and self._bar.update(count):
            self._bar.set_postfix_str(format_logs(plain_logs(logs)).removeprefix(" - "), refresh=False)

    def end(self, logs):
        """Show the values of the whole pass."""
        if not self._verbose:
            return
        if self._bar is not None:
            self._bar.set_postfix_str(format_logs(logs).removeprefix(" - "), refresh=True)
            self.close()
            return
        seconds = time.perf_counter() - self._start
        per_step = format_time(seconds / max(self._done, 1))
        print(
            f"{self._done}/{self._steps or self._done} - {seconds:.0f}s - {per_step}/{self._unit}{format_logs(logs)}",
            flush=True,
        )
