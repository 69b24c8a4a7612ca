"""`Callback` with all of its hooks, `History`, and `CallbackList`, which calls several as one."""

from __future__ import annotations


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


class CallbackList(Callback):
    """Several callbacks called as one, in order; every `logs` reaches them as a dict of floats with sorted keys.

    Args:
        callbacks: a `Callback`, a list of them (nested or not), or None.
        add_history: whether to add a `History` unless there is one.
        add_progbar: accepted for Keras' sake, without effect: `fit` shows its progress itself.
        model: what the callbacks receive as `model`; None gives them none yet.
        **params: what they receive as `params`.

    Raises:
        TypeError: if an entry is not a `Callback`.

    Source: Keras `callbacks.CallbackList`.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        self.callbacks = _flat(callbacks)
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if add_history and self.history is None:
            self.history = History()
            self.callbacks.append(self.history)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def set_params(self, params):
        """Give all callbacks the params."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        """Give all callbacks the model, and the model the `History`."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)
        if self.history is not None:
            model.history = self.history

    def start(self, model, **params):
        """Give the callbacks a model and params; a step of its own, so that an error in an argument changes nothing."""
        self.set_model(model)
        self.set_params(params)

    def hook(self, name):
        """Return a function that calls the hook `name` of all callbacks that define it, or None if none does."""
        base = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}.get(name, name)
        active = [getattr(c, name) for c in self.callbacks if _defines(c, name) or _defines(c, base)]
        if not active:
            return None
        numbered = "batch" in name or "epoch" in name

        def call(*args, logs=None):
            if len(args) > numbered:
                *args, logs = args
            logs = plain_logs(logs)
            for function in active:
                function(*args, logs)

        return call


def _hook(name):
    def call(self, *args, **kwargs):
        found = self.hook(name)
        if found is not None:
            found(*args, **kwargs)

    call.__name__, call.__doc__ = name, getattr(Callback, name).__doc__
    return call


for _name in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _name, _hook(_name))


def plain_logs(logs):
    """Return `logs` as a dict with sorted keys, numbers as floats, dicts inside it merged into it; None is empty."""
    found = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            found.update(plain_logs(value))
            continue
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            found[name] = value
    return found


def _flat(callbacks):
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback):
        return [callbacks]
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"[callbacks] `callbacks` is {callbacks!r}: it must be a Callback or a list of them.")
    found = []
    for i, callback in enumerate(callbacks):
        if isinstance(callback, (list, tuple)):
            found += _flat(callback)
        elif isinstance(callback, Callback):
            found.append(callback)
        else:
            raise TypeError(f"[callbacks] `callbacks[{i}]` is {callback!r}: it must be an instance of Callback.")
    return found


def _defines(callback, name):
    hook = getattr(callback, name)
    return getattr(hook, "__func__", hook) is not getattr(Callback, name)
