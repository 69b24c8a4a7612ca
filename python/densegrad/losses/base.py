"""What every loss is: values per sample, weights, a reduction."""

import numpy as np

from densegrad import _core, config
from densegrad._core import Tensor

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
                f"[{type(self).__name__}] Invalid value for argument `reduction`: {reduction!r}. It must be one of "
                f"{known} or None."
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

    def get_config(self):
        """Return the constructor's arguments, but `dtype`, as Keras does."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        """Return the loss that `get_config` describes."""
        return cls(**config)

    def _prediction(self, y_pred):
        if self.dtype is not None:
            return _core.convert(y_pred, self.dtype)
        y_pred = y_pred if isinstance(y_pred, Tensor) else _core.convert(y_pred)
        return y_pred if y_pred.dtype.kind == "f" else _core.convert(y_pred, config.floatx())


class NativeLoss(Loss):
    """A loss that the compiled core computes in one primitive; `options` are what Keras adds to `Loss`'s arguments."""

    _function = None  # its name in the core, and of the function beside it
    _aliases = ()  # other names for `compile(loss=...)`

    def __init__(self, reduction, name, dtype, **options):
        cls = type(self).__name__
        axis = options.get("axis", -1)
        if not config.is_integer(axis):
            raise ValueError(f"[{cls}] `axis` is {axis!r}: it must be an integer.")
        parameters = {key: value for key, value in options.items() if key not in ("axis", "from_logits")}
        _core.check_loss_parameters(cls, self._function, **parameters)
        super().__init__(name, reduction, dtype)
        self.__dict__.update(options)
        self._options = options
        # What a call passes on: keywords only where they say something, since each costs time at every call.
        usual = _core.loss_parameters(self._function)
        self._choices = (options.get("from_logits", False), axis, self._reduction)
        self._parameters = {key: value for key, value in parameters.items() if np.ndim(value) or value != usual[key]}

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.dtype is not None:
            y_pred = _core.convert(y_pred, self.dtype)
        return _loss(self._function, y_true, y_pred, sample_weight, *self._choices, **self._parameters)

    def call(self, y_true, y_pred):
        """Return one value per sample."""
        return values(self._function, y_true, y_pred, **self._options)

    def get_config(self):
        """Return the constructor's arguments, but `dtype`, as Keras does."""
        return {**super().get_config(), **self._options}


def values(function, y_true, y_pred, **options):
    """Return the values of the core's loss `function`, one per sample."""
    return _core.loss(function, y_true, y_pred, reduction="none", **options)
