"""Intersection over union of classes."""

from __future__ import annotations

import warnings

import numpy as np

from densegrad import _core, config, ops
from densegrad.metrics.base import Metric


class IoU(Metric):
    """true positives / (true positives + false positives + false negatives), the mean over some of the classes.

    A class that was neither a label nor a prediction does not count. Labels and predictions outside of
    [0, num_classes) are passed over.

    Args:
        num_classes: int.
        target_class_ids: list of ints, the classes of the mean.
        name: as for `Metric`.
        dtype: of the sums of weights; None means "int32", which cuts weights off to whole numbers.
        ignore_class: int; samples with this label are passed over.
        sparse_y_true, sparse_y_pred: whether labels and predictions are numbers of classes; if not, the argmax is.
        axis: of the classes in labels and predictions that are not sparse.

    Raises:
        ValueError: if an entry of `target_class_ids` is not below `num_classes`.

    Source: Keras `metrics.IoU`.
    """

    _direction = "up"
    _arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(dtype or "int32", name)
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        if max(self.target_class_ids) >= num_classes:
            raise ValueError(
                f"[{type(self).__name__}] Target class id {max(self.target_class_ids)} is out of range, which is "
                f"[0, {num_classes})."
            )
        shape = (num_classes, num_classes)
        self.total_cm = self.add_variable(shape, "zeros", self.dtype, name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels and predictions, with weights that broadcast to the flattened labels."""
        true, predicted = (
            self._labels(value, sparse)
            for value, sparse in ((y_true, self.sparse_y_true), (y_pred, self.sparse_y_pred))
        )
        if len(true) != len(predicted):
            raise ValueError(
                f"[{type(self).__name__}] `y_true` has {len(true)} labels but `y_pred` {len(predicted)} predictions: "
                "there must be one for each."
            )
        counts = ops.logical_and(self._is_class(true), self._is_class(predicted))
        if self.ignore_class is not None:
            counts = ops.logical_and(counts, _core.not_equal(true, self.ignore_class))
        weights = _core.broadcast_to(self._weights(sample_weight), true.shape)
        cells = _core.cast(true, "int64") * self.num_classes + _core.cast(predicted, "int64")
        table = _core.scatter_add(
            _core.constant(np.zeros(self.num_classes**2, self.dtype)),
            _core.where(counts, cells, 0),
            _core.where(counts, weights, 0),
        )
        self.total_cm.assign_add(_core.reshape(table, self.total_cm.shape))

    def _labels(self, value, sparse):
        """Numbers of classes in one row, in the dtype of the metric."""
        value = _core.convert(value)
        if not sparse:
            value = _core.argmax(_core.cast(value, "int32") if value.dtype == "bool" else value, self.axis)
        return _core.reshape(_core.cast(value, self.dtype), (-1,))

    def _is_class(self, labels):
        return ops.logical_and(_core.greater_equal(labels, 0), _core.less(labels, self.num_classes))

    def _weights(self, sample_weight):
        if sample_weight is None:
            return _core.constant(np.ones((), self.dtype))
        if "int" in self.dtype and "float" in str(getattr(sample_weight, "dtype", "")):
            warnings.warn(
                f"[{type(self).__name__}] `sample_weight` is {sample_weight.dtype} but the metric is {self.dtype}: "
                "casting cuts the weights off to whole numbers; pass dtype='float32'.",
                UserWarning,
                stacklevel=3,
            )
        weights = _core.cast(_core.convert(sample_weight), self.dtype)
        return _core.reshape(weights, (-1,)) if weights.ndim > 1 else weights

    def result(self):
        """Return the mean so far, a scalar float32 tensor; 0 of nothing."""
        right = ops.diagonal(self.total_cm)
        union = _core.sum(self.total_cm, axis=0) + _core.sum(self.total_cm, axis=1) - right
        right, union = (_core.cast(_core.take(x, self.target_class_ids), "float32") for x in (right, union))
        found = _core.greater(union, 1e-9)
        shares = _core.where(found, right / (union + config.epsilon()), 0.0)
        return _core.sum(shares) / (_core.sum(_core.cast(found, "float32")) + config.epsilon())

    def reset_state(self):
        """Forget all batches so far."""
        self.total_cm.assign(np.zeros(self.total_cm.shape, self.dtype))

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self._arguments}}


class BinaryIoU(IoU):
    """`IoU` of two classes, where a prediction of at least `threshold` is class 1.

    Args:
        target_class_ids: as for `IoU`.
        threshold: float.
        name, dtype: as for `IoU`.

    Source: Keras `metrics.BinaryIoU`.
    """

    _arguments = ("target_class_ids", "threshold")

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of labels 0 and 1, and of numbers to compare with the threshold, with weights as for `IoU`."""
        predictions = _core.cast(_core.convert(y_pred), "float32")
        super().update_state(y_true, _core.greater_equal(predictions, self.threshold), sample_weight)


class MeanIoU(IoU):
    """`IoU` of all classes.

    Args: as for `IoU`, without `target_class_ids`. Source: Keras `metrics.MeanIoU`.
    """

    _arguments = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        targets = list(range(num_classes))
        super().__init__(num_classes, targets, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """`IoU` of one-hot labels, and of predictions with one number per class.

    Args: as for `IoU`, without `sparse_y_true`. Source: Keras `metrics.OneHotIoU`.
    """

    _arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels, and of predictions with one number per class.

    Args: as for `MeanIoU`, without `sparse_y_true`. Source: Keras `metrics.OneHotMeanIoU`.
    """

    _arguments = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
