"""What a model is trained for: a loss, a weight and metrics for each output, chosen when the outputs are known."""

from __future__ import annotations

from densegrad import _core, losses, nest
from densegrad.config import is_number
from densegrad.metrics import Mean, Metric, choosing

_CROSSENTROPY = {
    "binary": losses.BinaryCrossentropy,
    "sparse_categorical": losses.SparseCategoricalCrossentropy,
    "categorical": losses.CategoricalCrossentropy,
}
_DEFERRED = ("crossentropy", "ce")  # the kind depends on the shapes


def per_output(value, labels, argument):
    """Return one entry of an argument of `compile` for each output.

    Args:
        value: a list with one entry per output, a dict from names of outputs to entries, or one entry for all.
        labels: the names of the outputs; None for one without a name.
        argument: its name, for messages.

    Raises:
        ValueError: for a list of another length, or a name that no output has.
    """
    if _is_entry(value):
        return [value] * len(labels)
    shown = _shown(labels)
    if isinstance(value, dict):
        for key in value:
            if key not in labels:
                raise ValueError(f"[compile] `{argument}` has the key {key!r}: the outputs are {shown}.")
        return [_only(value.get(label)) if argument == "loss" else value.get(label) for label in labels]
    if isinstance(value, (list, tuple)):
        if len(value) != len(labels):
            raise ValueError(
                f"[compile] `{argument}` has {len(value)} entries: it must have one for each output, {shown}."
            )
        return [_only(entry) for entry in value] if argument == "loss" else list(value)
    return [value] * len(labels)


def _is_entry(value):
    """Whether `value` is one loss or metric, not a structure of them: a config is a dict, a callable may be a list."""
    return callable(value) or not isinstance(value, (list, tuple, dict)) or _is_config(value)


def _is_config(value):
    return isinstance(value, dict) and "class_name" in value


def _entries(value):
    """The losses or metrics in lists, tuples and dicts, in order; None has none."""
    if _is_entry(value):
        return [] if value is None else [value]
    parts = [value[key] for key in sorted(value)] if isinstance(value, dict) else value
    return [entry for part in parts for entry in _entries(part)]


def labels_of(y_pred):
    """Return the names of the outputs of a model that tells them only by what it returns."""
    if isinstance(y_pred, dict) and all(not isinstance(part, (dict, list, tuple)) for part in y_pred.values()):
        return sorted(y_pred)
    return [None] * len(nest.flatten(y_pred))


def aligned(y, labels, tag, wanted=None):
    """Return the labels of each output; None for an output that has none.

    Args:
        y: one array, or a list, tuple or dict of them; the keys of a dict are the names of the outputs.
        labels: the names of the outputs.
        tag: of the calling function, for messages.
        wanted: for each output, whether it has a loss: those alone may have labels.

    Raises:
        ValueError: for another number of arrays.
    """
    if isinstance(y, dict) and set(y) <= set(labels):
        return [y.get(label) for label in labels]
    found = nest.flatten(y)
    if wanted is not None and len(found) == sum(wanted) < len(labels):
        given = iter(found)
        return [next(given) if has_loss else None for has_loss in wanted]
    if len(found) != len(labels):
        raise ValueError(
            f"[{tag}] `y` has {len(found)} arrays: it must be a list or a dict with one for each output, "
            f"{_shown(labels)}."
        )
    return found


def _shown(labels):
    return ", ".join(label or str(i) for i, label in enumerate(labels))


class Objective:
    """loss = sum over outputs of weight * loss(y_true, y_pred, sample_weight).

    Args:
        loss: a name, `Loss` or callable for all outputs; or a list or dict of such entries, None for no loss.
        weights: a number for all, None, or a list or dict likewise.
        labels: the names of the outputs, or None if only the first call tells them.
        fixed: whether the outputs are those; else the first call may have others.

    Attributes:
        trackers: a mean for each output with a loss, of the loss without its weight; empty if there is but one.
        losses: the loss of each output, None where there is none; None before the first call.
    """

    def __init__(self, loss, weights, labels, fixed=True):
        self._given, self._weights, self._expected = loss, weights, labels
        for entry in _entries(loss):
            _as_loss(entry)
        for factor in nest.flatten(weights):
            _factor(factor)
        self.labels = self.losses = None
        self.trackers = []
        if labels is not None and fixed:
            self._choose(labels)

    def _choose(self, labels):
        single = len(labels) == 1
        given, weights = (_only(v) if single else v for v in (self._given, self._weights))
        entries = per_output(given, labels, "loss")
        self.factors = [_factor(w) for w in per_output(weights, labels, "loss_weights")]
        self.losses = [_as_loss(entry) for entry in entries]
        self.labels = labels
        names = [label or _name(entry) for label, entry in zip(labels, entries) if entry is not None]
        self.trackers = [Mean(name=f"{name}_loss") for name in names] if len(names) > 1 else []

    def aligned(self, y, tag="compute_loss"):
        """Return the labels of each output; raise where a loss has none."""
        found = aligned(y, self.labels, tag, [loss is not None for loss in self.losses])
        for i, (loss, true) in enumerate(zip(self.losses, found)):
            if loss is not None and true is None:
                raise ValueError(f"[{tag}] `y` has no labels for output {i}: its loss needs them.")
        return found

    def choose(self, y, y_pred, tag="compute_loss"):
        """Return the loss of each output, for labels and outputs with these shapes."""
        if self.losses is None:
            found = labels_of(y_pred)
            self._choose(self._expected if self._expected and len(self._expected) == len(found) else found)
        if not any(isinstance(loss, str) for loss in self.losses):
            return self.losses
        parts = zip(self.losses, self.aligned(y, tag), nest.flatten(y_pred))
        return [
            _CROSSENTROPY[choosing.kind_of(true.shape, predicted.shape)]() if isinstance(loss, str) else loss
            for loss, true, predicted in parts
        ]

    def __call__(self, y, y_pred, sample_weight=None):
        self.losses = self.choose(y, y_pred)
        parts = zip(self.losses, self.factors, self.aligned(y), nest.flatten(y_pred), self.spread(sample_weight))
        total, trackers = None, iter(self.trackers)
        for loss, factor, true, predicted, weight in parts:
            if loss is None:
                continue
            value = loss(true, predicted, weight)
            if self.trackers:
                next(trackers).add(value, predicted.shape[0])
            if factor is not None:
                value = _core.multiply(value, factor)
            total = value if total is None else _core.add(total, value)
        return total

    def spread(self, sample_weight):
        """Return the sample weights of each output; one array is for all of them."""
        if isinstance(sample_weight, dict):
            return [sample_weight.get(label) for label in self.labels]
        weights = nest.flatten(sample_weight)
        return weights * len(self.labels) if len(weights) == 1 else weights


class CompiledMetrics(Metric):
    """The metrics that `compile` chose, for all outputs, as one metric whose result is a dict.

    Args:
        metrics, weighted_metrics: as `compile` got them.
        labels: the names of the outputs, or None if only the first batch tells them.

    Source: Keras `Model.compile`.
    """

    def __init__(self, metrics, weighted_metrics, labels):
        super().__init__(name="compile_metrics")
        self._given = [("metrics", metrics), ("weighted_metrics", weighted_metrics)]
        self._labels, self._found = labels, None
        for name, given in self._given:
            if given is not None and not isinstance(given, (list, tuple, dict)):
                raise ValueError(f"[compile] `{name}` is {given!r}: it must be a list such as ['accuracy'].")
            for entry in _entries(given):
                choosing.check(entry)
            if labels is not None:
                _groups(given, labels, name)

    @property
    def metrics(self):
        """The metrics, once the outputs are known."""
        return [metric for _, metric, _, _ in self._found or ()]

    def choose(self, y, y_pred, tag="compute_metrics"):
        """Resolve the entries for labels and outputs with these shapes."""
        if self._found is not None:
            return
        labels = labels_of(y_pred) if self._labels is None else self._labels
        trues, predictions = aligned(y, labels, tag), nest.flatten(y_pred)
        found, counts = [], {}
        for weighted, (name, given) in enumerate(self._given):
            for i, group in enumerate(_groups(given, labels, name)):
                for entry in group:
                    if trues[i] is None:
                        continue
                    metric = choosing.resolve(entry, trues[i].shape, predictions[i].shape)
                    prefix = f"{labels[i]}_" if labels[i] and len(labels) > 1 else ""
                    found.append((_unique(prefix, metric.name, weighted, counts), metric, i, bool(weighted)))
        self._labels, self._found = labels, found

    def build(self, y_true, y_pred, sample_weight=None):
        """Make the variables for such batches, in a rehearsal: nothing is counted."""
        for metric, *parts in self._each(y_true, y_pred, sample_weight):
            if not getattr(metric, "_built", True):
                metric.update_state(*parts)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of the labels, outputs and weights."""
        self.choose(y_true, y_pred)
        for metric, *parts in self._each(y_true, y_pred, sample_weight):
            metric.update_state(*parts)

    def _each(self, y_true, y_pred, sample_weight):
        """Each metric with the labels, output and weights that it takes."""
        if not self._found:
            return
        trues, predictions = aligned(y_true, self._labels, "compute_metrics"), nest.flatten(y_pred)
        weights = nest.flatten(sample_weight)
        for _, metric, i, weighted in self._found:
            weight = weights[i if len(weights) > 1 else 0] if weighted else None
            yield metric, trues[i], predictions[i], weight

    def result(self):
        """Return {name: value}."""
        return {name: metric.result() for name, metric, _, _ in self._found or ()}

    def reset_state(self):
        """Forget all batches so far."""
        for metric in getattr(self, "_found", None) or ():
            metric[1].reset_state()


def _unique(prefix, name, weighted, counts):
    full = prefix + name
    if full in counts and weighted:
        full = f"{prefix}weighted_{name}"
    if full not in counts:
        counts[full] = 1
        return full
    counts[full] += 1
    return f"{full}_{counts[full] - 1}"


def _groups(given, labels, argument):
    """Return the list of entries of each output."""
    if len(labels) == 1:
        return [_entries(given)]
    groups = per_output(given, labels, argument)
    return [_entries(group) for group in groups]


def _only(value):
    """The one entry of a list or dict of one, for a model with one output; else `value`."""
    if _is_entry(value):
        return value
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.values()))
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _as_loss(loss):
    """Return a `Loss`; "crossentropy", whose kind depends on the shapes, and None stay."""
    if loss is None or isinstance(loss, str) and loss.lower() in _DEFERRED:
        return loss
    return losses.as_loss(loss)


def _name(entry):
    return entry if isinstance(entry, str) else getattr(_as_loss(entry), "name", None) or _as_loss(entry).__name__


def _factor(weight):
    if weight is not None and not is_number(weight):
        raise TypeError(f"[compile] `loss_weights` is {weight!r}: it must be a number, one for each output.")
    return None if weight is None else float(weight)
