"""Which metric an entry of `compile(metrics=...)` means."""

from __future__ import annotations

from densegrad import config, losses
from densegrad.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from densegrad.metrics.base import Metric
from densegrad.metrics.names import _names, get
from densegrad.metrics.reduction import MeanMetricWrapper

_INFERRED = ("accuracy", "acc")
_ACCURACIES = {
    "binary": BinaryAccuracy,
    "sparse_categorical": SparseCategoricalAccuracy,
    "categorical": CategoricalAccuracy,
}


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
        identifier: "accuracy" or "acc", a metric's or a loss' name, a `Metric`, its config, or a callable on
            (y_true, y_pred).
        true_shape, pred_shape: tuples.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        if identifier.lower() in _INFERRED:
            return _ACCURACIES[kind_of(true_shape, pred_shape)](name=identifier)
        is_loss_alone = identifier in losses._BY_NAME and identifier not in _names.objects
        found = losses.get(identifier) if is_loss_alone else get(identifier)
        if isinstance(found, Metric):
            found.name = identifier
            return found
        return MeanMetricWrapper(_per_sample(found), identifier)
    if identifier is None or not (callable(identifier) or isinstance(identifier, dict)):
        raise TypeError(f"[metrics] `metrics` has {identifier!r}: every entry must be a name, a Metric or a callable.")
    found = get(identifier)
    return found if isinstance(found, Metric) else MeanMetricWrapper(_per_sample(found), _name_of(found))


def _per_sample(function):
    return function.call if isinstance(function, losses.Loss) else function


def _name_of(function):
    own = getattr(function, "name", None)
    return own or config.snake_case(getattr(function, "__name__", type(function).__name__))
