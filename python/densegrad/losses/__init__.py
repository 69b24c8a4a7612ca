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
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)
from densegrad.saving import Names

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
    "LogCosh",
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
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
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
_names = Names("losses")
for _function, _cls in _CLASS_OF.items():
    _names.register(path=f"keras.losses.{_cls.__name__}")(_cls)
    _names.register(*_cls._aliases)(_function)  # last: a name in small letters is the function
_BY_NAME = _names.objects
_ABSENT = ("CTC", "Circle", "Dice", "Tversky", "circle", "ctc", "dice", "tversky")


def get(identifier):
    """Return the loss that `identifier` means.

    Args:
        identifier: a function's name ("mean_squared_error", "mse", ...), a class name, a config, a `Loss` (or a
            subclass), any callable `(y_true, y_pred) -> values`, or None, which stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `losses.get`.
    """
    if isinstance(identifier, str) and identifier in _ABSENT:
        raise ValueError(
            f"[losses] `{identifier}` is a loss of Keras that densegrad does not have: write it as a function."
        )
    return _names.get(identifier)


_, serialize, deserialize = _names.functions("loss", "see `get`", "mse", "name")


def as_loss(identifier) -> Loss:
    """Return `get(identifier)` as a `Loss`; functions are reduced by "sum_over_batch_size", as `compile` does."""
    loss = get(identifier)
    if isinstance(loss, Loss):
        return loss
    for function, cls in _CLASS_OF.items():  # a callable need not be hashable
        if loss is function:
            return cls()
    return _FunctionLoss(loss, getattr(loss, "__name__", None))
