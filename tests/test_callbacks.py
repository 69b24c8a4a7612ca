"""Callbacks: each one does on given logs what Keras' does, and what it says in a `fit`."""

from __future__ import annotations

import csv
import types

import densegrad as dg
import numpy as np
import pytest
from densegrad import callbacks


class Optimizer:
    """What callbacks know of an optimizer."""

    def __init__(self):
        self.learning_rate = 0.5


class Model:
    """What callbacks know of a model; it counts the epochs in its one weight."""

    def __init__(self, lib):
        self.optimizer, self.stop_training, self.epoch = Optimizer(), False, 0
        self.metrics = [lib.metrics.Mean(name="loss")]

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        self.epoch = weights[0]


def run(lib, callback, values, monitor):
    """Drive `callback` over epochs whose logs hold `values`; return what it did."""
    model, seen = Model(lib), []
    chain = lib.callbacks.CallbackList([callback], model=model, epochs=len(values))
    chain.on_train_begin()
    for epoch, value in enumerate(values):
        chain.on_epoch_begin(epoch)
        model.epoch = epoch
        logs = {} if value is None else {monitor: value}
        chain.on_epoch_end(epoch, logs)
        seen.append((getattr(callback, "wait", None), getattr(callback, "best", None), model.optimizer.learning_rate))
        if model.stop_training:
            break
    chain.on_train_end({})
    return seen, model.epoch, model.stop_training, getattr(callback, "stopped_epoch", None)


MONITORS = [
    ("EarlyStopping", {}),
    ("EarlyStopping", {"patience": 2, "restore_best_weights": True}),
    ("EarlyStopping", {"patience": 3, "min_delta": 0.3, "mode": "min"}),
    ("EarlyStopping", {"patience": 2, "mode": "max", "restore_best_weights": True, "min_delta": 0.1}),
    ("EarlyStopping", {"patience": 3, "baseline": 0.2, "restore_best_weights": True}),
    ("EarlyStopping", {"patience": 3, "start_from_epoch": 4, "restore_best_weights": True}),
    ("ReduceLROnPlateau", {"patience": 1}),
    ("ReduceLROnPlateau", {"patience": 2, "factor": 0.5, "cooldown": 2, "min_lr": 0.1}),
    ("ReduceLROnPlateau", {"patience": 2, "mode": "max", "min_delta": 0.2, "factor": 0.25}),
]


@pytest.mark.parametrize(("name", "options"), MONITORS, ids=str)
def test_what_monitors_does_as_in_keras(name, options, seed):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng([seed, 1])
    for _ in range(5):
        values = [float(v) for v in rng.random(12).astype(np.float32)]
        results = []
        for lib in (dg, keras):
            results.append(run(lib, getattr(lib.callbacks, name)(monitor="loss", **options), values, "loss"))
        ours, theirs = results
        # Learning rates are products in float64 on both sides; the rest are the given numbers.
        assert ours == theirs


def test_a_missing_value_warns_and_changes_nothing():
    for callback in (callbacks.EarlyStopping("val_loss"), callbacks.ReduceLROnPlateau("val_loss", patience=1)):
        with pytest.warns(UserWarning) as found:
            seen, _, stopped, _ = run(dg, callback, [1.0] * 3, "loss")
        assert not stopped and seen[-1][2] == 0.5
        text = f"[{type(callback).__name__}] `monitor` is 'val_loss', which is not available: the logs have "
        assert all(str(w.message).startswith(text + "l") for w in found) and len(found) == 3


def test_direction_is_inferred_or_asked_for():
    model = dg.Sequential([dg.layers.Dense(1)])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy", lambda t, p: p])
    x, y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    stop = callbacks.EarlyStopping("accuracy")
    model.fit(x, y, verbose=0, callbacks=[stop])
    assert stop.monitor_op is dg.ops.greater
    with pytest.raises(ValueError) as info:
        model.fit(x, y, verbose=0, callbacks=[callbacks.EarlyStopping("lambda")])
    assert str(info.value) == (
        "[EarlyStopping] `monitor` is 'lambda': whether it should rise or fall cannot be inferred from its name; pass "
        "`mode='max'` or `mode='min'`."
    )
    with pytest.warns(UserWarning) as found:
        assert callbacks.MonitorCallback(mode="up").mode == "auto"
    assert str(found[0].message) == ("[MonitorCallback] `mode` is 'up', which is unknown: it is taken as 'auto'.")


def trained(callback, epochs=3, **options):
    model = dg.Sequential([dg.layers.Input((2,)), dg.layers.Dense(1)])
    model.compile(dg.optimizers.SGD(0.5), "mse")
    x = np.array([[1, 2], [3, 4]], np.float32)
    history = model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=callback, **options)
    return model, history


def test_learning_rate_scheduler(capsys):
    model, history = trained(callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1))
    assert history.history["learning_rate"] == [0.25, 0.125, 0.0625] and float(model.optimizer.learning_rate) == 0.0625
    assert capsys.readouterr().out.splitlines()[1] == ("Epoch 1: LearningRateScheduler setting learning rate to 0.25.")
    _, history = trained([callbacks.LearningRateScheduler(lambda epoch: 0.5 ** (epoch + 1))])
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    with pytest.raises(ValueError) as info:
        trained(callbacks.LearningRateScheduler(lambda epoch, rate: "fast"))
    assert str(info.value) == "[LearningRateScheduler] `schedule` returned 'fast': it should be a float."


def test_reduce_lr_on_plateau_in_fit(capsys):
    plateau = callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1e9, factor=0.5, verbose=1)
    model, history = trained([plateau])
    assert history.history["learning_rate"] == [0.5, 0.5, 0.25] and float(model.optimizer.learning_rate) == 0.125
    assert "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25." in capsys.readouterr().out
    with pytest.raises(ValueError) as info:
        callbacks.ReduceLROnPlateau(factor=1.0)
    assert str(info.value) == "[ReduceLROnPlateau] `factor` is 1.0: it must be below 1."


def test_early_stopping_in_fit_restores_the_best_epoch(capsys):
    weights = []
    note = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(note.model.get_weights()))
    stop = callbacks.EarlyStopping("loss", patience=2, mode="max", restore_best_weights=True, verbose=1)
    model = dg.Sequential([dg.layers.Input((2,)), dg.layers.Dense(1)])
    model.compile(dg.optimizers.SGD(1e-3), "mse")
    x = np.array([[1, 2], [3, 4]], np.float32)
    history = model.fit(x, x[:, :1] + 9, epochs=9, verbose=0, callbacks=[note, stop])
    assert len(history.epoch) == 3 and stop.stopped_epoch == 2 and stop.best_epoch == 0
    for a, b, last in zip(model.get_weights(), weights[0], weights[2]):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, last)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 3: early stopping",
        "Restoring model weights from the end of the best epoch: 1.",
    ]


@pytest.mark.parametrize("lib", ["densegrad", "keras"])
def test_csv_logger(lib, tmp_path):
    lib = pytest.importorskip(lib)
    path = tmp_path / "log.csv"
    logger = lib.callbacks.CSVLogger(path, separator=";")
    run(lib, logger, [0.5, 0.25], "loss")
    run(lib, lib.callbacks.CSVLogger(str(path), separator=";", append=True), [0.125, None], "loss")
    with open(path, newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert rows == [
        ["epoch", "loss", "val_loss"],
        ["0", "0.5", "NA"],
        ["1", "0.25", "NA"],
        ["0", "0.125", "NA"],
        ["1", "NA", "NA"],
    ]
    assert logger.csv_file is None or logger.csv_file.closed


def test_csv_logger_of_values_that_are_no_numbers(tmp_path):
    logger = callbacks.CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"a": np.array([1, 2]), "b": "text", "val_c": np.array(3)})
    logger.on_train_end()
    assert (tmp_path / "log.csv").read_text().splitlines()[1] == '0,"""[1, 2]""",text,3'


def test_lambda_callback():
    calls = []
    hooks = ["on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end", "on_test_batch_end"]
    given = {name: lambda index, logs, name=name: calls.append((name, index, *logs)) for name in hooks}
    given |= {name: lambda logs, name=name: calls.append((name, *logs)) for name in ("on_train_begin", "on_train_end")}
    x = np.ones((1, 2), np.float32)
    trained(callbacks.LambdaCallback(**given, colour="red"), epochs=1, validation_data=(x, x[:, :1]))
    assert calls == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0, "loss"),
        ("on_test_batch_end", 0, "loss"),
        ("on_epoch_end", 0, "loss", "val_loss"),
        ("on_train_end", "loss", "val_loss"),
    ]
    assert callbacks.LambdaCallback(colour="red").colour == "red"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_terminate_on_nan(value, capsys):
    model = dg.Sequential([dg.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((8, 2), np.float32)
    y = np.where(np.arange(8) < 4, 1, value)[:, None]
    history = model.fit(x, y, 2, 5, verbose=0, shuffle=False, callbacks=callbacks.TerminateOnNaN())
    assert len(history.epoch) == 1 and int(model.optimizer.iterations) == 3
    assert capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError) as info:
        model.fit(x[4:], y[4:], verbose=0, callbacks=callbacks.TerminateOnNaN(raise_error=True))
    assert str(info.value) == (
        f"[TerminateOnNaN] the loss is {model.fit(x[4:], y[4:], verbose=0).history['loss'][0]} at batch 0: NaN or Inf "
        "loss encountered, training ends."
    )


class Saving(dg.Model):
    """A model that writes its weights with NumPy."""

    def __init__(self):
        super().__init__()
        self.d, self.saved = dg.layers.Dense(1), []

    def call(self, x):
        return self.d(x)

    def save_weights(self, filepath, overwrite=True):
        """Note the path, and write an archive."""
        self.saved.append(filepath.rpartition("/")[2])
        with open(filepath, "wb") as file:
            np.savez(file, *self.get_weights())


def test_model_checkpoint(tmp_path, capsys):
    x = np.ones((6, 2), np.float32)
    model = Saving()
    model.compile(dg.optimizers.SGD(1e-3), "mse")
    best = {"monitor": "loss", "save_best_only": True, "save_weights_only": True}
    cases = [
        ({"save_weights_only": True}, ["1", "2", "3"]),
        (best, ["1", "2", "3"]),
        (best | {"mode": "max", "verbose": 1}, ["1"]),
        (best | {"initial_value_threshold": 0.0}, []),
        ({"save_weights_only": True, "save_freq": 4}, ["2", "3"]),
    ]
    for options, epochs in cases:
        model.saved.clear()
        path = str(tmp_path / "new" / "w{epoch}.weights.h5")
        model.fit(x, x[:, :1] + 9, 2, 3, verbose=0, callbacks=callbacks.ModelCheckpoint(path, **options))
        assert model.saved == [f"w{epoch}.weights.h5" for epoch in epochs], options
    printed = capsys.readouterr().out
    assert "Epoch 1: loss improved from None to " in printed and "Epoch 3: loss did not improve from " in printed
    callback = callbacks.ModelCheckpoint(tmp_path / "last.weights.h5", save_weights_only=True)
    model.fit(x, x[:, :1] + 9, verbose=0, callbacks=callback)
    with np.load(tmp_path / "last.weights.h5") as kept:
        np.testing.assert_array_equal(kept["arr_0"], model.get_weights()[0])


def test_model_checkpoint_errors(tmp_path):
    missing = (
        "[ModelCheckpoint] `Sequential` has no method `save_weights(path, overwrite)`: densegrad writes no files of "
        "weights yet; define it, for instance with `numpy.savez`, or take `EarlyStopping(restore_best_weights=True)`."
    )
    with pytest.raises(NotImplementedError) as info:
        trained(callbacks.ModelCheckpoint("a.weights.h5", save_weights_only=True))
    assert str(info.value) == missing
    cases = [
        (lambda: callbacks.ModelCheckpoint("a.h5", save_weights_only=True), ValueError,
         "[ModelCheckpoint] `filepath` is 'a.h5': it must end in .weights.h5."),
        (lambda: callbacks.ModelCheckpoint("a"), ValueError,
         "[ModelCheckpoint] `filepath` is 'a': it must end in .keras or .h5."),
        (lambda: callbacks.ModelCheckpoint("a.keras", save_freq="batch"), ValueError,
         "[ModelCheckpoint] `save_freq` is 'batch': it must be 'epoch' or an integer."),
    ]  # fmt: skip
    for call, error, text in cases:
        with pytest.raises(error) as info:
            call()
        assert str(info.value) == text
    x, model = np.ones((6, 2), np.float32), Saving()
    model.compile("sgd", "mse")
    folder = tmp_path / "f.weights.h5"
    folder.mkdir()
    for path, error, text in (
        (folder, OSError, f"[ModelCheckpoint] `filepath` is {str(folder)!r}, a directory: it must name a file."),
        ("{lost}.weights.h5", KeyError, "[ModelCheckpoint] `filepath` is '{lost}.weights.h5': 'lost' is none of epoch, "
         "loss."),
    ):  # fmt: skip
        with pytest.raises(error) as info:
            model.fit(x, x, verbose=0, callbacks=callbacks.ModelCheckpoint(path, save_weights_only=True))
        assert info.value.args[0] == text
    with pytest.warns(UserWarning) as found:
        path = tmp_path / "g.weights.h5"
        model.fit(x, x, verbose=0, callbacks=callbacks.ModelCheckpoint(path, "val_loss", 0, True, True))
    assert str(found[0].message) == (
        "[ModelCheckpoint] `monitor` is 'val_loss', which is not available: every model is saved."
    )


def test_callback_list_in_a_loop_of_ones_own():
    calls = []
    model = types.SimpleNamespace(history=None)
    note = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: calls.append((epoch, logs)))
    chain = callbacks.CallbackList([[note]], add_history=True, model=model, epochs=2, verbose=0)
    assert note.model is model and note.params == chain.params == {"epochs": 2, "verbose": 0}
    chain.on_train_begin()
    for epoch in range(2):
        chain.on_epoch_begin(epoch)
        chain.on_epoch_end(epoch, {"z": dg.constant(1.0), "inner": {"b": 2, "a": np.float32(3)}, "text": "t"})
    chain.on_train_end()
    assert calls[1] == (1, {"a": 3.0, "b": 2.0, "text": "t", "z": 1.0}) and list(calls[1][1]) == ["a", "b", "text", "z"]
    assert chain.history.history["z"] == [1.0, 1.0] and model.history is chain.history
    fitted = dg.Sequential([dg.layers.Dense(1)])
    fitted.compile("sgd", "mse")
    x = np.ones((2, 1), np.float32)
    assert fitted.fit(x, x, verbose=0, callbacks=callbacks.CallbackList([note], add_history=True)).history["loss"]


def test_callbacks_of_the_alias_are_these():
    from densegrad.tf import keras

    for name in callbacks.__all__:
        assert getattr(keras.callbacks, name) is getattr(callbacks, name)
