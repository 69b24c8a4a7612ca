"""Means of the losses that compare probabilities or counts, in nats per sample."""

from densegrad import _core, losses
from densegrad.losses.crossentropy import ignoring
from densegrad.metrics.reduction import FunctionMetric


class KLDivergence(FunctionMetric):
    """The mean of `losses.kl_divergence` over samples, in nats.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.KLDivergence`.
    """

    _function = staticmethod(losses.kl_divergence)

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(name, dtype)


class Poisson(FunctionMetric):
    """The mean of `losses.poisson` over samples, in nats.

    Args: `name`, `dtype` as for `Metric`. Source: Keras `metrics.Poisson`.
    """

    _function = staticmethod(losses.poisson)

    def __init__(self, name="poisson", dtype=None):
        super().__init__(name, dtype)


class BinaryCrossentropy(FunctionMetric):
    """The mean of `losses.binary_crossentropy` over samples, in nats.

    Args:
        name, dtype: as for `Metric`.
        from_logits, label_smoothing: as for `losses.BinaryCrossentropy`.

    Source: Keras `metrics.BinaryCrossentropy`.
    """

    _function = staticmethod(losses.binary_crossentropy)
    _direction = "down"

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(FunctionMetric):
    """The mean of `losses.categorical_crossentropy` over samples, in nats.

    Args:
        name, dtype: as for `Metric`.
        from_logits, label_smoothing, axis: as for `losses.CategoricalCrossentropy`.

    Source: Keras `metrics.CategoricalCrossentropy`.
    """

    _function = staticmethod(losses.categorical_crossentropy)
    _direction = "down"

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(FunctionMetric):
    """The mean of `losses.sparse_categorical_crossentropy` over samples, in nats.

    Args:
        name, dtype: as for `Metric`.
        from_logits, ignore_class, axis: as for `losses.SparseCategoricalCrossentropy`.

    Source: Keras `metrics.SparseCategoricalCrossentropy`.
    """

    _function = staticmethod(losses.sparse_categorical_crossentropy)
    _direction = "down"

    def __init__(
        self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, ignore_class=None, axis=-1
    ):
        super().__init__(name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; as in Keras, samples of `ignore_class` count with value 0 unless there are weights."""
        if self.ignore_class is not None and sample_weight is not None:
            _, keep = ignoring(y_true, self.ignore_class, self.dtype)
            sample_weight = _core.multiply(*_core.align_ranks(keep, _core.convert(sample_weight, self.dtype)))
        super().update_state(y_true, y_pred, sample_weight)
