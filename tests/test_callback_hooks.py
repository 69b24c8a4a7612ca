"""When the hooks of callbacks run, and what they get."""

from __future__ import annotations

import densegrad as dg
from densegrad import callbacks
from training_cases import features, labels, make


def test_callbacks_in_order():
    calls = []

    class Log(callbacks.Callback):
        def __getattribute__(self, name):
            return super().__getattribute__(name)

    def recorder(name):
        def hook(self, *args, logs=None):
            if args and isinstance(args[-1], (dict, type(None))):
                *args, logs = args
            calls.append((name, *args, sorted(logs)))

        return hook

    for name in [
        n for n in vars(callbacks.Callback) if n.startswith("on_") and n not in ("on_batch_begin", "on_batch_end")
    ]:
        setattr(Log, name, recorder(name))
    log = Log()
    model = make(dg)
    model.fit(features(), labels("sparse"), validation_split=0.2, verbose=0, callbacks=log)
    keys = ["accuracy", "loss"]
    assert log.model is model and log.params == {"verbose": 0, "epochs": 1, "steps": 2}
    assert calls == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_begin", 0, []),
        ("on_train_batch_end", 0, keys),
        ("on_train_batch_begin", 1, []),
        ("on_train_batch_end", 1, keys),
        ("on_test_begin", []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, keys),
        ("on_test_end", keys),
        ("on_epoch_end", 0, [*keys, "val_accuracy", "val_loss"]),
        ("on_train_end", [*keys, "val_accuracy", "val_loss"]),
    ]
    calls.clear()
    model.predict(features(3), verbose=0, callbacks=[log])
    assert [c[0] for c in calls] == [
        "on_predict_begin",
        "on_predict_batch_begin",
        "on_predict_batch_end",
        "on_predict_end",
    ]


def test_stop_training():
    class Stop(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = make(dg)
    history = model.fit(features(), labels("sparse"), batch_size=10, epochs=9, verbose=0, callbacks=[Stop()])
    assert len(history.epoch) == 1 and int(model.optimizer.iterations) == 2
    assert model.history is history
