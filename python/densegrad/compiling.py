"""What `compile` chooses, and the steps on one batch that `fit`, `evaluate` and `predict` repeat."""

from __future__ import annotations

import functools
import inspect
import warnings

from densegrad import _core, nest, optimizers
from densegrad.data import as_array, as_structure
from densegrad.metrics import Mean, Metric
from densegrad.objective import CompiledMetrics, Objective
from densegrad.running import Steps
from densegrad.streams import unpack_x_y_sample_weight
from densegrad.tape import GradientTape


class Compiled:
    """The part of `Model` that knows its optimizer, loss and metrics, and what one step is."""

    compiled = False

    def _init_trainer(self):
        self.compiled = False
        self.optimizer = self.loss = self.history = None
        self.stop_training = False
        self.__dict__.update(_objective=None, _compiled_metrics=None, run_eagerly=False)
        self.__dict__.update(_steps=Steps())

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
            run_eagerly: whether the steps run as Python at every batch. Otherwise they are programs, see `function`:
                what a step does besides its operations happens once for each shape of batches. (`call` of a subclass
                or of a layer of your own may run once more before, on tensors without values, which makes the weights
                and shows the shapes: what it assigns then is dropped.)
            steps_per_execution, jit_compile, auto_scale_loss: accepted for Keras' sake, without effect.

        Raises:
            ValueError, TypeError: for an unknown name or a wrong type; nothing has changed then.

        Source: Keras `Model.compile`.
        """
        self._require_init()
        optimizer = optimizers.get(optimizer)
        if optimizer is None:
            raise ValueError("[compile] `optimizer` is None: it must be a name or an Optimizer.")
        labels = self._output_labels()
        own = self._is_own("compute_loss")  # it may make other outputs of those that there are
        objective = None if loss is None else Objective(loss, loss_weights, labels, not own)
        none = metrics is None and weighted_metrics is None
        compiled = None if none else CompiledMetrics(metrics, weighted_metrics, labels)
        # Straight into the dict: they hold no weights and must not be tracked.
        self.__dict__.update(loss=loss, _objective=objective, _compiled_metrics=compiled)
        self.__dict__.update(run_eagerly=bool(run_eagerly), _steps=Steps())
        self.optimizer, self._loss_tracker = optimizer, Mean(name="loss")
        self.stop_training, self.compiled = False, True

    def _step(self, name):
        """Return the step `name` as a function of (x, y, sample_weight), a program where it can be."""
        self._require_init()
        return self._steps.of(self, name)

    # -- what a model says about its inputs and outputs ------------------------------------------------------------

    def _arrange(self, value, name, tag, leaf=as_array):
        """Return the argument `name` of `fit` in the structure that steps get, with `leaf` of its arrays."""
        return as_structure(value, name, tag, leaf)

    def _output_specs(self, x):
        """Return the outputs for the input `x` as tensors, without values where that can be."""
        if not isinstance(x, (list, tuple, dict)):
            try:
                shape = self.compute_output_shape(tuple(x.shape))
            except NotImplementedError:
                pass
            else:
                return _core.placeholder(shape, getattr(self, "dtype", "float32"))
        return self(x)

    def _output_labels(self):
        """The names of the outputs, None for one without a name; None if only a call tells them."""
        return None

    def _is_own(self, name):
        """Whether a subclass overrides the method `name` of this class."""
        return getattr(type(self), name) is not getattr(Compiled, name)

    # -- losses and metrics ----------------------------------------------------------------------------------------

    @property
    def metrics(self):
        """The mean of the loss, the metrics of `compile` as one, then those that the model and its layers hold."""
        found = []
        if self.compiled:
            found = [self._loss_tracker]
            if self._compiled_metrics is not None:
                found.append(self._compiled_metrics)
            if self._objective is not None:
                found += self._objective.trackers
        own = [metric for layer in [self, *_inner_layers(self)] for metric in _held(layer)]
        return found + [m for i, m in enumerate(own) if not any(m is other for other in own[:i])]

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self):
        """Reset all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Return the values of `metrics` by name; a metric whose value is a dict gives all of its entries."""
        found = {}
        for metric in self.metrics:
            value = metric.result()
            found.update(value if isinstance(value, dict) else {metric.name: value})
        return found

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the scalar loss of a batch; override it for a loss of your own. Source: Keras `Model.compute_loss`."""
        loss = None if self._objective is None else self._objective(y, y_pred, sample_weight)
        for extra in self.losses:
            extra = _core.sum(extra) if loss is None else _core.convert(_core.sum(extra), loss.dtype)
            loss = extra if loss is None else _core.add(loss, extra)
        if loss is None:
            raise ValueError("[compute_loss] there is no loss: pass `loss` to `compile()`.")
        return loss

    def compiled_loss(self, y, y_pred, sample_weight=None, regularization_losses=None):
        """Return what `compute_loss` does, with the penalties of the layers: its name in older steps.

        Source: Keras `Model.compiled_loss`.
        """
        return self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)

    @property
    def compiled_metrics(self):
        """What updates the metrics of `compile` in older steps: `compiled_metrics.update_state(y, y_pred)`."""
        return CompiledMetrics(None, None, None) if self._compiled_metrics is None else self._compiled_metrics

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Add a batch to the metrics of `compile`, and return the values of all; override it for others.

        Source: Keras `Model.compute_metrics`.
        """
        if self._compiled_metrics is not None:
            self._compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # -- steps -----------------------------------------------------------------------------------------------------

    def train_step(self, data):
        """Update the model on one batch; override it for a step of your own.

        Args:
            data: `(x, y)`, or `(x, y, sample_weight)` where `fit` got weights, or `x` alone where it got no labels. A
                step of your own gets tensors; float arrays that `fit` got as a whole are of dtype `config.floatx()`.

        Returns:
            A dict of numbers or scalar tensors, the logs; those of an epoch are what its last step returned.

        Source: Keras `Model.train_step`.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._loss_of(x, y, y_pred, sample_weight, True)
            scaled = self.optimizer.scale_loss(loss)
        self._loss_tracker.add(loss, nest.flatten(x)[0].shape[0])
        variables = self.trainable_variables
        if variables:
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
        else:
            warnings.warn(f"[train_step] `{self.name}` has no trainable weights: nothing changes.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data):
        """Evaluate the model on one batch; `data` and the result as for `train_step`."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self._loss_of(x, y, y_pred, sample_weight, False)
        self._loss_tracker.add(loss, nest.flatten(x)[0].shape[0])
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data):
        """Return the outputs of the model for one batch; `data` as for `train_step`."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def _loss_of(self, x, y, y_pred, sample_weight, training):
        options = (
            {"training": training} if _takes_training(getattr(self.compute_loss, "__func__", self.compute_loss)) else {}
        )
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **options)


@functools.lru_cache(maxsize=1024)
def _takes_training(function):
    return "training" in inspect.signature(function).parameters


def _inner_layers(layer):
    """The layers inside `layer`, models among them aside: they have metrics of their own."""
    found = []
    for inner in layer._leaves()[1]:
        if not isinstance(inner, Compiled):
            found += [inner, *_inner_layers(inner)]
    return found


def _held(layer):
    """The metrics among the attributes of a layer, in lists and dicts too, in order."""
    found = []
    for name, value in vars(layer).items():
        if not (type(value) in _PLAIN or name in _OF_COMPILE):
            _add_metrics(value, found)
    return found


def _add_metrics(value, found):
    if type(value) in _PLAIN:  # nearly all: `fit` asks before every epoch
        return
    if isinstance(value, Metric):
        found.append(value)
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _add_metrics(item, found)


_PLAIN = frozenset((bool, int, float, str, type(None)))
_OF_COMPILE = frozenset(("loss", "_loss_tracker", "_compiled_metrics", "_objective", "_own", "_sublayers"))
