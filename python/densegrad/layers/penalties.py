"""The losses that layers add to that of a model: of their outputs, and of their weights."""

from __future__ import annotations

import threading
import weakref

from densegrad import _core, regularizers
from densegrad._core import Tensor

# The living layers that add losses. While there are none, no call has to know whether it is the outermost one.
adding: set[weakref.ref] = set()
_calls = threading.local()


class Penalized:
    """Base of `Layer`: its activity regularizer, `add_loss`, and the losses of the last call."""

    _activity_regularizer = None
    _added = ()

    @property
    def activity_regularizer(self):
        """The regularizer of the outputs of this layer, or None; its value is divided by the batch size."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value):
        object.__setattr__(self, "_activity_regularizer", regularizers.get(value))
        if self._activity_regularizer is not None:
            self._watch_calls()

    def _watch_calls(self):
        adding.add(weakref.ref(self, adding.discard))

    def add_loss(self, loss):
        """Add a loss to `losses`; to be called in `call`. The next call of the outermost layer forgets it.

        Args:
            loss: tensor, or list of tensors.

        Raises:
            ValueError: if it is anything else.

        Source: Keras `Layer.add_loss`.
        """
        losses = loss if isinstance(loss, (list, tuple)) else [loss]
        for one in losses:
            if not isinstance(one, Tensor):
                raise ValueError(f"[{self.name}] `loss` is {one!r}: `add_loss` takes a tensor made in `call`.")
        self._watch_calls()
        values = (one for one in losses if not one.is_symbolic)
        object.__setattr__(self, "_added", (*self._added, *values))

    def _call_with_losses(self, x, args, kwargs):
        outermost = not getattr(_calls, "open", False)
        try:
            if outermost:
                _calls.open = True
                self._clear_losses()
            y = self._call_in_mode(x, args, kwargs)
            if self._activity_regularizer is not None:
                self._add_activity_losses(y)
            return y
        finally:
            if outermost:
                _calls.open = False

    def _add_activity_losses(self, outputs):
        if isinstance(outputs, dict):
            outputs = outputs.values()
        for y in outputs if not isinstance(outputs, Tensor) else [outputs]:
            if not isinstance(y, Tensor) or y.is_symbolic:
                continue
            loss = _core.convert(self._activity_regularizer(y), y.dtype)
            if y.ndim:
                # Of no samples there is no mean: 0, as Keras has it.
                loss = _core.divide(loss, y.shape[0]) if y.shape[0] else _core.constant(0.0, y.dtype)
            self.add_loss(loss)

    def _clear_losses(self):
        object.__setattr__(self, "_added", ())
        for layer in self._leaves()[1]:
            layer._clear_losses()

    def _gather_added(self, found):
        found[id(self)] = self._added
        for layer in self._leaves()[1]:
            layer._gather_added(found)

    @property
    def losses(self):
        """Scalar tensors that `fit` adds to the loss: those that the last call added, then those of trainable weights.

        A training loop of your own adds `sum(model.losses)`, with the tape open.

        Source: Keras `Layer.losses`.
        """
        losses = []
        if adding:
            found = {}
            self._gather_added(found)
            losses = [loss for added in found.values() for loss in added]
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                losses.append(_core.convert(variable.regularizer(variable), variable.dtype))
        return losses
