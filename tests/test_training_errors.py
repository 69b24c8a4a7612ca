"""Arguments that do not fit raise before the first step, and change nothing."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import losses, metrics
from densegrad.tf._data import Dataset
from training_cases import K, N, features, labels, make, snapshot


def compiled(**options):
    return make(dg, **options)


class Batches:
    """An iterable of batches that starts anew."""

    def __init__(self, items):
        self._items = items

    def __iter__(self):
        return iter(self._items)


X, Y = features(), labels("sparse")


BAD_LABELS = np.where(np.arange(N) == N - 1, K, Y)  # only in the last batch


NEGATIVE = np.where(np.arange(N) == N - 1, -1, Y)


ERRORS = [
    (
        {"y": BAD_LABELS},
        ValueError,
        "[fit] `y` has the label 3: labels must be in [0, 3), one for each output of the model.",
    ),
    (
        {"y": NEGATIVE},
        ValueError,
        "[fit] `y` has the label -1: labels must be in [0, 3), one for each output of the model.",
    ),
    ({"y": None}, ValueError, "[fit] `y` is None: the loss needs labels."),
    ({"x": X[:9]}, ValueError, "[fit] `y` has 50 rows but `x` has 9: they must have the same number."),
    ({"x": None}, TypeError, None),
    ({"batch_size": 0}, ValueError, "[fit] `batch_size` is 0: it must be a positive integer."),
    ({"batch_size": 2.5}, ValueError, "[fit] `batch_size` is 2.5: it must be a positive integer."),
    ({"validation_batch_size": -1}, ValueError, "[fit] `validation_batch_size` is -1: it must be a positive integer."),
    ({"epochs": -1}, ValueError, "[fit] `epochs` is -1: it must be a non-negative integer."),
    ({"epochs": 1.5}, ValueError, "[fit] `epochs` is 1.5: it must be a non-negative integer."),
    ({"shuffle": "all"}, ValueError, "[fit] `shuffle` is 'all': it must be True, False or 'batch'."),
    ({"shuffle": np.ones(3)}, ValueError, None),
    ({"verbose": np.ones(3)}, ValueError, None),
    ({"verbose": None}, ValueError, "[fit] `verbose` is None: it must be 'auto', 0, 1 or 2."),
    ({"callbacks": 5}, TypeError, "[callbacks] `callbacks` is 5: it must be a Callback or a list of them."),
    (
        {"validation_data": (X[:, :4], Y)},
        ValueError,
        "[fit validation_data] `x` has samples of shape (4,) but those of the training `x` have shape (6,): they must "
        "be the same.",
    ),
    ({"verbose": 3}, ValueError, "[fit] `verbose` is 3: it must be 'auto', 0, 1 or 2."),
    ({"validation_split": 1.0}, ValueError, "[fit] `validation_split` is 1.0: it must be in [0, 1)."),
    (
        {"validation_freq": 0},
        ValueError,
        "[fit] `validation_freq` is 0: it must be a positive integer or a list of epochs.",
    ),
    (
        {"validation_data": (X, Y, Y, Y)},
        ValueError,
        "[fit] `validation_data` must be (x_val, y_val) or (x_val, y_val, sample_weight_val).",
    ),
    (
        {"validation_data": (X, BAD_LABELS)},
        ValueError,
        "[fit validation_data] `y` has the label 3: labels must be in [0, 3), one for each output of the model.",
    ),
    ({"x": X[:, :4]}, ValueError, None),
    ({"x": X[:, 0]}, ValueError, None),
    ({"callbacks": [3]}, TypeError, "[callbacks] `callbacks[0]` is 3: it must be an instance of Callback."),
    ({"validation_data": X}, ValueError, "[fit] `y` is None: the loss needs labels."),
    ({"steps_per_epoch": 0}, ValueError, "[fit] `steps_per_epoch` is 0: it must be a positive integer."),
    ({"validation_steps": 1.5}, ValueError, "[fit] `validation_steps` is 1.5: it must be a positive integer."),
    (
        {"x": Batches([(X, Y)])},
        ValueError,
        "[fit] `y` is given with an iterable of batches: each batch must hold it.",
    ),
    (
        {"x": Batches([(X, Y)]), "y": None, "sample_weight": np.ones(N)},
        ValueError,
        "[fit] `sample_weight` is given with an iterable of batches: each batch must hold it.",
    ),
    (
        {"x": Batches([(X, Y)]), "y": None, "validation_split": 0.5},
        ValueError,
        "[fit] `validation_split` is given with an iterable of batches: split the iterable.",
    ),
    ({"x": Batches([]), "y": None}, ValueError, "[fit] `x` has no batch: it must have at least one."),
    (
        {"x": Batches([(X, Y, Y, Y)]), "y": None},
        ValueError,
        "[fit] a batch of `x` is a tuple of 4: it must be `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.",
    ),
    (
        {"x": {1, 2}, "y": None},
        TypeError,
        "[fit] a batch of `x` is a int: it must be arrays, as `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.",
    ),
    ({"x": Batches([(None, Y)]), "y": None}, ValueError, "[fit] `x` is None in a batch: it must be an array."),
    (
        {"x": Batches([(X[:9], Y)]), "y": None},
        ValueError,
        "[fit] `y` has 50 rows but `x` has 9: they must have the same number.",
    ),
    ({"x": Batches([X]), "y": None}, ValueError, "[fit] `y` is None: the loss needs labels."),
    (
        {"x": Batches([(X, BAD_LABELS)]), "y": None},
        ValueError,
        "[fit] `y` has the label 3: labels must be in [0, 3), one for each output of the model.",
    ),
    (
        {"x": Dataset.range(9).repeat(), "y": None},
        ValueError,
        "[fit] `x` has infinitely many batches: pass `steps_per_epoch`.",
    ),
    ({"y": np.eye(4)[np.zeros(N, int)]}, ValueError, None),
    ({"sample_weight": np.ones((N, 2))}, ValueError, None),
    (
        {"sample_weight": np.ones(N), "class_weight": {0: 1.0}},
        ValueError,
        "[fit] `class_weight` and `sample_weight` are both given: pass only one of them.",
    ),
]


# An unbuilt model takes any width, so those rows are for a built one.
ROWS = [(True, *row) for row in ERRORS]


ROWS += [(False, *row) for row in ERRORS if row[2] or not row[0].keys() & {"x", "validation_data"}]


@pytest.mark.parametrize(
    ("built", "options", "error", "text"), ROWS, ids=lambda v: ",".join(v) if isinstance(v, dict) else ""
)
def test_fit_errors_change_nothing(built, options, error, text):
    model = make(dg, inputs=built)
    if built:
        model.train_on_batch(X, Y)
    values, step = snapshot(model)
    arguments = {"x": X, "y": Y, "verbose": 0} | options
    with pytest.raises(error) as info:
        model.fit(**arguments)
    if text is not None:
        assert str(info.value) == text
    assert model.built == built and model.layers[0].built == built
    after, step_after = snapshot(model)
    assert step_after == step and len(after) == len(values)
    for a, b in zip(after, values):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: dg.Sequential([dg.layers.Dense(1)], name="m").fit(X, Y),
            ValueError,
            "[fit] `m` is not compiled: call `compile(optimizer, loss)` first.",
        ),
        (
            lambda: compiled().compile("lamb", "mse"),
            ValueError,
            "[optimizers] `lamb` is not known: it must be one of adadelta, adagrad, adam, adamax, adamw, ftrl, "
            "lion, nadam, rmsprop, sgd.",
        ),
        (
            lambda: compiled().compile("sgd", "foo"),
            ValueError,
            f"[losses] `foo` is not known: it must be one of {', '.join(losses._names._listed)}.",
        ),
        (
            lambda: compiled().compile("sgd", "mse", metrics="accuracy"),
            ValueError,
            "[compile] `metrics` is 'accuracy': it must be a list such as ['accuracy'].",
        ),
        (
            lambda: compiled().compile("sgd", "mse", metrics=["foo"]),
            ValueError,
            f"[metrics] `foo` is not known: it must be one of {', '.join(metrics._names._listed)}.",
        ),
        (
            lambda: compiled().compile("sgd", "mse", metrics=[3]),
            TypeError,
            "[metrics] `metrics` has 3: every entry must be a name, a Metric or a callable.",
        ),
        (
            lambda: compiled().compile("sgd", "mse", loss_weights=[1.0, 2.0]),
            ValueError,
            "[compile] `loss_weights` has 2 entries: it must have one for each output, 0.",
        ),
        (
            lambda: compiled().compile("sgd", "mse", loss_weights="heavy"),
            TypeError,
            "[compile] `loss_weights` is 'heavy': it must be a number, one for each output.",
        ),
        (
            lambda: dg.Sequential([dg.layers.Dense(1)]).compile("sgd") or None,
            None,
            None,
        ),
        (
            lambda: compiled().evaluate(X[:0], Y[:0]),
            ValueError,
            "[evaluate] `x` has shape (0, 6): it must have at least one row.",
        ),
        (
            lambda: compiled().evaluate(X, Y, steps=-2),
            ValueError,
            "[evaluate] `steps` is -2: it must be a positive integer.",
        ),
        (
            lambda: metrics.BinaryAccuracy(threshold="high"),
            ValueError,
            "[BinaryAccuracy] `threshold` is 'high': it must be a number.",
        ),
    ],
)
def test_errors(call, error, text):
    if error is None:
        call()
        return
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


def test_no_loss():
    model = dg.Sequential([dg.layers.Dense(1)])
    model.compile("sgd")
    with pytest.raises(ValueError) as info:
        model.fit(X, Y)
    assert str(info.value) == "[fit] there is no loss: pass `loss` to `compile()`."


def test_sample_weight_of_a_sequence():
    x, y = np.ones((4, 2, 3), np.float32), np.zeros((4, 2, 1), np.float32)
    model = dg.Sequential([dg.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError) as info:
        model.fit(x, y, sample_weight=np.ones(4), verbose=0)
    assert str(info.value) == (
        "[fit] `sample_weight` has shape (4,) but the loss has one value for each of (4, 2): use that shape, or (n, 1) "
        "for one weight per sample."
    )
    for shape in ((4, 1), (4, 2)):
        model.fit(x, y, sample_weight=np.ones(shape), verbose=0)


def test_a_model_without_a_result():
    class Nothing(dg.Model):
        def call(self, x):
            return None

    for use, tag in (
        (lambda m: m.predict(X, verbose=0), "predict"),
        (lambda m: m.predict_on_batch(X), "predict_on_batch"),
    ):
        with pytest.raises(TypeError) as info:
            use(Nothing())
        assert str(info.value) == f"[{tag}] the model returns a NoneType: it must return tensors."
