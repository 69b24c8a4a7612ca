"""From the arguments of `fit`, `evaluate` and `predict` to a source of batches, checked before the first step."""

from __future__ import annotations

import numpy as np

from densegrad import _core, nest
from densegrad.checking import check_batch
from densegrad.compiling import Compiled
from densegrad.config import is_integer
from densegrad.data import Data, as_structure
from densegrad.epochs import Rows
from densegrad.streams import Stream, is_stream


class Prepared(Compiled):
    """The part of `Model` that makes sources of batches and checks that its steps can run on them."""

    def _source(
        self, tag, step, x, y=None, sample_weight=None, class_weight=None, size=None, steps=None, shuffle=False
    ):
        """Return the source of the batches that `step` will get: `Rows` of arrays, or a `Stream`."""
        own = self._is_own(step)
        # A step or loss of one's own takes what it is given.
        arrange = as_structure if own or self._is_own("compute_loss") else self._arrange
        if is_stream(x):
            for name, value in (("y", y), ("sample_weight", sample_weight)):
                if value is not None:
                    raise ValueError(f"[{tag}] `{name}` is given with an iterable of batches: each batch must hold it.")
            return Stream(tag, x, arrange, class_weight, bool(shuffle))
        minimum = 0 if step == "predict_step" else 1
        data = Data(tag, x, y, sample_weight, class_weight, minimum, arrange)
        return Rows(data, size or (max(1, -(-len(data) // steps)) if steps else 32), shuffle, own)

    def _prepare(self, tag, step, batches, before=None):
        """Check that `step` can run on `batches`, whose samples must be of the shape of those in `before`."""
        self._require_init()
        if not self.compiled:
            raise ValueError(f"[{tag}] `{self.name}` is not compiled: call `compile(optimizer, loss)` first.")
        batch = batches.sample()
        if batch is None:
            raise ValueError(f"[{batches.source.tag}] `x` has no batch: it must have at least one.")
        if self._is_own(step):
            return
        x, y, _ = batch
        if y is None and self.loss is not None and not self._is_own("compute_loss"):
            raise ValueError(f"[{tag}] `y` is None: the loss needs labels.")
        if y is None and self._compiled_metrics is not None and not self._is_own("compute_metrics"):
            raise ValueError(f"[{tag}] `y` is None: the metrics need labels.")
        for mine, other in zip(nest.flatten(x), nest.flatten(before.sample()[0] if before else x)):
            if mine.shape[1:] != other.shape[1:]:
                raise ValueError(
                    f"[{batches.source.tag}] `x` has samples of shape {tuple(mine.shape[1:])} but those of the "
                    f"training `x` have shape {tuple(other.shape[1:])}: they must be the same."
                )
        with _core.Pause():  # a tape of the caller sees the steps alone
            check_batch(self, batches.source.tag, batch, batches.source.labels)
            if self.loss is None and not self._is_own("compute_loss") and not self.losses:
                self(x, training=True)  # a layer may add one when it runs
                if not self.losses:
                    raise ValueError(f"[{tag}] there is no loss: pass `loss` to `compile()`.")

    def _rehearse(self, step, batches):
        """Make the variables that `step` will need on `batches`, so that its first run can be kept as a program.

        What cannot run without values makes its variables when it runs, and the first run is not kept.
        """
        self._require_init()
        if self._is_own(step) or getattr(self._step(step), "programs", True):  # it ran before, or runs as Python
            return
        (x, y, sample_weight), outputs = batches.sample(), None
        with _core.Pause(), _core.Rehearsal():
            try:
                if not _is_built(self):
                    outputs = self(_stand_in(x), training=step == "train_step")
                metrics = None if self._is_own("compute_metrics") or step == "predict_step" else self._compiled_metrics
                if metrics is not None and not all(getattr(metric, "_built", True) for metric in metrics.metrics):
                    metrics.build(y, self._output_specs(x) if outputs is None else outputs, sample_weight)
            except _NEEDS_VALUES:
                pass

    def _build_optimizer(self):
        """Make the variables of the optimizer, likewise; the first hook may have frozen layers and set options."""
        if not self._is_own("train_step") and _is_built(self) and self.trainable_variables:
            self.optimizer.build(self.trainable_variables)


# What an operation on a tensor without values raises, and shapes that do not fit: the step itself tells then.
_NEEDS_VALUES = (RuntimeError, TypeError, ValueError)


def _is_built(layer):
    """Whether a layer and all inside of it have their weights."""
    return getattr(layer, "built", True) and all(map(_is_built, layer._leaves()[1]))


def _stand_in(x):
    """The structure of arrays or tensors without their values."""

    def placeholder(leaf):
        return _core.placeholder(tuple(leaf.shape), _core.convert(leaf[:0] if leaf.ndim else leaf).dtype)

    return nest.pack_as(x, [placeholder(leaf) for leaf in nest.flatten(x)])


def parts_of(validation_data):
    """Return the arguments (x, y, sample_weight) that `validation_data` stands for."""
    if isinstance(validation_data, (tuple, list)) and 1 <= len(validation_data) <= 3:
        return (*validation_data, *(None,) * (3 - len(validation_data)))
    if isinstance(validation_data, (tuple, list)):
        raise ValueError("[fit] `validation_data` must be (x_val, y_val) or (x_val, y_val, sample_weight_val).")
    return validation_data, None, None


def positive(tag, name, value):
    """Return a positive int, or None for None."""
    if value is not None and (not is_integer(value) or value < 1):
        raise ValueError(f"[{tag}] `{name}` is {value!r}: it must be a positive integer.")
    return None if value is None else int(value)


def count(tag, name, value):
    if not is_integer(value) or value < 0:
        raise ValueError(f"[{tag}] `{name}` is {value!r}: it must be a non-negative integer.")
    return int(value)


def verbosity(tag, value):
    if not isinstance(value, (int, str, np.integer, np.bool_)) or value not in ("auto", 0, 1, 2):
        raise ValueError(f"[{tag}] `verbose` is {value!r}: it must be 'auto', 0, 1 or 2.")
    return 1 if value == "auto" else int(value)


def validates_after(freq):
    if isinstance(freq, (list, tuple, set)):
        return lambda epoch: epoch in freq
    if not is_integer(freq) or freq < 1:
        raise ValueError(f"[fit] `validation_freq` is {freq!r}: it must be a positive integer or a list of epochs.")
    return lambda epoch: epoch % freq == 0
