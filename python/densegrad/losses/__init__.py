"""Losses by Keras' names. A new one is one entry in C++ and one small class and function here."""

from densegrad.losses.base import Loss, NativeLoss
from densegrad.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from densegrad.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from densegrad.losses.hinges import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from densegrad.losses.regression import (
    CosineSimilarity,
    Huber,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    cosine_similarity,
    huber,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "cosine_similarity",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]


class _FunctionLoss(Loss):
    """A loss made of a function `(y_true, y_pred) -> values`."""

    def __init__(self, function, name):
        super().__init__(name)
        self.call = function


# A class names its function and its aliases: nothing else lists the losses.
_CLASS_OF = {globals()[c._function]: c for c in NativeLoss.__subclasses__()}
_FUNCTIONS, _CLASSES = tuple(_CLASS_OF), tuple(_CLASS_OF.values())
_BY_NAME = {f.__name__: f for f in _FUNCTIONS} | {c.__name__: c for c in _CLASSES}
_BY_NAME |= {alias: f for f, c in _CLASS_OF.items() for alias in c._aliases}
_ABSENT = ("CTC", "Circle", "Dice", "Tversky", "circle", "ctc", "dice", "tversky")


def get(identifier):
    """Return the loss that `identifier` means.

    Args:
        identifier: a function's name ("mean_squared_error", "mse", ...), a class name, a `Loss`, any callable
            `(y_true, y_pred) -> values`, or None, which stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `losses.get`.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        if identifier in _ABSENT:
            raise ValueError(
                f"[losses] `{identifier}` is a loss of Keras that densegrad does not have: write it as a function."
            )
        if identifier not in _BY_NAME:
            raise ValueError(f"[losses] `{identifier}` is not known: it must be one of {', '.join(_BY_NAME)}.")
        identifier = _BY_NAME[identifier]
    if isinstance(identifier, type):
        return identifier()
    if not callable(identifier):
        raise TypeError(f"[losses] `identifier` is {identifier!r}: it must be a name, a Loss or a callable.")
    return identifier


def as_loss(identifier) -> Loss:
    """Return `get(identifier)` as a `Loss`; functions are reduced by "sum_over_batch_size", as `compile` does."""
    loss = get(identifier)
    if isinstance(loss, Loss):
        return loss
    for function, cls in _CLASS_OF.items():  # a callable need not be hashable
        if loss is function:
            return cls()
    return _FunctionLoss(loss, getattr(loss, "__name__", None))
