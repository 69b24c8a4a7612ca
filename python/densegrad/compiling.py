"""What `compile` chooses, and the steps on one batch that `fit`, `evaluate` and `predict` repeat."""

from __future__ import annotations

from densegrad import _core, losses, nest, optimizers
from densegrad import metrics as _metrics
from densegrad.config import is_number
from densegrad.data import as_array, check_batch
from densegrad.metrics import Mean
from densegrad.objective import Objective, OnOutput, per_output
from densegrad.tape import GradientTape

_CROSSENTROPY = {
    "binary": losses.BinaryCrossentropy,
    "sparse_categorical": losses.SparseCategoricalCrossentropy,
    "categorical": losses.CategoricalCrossentropy,
}


class Compiled:
    """The part of `Model` that knows its optimizer, loss and metrics, and what one step is."""

    compiled = False

    def _init_trainer(self):
        self.compiled = False
        self.optimizer = self.loss = self.history = None
        self.stop_training = False

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Choose how to train.

        Args:
            optimizer: name or `Optimizer`.
            loss: name, `Loss`, or callable `(y_true, y_pred) -> values`; "crossentropy" takes the kind that fits the
                shapes. With several outputs: one for all, or a list or dict (by the outputs' names) with None for none.
            loss_weights: a number that multiplies the loss, or None; with several outputs likewise.
            metrics: list of names ("accuracy"), `Metric`s or callables; they ignore sample weights. With several
                outputs: a list or dict of such entries or lists.
            weighted_metrics: the same, weighted.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted for Keras' sake, without effect.

        Raises:
            ValueError, TypeError: for an unknown name or a wrong type; nothing has changed then.

        Source: Keras `Model.compile`.
        """
        self._require_init()
        optimizer = optimizers.get(optimizer)
        if optimizer is None:
            raise ValueError("[compile] `optimizer` is None: it must be a name or an Optimizer.")
        labels = self._output_labels()
        chosen = [
            _metric_entries(n, given, labels)
            for n, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics))
        ]
        if labels is None:
            loss, loss_weights = _only(loss), _only(loss_weights)
            deferred, loss_object, factor = _is_deferred(loss), _as_loss(loss), _factor(loss_weights)
        else:
            found = [_DEFERRED if _is_deferred(x) else _as_loss(x) for x in per_output(loss, labels, "loss")]
            factors = [_factor(x) for x in per_output(loss_weights, labels, "loss_weights")]
            deferred, loss_object, factor = False, None if loss is None else Objective(labels, found, factors), None
        self.optimizer, self.loss = optimizer, loss
        self.__dict__.update(_loss_object=loss_object, _loss_deferred=deferred, _loss_weight=factor)
        # Straight into the dict: these lists hold no weights and must not be tracked.
        self.__dict__.update(_metric_choice=chosen, _metric_objects=None)
        self._loss_tracker = Mean(name="loss")
        self.compiled = True

    def _arrange(self, value, name, tag):
        """Return the argument `name` of `fit` as arrays, in the structure that steps get."""
        return as_array(value, name, tag)

    def _output_specs(self, x):
        """Return a placeholder for each output for the input `x`."""
        return [_core.placeholder(self.compute_output_shape(x.shape), getattr(self, "dtype", "float32"))]

    def _output_labels(self):
        """The names of the outputs if there are several, else None."""
        return None

    def _losses_for(self, true_shapes, pred_shapes):
        """Return the loss of each output for labels and outputs of these shapes; None where there is none."""
        if isinstance(self._loss_object, Objective):
            found = self._loss_object.losses
            for i, (true, pred) in enumerate(zip(true_shapes, pred_shapes)):
                if found[i] is _DEFERRED:
                    found[i] = _CROSSENTROPY[_metrics.kind_of(true, pred)]()
            return found
        if self._loss_deferred and self._loss_object is None:
            self._loss_object = _CROSSENTROPY[_metrics.kind_of(true_shapes[0], pred_shapes[0])]()
        return [self._loss_object]

    def _prepare(self, tag, *parts):
        """Check that the model can run on all `parts`, pairs of (data, batch size), and choose the metrics."""
        self._require_init()
        if not self.compiled:
            raise RuntimeError(f"[{tag}] `{self.name}` is not compiled: call `compile(optimizer, loss)` first.")
        first = parts[0][0]
        for data, _ in parts:
            if data.y is None and self.loss is not None:
                raise ValueError(f"[{tag}] `y` is None: the loss needs labels.")
            if data.y is None and any(self._metric_choice):
                raise ValueError(f"[{tag}] `y` is None: the metrics need labels.")
            for mine, other in zip(nest.flatten(data.x), nest.flatten(first.x)):
                if mine.shape[1:] != other.shape[1:]:
                    raise ValueError(
                        f"[{data.tag}] `x` has shape {mine.shape} but the training `x` has shape {other.shape}: "
                        "only the first axis may differ."
                    )
        with _core.Pause():  # a tape of the caller sees the steps alone
            for data, batch_size in parts:
                shapes = check_batch(self, data, batch_size)
            own = any(getattr(type(self), name) is not getattr(Compiled, name) for name in _STEPS)
            if self.loss is None and not own and not self.losses:
                self(next(parts[0][0].batches(parts[0][1]))[0], training=True)  # a layer may add one when it runs
                if not self.losses:
                    raise ValueError(f"[{tag}] there is no loss: pass `loss` to `compile()`.")
        if self._metric_objects is None:
            true_shapes = [None if y is None else y.shape for y in nest.flatten(data.y)]
            plain, weighted = (
                [self._metric(i, _metrics.resolve(m, true_shapes[i or 0], shapes[i or 0])) for i, m in group]
                for group in self._metric_choice
            )
            found, taken = [(m.name, m, False) for m in plain], {m.name for m in plain}
            found += [(f"weighted_{m.name}" if m.name in taken else m.name, m, True) for m in weighted]
            self.__dict__["_metric_objects"] = found

    def _metric(self, index, metric):
        return metric if index is None else OnOutput(f"{self._output_labels()[index]}_{metric.name}", metric, index)

    def _trackers(self):
        """The means of the losses: of the whole, and of each output."""
        return [self._loss_tracker, *getattr(self._loss_object, "trackers", ())] if self.compiled else []

    @property
    def metrics(self):
        """The loss tracker and the metrics, once they are known."""
        return self._trackers() + [m for _, m, _ in (self.compiled and self._metric_objects) or ()]

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self):
        """Reset all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Return the values of all metrics as a dict of floats, keys sorted."""
        values = {tracker.name: tracker.result() for tracker in self._trackers()}
        values.update((name, m.result()) for name, m, _ in self._metric_objects)
        return dict(sorted((k, float(v)) for k, v in values.items()))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the scalar loss of a batch; override it for a loss of your own. Source: Keras `Model.compute_loss`."""
        loss = None if self._loss_object is None else self._loss_object(y, y_pred, sample_weight)
        if self._loss_weight is not None:
            loss = _core.multiply(loss, self._loss_weight)
        for extra in self.losses:
            extra = _core.sum(extra) if loss is None else _core.convert(_core.sum(extra), loss.dtype)
            loss = extra if loss is None else _core.add(loss, extra)
        return loss

    def train_step(self, data):
        """Update the model on one batch; override it for a step of your own.

        Args:
            data: `(x, y)`, or `(x, y, sample_weight)` where `fit` got weights, or `x` alone where it got no labels.

        Returns:
            None, or a dict of numbers, which replace or join the values in the logs.

        Source: Keras `Model.train_step`.
        """
        x, y, sample_weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        self._account(x, y, y_pred, sample_weight, loss)

    def test_step(self, data):
        """Evaluate the model on one batch; `data` and the result as for `train_step`."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x, training=False)
        self._account(x, y, y_pred, sample_weight, self.compute_loss(x, y, y_pred, sample_weight, training=False))

    def predict_step(self, x):
        """Return the output of the model for one batch `x`."""
        return self(x, training=False)

    def _account(self, x, y, y_pred, sample_weight, loss):
        samples = len(nest.flatten(x)[0])
        self._loss_tracker.add(loss, samples)
        if isinstance(self._loss_object, Objective):
            self._loss_object.account(samples)
        for _, metric, weighted in self._metric_objects:
            metric.update_state(y, y_pred, sample_weight if weighted else None)


def _metric_entries(argument, given, labels):
    """Return pairs of the number of the output (None if there is one) and a metric, as `compile` got them."""
    if labels is None:
        given = _only(given) if isinstance(given, dict) else given
        groups = {None: given}
        if given is not None and not isinstance(given, (list, tuple)):
            raise ValueError(f"[compile] `{argument}` is {given!r}: it must be a list such as ['accuracy'].")
    else:
        groups = dict(enumerate(per_output(given, labels, argument)))
    found = []
    for index, group in groups.items():
        for entry in group if isinstance(group, (list, tuple)) else [] if group is None else [group]:
            _metrics.check(entry)
            found.append((index, entry))
    return found


def _only(value):
    """The one entry of a list or dict of one, for a model with one output; else `value`."""
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.values()))
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


_DEFERRED = "crossentropy"  # its kind depends on the shapes


def _is_deferred(loss):
    return isinstance(loss, str) and loss.lower() in (_DEFERRED, "ce")


def _as_loss(loss):
    return None if loss is None or _is_deferred(loss) else losses.as_loss(loss)


def _factor(weight):
    if weight is not None and not is_number(weight):
        raise TypeError(f"[compile] `loss_weights` is {weight!r}: it must be a number, one for each output.")
    return None if weight is None else float(weight)


_STEPS = ("train_step", "test_step", "compute_loss")  # who overrides one of them may do without a `loss`


def pack(x, y, sample_weight):
    """Return one batch in the form that Keras gives to a step: `x`, `(x, y)` or `(x, y, sample_weight)`."""
    if sample_weight is not None:
        return x, y, sample_weight
    return x if y is None else (x, y)


def unpack(data):
    """Return (x, y, sample_weight) of what `pack` returned, None for what is missing."""
    if not isinstance(data, tuple):
        return data, None, None
    return (*data, *(None,) * (3 - len(data)))
