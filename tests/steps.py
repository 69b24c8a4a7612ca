"""Single steps that several files take: an optimizer's on one variable, and a tape's."""

import densegrad as dg
from densegrad import _core


def optimizer_update(name, variable, gradient, slots, learning_rate, hyper, step, options=None):
    """The update of step number `step`, in place."""
    iterations = dg.Variable(step - 1, dtype="int64", trainable=False)
    options = options and _core.StepOptions(**options)
    _core.optimizer_step(name, [(variable, gradient, slots)], learning_rate, hyper, iterations, options)


def cube_gradient():
    """A tape that works: d x^3 / dx at 2."""
    x = dg.constant(2.0)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x * x * x
    return float(tape.gradient(y, x))
