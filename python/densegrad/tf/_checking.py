"""`tf.test`: a derivative beside its finite differences."""

import numpy as np

from densegrad import _core
from densegrad.tape import GradientTape


def compute_gradient(f, x, delta=None):
    """The Jacobians of f by the tape and by central differences, a pair of tuples with one matrix for each argument.

    Each matrix has a row for each entry of the result and a column for each entry of the argument; `delta` is the
    step, 1/1024 if None. `dg.gradcheck` also says how far they may be apart.

    Source: TensorFlow `test.compute_gradient`.
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(f"[tf.test.compute_gradient] `x` is a {type(x).__name__}: it must be a list of the arguments.")
    delta = 1 / 1024 if delta is None else float(delta)
    x = [_core.convert(value) for value in x]
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = _core.convert(f(*x))
    theoretical = tuple(tape.jacobian(y, v, unconnected_gradients="zero").numpy().reshape(y.size, v.size) for v in x)
    return theoretical, tuple(_differences(f, x, i, delta, y.size) for i in range(len(x)))


def _differences(f, x, i, delta, rows):
    found = np.zeros((rows, x[i].size), x[i].dtype)
    for column in range(x[i].size):
        ends = []
        for step in (delta, -delta):
            moved = x[i].numpy().copy()
            moved.flat[column] += step
            ends.append(np.asarray(f(*x[:i], _core.convert(moved), *x[i + 1 :])).ravel())
        found[:, column] = (ends[0] - ends[1]) / (2 * delta)
    return found
