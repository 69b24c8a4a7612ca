"""Cross-entropies that weigh samples by how far off they are."""

from densegrad.losses.base import NativeLoss, values


class BinaryFocalCrossentropy(NativeLoss):
    """Mean over `axis` of w r**gamma b, in nats per sample, for the binary cross-entropy b of t = y_true, p = y_pred.

    r = t (1 - p) + (1 - t) p; w = t alpha + (1 - t) (1 - alpha) with class balancing, else 1.

    Args:
        apply_class_balancing: whether w is used.
        alpha: the weight of class 1, in [0, 1].
        gamma: 0 gives `BinaryCrossentropy`; a larger one makes confident samples count less.
        from_logits: whether `y_pred` is z with p = sigmoid(z).
        label_smoothing: s in [0, 1] replaces t by t (1 - s) + s / 2.
        axis: the axis of the mean.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.BinaryFocalCrossentropy`.
    """

    _function = "binary_focal_crossentropy"

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(NativeLoss):
    """-sum over `axis` of alpha t (1 - q)**gamma log q, in nats per sample, for one-hot labels t = y_true.

    q = p / sum(p) for p = y_pred, kept in [1e-7, 1 - 1e-7]; the derivative is 0 outside.

    Args:
        alpha: a number, or one number per class.
        gamma: 0 gives `CategoricalCrossentropy` times alpha; a larger one makes confident samples count less.
        from_logits: whether `y_pred` is z with p = softmax(z).
        label_smoothing: s in [0, 1] replaces t by t (1 - s) + s / K for K classes.
        axis: the axis of the classes.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.CategoricalFocalCrossentropy`.
    """

    _function = "categorical_focal_crossentropy"

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(NativeLoss):
    """(1 - p_k**q) / q per sample, for integer labels k = y_true and p = y_pred of shape (batch, classes).

    Between categorical cross-entropy, q -> 0, and 1 - p_k, q -> 1; robust against wrong labels.

    Args:
        q: between 0 and 1, both excluded.
        reduction, name, dtype: as for `Loss`.

    Source: Keras `losses.CategoricalGeneralizedCrossEntropy`.
    """

    _function = "categorical_generalized_cross_entropy"

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, q=q)


def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """Return the values of `BinaryFocalCrossentropy`, one per sample.

    Source: Keras `losses.binary_focal_crossentropy`.
    """
    return values(
        "binary_focal_crossentropy",
        y_true,
        y_pred,
        apply_class_balancing=apply_class_balancing,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


def categorical_focal_crossentropy(
    y_true,
    y_pred,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """Return the values of `CategoricalFocalCrossentropy`, one per sample.

    Source: Keras `losses.categorical_focal_crossentropy`.
    """
    return values(
        "categorical_focal_crossentropy",
        y_true,
        y_pred,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """Return the values of `CategoricalGeneralizedCrossEntropy`, one per sample.

    Source: Keras `losses.categorical_generalized_cross_entropy`.
    """
    return values("categorical_generalized_cross_entropy", y_true, y_pred, q=q)
