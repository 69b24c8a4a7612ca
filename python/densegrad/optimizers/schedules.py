"""Learning rates that follow the number of steps: pass one as `learning_rate`. Each is one formula of the core."""

from __future__ import annotations

import inspect

from densegrad import _core, config
from densegrad.saving import Names, serialize_keras_object

_names = Names("optimizers.schedules")

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """Base of schedules: a callable that gives the learning rate for the number of steps so far.

    For a schedule of your own define `__call__(step)`, where `step` is the optimizer's int64 count before the step (0
    at the first), and `get_config`.

    Source: Keras `optimizers.schedules.LearningRateSchedule`.
    """

    def __call__(self, step):
        raise NotImplementedError(f"[{type(self).__name__}] must define `__call__(self, step)`.")

    def get_config(self):
        """Return the arguments of the constructor as plain values."""
        raise NotImplementedError(f"[{type(self).__name__}] must define `get_config(self)`.")

    @classmethod
    def from_config(cls, config):
        """Return a new schedule from what `get_config` returned."""
        return cls(**config)


class _Formula(LearningRateSchedule):
    """A schedule that the core knows by `_name`; the arguments of its constructor are all kept as attributes."""

    _name = None
    _arguments = ()

    def __init_subclass__(cls):
        if "_name" in cls.__dict__:  # no subclass of a user, whose constructor is another
            cls._arguments = tuple(inspect.signature(cls).parameters)

    def _keep(self, *values):
        arguments = dict(zip(self._arguments, values, strict=True))
        for name in ("decay_steps", "first_decay_steps"):
            steps = arguments.get(name, 1)
            if not config.is_number(steps) or not steps > 0:
                raise ValueError(f"[{type(self).__name__}] `{name}` is {steps!r}: it must be > 0.")
        self.__dict__.update(arguments)

    def _numbers(self):
        """The numbers of the formula, in the order that the core declares."""
        return [getattr(self, name) for name in self._arguments if name != "name"]

    def __call__(self, step):
        """Return the learning rate at `step` (an int, an array or a tensor of counts) as a tensor of its shape."""
        dtype = getattr(getattr(self, "initial_learning_rate", None), "dtype", "float32")  # not floatx: as in Keras
        return _core.schedule(self._name, step, [float(x) for x in self._numbers()], dtype)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {name: getattr(self, name) for name in self._arguments}


@_names.register()
class ExponentialDecay(_Formula):
    """lr r^(step / n); staircase rounds the exponent down.

    Args:
        initial_learning_rate: float, lr.
        decay_steps: number > 0, n, in steps.
        decay_rate: float, r.
        staircase: bool.
        name: str.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Source: Keras `optimizers.schedules.ExponentialDecay`.
    """

    _name = "exponential_decay"

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self._keep(initial_learning_rate, decay_steps, decay_rate, staircase, name)


@_names.register()
class InverseTimeDecay(_Formula):
    """lr / (1 + r step / n); staircase rounds step / n down.

    Args:
        initial_learning_rate: float, lr.
        decay_steps: number > 0, n, in steps.
        decay_rate: float, r.
        staircase: bool.
        name: str.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Source: Keras `optimizers.schedules.InverseTimeDecay`.
    """

    _name = "inverse_time_decay"

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self._keep(initial_learning_rate, decay_steps, decay_rate, staircase, name)


@_names.register()
class PolynomialDecay(_Formula):
    """(lr - end)(1 - min(step, n) / n)^power + end; with cycle, n ceil(step / n) takes the place of n.

    Args:
        initial_learning_rate: float, lr.
        decay_steps: number > 0, n, in steps.
        end_learning_rate: float, end.
        power: float.
        cycle: bool.
        name: str.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Source: Keras `optimizers.schedules.PolynomialDecay`.
    """

    _name = "polynomial_decay"

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self._keep(initial_learning_rate, decay_steps, end_learning_rate, power, cycle, name)


@_names.register()
class CosineDecay(_Formula):
    """lr ((1 - alpha)(1 + cos(pi min(step, n) / n)) / 2 + alpha), after a linear warm-up to `warmup_target` if given.

    With a warm-up of w steps the rate goes from lr to the target, and the cosine starts there, at step w.

    Args:
        initial_learning_rate: float, lr.
        decay_steps: number > 0, n, in steps.
        alpha: float, the share of the rate that is left at the end.
        name: str.
        warmup_target: float; None means no warm-up.
        warmup_steps: int, w.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Source: Loshchilov and Hutter (2016), Keras `optimizers.schedules.CosineDecay`.
    """

    _name = "cosine_decay"

    def __init__(
        self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None, warmup_steps=0
    ):
        self._keep(initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps)

    def _numbers(self):
        warms_up = self.warmup_target is not None
        warmup = (1, self.warmup_target, self.warmup_steps) if warms_up else (0, 0, 0)
        return [self.initial_learning_rate, self.decay_steps, self.alpha, *warmup]


@_names.register()
class CosineDecayRestarts(_Formula):
    """A cosine as `CosineDecay`'s that starts again: after n steps, then after t_mul times as many each time.

    Args:
        initial_learning_rate: float, lr.
        first_decay_steps: number > 0, n, in steps.
        t_mul: float, how much longer each period is than the one before.
        m_mul: float, how much higher each period starts than the one before.
        alpha: float, the share of the rate that is left at the end of a period.
        name: str.

    Raises:
        ValueError: if `first_decay_steps` is not positive.

    Source: Loshchilov and Hutter (2016), Keras `optimizers.schedules.CosineDecayRestarts`.
    """

    _name = "cosine_decay_restarts"

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"):
        self._keep(initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha, name)


@_names.register()
class PiecewiseConstantDecay(_Formula):
    """values[i] while step <= boundaries[i] (the boundary included), and the last value after that.

    Args:
        boundaries: list of numbers that grow, in steps.
        values: list of floats, one more than boundaries.
        name: str.

    Raises:
        ValueError: if there are not as many values.

    Source: Keras `optimizers.schedules.PiecewiseConstantDecay`.
    """

    _name = "piecewise_constant_decay"

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"[PiecewiseConstantDecay] `values` has {len(values)} entries for {len(boundaries)} boundaries: "
                "there must be one value more."
            )
        self._keep(boundaries, values, name)

    def _numbers(self):
        return [*self.boundaries, *self.values]


def serialize(learning_rate_schedule):
    """Return a schedule as plain values, in Keras' layout. Source: Keras `optimizers.schedules.serialize`."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """Return the schedule that `serialize` wrote.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict from names to classes.

    Source: Keras `optimizers.schedules.deserialize`.
    """
    return _names.deserialize(config, custom_objects)
