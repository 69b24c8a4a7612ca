"""Metrics: running means over batches, by Keras' names; and which accuracy `"accuracy"` means."""

from __future__ import annotations

import functools

from densegrad import _core, config, losses

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "SparseCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
]


class Metric:
    """Base of metrics: `update_state` for every batch, then `result`; `reset_state` starts again.

    Source: Keras `metrics.Metric`.
    """

    def __init__(self, name=None):
        self.name = name or config.auto_name(type(self).__name__)
        self.reset_state()

    def update_state(self, *args, **kwargs):
        """Take one more batch into account."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `update_state`.")

    def result(self):
        """Return the value so far, a scalar tensor: `.numpy()`, `float()` and formats take it as a number."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `result`.")

    def reset_state(self):
        """Forget all batches so far."""

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        return self.result()


class Mean(Metric):
    """Sum of w v / sum of w over all values v since the last reset; 0 before the first value.

    Source: Keras `metrics.Mean`.
    """

    def __init__(self, name="mean"):
        super().__init__(name)

    def reset_state(self):
        """Forget all batches so far."""
        self._total = self._count = 0.0

    def update_state(self, values, sample_weight=None):
        """Add values of shape (n, ...), averaged over all but the first axis, with weights that broadcast to them."""
        values = _core.convert(values)
        if values.dtype.kind != "f":
            values = _core.cast(values, config.floatx())
        if sample_weight is None:
            self.add(float(_core.mean(values)) if values.size else 0.0, values.shape[0] if values.ndim else 1)
            return
        weights = _core.convert(sample_weight, values.dtype)
        values, weights = _core.align_ranks(values, weights)
        if values.ndim > weights.ndim:
            values = _core.mean(values, axis=tuple(range(weights.ndim, values.ndim)))
        weights = _core.broadcast_to(weights, values.shape)
        rest = tuple(range(1, values.ndim))
        products = _core.multiply(values, weights)
        self._total += float(_core.sum(_core.mean(products, axis=rest) if rest else products))
        self._count += float(_core.sum(_core.mean(weights, axis=rest) if rest else weights))

    def add(self, value, weight):
        """Add one Python float with a weight."""
        self._total += value * weight
        self._count += weight

    def result(self):
        """Return the mean so far, a scalar tensor of dtype `config.floatx()`."""
        return _core.constant(self._total / self._count if self._count else 0.0, config.floatx())


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred)`, one value per sample.

    Args:
        fn: a callable.
        name: str; None takes the function's name.

    Source: Keras `metrics.MeanMetricWrapper`.
    """

    def __init__(self, fn, name=None):
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__))
        self._fn = fn

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels and predictions."""
        super().update_state(self._fn(_core.convert(y_true), _core.convert(y_pred)), sample_weight)


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Return the mean over the last axis of (y_pred > threshold) == y_true. Source: Keras `metrics.binary_accuracy`."""
    y_pred = _core.convert(y_pred)
    y_true, y_pred = _core.align_ranks(_core.convert(y_true, y_pred.dtype), y_pred)
    above = _core.cast(_core.greater(y_pred, threshold), y_pred.dtype)
    return _core.mean(_core.cast(_core.equal(y_true, above), y_pred.dtype), axis=-1)


def categorical_accuracy(y_true, y_pred):
    """Return 1 where the largest entries of `y_true` and `y_pred` (the first of equals) are in one place, else 0.

    Source: Keras `metrics.categorical_accuracy`.
    """
    return _matches(_core.argmax(y_true, -1), y_pred)


def sparse_categorical_accuracy(y_true, y_pred):
    """Return 1 where the largest entry of `y_pred` (the first of equals) is at index `y_true`, else 0.

    Source: Keras `metrics.sparse_categorical_accuracy`.
    """
    y_true = _core.convert(y_true)
    if y_true.ndim == len(_core.convert(y_pred).shape) and y_true.shape[-1] == 1:
        y_true = _core.reshape(y_true, y_true.shape[:-1])
    return _matches(y_true, y_pred)


def _matches(labels, y_pred):
    y_pred = _core.convert(y_pred)
    places = _core.cast(_core.argmax(y_pred, -1), y_pred.dtype)
    return _core.cast(_core.equal(_core.cast(labels, y_pred.dtype), places), y_pred.dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """The share of entries with (y_pred > threshold) == y_true; `y_pred` is a probability, not a logit.

    Source: Keras `metrics.BinaryAccuracy`.
    """

    _direction = "up"

    def __init__(self, name="binary_accuracy", threshold=0.5):
        if not config.is_number(threshold) or not 0 < threshold < 1:
            raise ValueError(f"[BinaryAccuracy] `threshold` is {threshold!r}: it must be between 0 and 1.")
        super().__init__(functools.partial(binary_accuracy, threshold=threshold), name)


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose most likely class is the largest entry of `y_true`.

    Source: Keras `metrics.CategoricalAccuracy`.
    """

    _direction = "up"

    def __init__(self, name="categorical_accuracy"):
        super().__init__(categorical_accuracy, name)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose most likely class is `y_true`, an integer.

    Source: Keras `metrics.SparseCategoricalAccuracy`.
    """

    _direction = "up"

    def __init__(self, name="sparse_categorical_accuracy"):
        super().__init__(sparse_categorical_accuracy, name)


_INFERRED = ("accuracy", "acc")
_CLASSES = (BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy)
_FUNCTIONS = (binary_accuracy, categorical_accuracy, sparse_categorical_accuracy)
_BY_NAME = {c.__name__: c for c in _CLASSES} | {f.__name__: c for f, c in zip(_FUNCTIONS, _CLASSES)}


def kind_of(true_shape, pred_shape) -> str:
    """Return "binary", "sparse_categorical" or "categorical", as Keras infers it for `"accuracy"`."""
    if pred_shape[-1] == 1:
        return "binary"
    sparse = len(true_shape) < len(pred_shape) or true_shape[-1] == 1
    return "sparse_categorical" if sparse else "categorical"


def check(identifier) -> None:
    """Raise unless `resolve` will accept `identifier`."""
    resolve(identifier, (1, 1), (1, 1))


def resolve(identifier, true_shape, pred_shape) -> Metric:
    """Return the metric that an entry of `compile(metrics=...)` means for labels and outputs of these shapes.

    Args:
        identifier: "accuracy" or "acc", a metric's or a loss' name, a `Metric`, or a callable on (y_true, y_pred).
        true_shape, pred_shape: tuples.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        if identifier in _INFERRED:
            name = f"{kind_of(true_shape, pred_shape)}_accuracy"
            return _BY_NAME[name](name=identifier)
        if identifier in _BY_NAME:
            return _BY_NAME[identifier](name=identifier)
        if identifier not in losses._BY_NAME:
            known = ", ".join([*_INFERRED, *_BY_NAME, *losses._BY_NAME])
            raise ValueError(f"[metrics] `{identifier}` is not known: it must be one of {known}.")
        function = losses.get(identifier)
        return MeanMetricWrapper(getattr(function, "call", function), identifier)
    if not callable(identifier):
        raise TypeError(f"[metrics] `metrics` has {identifier!r}: every entry must be a name, a Metric or a callable.")
    identifier = getattr(identifier, "call", identifier) if isinstance(identifier, losses.Loss) else identifier
    return MeanMetricWrapper(identifier)
