"""`fit`, `evaluate`, `predict` and calls take data frames as arrays."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pandas as pd
import polars as pl
import pytest

ROWS, COLUMNS = 50, list("abcd")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((ROWS, len(COLUMNS))), rng.integers(0, 3, ROWS), rng.uniform(0.5, 2, ROWS)


def as_pandas(x, y, w):
    return pd.DataFrame(x, columns=COLUMNS), pd.Series(y), pd.Series(w)


def as_polars(x, y, w):
    return pl.DataFrame(dict(zip(COLUMNS, x.T))), pl.Series(y), pl.Series(w)


def as_memory_map(x, y, w, path):
    mapped = np.memmap(path, x.dtype, "w+", shape=x.shape)
    mapped[:] = x
    return mapped, y, w


def run(x, y, w):
    """The history, the evaluation and the predictions of a short training."""
    dg.set_random_seed(0)
    model = dg.Sequential([dg.Input((len(COLUMNS),)), dg.layers.Dense(8, "relu"), dg.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=3, sample_weight=w, validation_data=(x, y), verbose=0)
    return history.history, model.evaluate(x, y, verbose=0), model.predict(x, verbose=0).tolist()


@pytest.mark.parametrize("frames", [as_pandas, as_polars])
def test_frames_train_as_their_arrays_do(data, frames):
    assert run(*frames(*data)) == run(*data)


def test_memory_mapped_arrays_train_as_others_do(data, tmp_path):
    assert run(*as_memory_map(*data, tmp_path / "x")) == run(*data)


@pytest.mark.parametrize("frames", [as_pandas, as_polars])
def test_a_model_is_called_on_a_frame(data, frames):
    model = dg.Sequential([dg.Input((len(COLUMNS),)), dg.layers.Dense(3)])
    np.testing.assert_array_equal(model(frames(*data)[0]).numpy(), model(data[0]).numpy())


def test_a_label_column_of_its_own_frame(data):
    x, y, w = data
    assert run(as_pandas(*data)[0], pd.DataFrame({"label": y}), w) == run(x, y[:, None], w)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_column_of_text_is_refused(data, frame):
    model = dg.Sequential([dg.layers.Dense(3)])
    model.compile("adam", "mse")
    with pytest.raises(TypeError, match="`x` has dtype object: it must hold numbers or bools"):
        model.fit(frame({"a": ["text"] * ROWS}), data[1], verbose=0)
