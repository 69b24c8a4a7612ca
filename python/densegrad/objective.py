"""What a model with several outputs is trained for: a loss, a weight and metrics for each output."""

from __future__ import annotations

from densegrad import _core, nest
from densegrad.metrics import Mean


def per_output(value, labels, argument):
    """Return one entry of an argument of `compile` for each output.

    Args:
        value: a list with one entry per output, a dict from names of outputs to entries, or one entry for all.
        labels: the names of the outputs.
        argument: its name, for messages.

    Raises:
        ValueError: for a list of another length, or a name that no output has.
    """
    if isinstance(value, dict):
        for key in value:
            if key not in labels:
                raise ValueError(f"[compile] `{argument}` has the key {key!r}: the outputs are {', '.join(labels)}.")
        return [value.get(label) for label in labels]
    if isinstance(value, (list, tuple)):
        if len(value) != len(labels):
            raise ValueError(
                f"[compile] `{argument}` has {len(value)} entries: it must have one for each output, "
                f"{', '.join(labels)}."
            )
        return list(value)
    return [value] * len(labels)


class Objective:
    """loss = sum over outputs of weight * loss(y_true, y_pred, sample_weight).

    Args:
        labels: the names of the outputs.
        losses: a `Loss` or None for each output; a string stands for one that the shapes decide.
        weights: a float or None for each output.

    Attributes:
        trackers: a mean for each output with a loss, of the loss without its weight; empty if there is but one.
    """

    def __init__(self, labels, losses, weights):
        self.labels, self.losses, self.weights = labels, losses, weights
        named = [label for label, loss in zip(labels, losses) if loss is not None]
        self.trackers = [Mean(name=f"{label}_loss") for label in named] if len(named) > 1 else []
        self._values = []

    def __call__(self, y, y_pred, sample_weight=None):
        total, self._values = None, []
        parts = zip(self.losses, self.weights, nest.flatten(y), nest.flatten(y_pred), self.spread(sample_weight))
        for loss, factor, true, predicted, weight in parts:
            if loss is None:
                continue
            value = loss(true, predicted, weight)
            self._values.append(value)
            if factor is not None:
                value = _core.multiply(value, factor)
            total = value if total is None else _core.add(total, value)
        return total

    def spread(self, sample_weight):
        """Return the sample weights of each output; one array is for all of them."""
        weights = nest.flatten(sample_weight)
        return weights * len(self.labels) if len(weights) == 1 else weights

    def account(self, samples):
        """Add the values of the last call to the trackers."""
        for tracker, value in zip(self.trackers, self._values):
            tracker.add(value, samples)


class OnOutput:
    """A metric of one output of several, under a name of its own."""

    def __init__(self, name, metric, index):
        self.name, self.metric, self._index = name, metric, index

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of the labels and predictions of all outputs."""
        true, weights = nest.flatten(y_true)[self._index], nest.flatten(sample_weight)
        weight = weights[self._index] if len(weights) > 1 else weights[0]
        if true is not None:
            self.metric.update_state(true, nest.flatten(y_pred)[self._index], weight)

    def result(self):
        """Return the value so far."""
        return self.metric.result()

    def reset_state(self):
        """Forget all batches so far."""
        self.metric.reset_state()
