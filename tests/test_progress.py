"""What `fit`, `evaluate` and `predict` print."""

from __future__ import annotations

import builtins
import re

import densegrad as dg
import pytest
from densegrad import callbacks, progress
from training_cases import features, labels, make


def test_verbose_lines(capsys, monkeypatch):
    model, x, y = make(dg), features(), labels("sparse")
    model.fit(x, y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    assert re.fullmatch(r"2/2 - 0s - \d+(ms|us)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}", lines[1])
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capsys.readouterr() == ("", "")
    real = builtins.__import__
    monkeypatch.setattr(
        builtins,
        "__import__",
        lambda name, *a, **k: (_ for _ in ()).throw(ImportError) if name == "tqdm" else real(name, *a, **k),
    )
    model.fit(x, y)
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.startswith("2/2 - 0s - ")


def test_tqdm_bar(capsys):
    pytest.importorskip("tqdm")
    make(dg).fit(features(), labels("sparse"), epochs=2)
    captured = capsys.readouterr()
    assert captured.out == "" and "Epoch 2/2" in captured.err and "accuracy: " in captured.err


def test_log_format():
    assert progress.format_logs({"a": 0.5, "b": 0.001, "c": 1e-7, "d": -3}) == (
        " - a: 0.5000 - b: 1.0000e-03 - c: 1.0000e-07 - d: -3.0000"
    )
    assert [progress.format_time(s) for s in (2, 0.035, 2e-5)] == ["2s", "35ms", "20us"]


def test_bar_is_closed_after_an_error(monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.closed = False
            bars.append(self)

        def close(self):
            super().close()
            self.closed = True

    class Raise(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyError

        on_test_batch_end = on_predict_batch_end = on_train_batch_end

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    model, x, y = make(dg), features(), labels("sparse")
    for use in (
        lambda: model.fit(x, y, callbacks=[Raise()]),
        lambda: model.evaluate(x, y, callbacks=[Raise()]),
        lambda: model.predict(x, callbacks=[Raise()]),
    ):
        with pytest.raises(KeyError):
            use()
        assert bars[-1].closed
    assert len(bars) == 3
