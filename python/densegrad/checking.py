"""What is checked before the first step: the model runs on the first batch, and its losses take the labels."""

from __future__ import annotations

import numpy as np

from densegrad import _core, losses, nest
from densegrad._core import Tensor


def check_labels(loss, tag, y, classes) -> None:
    """Raise if an entry of `y` is not a class index, for a loss with integer labels and `classes` outputs."""
    if not isinstance(loss, losses.SparseCategoricalCrossentropy) or classes is None:
        return
    y = y if loss.ignore_class is None else y[y != loss.ignore_class]
    wrong = y[~((y > -1) & (y < classes))]
    if wrong.size:
        raise ValueError(
            f"[{tag}] `y` has the label {wrong.flat[0]}: labels must be in [0, {classes}), "
            "one for each output of the model."
        )


def check_batch(model, tag, batch, labels=None) -> None:
    """Raise unless the losses and metrics of `model` take `batch`; nothing is trained, and no variable changes.

    Shapes are inferred by the primitives themselves: nothing is built before the whole batch is known to fit. Only a
    custom layer whose output shape cannot be inferred, or a custom loss, is run on the data of the batch.

    Args:
        model: a compiled model.
        tag: of the calling function, for messages.
        batch: (x, y, sample_weight).
        labels: all labels, in the structure of `y`, where they are at hand.
    """
    state = [(v, v.value) for v in model.non_trainable_variables]
    try:
        _check(model, tag, batch, labels)
    finally:
        for variable, value in state:
            variable.assign(value)


def _check(model, tag, batch, labels):
    x, y, weight = batch
    specs = model._output_specs(x)
    for spec in nest.flatten(specs):
        if not isinstance(spec, Tensor):
            raise TypeError(f"[{tag}] the model returns a {type(spec).__name__}: it must return tensors.")
    if y is None:
        return
    objective = model._objective
    if objective is not None and not model._is_own("compute_loss"):
        chosen = objective.choose(y, specs, tag)
        trues, weights = objective.aligned(y, tag), objective.spread(weight)
        whole = trues if labels is None else objective.aligned(labels, tag)
        for i, (loss, spec, true) in enumerate(zip(chosen, nest.flatten(specs), trues)):
            if loss is None:
                continue
            _check_weight(tag, loss, weights[i], spec.shape)
            if isinstance(loss, losses.NativeLoss):
                check_labels(loss, tag, np.asarray(whole[i]), spec.shape[-1] if spec.shape else None)
                dtype = _core.constant(true[:0]).dtype
                loss(_core.placeholder(true.shape, dtype), _core.placeholder(spec.shape, spec.dtype), weights[i])
            else:
                loss(true, nest.flatten(model(x))[i], weights[i])
    if model._compiled_metrics is not None and not model._is_own("compute_metrics"):
        model._compiled_metrics.choose(y, specs, tag)


def _check_weight(tag, loss, weight, shape):
    if weight is None or not isinstance(loss, losses.NativeLoss):
        return
    values = shape[:-1]
    fits = len(weight.shape) <= len(values) or (len(weight.shape) == len(values) + 1 and weight.shape[-1] == 1)
    if len(values) > 1 and len(weight.shape) == 1 or not fits:
        raise ValueError(
            f"[{tag}] `sample_weight` has shape {tuple(weight.shape)} but the loss has one value for each of "
            f"{tuple(values)}: use that shape, or (n, 1) for one weight per sample."
        )
