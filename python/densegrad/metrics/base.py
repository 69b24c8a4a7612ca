"""What every metric is: variables that batches change, and a value made of them."""

from __future__ import annotations

import contextlib

import numpy as np

from densegrad import _core, config, initializers
from densegrad._core import Variable

_DTYPES = ("float32", "float64", "int32", "int64")


class Metric:
    """Base of metrics: `update_state` for every batch, then `result`; `reset_state` starts again.

    A subclass makes its variables with `add_variable` and changes them with `assign` or `assign_add`.

    Args:
        dtype: "float32", "float64", "int32", "int64", or None for `config.floatx()`.
        name: str; None takes the class name.

    Source: Keras `metrics.Metric`.
    """

    # A subclass whose value should grow sets `_direction` to "up", else to "down": callbacks that monitor it ask.

    def __init__(self, dtype=None, name=None):
        self.name = name or config.auto_name(type(self).__name__)
        self._dtype = _dtype_name(dtype, type(self).__name__)
        self._variables = []

    @property
    def dtype(self):
        """The name of the dtype of the computations."""
        return self._dtype

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        """Make a variable that is part of the state and return it; gradients never change it.

        Args:
            shape: tuple of ints.
            initializer: name or callable as `initializers.get` takes it.
            dtype: str; None means `config.floatx()`.
            aggregation: accepted for Keras' sake, without effect.
            name: str; None means `variable`, `variable_1`, ...

        Raises:
            RuntimeError: before `super().__init__()` ran.
            ValueError: if `initializer` is None.

        Source: Keras `Metric.add_variable`.
        """
        self._check_super_called()
        initializer, name = initializers.get(initializer), name or config.auto_name("variable")
        if initializer is None:
            raise ValueError(
                f"[{type(self).__name__}] `initializer` of variable {name!r} is None: it must be a name such as "
                "'zeros', or a callable."
            )
        dtype = dtype or config.floatx()
        variable = Variable(initializer(tuple(shape), dtype=dtype), False, name, dtype)
        variable.path = f"{self.name}/{name}"
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """Make a variable, as `add_variable`, by an older name. Source: Keras `Metric.add_weight`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self):
        """The variables of this metric, then those of the metrics among its attributes."""
        leaves, pending = {}, [vars(self)]
        while pending:
            item = pending.pop(0)
            if isinstance(item, (list, tuple, dict)):
                pending[:0] = item.values() if isinstance(item, dict) else item
            elif isinstance(item, (Variable, Metric)):
                leaves[id(item)] = item
        own = [leaf for leaf in leaves.values() if isinstance(leaf, Variable)]
        return own + [v for leaf in leaves.values() if isinstance(leaf, Metric) for v in leaf.variables]

    def reset_state(self):
        """Forget all batches so far: every variable becomes 0."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def update_state(self, *args, **kwargs):
        """Take one more batch into account."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `update_state`.")

    def result(self):
        """Return the value so far, a tensor: `.numpy()`, `float()` and formats take a scalar one as a number."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `result`.")

    def __call__(self, *args, **kwargs):
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """Return what the variables would become if they were `metric_variables` and a batch were added.

        Args:
            metric_variables: one value for each of `variables`, which stay as they are.
            args, kwargs: for `update_state`.

        Raises:
            ValueError: if the number of values is not that of the variables.

        Source: Keras `Metric.stateless_update_state`.
        """
        with self._holding(metric_variables):
            self.update_state(*args, **kwargs)
            return self._values()

    def stateless_result(self, metric_variables):
        """Return what `result` would be if the variables were `metric_variables`; see `stateless_update_state`."""
        with self._holding(metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """Return what the variables would become by `reset_state`; they stay as they are."""
        with self._holding(self._values()):
            self.reset_state()
            return self._values()

    def _values(self):
        return [_core.constant(v.numpy()) for v in self.variables]

    @contextlib.contextmanager
    def _holding(self, values):
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"[{type(self).__name__}] `metric_variables` has {len(values)} values: there must be one for each of "
                f"the {len(variables)} variables."
            )
        before = self._values()
        try:
            for variable, value in zip(variables, values):
                variable.assign(value)
            yield
        finally:
            for variable, value in zip(variables, before):
                variable.assign(value)

    def get_config(self):
        """Return the constructor's arguments as plain values."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """Return the metric that `get_config` describes."""
        return cls(**config)

    def _check_super_called(self):
        if not hasattr(self, "_variables"):
            raise RuntimeError(
                f"[{type(self).__name__}] has no state yet: call `super().__init__()` first in its `__init__()`."
            )

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


def _dtype_name(dtype, tag):
    try:
        name = config.floatx() if dtype is None else np.dtype(dtype).name
    except TypeError:
        name = None
    if name not in _DTYPES:
        raise ValueError(f"[{tag}] `dtype` is {dtype!r}: it must be one of {', '.join(map(repr, _DTYPES))}.")
    return name
