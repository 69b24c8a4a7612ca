"""compile, fit, evaluate, predict: Keras' numbers and defaults."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import metrics
from training_cases import CASES, D, K, N, features, labels, make

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
    assert model.metrics_names == ["loss", "compile_metrics"]
    assert [m.name for m in model.metrics[1].metrics] == ["acc"]


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
    model.compile(dg.optimizers.SGD(1e-6), "mse", run_eagerly=True)
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


def test_layers_that_need_values():
    class Scale(dg.layers.Layer):
        def call(self, x):
            return x / float(np.abs(x.numpy()).max())

    model = dg.Sequential([Scale(), dg.layers.Dense(K)])
    model.compile("sgd", "mse", run_eagerly=True)
    for _ in range(2):
        assert len(model.fit(features(), labels("real"), verbose=0).epoch) == 1
    with pytest.raises(ValueError):
        model.fit(features(), labels("real")[:, :2], verbose=0)


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


def test_numpy_numbers():
    model = make(dg)
    history = model.fit(
        features(),
        labels("sparse"),
        validation_split=np.float32(0.5),
        validation_freq=np.int64(1),
        epochs=np.int32(2),
        verbose=np.int64(0),
    )
    assert len(history.history["val_loss"]) == 2
    model.compile("sgd", "mse", loss_weights=np.float32(2))


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
