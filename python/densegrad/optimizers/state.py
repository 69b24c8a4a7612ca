"""What an optimizer keeps: its own variables, in the order in which Keras makes them."""

from __future__ import annotations

import warnings

import numpy as np

from densegrad import config, initializers
from densegrad._core import Variable


class State:
    """The part of `Optimizer` that owns variables."""

    _initial_slots = {}  # by name, where they are not 0
    _shared_slot = None  # the name of a number that all variables share

    def _init_state(self):
        self.built = False
        self._index = {}  # the place of each variable in `_trainable_variables` and `_slots`, by id
        self._trainable_variables, self._slots = [], []
        self._model_variables_moving_average, self._accumulated_gradients = [], []
        self._shared = None
        self._iterations = self._make(0, "iteration", "int64")
        self._variables = [self._iterations]

    def _make(self, value, name, dtype):
        variable = Variable(value, False, name, dtype)
        variable.path = f"{self.name}/{name}"
        return variable

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_index"}

    def __setstate__(self, state):
        # Copied together with a model, the trainable variables are those of the copy: they keep their slots.
        self.__dict__.update(state, _index={id(v): i for i, v in enumerate(state["_trainable_variables"])})

    @property
    def variables(self):
        """The step count, the learning rate and the slots of all variables, in Keras' order."""
        return list(self._variables)

    def build(self, variables):
        """Make the slots for `variables`; later calls change nothing.

        Args:
            variables: list of `Variable`.

        Raises:
            TypeError: if an entry is not a `Variable`.

        Source: Keras `Optimizer.build`.
        """
        if self.built:
            return
        variables = list(variables)
        for i, variable in enumerate(variables):
            self._require_variable(variable, i)
        made, slots = [], [[] for _ in variables]

        def group(names):
            for own, variable in zip(slots, variables):
                for name in names:
                    own.append(self._like(variable, name, self._initial_slots.get(name, 0.0)))
                    made.append(own[-1])

        def one_each(name):
            own = [self._like(variable, name) for variable in variables]
            made.extend(own)
            return own

        averages = one_each("average") if self.use_ema else []
        accumulators = one_each("gradient_accumulator") if self.gradient_accumulation_steps else []
        for names in self._slot_groups():
            group(names)
        shared = None
        if self._shared_slot:
            dtype = variables[0].dtype if variables else config.floatx()
            shared = self._make(1.0, self._shared_slot, dtype)
            made.append(shared)
        # One call: an interrupt comes before it or after it.
        self.__dict__.update(
            _slots=slots,
            _variables=self._variables + made,
            _trainable_variables=variables,
            _index={id(v): i for i, v in enumerate(variables)},
            _model_variables_moving_average=averages,
            _accumulated_gradients=accumulators,
            _shared=shared,
            built=True,
        )

    def _slot_groups(self):
        """Names of the slots, grouped as Keras makes them: a group is made for one variable after the other."""
        return ()

    def _like(self, variable, name, value=0.0):
        path = variable.path.replace("/", "_")
        return self._make(np.full(variable.shape, value, variable.dtype), f"{path}_{name}", variable.dtype)

    def _require_variable(self, variable, i):
        if not isinstance(variable, Variable):
            raise TypeError(
                f"[{type(self).__name__}] `trainable_variables[{i}]` is a {type(variable).__name__}, which cannot be "
                "assigned to: it must be a Variable, such as dg.Variable(x)."
            )

    def _get_variable_index(self, variable):
        return self._index[id(variable)]

    def add_variable(self, shape, initializer="zeros", dtype=None, name=None):
        """Make a variable that belongs to the optimizer, for optimizers of your own.

        Args:
            shape: tuple of ints.
            initializer: name or callable, as for `layers.Dense`.
            dtype: None means `floatx()`.
            name: str.

        Returns:
            A `Variable`, not trainable, at the end of `variables`.

        Source: Keras `Optimizer.add_variable`.
        """
        dtype = dtype or config.floatx()
        variable = self._make(initializers.get(initializer)(shape, dtype), name or "variable", dtype)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """Make a variable of the shape and dtype of another, named after it.

        Source: Keras `Optimizer.add_variable_from_reference`.
        """
        name = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name)

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """Make one variable, or one for each of several names, for each of `trainable_variables`.

        Args:
            trainable_variables: list of `Variable`.
            name: str or list of str.
            initializer: name or callable, or a list with one for each name.

        Returns:
            A list with one variable each; for a list of names a tuple of such lists.

        Raises:
            ValueError: if the numbers of names and initializers differ.

        Source: Keras `Optimizer.add_optimizer_variables`.
        """
        names = [name] if isinstance(name, str) else list(name)
        given = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(given) != len(names):
            raise ValueError(
                f"[{type(self).__name__}] `initializer` has {len(given)} entries for {len(names)} names: "
                "there must be one each."
            )
        made = tuple([] for _ in names)
        for variable in trainable_variables:
            for own, each, start in zip(made, names, given):
                own.append(self.add_variable_from_reference(variable, each, start))
        return made[0] if isinstance(name, str) else made

    def assign(self, variable, value):
        """Write `value`, cast to its dtype, into `variable`. Source: Keras `Optimizer.assign`."""
        variable.assign(value)

    def assign_add(self, variable, value):
        """Add `value` to `variable`. Source: Keras `Optimizer.assign_add`."""
        variable.assign_add(value)

    def assign_sub(self, variable, value):
        """Subtract `value` from `variable`. Source: Keras `Optimizer.assign_sub`."""
        variable.assign_sub(value)

    def set_weights(self, weights):
        """Write the values of all `variables`.

        Args:
            weights: list of arrays, tensors or variables in the order and with the shapes of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or a number or shape differs; nothing has changed then.

        Source: Keras `Optimizer.set_weights`.
        """
        tag, weights = type(self).__name__, list(weights)
        if not self.built:
            raise ValueError(
                f"[{tag}] You are calling `set_weights()` on an optimizer that is not built: call `build()` first."
            )
        if len(weights) != len(self._variables):
            raise ValueError(f"[{tag}] `weights` has {len(weights)} entries for {len(self._variables)} variables.")
        for i, (variable, weight) in enumerate(zip(self._variables, weights)):
            if np.shape(weight) != tuple(variable.shape):
                raise ValueError(
                    f"[{tag}] `weights[{i}]` has shape {np.shape(weight)} but `{variable.path}` has shape "
                    f"{tuple(variable.shape)}: they must be equal."
                )
        for variable, weight in zip(self._variables, weights):
            variable.assign(weight)

    def save_own_variables(self, store):
        """Put the values of `variables` into the dict `store`, under "0", "1", ... Source: Keras, the same name."""
        for i, variable in enumerate(self._variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        """Take the values of `variables` from the dict `store`; if their number differs, warn and change nothing.

        Source: Keras `Optimizer.load_own_variables`.
        """
        if len(store) != len(self._variables):
            warnings.warn(
                f"[{type(self).__name__}] the optimizer has {len(self._variables)} variables and the file has "
                f"{len(store)}: they are not loaded. Is the optimizer built?",
                UserWarning,
                stacklevel=2,
            )
            return
        for i, variable in enumerate(self._variables):
            variable.assign(store[str(i)])
