"""Metrics: exact values, state, subclasses, configs, and their place in `fit`."""

from __future__ import annotations

import inspect
import pickle

import densegrad as dg
import numpy as np
import pytest
from densegrad import metrics

Y = np.float32([[1, 2], [3, 4], [5, 6], [7, 8]])
P = np.float32([[1, 4], [4, 4], [1, 6], [7, 9]])
W = np.float32([1, 2, 0, 1])


@pytest.mark.parametrize(
    ("metric", "plain", "weighted"),
    [
        (metrics.MeanSquaredError(), (2 + 0.5 + 8 + 0.5) / 4, (2 + 1 + 0.5) / 4),
        (metrics.MeanAbsoluteError(), (1 + 0.5 + 2 + 0.5) / 4, (1 + 1 + 0.5) / 4),
        (metrics.RootMeanSquaredError(), (11 / 4) ** 0.5, (3.5 / 4) ** 0.5),
        (metrics.Accuracy(), 4 / 8, (0.5 + 2 * 0.5 + 0.5) / 4),
        # Columns: sum of squared errors 1 + 16 of a variance 20, and 4 + 1 of 20.
        (metrics.R2Score(), 1 - (17 / 20 + 5 / 20) / 2, None),
        (metrics.R2Score(class_aggregation="variance_weighted_average"), 1 - 22 / 40, None),
        (metrics.R2Score(num_regressors=3), 1 - (22 / 40) * 7 / 4, None),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
@pytest.mark.parametrize("cut", [1, 3])
def test_values_over_two_batches(metric, plain, weighted, cut):
    for weights, expected in ((None, plain), (W, weighted)):
        if expected is None:
            continue
        metric.reset_state()
        for part in (slice(cut), slice(cut, None)):
            metric.update_state(Y[part], P[part], None if weights is None else weights[part])
        # Sums of halves are exact; a quotient, a root, and the few steps of a score round.
        np.testing.assert_allclose(metric.result(), expected, rtol=16 * 2.0**-24)


def test_sums_and_means_take_what_a_batch_can_be():
    for dtype in ("float32", "float64", "int32"):
        total = metrics.Sum(dtype=dtype)
        total.update_state([1, 2, 3])
        total.update_state(np.arange(6).reshape(2, 3)[:, ::2], sample_weight=[2, 1])
        assert total.result().numpy() == 6 + 2 * (0 + 2) + (3 + 5) and total.result().dtype.name == dtype
    mean = metrics.Mean()
    assert mean.result() == 0
    mean.update_state(np.zeros((0, 3), np.float32))
    assert mean.result() == 0
    values = np.broadcast_to(np.float64(2), (4, 3))
    assert not values.flags.writeable
    mean.update_state(values)
    mean.update_state(dg.constant(5.0), sample_weight=4)
    assert mean.result() == 3.5 and [v.name for v in mean.variables] == ["total", "count"]


def test_counts_precision_and_recall():
    labels, scores = np.array([1, 0, 1, 1, 0, 0]), np.array([0.9, 0.8, 0.5, 0.6, 0.5, np.nan])
    weights = [1, 2, 3, 4, 5, 6]
    for metric, plain, weighted in (
        (metrics.TruePositives(), 2, 5),
        (metrics.FalsePositives(), 1, 2),
        (metrics.TrueNegatives(), 2, 11),
        (metrics.FalseNegatives(), 1, 3),
        (metrics.Precision(), 2 / 3, 5 / 7),
        (metrics.Recall(), 2 / 3, 5 / 8),
        (metrics.Recall(thresholds=[0.0, 0.5, 1.0]), [1, 2 / 3, 0], [1, 5 / 8, 0]),
    ):
        for weight, expected in ((None, plain), (weights, weighted)):
            metric.reset_state()
            metric.update_state(labels[:0], scores[:0])
            for part in (slice(0, None, 2), slice(1, None, 2)):
                metric.update_state(labels[part], scores[part], None if weight is None else weight[part])
            np.testing.assert_array_equal(metric.result().numpy(), np.float32(expected))


def test_the_area_under_roc_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 60), rng.integers(1, 20, 60) / 20
    positive, negative = scores[labels == 1][:, None], scores[labels == 0]
    share = ((positive > negative) + 0.5 * (positive == negative)).mean()
    area = metrics.AUC(num_thresholds=41, name="area")  # two thresholds for every score
    for part in (slice(25), slice(25, None)):
        area.update_state(labels[part], scores[part])
    # The counts are exact; the area rounds once to float32.
    np.testing.assert_allclose(area.result(), share, rtol=2 * 2.0**-24)
    # Logits of the scores, whose sigmoids round, between two thresholds.
    logits = metrics.AUC(num_thresholds=52, from_logits=True)
    logits.update_state(labels, np.log(scores / (1 - scores)))
    np.testing.assert_allclose(logits.result(), share, rtol=2 * 2.0**-24)


def test_f_scores_of_rows():
    labels = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    scores = np.float32([[0.6, 0.2, 0.2], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.0, 0.0, 0.0]])
    # Class 0: one true, one false, one missed; class 1: missed; class 2: right.
    expected = np.array([0.5, 0.0, 1.0])
    for average, value in ((None, expected), ("macro", 0.5), ("micro", 2 * 2 / (2 * 2 + 1 + 2)), ("weighted", 0.5)):
        score = metrics.F1Score(average=average)
        for part in (slice(1), slice(1, None)):
            score.update_state(labels[part], scores[part])
        # 1e-7 is added to denominators of at least 1/2, twice, and there are fewer than 16 roundings.
        np.testing.assert_allclose(score.result().numpy(), value, rtol=8e-7 + 16 * 2.0**-24)


def test_a_result_stays_as_it_was():
    total = metrics.Sum()
    before = total([1.0, 2.0])
    total.update_state([4.0])
    assert before == 3 and total.result() == 7


def test_a_metric_under_a_tape_has_no_gradient_and_leaves_the_loss_its_own():
    w, mean = dg.Variable([1.0, 2.0]), metrics.MeanSquaredError()
    with dg.GradientTape(persistent=True) as tape:
        loss = dg.losses.mean_squared_error([0.0, 0.0], w)
        mean.update_state([[0.0, 0.0]], [w])
        value = mean.result()
    assert value == 2.5
    assert tape.gradient(value, w) is None
    assert [v is w for v in tape.watched_variables()] == [True]
    np.testing.assert_array_equal(tape.gradient(loss, w).numpy(), np.float32([1, 2]))


class Largest(metrics.Metric):
    """The largest value, and the numbers of batches in metrics of its own."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.top = self.add_weight(shape=(), initializer="zeros", name="top", dtype=self.dtype)
        self.counts = {"batches": metrics.Sum(), "more": [dg.Variable(0.0, trainable=False)]}

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch."""
        self.top.assign(dg.ops.maximum(self.top, dg.ops.max(y_pred)))
        self.counts["batches"].update_state([1.0])

    def result(self):
        """The largest value so far."""
        return self.top


def test_a_subclass_tracks_its_variables_and_resets_all():
    metric = Largest(dtype="float64")
    assert [v.path for v in metric.variables[:1]] == ["largest/top"] and len(metric.variables) == 3
    assert metric(Y, P.astype(np.float64)) == 9
    assert metric.counts["batches"].result() == 1
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0, 0, 0]
    again = Largest.from_config(metric.get_config())
    assert again.get_config() == {"name": "largest", "dtype": "float64"} and repr(again) == "<Largest name=largest>"


def test_stateless_forms_leave_the_variables_as_they_are():
    metric = metrics.Mean()
    metric.update_state([8.0])
    values = metric.stateless_update_state([3.0, 1.0], [1.0, 2.0])
    assert [float(v) for v in values] == [6, 3] and metric.stateless_result(values) == 2
    assert [float(v) for v in metric.stateless_reset_state()] == [0, 0]
    with pytest.raises(ValueError):
        metric.stateless_update_state([3.0, 1.0], [[1.0]], sample_weight=[1.0, 2.0, 3.0])
    assert metric.result() == 8


def test_an_error_changes_nothing():
    metric = metrics.MeanSquaredError()
    metric.update_state(Y, P)
    before = metric.result()
    for arguments in ((Y, P[:3]), (Y, P, np.ones(3))):
        with pytest.raises(ValueError):
            metric.update_state(*arguments)
    assert metric.result() == before


CLASSES = set(metrics._names.objects.values()) - {metrics.Metric, metrics.MeanMetricWrapper}
REQUIRED = {"num_classes": 3, "target_class_ids": [1]} | dict.fromkeys(
    ("sensitivity", "specificity", "precision", "recall"), 0.5
)


@pytest.mark.parametrize("name", sorted(CLASSES, key=lambda thing: thing.__name__))
def test_every_metric_comes_back_from_its_config_and_from_pickle(name):
    needed = [p.name for p in inspect.signature(name).parameters.values() if p.default is p.empty]
    metric = name(*(REQUIRED[argument] for argument in needed), dtype="float64")
    for again in (metrics.deserialize(metrics.serialize(metric)), pickle.loads(pickle.dumps(metric))):
        assert type(again) is name and again.get_config() == metric.get_config()


def test_a_wrapped_function_comes_back_from_its_config():
    metric = metrics.MeanMetricWrapper(dg.losses.huber, "mine", delta=2.0)
    again = metrics.deserialize(metrics.serialize(metric))
    assert again._fn is dg.losses.huber and again._fn_kwargs == {"delta": 2.0} and again.name == "mine"
    assert metric._direction == "down" and not hasattr(metrics.MeanMetricWrapper(lambda t, p: t), "_direction")


def _compiled(entries):
    model = dg.Sequential([dg.Input((2,)), dg.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=entries)
    return model


def myDistance(y_true, y_pred):
    """A function of the user, which gets tensors."""
    return dg.ops.abs(y_true - y_pred).sum(axis=-1) if isinstance(y_true, dg.Tensor) else None


def test_what_compile_takes_as_a_metric():
    entries = ["mae", "RootMeanSquaredError", "huber", myDistance, dg.losses.Huber(), metrics.MeanSquaredError, "ACC"]
    model = _compiled([*entries, metrics.serialize(metrics.MeanAbsoluteError("config"))])
    logs = model.evaluate(Y, P, verbose=0, return_dict=True)
    names = ["mae", "RootMeanSquaredError", "huber", "my_distance", "huber_loss", "mean_squared_error", "ACC", "config"]
    assert set(logs) == {"loss", *names}
    predicted = model.predict(Y, verbose=0)
    error = np.abs(predicted - P).astype(np.float64)
    # Means of eight positive numbers.
    for name, expected in (
        ("mae", error.mean()),
        ("config", error.mean()),
        ("my_distance", error.sum(axis=1).mean()),
        ("mean_squared_error", (error**2).mean()),
        ("RootMeanSquaredError", (error**2).mean() ** 0.5),
    ):
        np.testing.assert_allclose(logs[name], expected, rtol=32 * 2.0**-24)
    assert logs["huber"] == logs["huber_loss"]


def test_metrics_of_counts_in_fit_are_those_of_all_its_batches():
    rng = np.random.default_rng(1)
    x, y, w = rng.random((20, 2), np.float32), rng.integers(0, 2, (20, 1)), rng.integers(1, 4, 20)
    model = dg.Sequential([dg.Input((2,)), dg.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", weighted_metrics=["auc", "recall", metrics.Precision(0.4, name="p")])
    logs = model.evaluate(x, y, batch_size=7, sample_weight=w, verbose=0, return_dict=True)
    scores = model.predict(x, verbose=0)
    assert list(logs) == ["auc", "loss", "p", "recall"]
    for metric in (metrics.AUC(name="auc"), metrics.Recall(name="recall"), metrics.Precision(0.4, name="p")):
        metric.update_state(y, scores, w)
        assert logs[metric.name] == float(metric.result())  # sums of small integers are exact
    history = model.fit(x, y, sample_weight=w, epochs=2, verbose=0).history
    assert all(0 < value <= 1 for value in history["auc"])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: metrics.get("typo"),
            ValueError,
            f"[metrics] `typo` is not known: it must be one of {', '.join(metrics._names._listed)}.",
        ),
        (
            lambda: metrics.Mean(dtype="float16"),
            ValueError,
            "[Mean] `dtype` is 'float16': it must be one of 'float32', 'float64', 'int32', 'int64'.",
        ),
        (
            lambda: metrics.Sum().add_weight(name="w"),
            ValueError,
            "[Sum] `initializer` of variable 'w' is None: it must be a name such as 'zeros', or a callable.",
        ),
        (
            lambda: metrics.Sum().stateless_result([]),
            ValueError,
            "[Sum] `metric_variables` has 0 values: there must be one for each of the 1 variables.",
        ),
        (
            lambda: metrics.R2Score(class_aggregation="mean"),
            ValueError,
            "[R2Score] Invalid value for argument `class_aggregation`: 'mean'. It must be one of None, "
            "'uniform_average', 'variance_weighted_average'.",
        ),
        (
            lambda: metrics.R2Score(num_regressors=-1),
            ValueError,
            "[R2Score] Invalid value for argument `num_regressors`: -1. It must be an integer of at least 0.",
        ),
        (
            lambda: metrics.R2Score().update_state([1.0, 2.0], [1.0, 2.0]),
            ValueError,
            "[R2Score] `y_true` and `y_pred` have shapes (2,) and (2,): R2Score expects 2D inputs with shape "
            "(batch_size, output_dim), the same for both.",
        ),
        (
            lambda: metrics.Precision(thresholds=[0.5, 2]),
            ValueError,
            "[Precision] Threshold values must be in [0, 1]. Received: [2]: see `thresholds`.",
        ),
        (
            lambda: metrics.Recall(class_id=0).update_state([1, 0], [0.5, 0.25]),
            ValueError,
            "[Recall] When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes), "
            "found shape: (2,).",
        ),
        (
            lambda: metrics.Recall().update_state([1, 0, 1], [0.5, 0.25]),
            ValueError,
            "[Recall] `y_true` has shape (3,) but `y_pred` has shape (2,): they must be equal.",
        ),
        (
            lambda: metrics.Recall().update_state([1, 0], [0.5, 0.25], [1.0, 2.0, 3.0]),
            ValueError,
            "[Recall] `sample_weight` has shape (3,) but there are (2,) labels: pass one weight per sample or per "
            "label.",
        ),
        (
            lambda: metrics.PrecisionAtRecall(2),
            ValueError,
            "[PrecisionAtRecall] `recall` must be in the range [0, 1]. Received: 2.",
        ),
        (
            lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0),
            ValueError,
            "[PrecisionAtRecall] Argument `num_thresholds` must be an integer > 0. Received: 0.",
        ),
        (
            lambda: metrics.AUC(num_thresholds=1),
            ValueError,
            "[AUC] Argument `num_thresholds` must be an integer > 1. Received: 1.",
        ),
        (
            lambda: metrics.AUC(curve="x"),
            ValueError,
            "[AUC] Invalid AUC curve value: \"x\". `curve` must be one of 'ROC', 'PR', 'PRGAIN'.",
        ),
        (
            lambda: metrics.AUC(summation_method="x"),
            ValueError,
            "[AUC] Invalid AUC summation method value: \"x\". `summation_method` must be one of 'interpolation', "
            "'majoring', 'minoring'.",
        ),
        (
            lambda: metrics.AUC(num_labels=2),
            ValueError,
            "[AUC] `num_labels` is needed only when `multi_label` is True.",
        ),
        (
            lambda: metrics.AUC(multi_label=True).update_state([1, 0], [0.5, 0.25]),
            ValueError,
            "[AUC] `y_pred` has shape (2,): it must have rank 2 when `multi_label=True`.",
        ),
        (
            lambda: metrics.F1Score(average="x"),
            ValueError,
            "[F1Score] Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', 'weighted'}. "
            "Received: average=x",
        ),
        (
            lambda: metrics.FBetaScore(beta=1),
            ValueError,
            "[FBetaScore] Invalid `beta` argument value. It should be a Python float. Received: beta=1 of type "
            "'<class 'int'>'",
        ),
        (
            lambda: metrics.FBetaScore(beta=0.0),
            ValueError,
            "[FBetaScore] Invalid `beta` argument value. It should be > 0. Received: beta=0.0",
        ),
        (
            lambda: metrics.F1Score(threshold=2.0),
            ValueError,
            "[F1Score] Invalid `threshold` argument value. It should verify 0 < threshold <= 1. Received: "
            "threshold=2.0",
        ),
        (
            lambda: metrics.F1Score().update_state(np.ones((2, 3)), np.ones((3, 3))),
            ValueError,
            "[F1Score] `y_true` has shape (2, 3) but `y_pred` has shape (3, 3): they must be equal, "
            "(batch_size, output_dim).",
        ),
        (
            lambda: metrics.F1Score().update_state([1.0], [1.0]),
            ValueError,
            "[F1Score] FBetaScore expects 2D inputs with shape (batch_size, output_dim). Received input shapes: "
            "y_pred.shape=(1,) and y_true.shape=(1,).",
        ),
        (lambda: metrics.Metric().result(), NotImplementedError, "[Metric] must define `result`."),
        (lambda: metrics.Metric().update_state(), NotImplementedError, "[Metric] must define `update_state`."),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


def test_a_subclass_that_forgot_its_base():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_weight(name="total", initializer="zeros")

    with pytest.raises(RuntimeError) as info:
        Forgetful()
    assert str(info.value) == "[Forgetful] has no state yet: call `super().__init__()` first in its `__init__()`."


@pytest.mark.parametrize(("samples", "text"), [(2, "More independent predictors"), (3, "Division by zero")])
def test_adjusted_scores_of_few_samples_warn(samples, text):
    score = metrics.R2Score(num_regressors=2)
    score.update_state(np.arange(samples, dtype=np.float32)[:, None], np.ones((samples, 1), np.float32))
    with pytest.warns(UserWarning, match=text):
        value = score.result()
    plain = metrics.R2Score()
    plain.update_state(np.arange(samples, dtype=np.float32)[:, None], np.ones((samples, 1), np.float32))
    assert value == plain.result()
