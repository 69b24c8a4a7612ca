"""One optimizer step on one variable, through the core."""

import densegrad as dg
from densegrad import _core


def optimizer_update(name, variable, gradient, slots, learning_rate, hyper, step):
    """The update of step number `step`, in place."""
    iterations = dg.Variable(step - 1, dtype="int64", trainable=False)
    _core.optimizer_step(name, [(variable, gradient, slots)], learning_rate, hyper, iterations)
