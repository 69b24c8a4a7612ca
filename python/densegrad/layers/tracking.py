"""What a layer knows about its weights: making them, tracking on assignment, order, freezing, reading, writing."""

from __future__ import annotations

import numpy as np

from densegrad import _core, config, constraints, initializers, regularizers
from densegrad._core import Tensor, Variable


class Tracked:
    """Base of `Layer`: keeps variables and sublayers in the order in which they were set as attributes."""

    _has_containers = None  # not known before `__init__`

    def __setattr__(self, name, value):
        if isinstance(value, (Variable, Tracked, list, tuple, dict)):
            if "_own" not in self.__dict__:
                raise RuntimeError(
                    f"[{type(self).__name__}] `{name}` is set before `super().__init__()`: call it first."
                )
            self._track(value, self.__dict__.get(name))
        object.__setattr__(self, name, value)

    def _require_init(self):
        if "_own" not in self.__dict__:
            raise RuntimeError(
                f"[{type(self).__name__}] `super().__init__()` was not called: call it first in `__init__`."
            )

    def _track(self, value, old):
        if old is not None and old is not value:
            for tracked in (self._own, self._sublayers):
                tracked[:] = [t for t in tracked if t is not old]
        if isinstance(value, Variable):
            self._track_variable(value)
        elif isinstance(value, Tracked) or not isinstance(value, tuple) or any(_is_tracked(item) for item in value):
            # Lists and dicts may receive layers later: they are looked into whenever the weights are asked for.
            self.__dict__["_has_containers"] |= not isinstance(value, Tracked)
            if not any(t is value for t in self._sublayers):
                self._sublayers.append(value)

    def _track_variable(self, variable):
        if not any(v is variable for v in self._own):
            self._own.append(variable)
            self._own.sort(key=lambda v: not v.trainable)

    def _leaves(self):
        """Return the tracked variables of this layer, trainable ones first, and its sublayers."""
        if self._has_containers is False:
            return self._own, self._sublayers
        self._require_init()
        variables, layers, pending = list(self._own), [], list(self._sublayers)
        while pending:
            item = pending.pop(0)
            if isinstance(item, Variable):
                variables.append(item)
            elif isinstance(item, Tracked):
                layers.append(item)
            elif isinstance(item, (list, tuple)):
                pending[:0] = item
            elif isinstance(item, dict):
                pending[:0] = item.values()
        variables.sort(key=lambda v: not v.trainable)
        return variables, layers

    def _gather(self, trainable, found):
        """Add the variables with this `trainable` (None: all) to `found`, by id, so that shared ones count once."""
        variables, layers = self._leaves()
        if not self._trainable:
            if trainable:
                return
            trainable = None
        for v in variables:
            if trainable is None or v.trainable is trainable:
                found[id(v)] = v
        for layer in layers:
            layer._gather(trainable, found)

    def _collect(self, trainable):
        found = {}
        self._gather(trainable, found)
        return list(found.values())

    @property
    def weights(self):
        """All variables: this layer's trainable ones, its others, then its sublayers' in order."""
        return self._collect(None)

    variables = weights

    @property
    def trainable_weights(self):
        """The variables that training changes; empty if `trainable` is False."""
        return self._collect(True)

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self):
        """The variables that training leaves alone."""
        return self._collect(False)

    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self):
        """Whether training changes this layer; setting it sets its sublayers too. Gradients are not affected."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        object.__setattr__(self, "_trainable", bool(value))
        for layer in self._leaves()[1]:
            layer.trainable = value

    def add_weight(
        self, shape=(), initializer=None, dtype=None, trainable=True, name=None, regularizer=None, constraint=None
    ):
        """Make a variable of this layer and return it.

        Args:
            shape: tuple of ints.
            initializer: name or callable as `initializers.get` takes it; None means glorot_uniform.
            dtype: None means the layer's.
            trainable: whether `trainable_variables` holds it and tapes watch it.
            name: str; None means `variable`, `variable_1`, ...
            regularizer: name or callable as `regularizers.get` takes it; its value is one of `losses`.
            constraint: name or callable as `constraints.get` takes it; optimizers apply it after a step.

        Returns:
            A `Variable` whose path is `<names of the enclosing layers>/<name>`.

        Source: Keras `Layer.add_weight`.
        """
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        if any(not isinstance(n, (int, np.integer)) or n < 0 for n in shape):
            raise ValueError(
                f"[{type(self).__name__}] `shape` of weight {name!r} is {shape}: every axis must be known."
            )
        initializer = initializers.get("glorot_uniform" if initializer is None else initializer)
        regularizer, constraint = regularizers.get(regularizer), constraints.get(constraint)
        dtype = np.dtype(dtype or self._dtype)
        name = name or config.auto_name("variable")
        value = initializer(shape, dtype=dtype)
        got = tuple(np.shape(value)) if not isinstance(value, Tensor) else tuple(value.shape)
        if got != shape:
            raise ValueError(f"[{type(self).__name__}] `initializer` returned shape {got}: it must return {shape}.")
        variable = Variable(value, trainable, name, dtype)
        variable.path = f"{self.path}/{name}"
        if regularizer is not None:
            variable.regularizer = regularizer
        if constraint is not None:
            variable.constraint = constraint
        self._track_variable(variable)
        return variable

    def add_variable(
        self, shape, initializer, dtype=None, trainable=True, name=None, regularizer=None, constraint=None
    ):
        """Make a variable as `add_weight` does; shape and initializer must be given. Source: Keras, the same name."""
        return self.add_weight(shape, initializer, dtype, trainable, name, regularizer, constraint)

    def get_weights(self):
        """Return copies of `weights` as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Assign one array of the right shape to each of `weights`; either all are assigned or none.

        Raises:
            ValueError: if the number of arrays or a shape is wrong.
        """
        variables, weights = self.weights, list(weights)
        if len(weights) != len(variables):
            raise ValueError(
                f"[{self.name}] `weights` has {len(weights)} arrays but the layer has {len(variables)} weights."
                + ("" if self.built else " It is not built: call it on data first.")
            )
        values = [_core.convert(w, v.dtype) for v, w in zip(variables, weights)]
        for i, (variable, value) in enumerate(zip(variables, values)):
            if tuple(value.shape) != tuple(variable.shape):
                raise ValueError(
                    f"[{self.name}] `weights[{i}]` has shape {tuple(value.shape)} but weight `{variable.path}` "
                    f"has shape {tuple(variable.shape)}."
                )
        for variable, value in zip(variables, values):
            variable.assign(value)

    def count_params(self):
        """Return the number of entries of all weights."""
        if not self.built:
            raise ValueError(
                f"[{self.name}] is not built, its parameters cannot be counted: call `build(input_shape)`."
            )
        return sum(v.size for v in self.weights)


def _is_tracked(value):
    return isinstance(value, (Variable, Tracked, list, tuple, dict))
