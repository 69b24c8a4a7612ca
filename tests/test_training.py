"""compile, fit, evaluate, predict: Keras' numbers, defaults, callbacks, progress; errors come before the first step."""

from __future__ import annotations

import builtins

import densegrad as dg
import numpy as np
import pytest
from densegrad import callbacks, losses, metrics, progress

N, D, K = 50, 6, 3


def features(n=N, seed=0):
    return np.random.default_rng(seed).standard_normal((n, D)).astype(np.float32)


def labels(kind, n=N, seed=1):
    rng = np.random.default_rng(seed)
    if kind == "sparse":
        return rng.integers(0, K, n)
    if kind == "onehot":
        return np.eye(K, dtype=np.float32)[rng.integers(0, K, n)]
    if kind == "binary":
        return rng.integers(0, 2, (n, 1)).astype(np.float32)
    return rng.standard_normal((n, K)).astype(np.float32)


CASES = {
    "sparse": ("softmax", K, "sparse_categorical_crossentropy", "sparse"),
    "onehot": ("softmax", K, "categorical_crossentropy", "onehot"),
    "binary": ("sigmoid", 1, "binary_crossentropy", "binary"),
    "regression": (None, K, "mse", "real"),
}


def make(lib, case="sparse", optimizer="sgd", inputs=True, weights=None, **options):
    head, units, loss, _ = CASES[case]
    first = [lib.layers.Input((D,))] if inputs else []
    model = lib.Sequential([*first, lib.layers.Dense(5, "relu"), lib.layers.Dense(units, head)])
    if inputs:
        rng = np.random.default_rng(3)
        model.set_weights([rng.standard_normal(w.shape).astype(np.float32) * 0.5 for w in model.get_weights()])
    model.compile(optimizer, loss, **({"metrics": ["accuracy"]} | options))
    return model


FIT = [
    {},
    {"batch_size": 7},
    {"batch_size": 100},
    {"validation_split": 0.3},
    {"validation_split": 0.3, "validation_freq": 2},
    {"validation_split": 0.3, "validation_freq": [1, 3]},
    {"validation_data": True, "validation_batch_size": 11},
    {"sample_weight": True},
    {"sample_weight": True, "validation_split": 0.2},
    {"class_weight": {0: 2.0, 1: 0.5}},
    {"initial_epoch": 2},
]


PAIRS = [("sparse", o) for o in FIT] + [(c, o) for c in ("onehot", "binary", "regression") for o in (FIT[0], FIT[8])]
PAIRS += [(c, FIT[9]) for c in ("onehot", "binary")]


@pytest.fixture
def in_float64():
    """Both libraries compute everything in float64, where a free run stays together (tests/parity)."""
    keras = pytest.importorskip("keras")
    for lib in (dg, keras):
        lib.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield keras
    keras.config.set_dtype_policy("float32")
    for lib in (dg, keras):
        lib.config.set_floatx("float32")


# The figure of parity/test_trajectories.py, 1e-13 of the largest weight after 100 steps, for the values computed from
# the weights: a loss or an output of this size moves by less than 10 times as much. Stated, not derived.
FREE_RUN = 1e-12


@pytest.mark.parametrize(("case", "options"), PAIRS, ids=lambda v: v if isinstance(v, str) else "-".join(v) or "plain")
def test_history_equals_keras(case, options, in_float64, seed):
    keras = in_float64
    x, y, options = features(seed=[seed, 0]), labels(CASES[case][3], seed=[seed, 1]), dict(options)
    w = np.random.default_rng([seed, 4]).random(N).astype(np.float32)
    if options.get("sample_weight"):
        options["sample_weight"] = w
    if options.get("validation_data"):
        options["validation_data"] = (features(20, [seed, 8]), labels(CASES[case][3], 20, [seed, 9]), w[:20])
    results, extra = [], {"weighted_metrics": ["mse"] if case != "sparse" else ["sparse_categorical_accuracy"]}
    for lib, optimizer in ((dg, dg.optimizers.Adam(0.01)), (keras, keras.optimizers.Adam(0.01))):
        model = make(lib, case, optimizer, **extra)
        history = model.fit(x, y, epochs=3, shuffle=False, verbose=0, **options)
        found = model.evaluate(x, y, verbose=0, sample_weight=w)
        more = [model.evaluate(x, y, verbose=0, return_dict=True), model.predict(x, verbose=0)]
        results.append((history, found, *more, model.train_on_batch(x, y), model.test_on_batch(x, y, w)))
    ours, theirs = results
    assert list(ours[0].history) == list(theirs[0].history)
    assert ours[0].epoch == theirs[0].epoch and ours[0].params["epochs"] == theirs[0].params["epochs"]
    for key in theirs[0].history:
        np.testing.assert_allclose(ours[0].history[key], theirs[0].history[key], rtol=FREE_RUN, err_msg=key)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=FREE_RUN)
    assert list(ours[2]) == list(theirs[2])
    for a, b in ((ours[2].values(), theirs[2].values()), (ours[4], theirs[4]), (ours[5], theirs[5])):
        np.testing.assert_allclose([float(v) for v in a], [float(v) for v in b], rtol=FREE_RUN)
    np.testing.assert_allclose(ours[3], theirs[3], rtol=0, atol=FREE_RUN * np.abs(theirs[3]).max())


@pytest.mark.parametrize("case", ["sparse", "onehot", "binary"])
def test_crossentropy_and_accuracy_are_inferred(case):
    model = make(dg, case)
    expected = model.evaluate(features(), labels(CASES[case][3]), verbose=0)
    model.compile("sgd", "crossentropy", metrics=["acc"])
    assert model.evaluate(features(), labels(CASES[case][3]), verbose=0) == expected
    assert model.metrics_names == ["loss", "acc"]


def test_same_seed_same_training():
    x, y = features(), labels("sparse")
    runs = []
    for seed in (1, 1, 2):
        dg.random.set_random_seed(seed)
        model = make(dg, inputs=False)
        runs.append(model.fit(x, y, epochs=2, verbose=0).history["loss"])
    assert runs[0] == runs[1] != runs[2]


def test_shuffle_changes_the_order_each_epoch():
    seen = []

    class Look(dg.layers.Layer):
        def call(self, x, training=None):
            if training:
                seen.append(x.numpy()[:, 0])
            return x

    x = np.arange(20, dtype=np.float32).reshape(20, 1)
    model = dg.Sequential([Look(), dg.layers.Dense(1)])
    model.compile(dg.optimizers.SGD(1e-6), "mse")
    model.fit(x, x, epochs=2, verbose=0, batch_size=20)
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(20)) and list(seen[0]) != list(seen[1])
    seen.clear()
    model.fit(x, x, verbose=0, shuffle=False, batch_size=5)
    np.testing.assert_array_equal(np.concatenate(seen), x[:, 0])


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.float16, ">f4", np.bool_])
def test_input_dtypes(dtype):
    model = make(dg, inputs=False)
    x = features().astype(dtype)
    x.flags.writeable = False
    model.fit(x, labels("sparse"), verbose=0)
    assert model.predict(x, verbose=0).dtype == np.float32


def test_lists():
    model = make(dg, inputs=False)
    assert model.fit(features().tolist(), labels("sparse").tolist(), verbose=0).history["loss"][0] > 0


def test_predict_on_no_rows():
    model = make(dg)
    assert model.predict(np.zeros((0, D), np.float32), verbose=0).shape == (0, K)
    assert model.predict_on_batch(features(3)).shape == (3, K)


def test_custom_loss_metric_and_step():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.d = dg.layers.Dense(K)
            self.steps = 0

        def call(self, x):
            return self.d(x)

        def train_step(self, batch):
            self.steps += 1
            super().train_step(batch)

    model = Mine()

    def distance(y_true, y_pred):
        return dg.losses.mean_squared_error(y_true, y_pred)

    model.compile(dg.optimizers.SGD(0.01), distance, metrics=[distance, metrics.MeanMetricWrapper(distance, "again")])
    history = model.fit(features(), labels("real"), epochs=2, verbose=0).history
    assert sorted(history) == ["again", "distance", "loss"] and model.steps == 4
    # Two means of the same positive values: each adds one rounding per value, and the quotient's.
    allowed = 2 * (len(features()) + 1) * 2.0**-24
    np.testing.assert_allclose(history["loss"], history["distance"], rtol=allowed)
    np.testing.assert_allclose(history["again"], history["distance"], rtol=1e-12)


def test_layers_that_need_values():
    class Scale(dg.layers.Layer):
        def call(self, x):
            return x / float(np.abs(x.numpy()).max())

    model = dg.Sequential([Scale(), dg.layers.Dense(K)])
    model.compile("sgd", "mse")
    for _ in range(2):
        assert len(model.fit(features(), labels("real"), verbose=0).epoch) == 1
    with pytest.raises(ValueError):
        model.fit(features(), labels("real")[:, :2], verbose=0)


def test_models_with_several_outputs():
    class Two(dg.Model):
        def call(self, x):
            return x, x

    model = Two()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError) as info:
        model.fit(features(), features(), verbose=0)
    assert str(info.value) == "[fit] the model returns a tuple: it must return one tensor."


def test_weighted_metric_of_the_same_name():
    model = make(dg, weighted_metrics=["accuracy"])
    w = np.arange(N, dtype=np.float32)
    logs = model.evaluate(features(), labels("sparse"), sample_weight=w, verbose=0, return_dict=True)
    assert list(logs) == ["accuracy", "loss", "weighted_accuracy"]
    right = model.predict(features(), verbose=0).argmax(axis=1) == labels("sparse")
    np.testing.assert_allclose(
        [logs["accuracy"], logs["weighted_accuracy"]], [right.mean(), (w * right).sum() / w.sum()]
    )
    values = model.evaluate(features(), labels("sparse"), sample_weight=w, verbose=0)
    assert values == [logs["loss"], logs["accuracy"], logs["weighted_accuracy"]]


def test_loss_weights():
    model = make(dg)
    one = model.evaluate(features(), labels("sparse"), verbose=0)[0]
    model.compile("sgd", "sparse_categorical_crossentropy", loss_weights=2.0)
    assert model.evaluate(features(), labels("sparse"), verbose=0) == 2 * one  # a factor of 2 does not round


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


def test_verbose_lines(capsys, monkeypatch):
    model, x, y = make(dg), features(), labels("sparse")
    model.fit(x, y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    import re

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


def snapshot(model):
    return [v.numpy() for v in [*model.weights, *model.optimizer.variables]], int(model.optimizer.iterations)


def compiled(**options):
    return make(dg, **options)


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
        "[fit validation_data] `x` has shape (50, 4) but the training `x` has shape (50, 6): only the first axis may "
        "differ.",
    ),
    ({"verbose": 3}, ValueError, "[fit] `verbose` is 3: it must be 'auto', 0, 1 or 2."),
    ({"validation_split": 1.0}, ValueError, "[fit] `validation_split` is 1.0: it must be in [0, 1)."),
    (
        {"validation_freq": 0},
        ValueError,
        "[fit] `validation_freq` is 0: it must be a positive integer or a list of epochs.",
    ),
    (
        {"validation_data": X},
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
    (
        {"steps_per_epoch": 3},
        NotImplementedError,
        "[fit] `steps_per_epoch` is not supported yet: every epoch visits each sample once.",
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
            RuntimeError,
            "[fit] `m` is not compiled: call `compile(optimizer, loss)` first.",
        ),
        (
            lambda: compiled().compile("lamb", "mse"),
            ValueError,
            "[optimizers] `lamb` is not known: it must be one of adadelta, adagrad, adam, adamax, adamw, lion, "
            "nadam, rmsprop, sgd.",
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
            TypeError,
            "[compile] `loss_weights` is [1.0, 2.0]: it must be a number, one for each output.",
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
            lambda: compiled().evaluate(X, Y, steps=2),
            NotImplementedError,
            "[evaluate] `steps` is not supported yet: every epoch visits each sample once.",
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


@pytest.mark.parametrize(
    ("name", "y", "p", "expected"),
    [
        ("BinaryAccuracy", [1, 0, 1, 1], [0.5, 0.5, 0.51, 0.9], 0.75),
        ("BinaryAccuracy", [[1], [0]], [[2.0], [-1.0]], 1.0),
        ("CategoricalAccuracy", [[0, 1], [1, 0]], [[0.5, 0.5], [0.5, 0.5]], 0.5),
        ("SparseCategoricalAccuracy", [1, 0], [[0.2, 0.8], [0.3, 0.7]], 0.5),
        ("SparseCategoricalAccuracy", [[1], [0]], [[0.2, 0.8], [0.3, 0.7]], 0.5),
    ],
)
@pytest.mark.parametrize("weights", [False, True])
def test_accuracies_equal_keras(name, y, p, expected, weights):
    keras = pytest.importorskip("keras")
    # Rank 1 gives one value for all samples, which has no weight per sample, as in Keras.
    w = np.arange(1, len(y) + 1, dtype=np.float32) if weights and np.ndim(p) > 1 else None
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    for _ in range(2):
        ours.update_state(y, p, w)
        theirs.update_state(np.array(y), np.array(p, np.float32), w)
    # Sums of small integers are exact; on either side a mean over columns and the last quotient round.
    np.testing.assert_allclose(ours.result(), float(theirs.result()), rtol=4 * 2.0**-24)
    if w is None:
        assert ours.result() == expected
    ours.reset_state()
    assert ours.result() == 0


def test_mean_equals_keras():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    ours, theirs, values = metrics.Mean(), keras.metrics.Mean(), 0
    for shape, weight in (((), None), ((3,), None), ((3, 4), None), ((3, 4), (3,)), ((3, 4), (3, 4)), ((3,), (3, 1))):
        v = rng.random(shape).astype(np.float32)
        w = None if weight is None else rng.random(weight).astype(np.float32)
        ours.update_state(v, w)
        theirs.update_state(v, w)
        values += v.size
        # All terms are positive: a rounding for each product and each addition, in value and weight, on either side.
        np.testing.assert_allclose(ours.result(), float(theirs.result()), rtol=2 * 2 * 2 * (values + 2) * 2.0**-24)


def test_numpy_numbers():
    model = make(dg)
    history = model.fit(
        X, Y, validation_split=np.float32(0.5), validation_freq=np.int64(1), epochs=np.int32(2), verbose=np.int64(0)
    )
    assert len(history.history["val_loss"]) == 2
    model.compile("sgd", "mse", loss_weights=np.float32(2))


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


def test_a_custom_train_step_in_keras_style():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.d = dg.layers.Dense(K)
            self.lengths = []

        def call(self, x, training=None):
            return self.d(x)

        def train_step(self, data):
            self.lengths.append(len(data))
            x, y = data[:2]
            with dg.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss, "half": loss / 2, "steps": len(self.lengths)}

        def test_step(self, data):
            x, y = data
            return {"loss": self.compute_loss(y=y, y_pred=self(x)), "more": np.float32(1)}

    model, x, y = Mine(), features(), labels("real")
    model.compile(dg.optimizers.SGD(0.1), "mse")
    history = model.fit(x, y, batch_size=N, epochs=3, shuffle=False, validation_data=(x, y), verbose=0).history
    assert list(history) == ["half", "loss", "steps", "val_loss", "val_more"]
    assert history["half"] == [v / 2 for v in history["loss"]] and history["steps"] == [1.0, 2.0, 3.0]
    assert all(type(v) is float for values in history.values() for v in values)
    assert history["loss"][2] < history["loss"][0] and model.lengths == [2, 2, 2]
    assert history["val_loss"][:2] == history["loss"][1:]
    assert model.evaluate(x, y, batch_size=N, verbose=0) == [history["val_loss"][-1], 1.0]
    model.fit(x, y, sample_weight=np.ones(N), verbose=0)
    assert model.lengths[3:] == [3, 3]
    assert sorted(model.train_on_batch(x, y, return_dict=True)) == ["half", "loss", "steps"]


def test_a_custom_train_step_needs_no_loss():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.d = dg.layers.Dense(1)

        def call(self, x):
            return self.d(x)

        def train_step(self, x):
            with dg.GradientTape() as tape:
                loss = dg.ops.mean(dg.ops.square(self(x)))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    model = Mine()
    model.compile("sgd")
    history = model.fit(features(), epochs=3, verbose=0, shuffle=False).history["loss"]
    assert history[0] > history[2] > 0


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
    model = make(dg)
    for use in (
        lambda: model.fit(X, Y, callbacks=[Raise()]),
        lambda: model.evaluate(X, Y, callbacks=[Raise()]),
        lambda: model.predict(X, callbacks=[Raise()]),
    ):
        with pytest.raises(KeyError):
            use()
        assert bars[-1].closed
    assert len(bars) == 3
