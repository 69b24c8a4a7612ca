"""`fit`, `evaluate`, `predict` and the single steps, as Keras runs them."""

from __future__ import annotations

import numpy as np

from densegrad import nest
from densegrad._core import Tensor, Variable
from densegrad.callbacks import CallbackList
from densegrad.compiling import Compiled, pack
from densegrad.config import is_integer, is_number
from densegrad.data import Data
from densegrad.objective import OnOutput
from densegrad.progress import Progress


class Trainer(Compiled):
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
            x: array of shape (n, ...), one row per sample; with several inputs a list or a dict (by name) of them.
            y: labels, n rows; with several outputs a list or a dict of them.
            batch_size: positive int, 32 if None; the last batch may be shorter.
            epochs: int, the number of the last epoch.
            verbose: 0 silent, 1 a bar, 2 one line per epoch; "auto" means 1.
            callbacks: a `Callback` or a list of them.
            validation_split: the share of samples, in [0, 1), that is cut from the end to validate.
            validation_data: (x, y) or (x, y, sample_weight); it goes before `validation_split`.
            shuffle: True (a new order each epoch), False, or "batch" (only inside each batch).
            class_weight: dict {class: weight}.
            sample_weight: n weights, (n,) or (n, 1), or one per value of the loss.
            initial_epoch: int, the number of the first epoch, from 0.
            steps_per_epoch, validation_steps: not supported yet.
            validation_batch_size: `batch_size` if None.
            validation_freq: validate every so many epochs, or a list of the epochs (from 1) to validate after.

        Returns:
            A `History`: `.history` has a list with one float per epoch for "loss", every metric, and "val_" + each.

        Raises:
            TypeError, ValueError: for any argument that does not fit, before the first step.
            RuntimeError: if the model is not compiled.

        Source: Keras `Model.fit`.
        """
        _reject("fit", steps_per_epoch=steps_per_epoch, validation_steps=validation_steps)
        batch_size = _batch_size("fit", "batch_size", 32 if batch_size is None else batch_size)
        val_size = batch_size
        if validation_batch_size is not None:
            val_size = _batch_size("fit", "validation_batch_size", validation_batch_size)
        epochs, initial_epoch = _count("fit", "epochs", epochs), _count("fit", "initial_epoch", initial_epoch)
        if not isinstance(shuffle, (bool, np.bool_, int, str)) or shuffle not in (True, False, "batch"):
            raise ValueError(f"[fit] `shuffle` is {shuffle!r}: it must be True, False or 'batch'.")
        if not is_number(validation_split) or not 0 <= validation_split < 1:
            raise ValueError(f"[fit] `validation_split` is {validation_split!r}: it must be in [0, 1).")
        validation_split = float(validation_split)
        validates = _validates(validation_freq)
        data, val = Data("fit", x, y, sample_weight, class_weight, model=self), None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError("[fit] `validation_data` must be (x_val, y_val) or (x_val, y_val, sample_weight_val).")
            val = Data("fit validation_data", *validation_data, model=self)
        elif validation_split:
            data, val = data.split(validation_split)
        verbose = _verbose("fit", verbose)
        steps = -(-len(data) // batch_size)
        callbacks = CallbackList(callbacks, add_history=True)
        self._prepare("fit", (data, batch_size), *([] if val is None else [(val, val_size)]))

        callbacks.start(self, verbose=verbose, epochs=epochs, steps=steps)
        self.stop_training = False
        batch_begin, batch_end = callbacks.hook("on_train_batch_begin"), callbacks.hook("on_train_batch_end")
        logs = None
        callbacks.on_train_begin()
        with Progress(verbose, steps, epochs) as progress:
            for epoch in range(initial_epoch, epochs):
                self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                progress.begin(epoch)
                results = None
                for step, batch in enumerate(data.batches(batch_size, shuffle)):
                    if batch_begin:
                        batch_begin(step)
                    results = self.train_step(pack(*batch))
                    progress.step(lambda results=results: self._logs(results))
                    if batch_end:
                        batch_end(step, self._logs(results))
                    if self.stop_training:
                        break
                logs = self._logs(results)
                if val is not None and validates(epoch + 1):
                    results = self._evaluate(val, val_size, callbacks)
                    logs = dict(sorted({**logs, **{f"val_{name}": value for name, value in results.items()}}.items()))
                progress.end(logs)
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        self.optimizer.finalize_variable_values(self.trainable_variables)
        callbacks.on_train_end(logs)
        return self.history

    def _logs(self, results):
        """Return the values of the metrics with the dict that a step returned, if it did, on top; keys sorted."""
        if not isinstance(results, dict):
            return self.get_metrics_result()
        own = {name: float(value) for name, value in results.items()}
        return dict(sorted({**self.get_metrics_result(), **own}.items()))

    def _evaluate(self, data, batch_size, callbacks, progress=None):
        begin, end = callbacks.hook("on_test_batch_begin"), callbacks.hook("on_test_batch_end")
        callbacks.on_test_begin()
        self.reset_metrics()
        results = None
        for step, batch in enumerate(data.batches(batch_size)):
            if begin:
                begin(step)
            results = self.test_step(pack(*batch))
            if progress:
                progress.step(lambda results=results: self._logs(results))
            if end:
                end(step, self._logs(results))
        logs = self._logs(results)
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
        _reject("evaluate", steps=steps)
        batch_size = _batch_size("evaluate", "batch_size", 32 if batch_size is None else batch_size)
        verbose = _verbose("evaluate", verbose)
        data = Data("evaluate", x, y, sample_weight, model=self)
        count = -(-len(data) // batch_size)
        callbacks = CallbackList(callbacks)
        self._prepare("evaluate", (data, batch_size))
        callbacks.start(self, verbose=verbose, epochs=1, steps=count)
        with Progress(verbose, count) as progress:
            progress.begin(0)
            logs = self._evaluate(data, batch_size, callbacks, progress)
            progress.end(logs)
        return self._results(logs, return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return the outputs for all rows of `x` as one NumPy array, (n, ...); arguments as for `fit`.

        Source: Keras `Model.predict`.
        """
        _reject("predict", steps=steps)
        batch_size = _batch_size("predict", "batch_size", 32 if batch_size is None else batch_size)
        verbose = _verbose("predict", verbose)
        data = Data("predict", x, minimum=0, model=self)
        count = max(1, -(-len(data) // batch_size))
        callbacks = CallbackList(callbacks)
        callbacks.start(self, verbose=verbose, epochs=1, steps=count)
        outputs = []
        callbacks.on_predict_begin()
        with Progress(verbose, count) as progress:
            progress.begin(0)
            for step, (batch, _, _) in enumerate(data.batches(batch_size) if len(data) else [(data.x, None, None)]):
                callbacks.on_predict_batch_begin(step)
                outputs.append(_output("predict", self.predict_step(batch)))
                progress.step(dict)
                callbacks.on_predict_batch_end(step, {"outputs": outputs[-1]})
            progress.end({})
        callbacks.on_predict_end()
        leaves = zip(*map(nest.flatten, outputs))
        return nest.pack_as(outputs[0], [np.concatenate(parts) for parts in leaves])

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Update the model on one batch and return its loss before the update, as `evaluate` returns results.

        Source: Keras `Model.train_on_batch`.
        """
        return self._on_batch("train_on_batch", self.train_step, x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Return the loss and the metrics of one batch, as `evaluate` does. Source: Keras `Model.test_on_batch`."""
        return self._on_batch("test_on_batch", self.test_step, x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x):
        """Return the outputs of one batch as a NumPy array. Source: Keras `Model.predict_on_batch`."""
        return _output("predict_on_batch", self.predict_step(Data("predict_on_batch", x, minimum=0, model=self).x))

    def _on_batch(self, tag, step, x, y, sample_weight, class_weight, return_dict):
        data = Data(tag, x, y, sample_weight, class_weight, model=self)
        self._prepare(tag, (data, len(data)))
        self.reset_metrics()
        return self._results(self._logs(step(pack(data.x, data.y, data.sample_weight))), return_dict)

    def _results(self, logs, return_dict):
        if return_dict:
            return logs
        # Keras' order; it lists the metrics of several outputs by name.
        own = [name for name, m, _ in self._metric_objects if not isinstance(m, OnOutput)]
        names = [*(tracker.name for tracker in self._trackers()), *own]
        values = [logs[name] for name in [*names, *(name for name in logs if name not in names)]]
        return values if len(values) > 1 else values[0]


def _output(tag, y):
    if isinstance(y, (Tensor, Variable, np.ndarray)):
        return np.asarray(y)
    leaves = nest.flatten(y)
    for leaf in leaves:
        if not isinstance(leaf, (Tensor, Variable, np.ndarray)):
            raise TypeError(f"[{tag}] the model returns a {type(leaf).__name__}: it must return tensors.")
    return nest.pack_as(y, [np.asarray(leaf) for leaf in leaves])


def _reject(tag, **arguments):
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"[{tag}] `{name}` is not supported yet: every epoch visits each sample once.")


def _batch_size(tag, name, value):
    if not is_integer(value) or value < 1:
        raise ValueError(f"[{tag}] `{name}` is {value!r}: it must be a positive integer.")
    return int(value)


def _count(tag, name, value):
    if not is_integer(value) or value < 0:
        raise ValueError(f"[{tag}] `{name}` is {value!r}: it must be a non-negative integer.")
    return int(value)


def _verbose(tag, value):
    if not isinstance(value, (int, str, np.integer, np.bool_)) or value not in ("auto", 0, 1, 2):
        raise ValueError(f"[{tag}] `verbose` is {value!r}: it must be 'auto', 0, 1 or 2.")
    return 1 if value == "auto" else int(value)


def _validates(freq):
    if isinstance(freq, (list, tuple, set)):
        return lambda epoch: epoch in freq
    if not is_integer(freq) or freq < 1:
        raise ValueError(f"[fit] `validation_freq` is {freq!r}: it must be a positive integer or a list of epochs.")
    return lambda epoch: epoch % freq == 0
