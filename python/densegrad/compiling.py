"""What `compile` chooses, and the steps on one batch that `fit`, `evaluate` and `predict` repeat."""

from __future__ import annotations

from densegrad import _core, losses, optimizers
from densegrad import metrics as _metrics
from densegrad.config import is_number
from densegrad.data import check_batch
from densegrad.metrics import Mean
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
                shapes.
            loss_weights: a number that multiplies the loss, or None.
            metrics: list of names ("accuracy"), `Metric`s or callables; they ignore sample weights.
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
        deferred = isinstance(loss, str) and loss.lower() in ("crossentropy", "ce")
        loss_object = losses.as_loss(loss) if loss is not None and not deferred else None
        if loss_weights is not None and not is_number(loss_weights):
            raise TypeError(f"[compile] `loss_weights` is {loss_weights!r}: it must be a number, there is one output.")
        chosen = []
        for name, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given is not None and not isinstance(given, (list, tuple)):
                raise ValueError(f"[compile] `{name}` is {given!r}: it must be a list such as ['accuracy'].")
            for entry in given or ():
                _metrics.check(entry)
            chosen.append(list(given or ()))
        self.optimizer, self.loss = optimizer, loss
        self._loss_object, self._loss_deferred = loss_object, deferred
        self._loss_weight = None if loss_weights is None else float(loss_weights)
        # Straight into the dict: these lists hold no weights and must not be tracked.
        self.__dict__.update(_metric_choice=chosen, _metric_objects=None)
        self._loss_tracker = Mean(name="loss")
        self.compiled = True

    def _resolve_loss(self, true_shape, pred_shape):
        if self._loss_deferred and self._loss_object is None:
            self._loss_object = _CROSSENTROPY[_metrics.kind_of(true_shape, pred_shape)]()
        return self._loss_object

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
            if data.x.shape[1:] != first.x.shape[1:]:
                raise ValueError(
                    f"[{data.tag}] `x` has shape {data.x.shape} but the training `x` has shape {first.x.shape}: "
                    "only the first axis may differ."
                )
        with _core.Pause():  # a tape of the caller sees the steps alone
            for data, batch_size in parts:
                shape = check_batch(self, data, batch_size)
            own = any(getattr(type(self), name) is not getattr(Compiled, name) for name in _STEPS)
            if self.loss is None and not own and not self.losses:
                self(next(parts[0][0].batches(parts[0][1]))[0], training=True)  # a layer may add one when it runs
                if not self.losses:
                    raise ValueError(f"[{tag}] there is no loss: pass `loss` to `compile()`.")
        if self._metric_objects is None:
            plain, weighted = ([_metrics.resolve(m, data.y.shape, shape) for m in g] for g in self._metric_choice)
            found, taken = [(m.name, m, False) for m in plain], {m.name for m in plain}
            found += [(f"weighted_{m.name}" if m.name in taken else m.name, m, True) for m in weighted]
            self.__dict__["_metric_objects"] = found

    @property
    def metrics(self):
        """The loss tracker and the metrics, once they are known."""
        tracker = [self._loss_tracker] if self.compiled else []
        return tracker + [m for _, m, _ in (self.compiled and self._metric_objects) or ()]

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
        values = {"loss": self._loss_tracker.result()}
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
        self._loss_tracker.add(float(loss), len(x))
        for _, metric, weighted in self._metric_objects:
            metric.update_state(y, y_pred, sample_weight if weighted else None)


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
