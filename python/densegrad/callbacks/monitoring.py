"""Callbacks that wait for a value to improve."""

from __future__ import annotations

import warnings

from densegrad import ops
from densegrad.callbacks.base import Callback
from densegrad.callbacks.simple import rate_of


class MonitorCallback(Callback):
    """Base of callbacks that compare a logged value with the best so far.

    Args:
        monitor: name of the value in the logs.
        mode: "min", "max", or "auto": the direction of the loss or of the metric of that name.
        baseline: the first best value; None takes the first value.
        min_delta: an improvement is larger than this.

    Source: Keras `callbacks.MonitorCallback`.
    """

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            name = type(self).__name__
            warnings.warn(f"[{name}] `mode` is {mode!r}, which is unknown: it is taken as 'auto'.", stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op = None

    def _set_monitor_op(self):
        """Choose the comparison; in mode "auto" the model must know its metrics."""
        direction = {"min": "down", "max": "up"}.get(self.mode) or self._inferred()
        if direction is None:
            raise ValueError(
                f"[{type(self).__name__}] `monitor` is {self.monitor!r}: whether it should rise or fall cannot be "
                "inferred from its name; pass `mode='max'` or `mode='min'`."
            )
        self.monitor_op = ops.greater if direction == "up" else ops.less
        if direction == "down":
            self.min_delta = -self.min_delta

    def _inferred(self):
        name = self.monitor.removeprefix("val_")
        direction = "down" if name == "loss" else None
        for metric in getattr(self.model, "metrics", ()):
            for inner in getattr(metric, "metrics", (metric,)):  # those of `compile` are behind one
                if inner.name == name:
                    direction = getattr(inner, "_direction", direction)
        return direction

    def _is_improvement(self, monitor_value, reference_value):
        if reference_value is None:
            return True
        return bool(self.monitor_op(monitor_value - self.min_delta, reference_value))


class EarlyStopping(MonitorCallback):
    """Ends training when a value has not improved for some epochs.

    Args:
        monitor, min_delta, mode: as for `MonitorCallback`.
        patience: the number of epochs without improvement.
        verbose: 1 prints what it does, 0 nothing.
        baseline: only a value better than this one ends the waiting.
        restore_best_weights: whether the model gets the weights of its best epoch at the end.
        start_from_epoch: the first epoch that counts, from 0.

    Attributes:
        stopped_epoch: the epoch after which training ended, else 0.
        best, best_epoch: the best value and its epoch.

    Source: Keras `callbacks.EarlyStopping`.
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.wait = 0
        self.stopped_epoch = 0
        self.restore_best_weights = restore_best_weights
        self.best_weights = None
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs=None):
        """Forget an earlier `fit`."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        """Look at the value."""
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)  # also where it is no better than the baseline
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch):
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs=None):
        """Restore the best weights, if asked."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs):
        """Return the value that is monitored, or warn and return None if the logs do not have it."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"[EarlyStopping] `monitor` is {self.monitor!r}, which is not available: the logs have "
                f"{','.join(logs or {})}.",
                stacklevel=3,
            )
        return value


class ReduceLROnPlateau(MonitorCallback):
    """learning_rate = max(learning_rate * factor, min_lr) when a value has not improved for some epochs.

    Args:
        monitor, mode, min_delta: as for `MonitorCallback`.
        factor: float below 1.
        patience: the number of epochs without improvement.
        verbose: 1 prints each change, 0 nothing.
        cooldown: the number of epochs after a change in which nothing is counted.
        min_lr: the smallest rate.

    Raises:
        ValueError: for a factor of 1 or more.

    Source: Keras `callbacks.ReduceLROnPlateau`.
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
        **kwargs,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"[ReduceLROnPlateau] `factor` is {factor}: it must be below 1.")
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs=None):
        """Forget an earlier `fit`."""
        self.best = None
        self.cooldown_counter = self.wait = 0

    def in_cooldown(self):
        """Return whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch, logs=None):
        """Put the rate into the logs, and change it if it is time."""
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        logs["learning_rate"] = rate_of(self.model.optimizer)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"[ReduceLROnPlateau] `monitor` is {self.monitor!r}, which is not available: the logs have "
                f"{','.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch):
        optimizer = self.model.optimizer
        old = rate_of(optimizer)
        if old <= self.min_lr:
            return False
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        return True
