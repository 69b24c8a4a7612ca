"""Intersection over union of classes."""

from __future__ import annotations

import warnings

import numpy as np

from densegrad import _core, config
from densegrad.metrics.base import Metric


def _array(value):
    return _core.convert(value).numpy()


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

    _recorded = False
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
            (_array(value) if sparse else _array(value).argmax(self.axis)).astype(self.dtype).ravel()
            for value, sparse in ((y_true, self.sparse_y_true), (y_pred, self.sparse_y_pred))
        )
        if len(true) != len(predicted):
            raise ValueError(
                f"[{type(self).__name__}] `y_true` has {len(true)} labels but `y_pred` {len(predicted)} predictions: "
                "there must be one for each."
            )
        weights = np.broadcast_to(self._weights(sample_weight), true.shape)
        inside = (true >= 0) & (true < self.num_classes) & (predicted >= 0) & (predicted < self.num_classes)
        if self.ignore_class is not None:
            inside &= true != self.ignore_class
        counts = np.zeros(self.total_cm.shape, self.dtype)
        np.add.at(counts, (true[inside].astype(int), predicted[inside].astype(int)), weights[inside])
        self.total_cm.assign_add(counts)

    def _weights(self, sample_weight):
        if sample_weight is None:
            return np.ones((), self.dtype)
        if "int" in self.dtype and "float" in str(getattr(sample_weight, "dtype", "")):
            warnings.warn(
                f"[{type(self).__name__}] `sample_weight` is {sample_weight.dtype} but the metric is {self.dtype}: "
                "casting cuts the weights off to whole numbers; pass dtype='float32'.",
                UserWarning,
                stacklevel=3,
            )
        weights = _array(sample_weight).astype(self.dtype)
        return weights.ravel() if weights.ndim > 1 else weights

    def result(self):
        """Return the mean so far, a scalar float32 tensor; 0 of nothing."""
        counts = self.total_cm.numpy()
        right = counts.diagonal()
        union = (counts.sum(0) + counts.sum(1) - right)[self.target_class_ids].astype(np.float32)
        found = union > 1e-9
        shares = right[self.target_class_ids].astype(np.float32)[found] / (union[found] + np.float32(config.epsilon()))
        return _core.constant(shares.sum() / np.float32(found.sum() + config.epsilon()))

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
        super().update_state(y_true, _array(y_pred).astype(np.float32) >= np.float32(self.threshold), sample_weight)


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
