"""Loss classes and functions: Keras' values, the frame for custom losses, weights, reductions, names, messages."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS, TF_ULPS, Machine
from densegrad import _core, losses
from loss_formulas import FORMULAS, Bounded
from loss_oracles import SPARSE

REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]


class Custom(losses.Loss):
    def call(self, y_true, y_pred):
        return _core.mean(_core.square(y_true - y_pred), axis=-1)


def data(name, seed=0, n=6, k=4):
    rng = np.random.default_rng(seed)
    p = rng.random((n, k)).astype(np.float32) + 0.05
    p /= p.sum(axis=1, keepdims=True)
    if name.startswith("Sparse") or name == "CategoricalGeneralizedCrossEntropy":
        return rng.integers(0, k, n), p
    if name.startswith("Categorical"):
        return np.eye(k, dtype=np.float32)[rng.integers(0, k, n)], p
    if name.startswith("Binary"):
        return (rng.random((n, k)) > 0.5).astype(np.float32), p
    signed = name.startswith("Mean") and "Log" not in name
    return (rng.standard_normal((n, k)) if signed else rng.uniform(0.1, 1, (n, k))).astype(np.float32), p


def analysed(name, y, p, label_smoothing=0.0, **options):
    """The same by the error analysis of the expression (bounds.py); all values of a loss have one sign here."""
    function = getattr(losses, name)._function
    t = np.eye(p.shape[-1])[y] if function in SPARSE else y
    t = t * (1 - label_smoothing) + label_smoothing / (2 if name.startswith("Binary") else p.shape[-1])
    ratio = 0.0
    for ulps in (DG_ULPS, TF_ULPS):
        machine = Machine("float32", ulps)
        values = FORMULAS[function](Bounded, "values", machine.rounded(t), machine.leaf(p), **options)
        assert np.all(values.value > 0) or np.all(values.value < 0)
        ratio += np.max(values.error / np.abs(values.value))
    return ratio + np.finfo(np.float32).eps / 2 * 2 * (2 * len(p) + 4)


def relative(name, y, p, n=6, **options):
    """How far two losses of n samples may be apart, relative to their value, for probabilities p of k classes.

    Roundings before a logarithm (k in the sum of p, 2 in the quotient, 1 - p) are divided by the smallest |log| that
    occurs; the logarithm and exponential count by the ULPs of the two libraries; after it the terms have one sign, so
    the sum over classes and samples, a weight, and the sum of the weights each add their roundings.
    """
    if not name.endswith("Crossentropy") or "Focal" in name:
        return analysed(name, y, p, **options)
    k = p.shape[-1]
    q = p / p.sum(axis=-1, keepdims=True)
    least = np.abs(np.log(q)).min() if "Binary" not in name else np.abs(np.log(np.stack([q, 1 - q]))).min()
    before, after = 2 * (k + 3) / min(least, 1), 2 * (k + 2 * n + 4)
    return np.finfo(np.float32).eps / 2 * (before + 2 * 2 * (DG_ULPS + TF_ULPS) + after)


def keras_loss(name, **options):
    keras = pytest.importorskip("keras")
    return getattr(keras.losses, name)(**options)


@pytest.mark.parametrize("name", [c.__name__ for c in losses._CLASSES])
@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("weights", [None, (6,), (6, 1)], ids=str)
def test_classes_equal_keras(name, reduction, weights, seed):
    y, p = data(name, seed)
    w = None if weights is None else np.random.default_rng([seed, 1]).random(weights).astype(np.float32)
    ours = getattr(losses, name)(reduction=reduction)(y, p, w)
    theirs = keras_loss(name, reduction=reduction)(y, p, w).numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=relative(name, y, p))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Huber", {"delta": 0.3}),
        ("BinaryFocalCrossentropy", {"gamma": 1.5, "alpha": 0.4, "apply_class_balancing": True}),
        ("BinaryFocalCrossentropy", {"label_smoothing": 0.2}),
        ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 3.0}),
        ("CategoricalFocalCrossentropy", {"label_smoothing": 0.2}),
        ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}),
        ("BinaryCrossentropy", {"from_logits": True}),
        ("BinaryCrossentropy", {"label_smoothing": 0.2}),
        ("BinaryCrossentropy", {"axis": 0}),
        ("CategoricalCrossentropy", {"from_logits": True}),
        ("CategoricalCrossentropy", {"label_smoothing": 0.2}),
        ("CategoricalCrossentropy", {"label_smoothing": 0.2, "from_logits": True}),
        ("SparseCategoricalCrossentropy", {"from_logits": True}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 2}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 2, "reduction": "sum"}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 2, "reduction": "none", "from_logits": True}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 2, "reduction": "mean_with_sample_weight"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_options_equal_keras(name, options, weighted, seed):
    y, p = data(name, seed)
    w = np.array([1, 2, 0, 0.5, 3, 1], np.float32) if weighted and options.get("axis") != 0 else None
    ours = getattr(losses, name)(**options)(y, p, w).numpy()
    np.testing.assert_allclose(ours, keras_loss(name, **options)(y, p, w).numpy(), rtol=relative(name, y, p, **options))


def test_ignore_class():
    p = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]], np.float32)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    exact = -np.log(p.astype(np.float64))  # p rounds at its entries; what the rows then lack of 1 is in `allowed`
    allowed = relative("SparseCategoricalCrossentropy", None, p)
    np.testing.assert_allclose(float(loss([0, 1, -1], p)), (exact[0, 0] + exact[1, 1]) / 2, rtol=allowed)
    assert float(loss([-1, -1, -1], p)) == 0
    values = losses.sparse_categorical_crossentropy([0, -1, 0], p, ignore_class=-1).numpy()
    np.testing.assert_allclose(values, [exact[0, 0], 0, exact[2, 0]], rtol=allowed)


@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,)), ((3,), (3,)), ((3, 1), (3, 1))], ids=str)
def test_ranks_are_aligned(shapes):
    y, p = np.arange(3.0).reshape(shapes[0]), np.ones(shapes[1], np.float32)
    for loss in (losses.MeanSquaredError(), Custom()):
        np.testing.assert_allclose(float(loss(y, p)), 2 / 3, rtol=2.0**-24)  # 2 is exact, the quotient rounds


def test_dtype():
    y, p = data("MeanSquaredError")
    assert losses.MeanSquaredError()(y, p.astype(np.float64)).dtype == "float64"
    assert losses.MeanSquaredError()(y.astype(np.float64), p).dtype == "float32"
    assert losses.MeanSquaredError(dtype="float64")(y, p).dtype == "float64"
    assert Custom()(y.astype(np.float64), p.astype(np.float64)).dtype == "float64"
    assert Custom(dtype="float64")(y, p).dtype == "float64"
    assert Custom()([[1, 2]], [[1, 3]]).dtype == "float32"


def test_gradient_of_a_custom_loss():
    y, p = data("MeanSquaredError")
    p = dg.constant(p)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(p)
        values = [loss(y, p, np.arange(6)) for loss in (Custom(), losses.MeanSquaredError())]
    a, b = (tape.gradient(v, p).numpy() for v in values)
    np.testing.assert_allclose(a, b, rtol=2 * 8 * 2.0**-24)  # at most eight factors on either side; p - y is the same


def test_get_and_names():
    assert losses.get("mse") is losses.get("MSE") is losses.get("mean_squared_error") is losses.mean_squared_error
    assert losses.get("bce") is losses.binary_crossentropy
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert losses.get(None) is None
    assert losses.as_loss("mse").reduction == "sum_over_batch_size"
    assert all(c().name == ("huber_loss" if c is losses.Huber else c._function) for c in losses._CLASSES)
    assert sorted(c._function for c in losses._CLASSES) == sorted(_core.loss_names())


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: losses.MeanSquaredError(reduction="auto"),
            ValueError,
            "[MeanSquaredError] Invalid value for argument `reduction`: 'auto'. It must be one of "
            "'sum_over_batch_size', 'mean', 'sum', 'mean_with_sample_weight', 'none' or None.",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy(axis=0),
            ValueError,
            "[SparseCategoricalCrossentropy] `axis` is 0: only -1 is supported.",
        ),
        (
            lambda: losses.get("cosh"),
            ValueError,
            f"[losses] `cosh` is not known: it must be one of {', '.join(losses._names._listed)}.",
        ),
        (
            lambda: losses.get(3),
            TypeError,
            "[losses] `identifier` is 3: it must be None, a name or a callable.",
        ),
        (
            lambda: losses.Loss()([1.0], [1.0]),
            NotImplementedError,
            "[Loss] must define `call(self, y_true, y_pred)`.",
        ),
        (
            lambda: losses.MeanSquaredError(dtype="int32"),
            ValueError,
            "[MeanSquaredError] `dtype` is 'int32': it must be 'float32' or 'float64'.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


@pytest.mark.parametrize("cls", [losses.BinaryCrossentropy, losses.CategoricalCrossentropy], ids=lambda c: c.__name__)
def test_options_are_checked_at_construction(cls):
    for smoothing in (-0.1, 1.1, float("nan"), "a", None, True):
        with pytest.raises(ValueError) as info:
            cls(label_smoothing=smoothing)
        assert str(info.value) == f"[{cls.__name__}] `label_smoothing` is {smoothing!r}: it must be in [0, 1]."
    for axis in (1.5, "a", None, (0, 1), True):
        with pytest.raises(ValueError) as info:
            cls(axis=axis)
        assert str(info.value) == f"[{cls.__name__}] `axis` is {axis!r}: it must be an integer."
    cls(label_smoothing=np.float32(0.5), axis=np.int64(-1))


@pytest.mark.parametrize("cls", losses._CLASSES, ids=lambda c: c.__name__)
def test_configs(cls):
    loss = cls(reduction="sum", name="mine")
    config = losses.serialize(loss)
    assert config["module"] == "keras.losses" and config["class_name"] == cls.__name__
    for again in (losses.deserialize(config), losses.get(config), cls.from_config(loss.get_config())):
        assert type(again) is cls and again.get_config() == loss.get_config()
    function = losses.get(cls._function)
    assert losses.deserialize(losses.serialize(function)) is losses.deserialize(cls._function) is function


def test_log_cosh_of_small_and_large_errors():
    """Near 0 log cosh e is e^2 / 2, which Keras' expression loses to cancellation; far away it is |e| - log 2."""
    for dtype, small in ((np.float32, 2.0**-12), (np.float64, 2.0**-30)):
        e = np.array([[small], [0.0], [-small], [100.0], [-1e30], [np.inf]], dtype)
        expected = np.where(np.abs(e) < 1, small**2 / 2 * np.sign(e) ** 2, np.abs(e) - np.log(2))[:, 0]
        found = losses.log_cosh(np.zeros_like(e), e).numpy()
        # A tanh, a square, a log1p, half of it: a few units each.
        np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps)
    assert np.isnan(losses.log_cosh([[0.0]], [[np.nan]]).numpy()[0])


def test_unhashable_callables():
    class Distance(list):
        def __call__(self, y_true, y_pred):
            return losses.mean_squared_error(y_true, y_pred)

    y, p = data("MeanSquaredError")
    assert losses.as_loss(Distance())(y, p).item() == losses.MeanSquaredError()(y, p).item()
    model = dg.Sequential([dg.layers.Dense(4)])
    model.compile("sgd", Distance())
    model.fit(p, y, verbose=0)


def test_each_class_has_a_function():
    assert {c._function for c in losses._CLASSES} == set(_core.loss_names())
    for function, cls in losses._CLASS_OF.items():
        assert function.__name__ == cls._function and losses.get(cls.__name__).__class__ is cls
        assert all(losses.get(alias) is function for alias in cls._aliases)
        assert isinstance(losses.as_loss(cls._function), cls)
