"""`fit`, `evaluate` and `predict` run as programs, with the bits of `run_eagerly=True`."""

from __future__ import annotations

import copy
import pickle
import signal
import threading
import time
import warnings

import densegrad as dg
import numpy as np
import pytest
from densegrad import programs
from densegrad.compiling import Compiled

N = 43  # rows: the last of the batches of 8 is shorter


def data(dtype="float32"):
    rng = np.random.default_rng(2)
    return rng.normal(size=(N, 4)).astype(dtype), rng.integers(0, 3, N), rng.random(N).astype(dtype)


def sequential(dtype="float32", **options):
    layers = [dg.layers.Dense(5, "tanh", kernel_regularizer="l2", dtype=dtype), dg.layers.Dropout(0.3, dtype=dtype)]
    return dg.Sequential([dg.Input((4,), dtype=dtype), *layers, dg.layers.Dense(3, "softmax", dtype=dtype)])


def two_outputs(dtype="float32"):
    x = dg.Input((4,), dtype=dtype)
    h = dg.layers.Dense(5, "relu", dtype=dtype)(x)
    outputs = {name: dg.layers.Dense(3, "softmax", dtype=dtype, name=name)(h) for name in ("a", "b")}
    return dg.Model(x, outputs)


def trained(make, eager, optimizer, dtype="float32", calls=2, **fit):
    """The history, the weights and slots, and what `evaluate` and `predict` give then."""
    dg.set_random_seed(9)
    model = make(dtype)
    optimizer = optimizer()
    metrics = {"b": ["accuracy"]} if make is two_outputs else ["accuracy"]
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=metrics, run_eagerly=eager)
    x, y, weights = data(dtype)
    if make is two_outputs:
        y = {"a": y, "b": (y + 1) % 3}
    if fit.pop("weighted", False):
        fit["sample_weight"] = weights
    found = []
    for _ in range(calls):
        found.append(model.fit(x, y, batch_size=8, verbose=0, **fit).history)
    found.append(model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True))
    arrays = [v.numpy() for v in model.variables + optimizer.variables]
    outputs = model.predict(x, batch_size=10, verbose=0)
    arrays += list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    return model, found, [a.tobytes() for a in arrays]


CASES = {
    "plain": {},
    "not shuffled": {"shuffle": False},
    "shuffled in batches": {"shuffle": "batch"},
    "weights": {"weighted": True},
    "validation": {"validation_split": 0.3},
    "steps": {"steps_per_epoch": 3, "epochs": 4},
    "class weights": {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_of_python(case, dtype):
    optimizer = lambda: dg.optimizers.Adam(dg.optimizers.schedules.CosineDecay(0.01, 20), global_clipnorm=1.0)  # noqa: E731
    options = {"epochs": 3, **CASES[case]}
    _, history, arrays = trained(sequential, True, optimizer, dtype, **options)
    model, mine, found = trained(sequential, False, optimizer, dtype, **options)
    assert mine == history and found == arrays
    for name in ("train_step", "test_step", "predict_step"):
        step = model._steps.of(model, name)
        assert step.programs and not step.refusals, name


def test_several_outputs():
    optimizer = lambda: dg.optimizers.SGD(0.1, momentum=0.9, use_ema=True)  # noqa: E731
    eager, compiled = (trained(two_outputs, e, optimizer, epochs=2)[1:] for e in (True, False))
    assert eager == compiled


COUNTING = {
    "AUC": {},
    "AUC of columns": {"multi_label": True, "num_thresholds": 7, "curve": "PR"},
    "AUC of own thresholds": {"thresholds": [0.3, 0.6], "curve": "PRGAIN"},
    "Precision": {"top_k": 2},
    "Recall": {"thresholds": [0.2, 0.7], "class_id": 1},
    "FalseNegatives": {},
    "SensitivityAtSpecificity": {"specificity": 0.4, "num_thresholds": 9},
    "F1Score": {"average": "macro"},
    "FBetaScore": {"threshold": 0.3, "average": "micro"},
    "R2Score": {},
    "R2Score, adjusted": {"num_regressors": 2},
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2], "sparse_y_true": False, "sparse_y_pred": False},
    "OneHotMeanIoU": {"num_classes": 3, "ignore_class": 1},
    "TopKCategoricalAccuracy": {"k": 2},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", COUNTING)
def test_metrics_of_counts_run_as_programs(name, dtype):
    x, y, weights = data(dtype)
    found = []
    for eager in (True, False):
        dg.set_random_seed(9)
        model = sequential(dtype)
        metric = getattr(dg.metrics, name.replace(",", " ").split()[0])(name="m", dtype=dtype, **COUNTING[name])
        model.compile("adam", "categorical_crossentropy", weighted_metrics=[metric], run_eagerly=eager)
        fit = model.fit(x, np.eye(3, dtype=dtype)[y], sample_weight=weights, batch_size=8, epochs=3, verbose=0)
        found.append((fit.history, [v.numpy().tobytes() for v in metric.variables]))
    step = model._steps.of(model, "train_step")
    assert step.programs and not step.refusals
    assert repr(found[0]) == repr(found[1])
    assert any(np.all(np.isfinite(value)) for value in found[0][0]["m"])


LABELS = {
    "BinaryIoU": {"threshold": 0.3},
    "MeanIoU": {"num_classes": 3, "sparse_y_pred": False, "ignore_class": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
}


@pytest.mark.parametrize("name", LABELS)
def test_metrics_of_labels_run_as_programs(name):
    x, y, _ = data()
    found = []
    for eager in (True, False):
        dg.set_random_seed(9)
        metric = getattr(dg.metrics, name)(name="m", **LABELS[name])
        head, loss = (1, "binary_crossentropy") if name == "BinaryIoU" else (3, "sparse_categorical_crossentropy")
        model = dg.Sequential([dg.layers.Dense(head, "sigmoid" if head == 1 else "softmax")])
        model.compile("adam", loss, metrics=[metric], run_eagerly=eager)
        fit = model.fit(x, y.clip(0, head), batch_size=8, epochs=3, verbose=0)
        found.append((fit.history, [v.numpy().tobytes() for v in metric.variables]))
    step = model._steps.of(model, "train_step")
    assert step.programs and not step.refusals
    assert found[0] == found[1] and 0 < found[0][0]["m"][-1] <= 1


def test_an_adjusted_score_of_few_samples_is_the_plain_one():
    x, y, _ = data()
    values = []
    for eager in (True, False):
        dg.set_random_seed(9)
        model = sequential()
        metrics = [dg.metrics.R2Score(num_regressors=p, name=f"of_{p}") for p in (0, 23, 24, 200)]
        model.compile("sgd", "categorical_crossentropy", metrics=metrics, run_eagerly=eager)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if eager else "error")  # a program does not warn
            history = model.fit(x[:8], np.eye(3, dtype="f")[y[:8]], verbose=0).history
        values.append([history[f"of_{p}"][0] for p in (0, 23, 24, 200)])
    assert values[0] == values[1] == [values[0][0]] * 4


# ---- How often Python runs -------------------------------------------------------------------------------------------


def test_whole_epochs_run_without_python(monkeypatch):
    """Of 30 batches Python sees the first, which is recorded, and the first shorter one; not what makes variables."""
    seen = counted(monkeypatch)
    model = sequential()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y, _ = data()
    model.fit(x, y, batch_size=8, epochs=5, verbose=0)
    assert seen == [8, 3]


def counted(monkeypatch, name="train_step"):
    """A list that gets the number of rows of every batch that Python sees."""
    seen, real = [], getattr(Compiled, name)
    monkeypatch.setattr(
        Compiled, name, lambda self, batch: (seen.append(len(dg.nest.flatten(batch)[0])), real(self, batch))[1]
    )
    return seen


class Subclass(dg.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = dg.layers.Dense(5, "relu"), dg.layers.Dense(3, "softmax")
        self.calls = []

    def call(self, x, training=False):
        self.calls.append(training)
        return self.head(self.hidden(x))


def functional():
    x = dg.Input((4,))
    return dg.Model(x, dg.layers.Dense(3, "softmax")(dg.layers.BatchNormalization()(x)))


UNBUILT = {
    "with an input": sequential,
    "functional": functional,
    "without an input": lambda: dg.Sequential([dg.layers.Dense(5, "relu"), dg.layers.Dense(3, "softmax")]),
    "normalized": lambda: dg.Sequential([dg.layers.BatchNormalization(), dg.layers.Dense(3, "softmax")]),
    "nested": lambda: dg.Sequential([dg.Sequential([dg.layers.Dense(5)]), Subclass()]),
    "subclass": Subclass,
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam"])
@pytest.mark.parametrize("make", UNBUILT)
def test_a_model_is_recorded_once(make, optimizer, monkeypatch):
    """Weights, slots, and what metrics count with are made before, in the order and with the values of Python."""
    seen, (x, y, _) = counted(monkeypatch), data()
    weights = []
    for eager in (True, False):
        dg.set_random_seed(9)
        model = UNBUILT[make]()
        metrics = ["accuracy", dg.metrics.AUC(multi_label=True), "f1_score", "r2_score"]
        options = {"use_ema": True, "gradient_accumulation_steps": 2}
        model.compile(dg.optimizers.get({"class_name": optimizer, "config": options}), "categorical_crossentropy",
                      metrics=metrics, run_eagerly=eager)  # fmt: skip
        seen.clear()
        model.fit(x[:40], np.eye(3, dtype="f")[y[:40]], batch_size=8, epochs=3, verbose=0)
        weights.append([w.tobytes() for w in model.get_weights()])
    assert seen == [8] and weights[0] == weights[1]
    (program,) = model._steps.of(model, "train_step").programs
    assert len(program.gradients) == 1


def test_call_runs_once_for_shapes_and_once_for_the_program(monkeypatch):
    x, y, _ = data()
    model = Subclass()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:40], y[:40], batch_size=8, epochs=3, verbose=0)
    assert model.calls == [False, True]
    model.predict(x[:40], batch_size=8, verbose=0)
    assert model.calls == [False, True, False]
    other, seen = Subclass(), counted(monkeypatch, "predict_step")
    other.predict(x[:40], batch_size=8, verbose=0)
    assert seen == [8] and other.calls == [False, False]


def test_other_steps_are_recorded_once_too(monkeypatch):
    x, y, _ = data()
    train, test, predict = (counted(monkeypatch, f"{name}_step") for name in ("train", "test", "predict"))
    model = UNBUILT["without an input"]()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for _ in range(3):
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
        model.predict_on_batch(x)
    batches = dg.tf.data.Dataset.from_tensor_slices((x[:40], y[:40])).batch(8)
    model.fit(batches, validation_data=(x[:16], y[:16]), epochs=3, verbose=0)
    model.evaluate(batches, verbose=0)
    assert (train, test, predict) == ([N, 8], [N, 16, 8], [N])


def test_layers_that_need_values_are_built_by_the_first_step():
    class Scaled(dg.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight((), "ones")

        def call(self, x):
            return x * self.scale * float(np.asarray(x).size > 0)

    x, y, _ = data()
    model = dg.Sequential([Scaled(), dg.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="takes a value out of the function"):
        model.fit(x, y, epochs=2, verbose=0)
    assert len(model.optimizer.variables) == 2 + 2 * 3


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_steps_that_run_as_python_call_a_model_on_data_alone(method):
    class Centered(dg.layers.Layer):
        mean = None

        def call(self, x):
            assert not x.is_symbolic
            if self.mean is None:
                self.mean = np.mean(x.numpy(), axis=0)
            return x - self.mean

    x, y, _ = data()
    model = dg.Sequential([Centered(), dg.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    getattr(model, method)(*((x,) if method == "predict" else (x, y)), batch_size=N, verbose=0)
    np.testing.assert_array_equal(model.layers[0].mean, x.mean(axis=0))


@pytest.mark.parametrize("eager", [False, True])
def test_the_first_hook_may_still_choose_what_is_trained_and_how(eager):
    class Choose(dg.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.layers[0].trainable = True
            self.model.optimizer.use_ema = True

    x, y, _ = data()
    model = dg.Sequential([dg.layers.Dense(4, trainable=False), dg.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
    model.fit(x, y, verbose=0, callbacks=[Choose()])
    assert len(model.optimizer.variables) == 2 + 4 + 2 * 4


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("clipnorm", 1e-3),
        ("clipvalue", 1e-3),
        ("global_clipnorm", 1e-3),
        ("weight_decay", 0.5),
        ("loss_scale_factor", 2),
    ],
)
def test_options_that_change_between_fits_hold_for_programs_too(option, value):
    found = []
    for eager in (True, False):
        dg.set_random_seed(9)
        (x, y, _), model = data(), sequential()
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
        model.fit(x, y, epochs=2, verbose=0)
        before = model.get_weights()
        setattr(model.optimizer, option, value)
        model.fit(x, y, epochs=2, verbose=0)
        found.append([w.tobytes() for w in model.get_weights()])
        assert found[-1] != [w.tobytes() for w in before]
    assert found[0] == found[1]


def test_hooks_see_every_batch():
    class Count(dg.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            assert batch == self.batches % 6 and set(logs) == {"loss"}
            self.batches += 1

    model, count = sequential(), Count()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*data()[:2], batch_size=8, epochs=3, verbose=0, callbacks=[count])
    assert count.batches == 18


def test_iterables_and_other_dtypes_run_step_by_step():
    x, y, _ = data()
    batches = [(x[i : i + 8], y[i : i + 8]) for i in range(0, N, 8)]
    weights = []
    for source in (batches, None, "wide", "Fortran"):
        dg.set_random_seed(9)
        model = sequential()
        model.compile("sgd", "sparse_categorical_crossentropy")
        if source is batches:
            model.fit(dg.tf.data.Dataset.from_tensor_slices((x, y)).batch(8), epochs=2, verbose=0)
        else:
            other = {None: x, "wide": x.astype("float64"), "Fortran": np.asfortranarray(x)}[source]
            model.fit(other, y, batch_size=8, epochs=2, verbose=0, shuffle=False)
        weights.append([w.tobytes() for w in model.get_weights()])
    assert all(w == weights[0] for w in weights)


def test_an_interrupt_stops_soon_at_a_whole_step():
    model = dg.Sequential([dg.Input((64,)), dg.layers.Dense(256, "relu"), dg.layers.Dense(1)])
    optimizer = dg.optimizers.Adam()
    model.compile(optimizer, "mse")
    x = np.zeros((20_000, 64), np.float32)
    model.fit(x[:64], x[:64, :1], batch_size=32, verbose=0)
    thread = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    thread.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, x[:, :1], batch_size=32, epochs=1000, verbose=0)
    thread.join()
    assert time.monotonic() - start < 30  # it would take minutes
    steps = int(optimizer.iterations)
    assert steps > 2
    model.fit(x[:32], x[:32, :1], batch_size=32, verbose=0)
    assert int(optimizer.iterations) == steps + 1


def test_what_programs_were_made_for_may_change():
    """Frozen layers, another optimizer and another loss are seen by the next `fit`."""
    x, y, _ = data()
    model = sequential()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    kernel = model.layers[0].kernel.numpy()
    model.layers[0].trainable = False
    model.fit(x, y, verbose=0)
    assert (model.layers[0].kernel.numpy() == kernel).all()
    model.layers[0].trainable = True
    model.optimizer = dg.optimizers.Adam(0.5)
    model.fit(x, y, verbose=0)
    assert (model.layers[0].kernel.numpy() != kernel).any() and int(model.optimizer.iterations) == 2
    model.compile("sgd", "mse")
    assert model.fit(x, np.eye(3, dtype=np.float32)[y], verbose=0).history["loss"][0] < 2


def test_the_learning_rate_may_change_between_epochs():
    rates = []
    for eager in (True, False):
        dg.set_random_seed(1)
        model = sequential()
        model.compile(dg.optimizers.SGD(0.1), "sparse_categorical_crossentropy", run_eagerly=eager)
        schedule = dg.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        model.fit(*data()[:2], epochs=4, verbose=0, callbacks=[schedule])
        rates.append([w.tobytes() for w in model.get_weights()])
    assert rates[0] == rates[1]


def test_a_rate_from_a_function_is_asked_at_every_step():
    rates = iter(np.arange(100.0))
    model = dg.Sequential([dg.Input((1,)), dg.layers.Dense(1, use_bias=False)])
    model.compile(dg.optimizers.SGD(lambda: next(rates)), lambda t, p: p)
    model.set_weights([np.zeros((1, 1))])
    with pytest.warns(UserWarning, match="`learning_rate` is a function"):
        model.fit(np.ones((4, 1), "float32"), np.zeros(4), batch_size=1, verbose=0)
    assert model.get_weights()[0].item() == -(0 + 1 + 2 + 3)


def test_copies_and_pickles_begin_without_programs():
    x, y, _ = data()
    model = sequential()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        before = model.get_weights()
        other.fit(x, y, verbose=0)
        assert all((a == b).all() for a, b in zip(before, model.get_weights()))


def test_steps_of_ones_own_are_recorded():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.dense = dg.layers.Dense(1)
            self.seen = dg.metrics.Mean(name="seen")

        def call(self, x):
            return self.dense(x)

        def train_step(self, batch):
            x, y = batch
            with dg.GradientTape() as tape:
                loss = dg.ops.mean((self(x) - y) ** 2)
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            self.seen.update_state(loss)
            return {"seen": self.seen.result()}

    histories = []
    for eager in (True, False):
        dg.set_random_seed(5)
        model = Mine()
        model.compile("adam", run_eagerly=eager)
        x, _, w = data()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            histories.append(model.fit(x, w[:, None], epochs=3, batch_size=8, verbose=0).history)
    assert histories[0] == histories[1] and len(histories[0]["seen"]) == 3


def test_run_rows_refuses_what_does_not_fit():
    f = programs.function(lambda x: x + 1.0)
    f(np.zeros((2, 3), np.float32))
    (program,) = f.programs
    rows = np.zeros((7, 3), np.float32)
    for columns, order, first, times in [
        ([], None, 0, 1),
        ([rows.astype("float64")], None, 0, 1),
        ([rows[:, ::-1]], None, 0, 1),
        ([rows], None, 2, 3),
        ([rows], None, -1, 1),
        ([rows], None, 0, 0),
        ([rows], np.arange(6), 0, 1),
        ([rows], np.arange(7) + 1, 0, 1),
    ]:
        with pytest.raises(ValueError, match=r"\[run_rows\]"):
            program.run_rows(columns, order, first, times, 1.0)
    done, results = program.run_rows([rows], np.arange(7)[::-1], 1, 3, 10.0)
    assert done == 3 and results[0].shape == (2, 3)
