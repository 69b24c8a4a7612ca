"""`ModelCheckpoint`: saves the model while it trains."""

from __future__ import annotations

import os
import warnings

from densegrad.callbacks.monitoring import MonitorCallback
from densegrad.config import is_integer


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or batches, with the model's own `save` or `save_weights`.

    Args:
        filepath: path of the file; `{epoch}`, `{batch}` and the names of logs in braces are replaced by their values.
            It ends in `.weights.h5` if `save_weights_only`, else in `.keras` or `.h5`.
        monitor, mode: as for `MonitorCallback`.
        verbose: 1 prints what it does, 0 nothing.
        save_best_only: whether to save only when the value has improved.
        save_weights_only: whether to call `model.save_weights(path, overwrite=True)` instead of `model.save`.
        save_freq: "epoch", or the number of batches after which to save.
        initial_value_threshold: the first best value.

    Raises:
        ValueError: for another end of `filepath`, or another `save_freq`.
        NotImplementedError: in `fit`, if the model does not have the method.

    Source: Keras `callbacks.ModelCheckpoint`.
    """

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._current_epoch = self._batches = 0
        if save_freq != "epoch" and not is_integer(save_freq):
            raise ValueError(f"[ModelCheckpoint] `save_freq` is {save_freq!r}: it must be 'epoch' or an integer.")
        ends = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(ends):
            raise ValueError(f"[ModelCheckpoint] `filepath` is {self.filepath!r}: it must end in {' or '.join(ends)}.")

    def set_model(self, model):
        """Receive the model, which must have the method that saves."""
        method = "save_weights" if self.save_weights_only else "save"
        if not hasattr(model, method):
            raise NotImplementedError(
                f"[ModelCheckpoint] `{type(model).__name__}` has no method `{method}(path, overwrite)`: densegrad "
                "writes no files of weights yet; define it, for instance with `numpy.savez`, or take "
                "`EarlyStopping(restore_best_weights=True)`."
            )
        super().set_model(model)

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self._current_epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Save after every `save_freq` batches."""
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            if self.monitor_op is None:
                self._set_monitor_op()
            self._save(self._current_epoch, batch, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        """Save after the epoch."""
        if self.monitor_op is None:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch, batch, logs):
        names = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            path = self.filepath.format(**names)
        except KeyError as error:
            raise KeyError(
                f"[ModelCheckpoint] `filepath` is {self.filepath!r}: {error} is none of {', '.join(names)}."
            ) from None
        if not self._should_save(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise OSError(f"[ModelCheckpoint] `filepath` is {path!r}, a directory: it must name a file.")
        if folder := os.path.dirname(path):
            os.makedirs(folder, exist_ok=True)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path, overwrite=True)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _should_save(self, epoch, logs, path):
        current = logs.get(self.monitor)
        text = f"saving model to {path}"
        if self.save_best_only and current is None:
            warnings.warn(
                f"[ModelCheckpoint] `monitor` is {self.monitor!r}, which is not available: every model is saved.",
                stacklevel=2,
            )
        elif self.save_best_only:
            best = "None" if self.best is None else f"{self.best:.5f}"
            better = self._is_improvement(current, self.best)
            text = f"{self.monitor} improved from {best} to {current:.5f}, {text}"
            if better:
                self.best = current
            else:
                text = f"{self.monitor} did not improve from {best}"
            if self.verbose > 0:
                print(f"\nEpoch {epoch + 1}: {text}")
            return better
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: {text}")
        return True
