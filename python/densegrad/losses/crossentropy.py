"""Cross-entropies and the Kullback-Leibler divergence."""

from densegrad import _core
from densegrad.losses.base import NativeLoss, values


class BinaryCrossentropy(NativeLoss):
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
        super().__init__(reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(NativeLoss):
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
        super().__init__(reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(NativeLoss):
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
        super().__init__(reduction, name, dtype, from_logits=from_logits)
        self.ignore_class = ignore_class

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.ignore_class is None:
            return super().__call__(y_true, y_pred, sample_weight)
        y_pred = self._prediction(y_pred)
        labels, weights = ignoring(y_true, self.ignore_class, y_pred.dtype)
        if self._reduction == "sum_over_batch_size":
            valid = _core.maximum(_core.sum(weights), 1.0)
            weights = _core.multiply(weights, _core.divide(float(weights.size), valid))
        if sample_weight is not None:
            weights = _core.multiply(*_core.align_ranks(weights, _core.convert(sample_weight, y_pred.dtype)))
        return super().__call__(labels, y_pred, weights)

    def call(self, y_true, y_pred):
        """Return one value per sample, 0 for those of `ignore_class`."""
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class)

    def get_config(self):
        """Return the constructor's arguments, but `dtype` and `axis`, as Keras does."""
        return {**super().get_config(), "ignore_class": self.ignore_class}


class KLDivergence(NativeLoss):
    """Sum of t log(t / p) over the last axis, in nats per sample, for t = y_true and p = y_pred.

    Both are kept in [1e-7, 1]; the derivative is 0 outside.

    Args: `reduction`, `name`, `dtype` as for `Loss`. Source: Keras `losses.KLDivergence`.
    """

    _function = "kl_divergence"
    _aliases = ("kld", "KLD")

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(reduction, name, dtype)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Return the values of `BinaryCrossentropy`, one per sample. Source: Keras `losses.binary_crossentropy`."""
    return values(
        "binary_crossentropy", y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    )


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Return the values of `CategoricalCrossentropy`, one per sample.

    Source: Keras `losses.categorical_crossentropy`.
    """
    return values(
        "categorical_crossentropy", y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    )


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """Return the values of `SparseCategoricalCrossentropy`. Source: Keras `losses.sparse_categorical_crossentropy`."""
    weights = None
    if ignore_class is not None:
        y_pred = _core.convert(y_pred)
        y_true, weights = ignoring(y_true, ignore_class, y_pred.dtype)
    return values(
        "sparse_categorical_crossentropy", y_true, y_pred, sample_weight=weights, from_logits=from_logits, axis=axis
    )


def ignoring(y_true, ignore_class, dtype):
    """Return labels that are valid everywhere, and weights 0 where `y_true` is `ignore_class`, 1 elsewhere."""
    y_true = _core.convert(y_true)
    keep = _core.not_equal(y_true, ignore_class)
    labels = _core.where(keep, y_true, _core.cast(0, y_true.dtype))
    return labels, _core.cast(keep, dtype)


def kl_divergence(y_true, y_pred):
    """Return the values of `KLDivergence`, one per sample. Source: Keras `losses.kl_divergence`."""
    return values("kl_divergence", y_true, y_pred)
