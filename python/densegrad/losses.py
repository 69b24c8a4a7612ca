"""Losses by Keras' names. A new one is one entry in C++ and one small class and function here."""

from densegrad import _core, config
from densegrad._core import Tensor

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "get",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]

_loss = _core.loss
_REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


class Loss:
    """Base of losses: `call` gives one value per sample, weights multiply them, `reduction` makes a scalar.

    Args:
        name: str; None takes the class name.
        reduction: "sum_over_batch_size" or "mean" (sum of weighted values / number of values), "sum",
            "mean_with_sample_weight" (divided by the sum of the weights), "none" or None (values as they are).
        dtype: "float32", "float64", or None for the dtype of `y_pred` (Keras: always float32).

    Call with `y_true`, `y_pred` (batch, ...), and optionally `sample_weight`, of the shape of the values or
    broadcasting to it. Returns a scalar tensor, or the values. `y_true` and `y_pred` may differ by a last axis of 1.

    Raises:
        ValueError: for an unknown `reduction`, shapes that do not match or labels out of range.

    Source: Keras `losses.Loss`.
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        if reduction is not None and reduction not in _REDUCTIONS:
            known = ", ".join(map(repr, _REDUCTIONS))
            raise ValueError(
                f"[{type(self).__name__}] `reduction` is {reduction!r}: it must be one of {known} or None."
            )
        self.name = name or config.auto_name(type(self).__name__)
        self.reduction = reduction
        self.dtype = None if dtype is None else config.float_dtype(dtype, type(self).__name__).name
        self._reduction = {None: "none", "mean": "sum_over_batch_size"}.get(reduction, reduction)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_pred = self._prediction(y_pred)
        y_true = _core.convert(y_true, y_pred.dtype)
        values = self.call(*_core.align_ranks(y_true, y_pred))
        return _core.reduce_loss(_core.convert(values, y_pred.dtype), sample_weight, self._reduction)

    def call(self, y_true, y_pred):
        """Return one value per sample for tensors of one dtype."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `call(self, y_true, y_pred)`.")

    def _prediction(self, y_pred):
        if self.dtype is not None:
            return _core.convert(y_pred, self.dtype)
        y_pred = y_pred if isinstance(y_pred, Tensor) else _core.convert(y_pred)
        return y_pred if y_pred.dtype.kind == "f" else _core.convert(y_pred, config.floatx())


class _Native(Loss):
    """A loss that the compiled core computes in one primitive."""

    _function = None  # its name in the core, and of the function in this module
    _aliases = ()  # other names for `compile(loss=...)`

    def __init__(self, reduction, name, dtype, from_logits=False, label_smoothing=0.0, axis=-1):
        cls = type(self).__name__
        if not config.is_number(label_smoothing) or not 0 <= label_smoothing <= 1:
            raise ValueError(f"[{cls}] `label_smoothing` is {label_smoothing!r}: it must be in [0, 1].")
        if not config.is_integer(axis):
            raise ValueError(f"[{cls}] `axis` is {axis!r}: it must be an integer.")
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.dtype is not None:
            y_pred = _core.convert(y_pred, self.dtype)
        options = (self.from_logits, self.label_smoothing, self.axis)
        return _loss(self._function, y_true, y_pred, sample_weight, *options, self._reduction)

    def call(self, y_true, y_pred):
        """Return one value per sample."""
        return _loss(self._function, y_true, y_pred, None, self.from_logits, self.label_smoothing, self.axis, "none")


class MeanSquaredError(_Native):
    """Mean of (y_true - y_pred)**2 over the last axis, in the squared unit of `y_pred` per sample.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.MeanSquaredError`.
    """

    _function = "mean_squared_error"
    _aliases = ("mse", "MSE")

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(reduction, name, dtype)


class BinaryCrossentropy(_Native):
    """-(t log p + (1 - t) log(1 - p)), mean over `axis`, in nats per sample, for t = y_true, p = clip(y_pred).

    clip(p) keeps p in [1e-7, 1 - 1e-7], rounded to the dtype; its derivative is 0 outside.
    For a p that is the output of a sigmoid the value and dL/dz are taken from its input z, stably.

    Args:
        from_logits: whether `y_pred` is z with p = sigmoid(z).
        label_smoothing: s in [0, 1] replaces t by t (1 - s) + s / 2.
        axis: the axis of the mean.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.BinaryCrossentropy`.
    """

    _function = "binary_crossentropy"
    _aliases = ("bce", "BCE")

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, from_logits, label_smoothing, axis)


class CategoricalCrossentropy(_Native):
    """-sum_j t_j log clip(p_j / sum_i p_i) over `axis`, in nats per sample, for one-hot or soft labels t, p = y_pred.

    clip(q) keeps q in [1e-7, 1 - 1e-7], rounded to the dtype; its derivative is 0 outside.
    For a p that is the output of a softmax the value and dL/dz are taken from its input z, stably.

    Args:
        from_logits: whether `y_pred` is z with p = softmax(z).
        label_smoothing: s in [0, 1] replaces t by t (1 - s) + s / K for K classes.
        axis: the axis of the classes.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.CategoricalCrossentropy`.
    """

    _function = "categorical_crossentropy"

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, from_logits, label_smoothing, axis)


class SparseCategoricalCrossentropy(_Native):
    """log(sum_j clip(p_j)) - log clip(p_k), in nats per sample, for integer labels k = y_true in [0, K), p = y_pred.

    Labels have shape (batch,) or (batch, 1). clip(p) keeps p in [1e-7, 1 - 1e-7], rounded to the dtype; its
    derivative is 0 outside.
    For a p that is the output of a softmax the value and dL/dz are taken from its input z, stably.

    Args:
        from_logits: whether `y_pred` is z with p = softmax(z).
        ignore_class: int; samples with this label give 0 and do not count in the mean.
        reduction, name, dtype: as for `Loss`.
        axis: only -1.

    Source: Keras `losses.SparseCategoricalCrossentropy`.
    """

    _function = "sparse_categorical_crossentropy"

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        if axis != -1:
            raise ValueError(f"[SparseCategoricalCrossentropy] `axis` is {axis!r}: only -1 is supported.")
        super().__init__(reduction, name, dtype, from_logits, 0.0, axis)
        self.ignore_class = ignore_class

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.ignore_class is None:
            return super().__call__(y_true, y_pred, sample_weight)
        y_pred = self._prediction(y_pred)
        labels, weights = _ignore(y_true, self.ignore_class, y_pred.dtype)
        if self._reduction == "sum_over_batch_size":
            valid = _core.maximum(_core.sum(weights), 1.0)
            weights = _core.multiply(weights, _core.divide(float(weights.size), valid))
        if sample_weight is not None:
            weights = _core.multiply(*_core.align_ranks(weights, _core.convert(sample_weight, y_pred.dtype)))
        return super().__call__(labels, y_pred, weights)

    def call(self, y_true, y_pred):
        """Return one value per sample, 0 for those of `ignore_class`."""
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class)


def mean_squared_error(y_true, y_pred):
    """Return the values of `MeanSquaredError`, shape `y_pred.shape[:-1]`. Source: Keras `losses.mean_squared_error`."""
    return _loss("mean_squared_error", y_true, y_pred, reduction="none")


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Return the values of `BinaryCrossentropy`. Source: Keras `losses.binary_crossentropy`."""
    return _loss("binary_crossentropy", y_true, y_pred, None, from_logits, label_smoothing, axis, "none")


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Return the values of `CategoricalCrossentropy`. Source: Keras `losses.categorical_crossentropy`."""
    return _loss("categorical_crossentropy", y_true, y_pred, None, from_logits, label_smoothing, axis, "none")


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """Return the values of `SparseCategoricalCrossentropy`. Source: Keras `losses.sparse_categorical_crossentropy`."""
    weights = None
    if ignore_class is not None:
        y_pred = _core.convert(y_pred)
        y_true, weights = _ignore(y_true, ignore_class, y_pred.dtype)
    return _loss("sparse_categorical_crossentropy", y_true, y_pred, weights, from_logits, 0.0, axis, "none")


def _ignore(y_true, ignore_class, dtype):
    """Return labels that are valid everywhere, and weights 0 where `y_true` is `ignore_class`, 1 elsewhere."""
    y_true = _core.convert(y_true)
    keep = _core.not_equal(y_true, ignore_class)
    labels = _core.where(keep, y_true, _core.cast(0, y_true.dtype))
    return labels, _core.cast(keep, dtype)


class _FunctionLoss(Loss):
    """A loss made of a function `(y_true, y_pred) -> values`."""

    def __init__(self, function, name):
        super().__init__(name)
        self.call = function


# A class names its function and its aliases: nothing else lists the losses.
_CLASS_OF = {globals()[c._function]: c for c in _Native.__subclasses__()}
_FUNCTIONS, _CLASSES = tuple(_CLASS_OF), tuple(_CLASS_OF.values())
_BY_NAME = {f.__name__: f for f in _FUNCTIONS} | {c.__name__: c for c in _CLASSES}
_BY_NAME |= {alias: f for f, c in _CLASS_OF.items() for alias in c._aliases}


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
