"""`Optimizer`: what every optimizer shares. Slots, the step count, the learning rate, and checks before a step."""

from __future__ import annotations

import math
import warnings

import numpy as np

from densegrad import _core, config
from densegrad._core import Tensor, Variable

__all__ = ["Optimizer"]

_step = _core.optimizer_step


class Optimizer:
    """Base of optimizers: holds the step count, the learning rate and the slots, and checks before it updates.

    A subclass names its update in the compiled core (`_update_name`), its slots, and the attributes that the update
    takes as numbers (`_numbers`, in the order that the core declares).

    Args:
        learning_rate: float, or a callable without arguments that returns one.
        name: str; None takes the class name.

    Raises:
        TypeError: for an argument that the optimizer does not have.
        ValueError: if `learning_rate` is neither a float (NaN is none) nor callable.

    Source: Keras `optimizers.Optimizer`.
    """

    _update_name = None
    _arguments = ("learning_rate", "name")
    _numbers = ()

    def __init__(self, learning_rate, name=None, **kwargs):
        cls = type(self).__name__
        if kwargs:
            raise TypeError(
                f"[{cls}] arguments not recognized: {', '.join(f'`{k}`' for k in kwargs)}. "
                f"It accepts {', '.join(f'`{a}`' for a in self._arguments)}."
            )
        self._rate_function = learning_rate if callable(learning_rate) else None
        if self._rate_function is None and not (isinstance(learning_rate, float) and learning_rate == learning_rate):
            raise ValueError(
                f"[{cls}] `learning_rate` is {learning_rate!r}: it must be a float, such as 1e-3, "
                "or a callable without arguments that returns one."
            )
        self.name = name or config.auto_name(cls)
        self.built = False
        self._index = {}  # the place of each variable in `_targets` and `_slots`, by id
        self._targets, self._slots = [], []
        self._iterations = self._make(0, "iteration", "int64")
        self._variables = [self._iterations]
        if self._rate_function is None:
            self._learning_rate = self._make(learning_rate, "learning_rate", config.floatx())
            self._variables.append(self._learning_rate)

    def _make(self, value, name, dtype):
        variable = Variable(value, False, name, dtype)
        variable.path = f"{self.name}/{name}"
        return variable

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_index"}

    def __setstate__(self, state):
        # Copied together with a model, `_targets` are the variables of the copy: they keep their slots.
        self.__dict__.update(state, _index={id(v): i for i, v in enumerate(state["_targets"])})

    @property
    def iterations(self):
        """The number of updates so far, an int64 `Variable`."""
        return self._iterations

    @property
    def learning_rate(self):
        """The learning rate, a `Variable` (or what the callable returns now); set it with a number."""
        return self._rate_function() if self._rate_function else self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        if self._rate_function:
            raise TypeError(
                f"[{self.name}] `learning_rate` is a callable and cannot be set: change what it returns instead."
            )
        try:
            rate = math.nan if isinstance(value, str) else float(value)
        except (TypeError, ValueError):
            rate = math.nan
        if math.isnan(rate):
            raise ValueError(f"[{self.name}] `learning_rate` is {value!r}: it must be a number.")
        self._learning_rate.assign(rate)

    @property
    def variables(self):
        """The step count, the learning rate and the slots of all variables, in Keras' order."""
        return list(self._variables)

    def build(self, variables):
        """Make the slots for `variables`; later calls with others raise.

        Args:
            variables: list of `Variable`.

        Raises:
            TypeError: if an entry is not a `Variable`.
        """
        if self.built:
            return
        variables = list(variables)
        for i, variable in enumerate(variables):
            if not isinstance(variable, Variable):
                raise TypeError(
                    f"[{self.name}] `trainable_variables[{i}]` is a {type(variable).__name__}: it must be a Variable."
                )
        slots, made = [[] for _ in variables], []
        for group in self._slot_groups():
            for own, variable in zip(slots, variables):
                for name in group:
                    zeros = np.zeros(variable.shape, variable.dtype)
                    path = variable.path.replace("/", "_")
                    own.append(self._make(zeros, f"{path}_{name}", variable.dtype))
                    made.append(own[-1])
        index = {id(v): i for i, v in enumerate(variables)}
        # One call: an interrupt comes before it or after it.
        self.__dict__.update(
            _slots=slots, _variables=self._variables + made, _targets=variables, _index=index, built=True
        )

    def _slot_groups(self):
        """Names of the slots, grouped as Keras makes them: a group is made for one variable after the other."""
        return ()

    def _hyper(self):
        """The numbers that the update takes, in the order that the core declares."""
        try:
            return [float(getattr(self, name)) for name in self._numbers]
        except (TypeError, ValueError):
            given = ", ".join(f"`{name}` = {getattr(self, name)!r}" for name in self._numbers)
            raise TypeError(f"[{self.name}] the optimizer has {given}: they must be numbers.") from None

    def apply_gradients(self, grads_and_vars):
        """Update each variable by its gradient and return `iterations`.

        Args:
            grads_and_vars: iterable of (gradient, variable) pairs; the pairs with gradient None are left out.

        Raises:
            ValueError: as `apply`, and if there are no pairs.

        Source: Keras `Optimizer.apply_gradients`.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError(f"[{self.name}] `grads_and_vars` is empty: it must hold (gradient, variable) pairs.")
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """Update each variable by its gradient; either all are updated or, on an error, none.

        Args:
            grads: list of tensors or arrays of the shapes of the variables (cast to their dtypes), or None.
            trainable_variables: list of `Variable`; None means those that the optimizer was built with.

        Raises:
            ValueError: if the lengths or a shape differ, all gradients are None, or a variable is not one of those
                that the optimizer was built with.
            TypeError: if a variable is not a `Variable`.

        Source: Keras `Optimizer.apply`.
        """
        grads = list(grads)
        if trainable_variables is None:
            if not self.built:
                raise ValueError(f"[{self.name}] `trainable_variables` is None, nothing is built: pass the variables.")
            variables = self._targets
        else:
            variables = list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"[{self.name}] `grads` has {len(grads)} entries for {len(variables)} variables.")
        if not grads:
            return
        work = self._checked(grads, variables)
        rate, hyper = self._rate(), self._hyper()
        if not self.built:
            self.build(variables)
        index, slots = self._index, self._slots
        # One call: an interrupt comes before it or after it, never between two variables.
        _step(
            self._update_name,
            [(variable, gradient, slots[index[id(variable)]]) for gradient, variable in work],
            rate,
            hyper,
            self._iterations,
        )

    def _rate(self):
        rate = self.learning_rate
        try:
            return float(rate)
        except (TypeError, ValueError):
            raise TypeError(f"[{self.name}] `learning_rate` gave {rate!r}: it must give a float.") from None

    def _checked(self, grads, variables):
        """Return the (gradient, variable) pairs to update, after checking all of them."""
        work, missing = [], []
        for i, (gradient, variable) in enumerate(zip(grads, variables)):
            if not isinstance(variable, Variable):
                raise TypeError(
                    f"[{self.name}] `trainable_variables[{i}]` is a {type(variable).__name__}: it must be a Variable."
                )
            if self.built and id(variable) not in self._index:
                raise ValueError(
                    f"[{self.name}] `{variable.path}` is not one of the variables that this optimizer was built with: "
                    "make a new optimizer for other variables."
                )
            if gradient is None:
                missing.append(variable.path)
                continue
            if not isinstance(gradient, Tensor) or gradient.dtype != variable.dtype:
                gradient = _core.convert(gradient, variable.dtype)
            if gradient.shape != variable.shape:
                raise ValueError(
                    f"[{self.name}] the gradient of `{variable.path}` has shape {tuple(gradient.shape)} but the "
                    f"variable has shape {tuple(variable.shape)}: they must be equal."
                )
            if gradient.is_symbolic:
                raise ValueError(f"[{self.name}] the gradient of `{variable.path}` is symbolic: it must have values.")
            work.append((gradient, variable))
        if missing and not work:
            reason = "no variable takes part in the loss. Was it computed with the tape open?"
            raise ValueError(f"[{self.name}] all gradients are None: {reason}")
        if missing:
            warnings.warn(
                f"[{self.name}] gradients are None for the variables {missing}: they are not updated.",
                UserWarning,
                stacklevel=4,
            )
        return work

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, iterations={int(self._iterations)}>"
