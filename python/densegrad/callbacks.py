"""Callbacks: code that `fit`, `evaluate` and `predict` run at fixed moments, by Keras' names."""

from __future__ import annotations

__all__ = ["Callback", "CallbackList", "History"]


class Callback:
    """Base of callbacks: override the hooks you need. `self.model` and `self.params` are set before the first one.

    `logs` is a dict of floats with sorted keys. Setting `self.model.stop_training = True` ends `fit` after the batch.

    Source: Keras `callbacks.Callback`.
    """

    def __init__(self):
        self.params = None
        self._model = None

    @property
    def model(self):
        """The model that runs."""
        return self._model

    def set_params(self, params):
        """Receive {"verbose", "epochs", "steps"}."""
        self.params = params

    def set_model(self, model):
        """Receive the model."""
        self._model = model

    def on_batch_begin(self, batch, logs=None):
        """Run at the begin of a training batch; `on_train_batch_begin` calls it."""

    def on_batch_end(self, batch, logs=None):
        """Run at the end of a training batch; `on_train_batch_end` calls it."""

    def on_epoch_begin(self, epoch, logs=None):
        """Run at the begin of an epoch, counted from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """Run at the end of an epoch; `logs` has the validation results too, as `val_...`."""

    def on_train_begin(self, logs=None):
        """Run at the begin of `fit`."""

    def on_train_end(self, logs=None):
        """Run at the end of `fit`; `logs` is that of the last epoch."""

    def on_train_batch_begin(self, batch, logs=None):
        """Run at the begin of a training batch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """Run at the end of a training batch; `logs` has the means so far in this epoch."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs=None):
        """Run at the begin of `evaluate` or validation."""

    def on_test_end(self, logs=None):
        """Run at the end of `evaluate` or validation."""

    def on_test_batch_begin(self, batch, logs=None):
        """Run at the begin of an evaluation batch."""

    def on_test_batch_end(self, batch, logs=None):
        """Run at the end of an evaluation batch."""

    def on_predict_begin(self, logs=None):
        """Run at the begin of `predict`."""

    def on_predict_end(self, logs=None):
        """Run at the end of `predict`."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Run at the begin of a prediction batch."""

    def on_predict_batch_end(self, batch, logs=None):
        """Run at the end of a prediction batch; `logs` is {"outputs": ...}."""


class History(Callback):
    """What `fit` returns: `history`, a dict of lists with one float per epoch, and `epoch`, the epoch numbers.

    Source: Keras `callbacks.History`.
    """

    def __init__(self):
        super().__init__()
        self.history = {}
        self.epoch = []

    def on_train_begin(self, logs=None):
        """Start empty epochs; the values of an earlier `fit` stay with its own History."""
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        """Append the values of this epoch."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
        if self.model is not None:
            self.model.history = self


class CallbackList:
    """Several callbacks called as one, in order.

    Args:
        callbacks: a `Callback`, a list of them, or None.
        model: what they receive.
        add_history: whether to add a `History` unless there is one.
        **params: what they receive as `params`.

    Raises:
        TypeError: if an entry is not a `Callback`.

    Source: Keras `callbacks.CallbackList`.
    """

    def __init__(self, callbacks=None, model=None, add_history=False, **params):
        if callbacks is None:
            callbacks = []
        elif isinstance(callbacks, Callback):
            callbacks = [callbacks]
        elif not isinstance(callbacks, (list, tuple)):
            raise TypeError(f"[callbacks] `callbacks` is {callbacks!r}: it must be a Callback or a list of them.")
        self.callbacks = list(callbacks)
        for i, callback in enumerate(self.callbacks):
            if not isinstance(callback, Callback):
                raise TypeError(f"[callbacks] `callbacks[{i}]` is {callback!r}: it must be an instance of Callback.")
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if add_history and self.history is None:
            self.history = History()
            self.callbacks.append(self.history)
        self._model, self._params = model, params

    def start(self):
        """Give the callbacks their model and params; a separate step, so that an argument error changes nothing."""
        for callback in self.callbacks:
            callback.set_model(self._model)
            callback.set_params(self._params)

    def hook(self, name):
        """Return a function that calls the hook `name` of all callbacks that define it, or None if none does."""
        base = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}.get(name, name)
        active = [
            getattr(c, name)
            for c in self.callbacks
            if any(getattr(type(c), n) is not getattr(Callback, n) for n in (name, base))
        ]
        if not active:
            return None

        def call(*args, **kwargs):
            for function in active:
                function(*args, **kwargs)

        return call

    def __getattr__(self, name):
        if name.startswith("on_"):
            return self.hook(name) or _nothing
        raise AttributeError(name)


def _nothing(*args, **kwargs):
    pass
