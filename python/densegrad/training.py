"""`fit`, `evaluate`, `predict` and the single steps, as Keras runs them."""

from __future__ import annotations

import warnings

import numpy as np

from densegrad import nest
from densegrad._core import Tensor, Variable
from densegrad.callbacks import CallbackList
from densegrad.callbacks.base import plain_logs
from densegrad.config import is_number
from densegrad.epochs import Epochs, Rows
from densegrad.preparing import Prepared, count, parts_of, positive, validates_after, verbosity
from densegrad.progress import Progress
from densegrad.running import over_batches


class Trainer(Prepared):
    """The part of `Model` that trains. Everything about the arguments is checked before the first step."""

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train for some epochs. The reported loss is the mean over samples of the batch losses before each update.

        Args:
            x: array of shape (n, ...), one row per sample; with several inputs a list or a dict (by name) of them. Or
                an iterable of batches: a generator, a `Dataset`, a `PyDataset`, a loader; a batch is `x`, `(x, y)` or
                `(x, y, sample_weight)`.
            y: labels, n rows; with several outputs a list or a dict of them.
            batch_size: positive int, 32 if None; the last batch may be shorter.
            epochs: int, the number of the last epoch.
            verbose: 0 silent, 1 a bar, 2 one line per epoch; "auto" means 1.
            callbacks: a `Callback` or a list of them.
            validation_split: the share of samples, in [0, 1), that is cut from the end to validate.
            validation_data: (x, y), (x, y, sample_weight) or an iterable of batches; before `validation_split`.
            shuffle: True (a new order each epoch), False, or "batch" (only inside each batch).
            class_weight: dict {class: weight}.
            sample_weight: n weights, (n,) or (n, 1), or one per value of the loss.
            initial_epoch: int, the number of the first epoch, from 0.
            steps_per_epoch: batches per epoch, None for all; the next epoch goes on where the last one ended. Arrays
                without a `batch_size` are cut into as many batches.
            validation_steps: the number of batches to validate on; None: all.
            validation_batch_size: `batch_size` if None.
            validation_freq: validate every so many epochs, or a list of the epochs (from 1) to validate after.

        Returns:
            A `History`: `.history` has a list with one float per epoch for "loss", every metric, and "val_" + each.

        Raises:
            TypeError, ValueError: for any argument that does not fit, before the first step.
            ValueError: if the model is not compiled.

        Source: Keras `Model.fit`.
        """
        epochs, initial_epoch = count("fit", "epochs", epochs), count("fit", "initial_epoch", initial_epoch)
        if not isinstance(shuffle, (bool, np.bool_, int, str)) or shuffle not in (True, False, "batch"):
            raise ValueError(f"[fit] `shuffle` is {shuffle!r}: it must be True, False or 'batch'.")
        if not is_number(validation_split) or not 0 <= validation_split < 1:
            raise ValueError(f"[fit] `validation_split` is {validation_split!r}: it must be in [0, 1).")
        validates, verbose = validates_after(validation_freq), verbosity("fit", verbose)
        steps = positive("fit", "steps_per_epoch", steps_per_epoch)
        val_steps = positive("fit", "validation_steps", validation_steps)
        size = positive("fit", "batch_size", batch_size)
        val_size = positive("fit", "validation_batch_size", validation_batch_size) or size
        source = self._source("fit", "train_step", x, y, sample_weight, class_weight, size, steps, shuffle)
        val = None
        if validation_data is not None:
            val = self._source(
                "fit validation_data", "test_step", *parts_of(validation_data), None, val_size, val_steps
            )
        elif validation_split:
            if not isinstance(source, Rows):
                raise ValueError("[fit] `validation_split` is given with an iterable of batches: split the iterable.")
            source, val = source.split(float(validation_split), val_size, val_steps)
        batches = Epochs(source, steps, "steps_per_epoch")
        val = None if val is None else Epochs(val, val_steps, "validation_steps")
        callbacks = _callbacks(callbacks, add_history=True)
        self._prepare("fit", "train_step", batches)
        if val is not None:
            self._prepare("fit", "test_step", val, batches)
        self._rehearse("train_step", batches)

        callbacks.start(self, verbose=verbose, epochs=epochs, steps=batches.steps)
        self.stop_training = False
        logs = None
        callbacks.on_train_begin()
        self._build_optimizer()
        with Progress(verbose, epochs) as progress:
            for epoch in range(initial_epoch, epochs):
                if not batches.begin():
                    warnings.warn(
                        f"[fit] `x` ran out of data before epoch {epoch + 1} of {epochs}: it should hold the batches "
                        "of all epochs, or be an iterable that starts anew.",
                        stacklevel=2,
                    )
                    break
                self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                progress.begin(epoch, batches.steps)
                logs = self._train_epoch(batches, callbacks, progress)
                if val is not None and validates(epoch + 1):
                    found = self._evaluate(val, callbacks)
                    logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
                progress.end(plain_logs(logs))
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        self.optimizer.finalize_variable_values(self.trainable_variables)
        callbacks.on_train_end(logs)
        return self.history

    def _train_epoch(self, batches, callbacks, progress):
        """Take one step on each batch of an epoch; return the logs of the epoch."""
        hooks = callbacks.hook("on_train_batch_begin"), callbacks.hook("on_train_batch_end")
        step = self._step("train_step")
        return self._logs(over_batches(step, batches, *hooks, progress, lambda: self.stop_training))

    def _logs(self, logs):
        """Return the logs of a pass: what the last step returned, or the metrics if it returned nothing."""
        return logs if isinstance(logs, dict) else self.get_metrics_result()

    def _evaluate(self, batches, callbacks, progress=None):
        begin, end = callbacks.hook("on_test_batch_begin"), callbacks.hook("on_test_batch_end")
        if not batches.begin(afresh=True):
            raise ValueError(f"[{batches.source.tag}] `x` has no batch: it must have at least one.")
        callbacks.on_test_begin()
        self.reset_metrics()
        step = self._step("test_step")
        logs = plain_logs(self._logs(over_batches(step, batches, begin, end, progress, lambda: False)))
        callbacks.on_test_end(logs)
        return logs

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """Return the loss and the metrics on `x`, `y`; arguments as for `fit`.

        Returns:
            A float, the loss; with metrics a list [loss, *metrics]; with `return_dict` a dict with sorted keys.

        Source: Keras `Model.evaluate`.
        """
        size, steps = positive("evaluate", "batch_size", batch_size), positive("evaluate", "steps", steps)
        verbose = verbosity("evaluate", verbose)
        source = self._source("evaluate", "test_step", x, y, sample_weight, None, size, steps)
        batches, callbacks = Epochs(source, steps), _callbacks(callbacks)
        self._prepare("evaluate", "test_step", batches)
        self._rehearse("test_step", batches)
        callbacks.start(self, verbose=verbose, epochs=1, steps=batches.steps)
        with Progress(verbose) as progress:
            progress.begin(0, batches.steps)
            logs = self._evaluate(batches, callbacks, progress)
            progress.end(logs)
        return self._results(logs, return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return the outputs for all rows of `x` as one NumPy array, (n, ...), for each output; arguments as for `fit`.

        Source: Keras `Model.predict`.
        """
        size, steps = positive("predict", "batch_size", batch_size), positive("predict", "steps", steps)
        verbose = verbosity("predict", verbose)
        source = self._source("predict", "predict_step", x, size=size, steps=steps)
        batches, callbacks = Epochs(source, steps), _callbacks(callbacks)
        if not batches.begin():
            raise ValueError("[predict] `x` has no batch: it must have at least one.")
        self._rehearse("predict_step", batches)
        callbacks.start(self, verbose=verbose, epochs=1, steps=batches.steps)
        outputs, predict = [], self._step("predict_step")
        callbacks.on_predict_begin()
        with Progress(verbose) as progress:
            progress.begin(0, batches.steps)
            for step, batch in enumerate(batches):
                callbacks.on_predict_batch_begin(step)
                outputs.append(_output("predict", predict(*batch)))
                progress.step({})
                callbacks.on_predict_batch_end(step, {"outputs": outputs[-1]})
            progress.end({})
        callbacks.on_predict_end()
        leaves = zip(*map(nest.flatten, outputs))
        return nest.pack_as(outputs[0], [np.concatenate(parts) for parts in leaves])

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Update the model on one batch and return its loss before the update, as `evaluate` returns results.

        Source: Keras `Model.train_on_batch`.
        """
        return self._on_batch("train_on_batch", "train_step", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Return the loss and the metrics of one batch, as `evaluate` does. Source: Keras `Model.test_on_batch`."""
        return self._on_batch("test_on_batch", "test_step", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x):
        """Return the outputs of one batch as a NumPy array. Source: Keras `Model.predict_on_batch`."""
        batches = Epochs(self._source("predict_on_batch", "predict_step", x, size=2**62))
        self._rehearse("predict_step", batches)
        return _output("predict_on_batch", self._step("predict_step")(*next(batches.source.batches())))

    def _on_batch(self, tag, name, x, y, sample_weight, class_weight, return_dict):
        batches = Epochs(self._source(tag, name, x, y, sample_weight, class_weight, 2**62))
        self._prepare(tag, name, batches)
        self._rehearse(name, batches)
        if name == "train_step":
            self._build_optimizer()
        self.reset_metrics()
        logs = self._step(name)(*next(batches.source.batches()))
        return self._results(plain_logs(self._logs(logs)), return_dict)

    def _results(self, logs, return_dict):
        """Return the dict of logs, or its values in Keras' order: those of `metrics`, then the others by name."""
        if return_dict:
            return logs
        names = dict.fromkeys(m.name for metric in self.metrics for m in getattr(metric, "metrics", (metric,)))
        values = [logs[name] for name in names if name in logs]
        values += [logs[name] for name in sorted(logs) if name not in names]
        return values[0] if len(values) == 1 else values


def _output(tag, y):
    if isinstance(y, (Tensor, Variable, np.ndarray)):
        return np.asarray(y)
    leaves = nest.flatten(y)
    for leaf in leaves:
        if not isinstance(leaf, (Tensor, Variable, np.ndarray)):
            raise TypeError(f"[{tag}] the model returns a {type(leaf).__name__}: it must return tensors.")
    return nest.pack_as(y, [np.asarray(leaf) for leaf in leaves])


def _callbacks(given, add_history=False):
    return given if isinstance(given, CallbackList) else CallbackList(given, add_history)
