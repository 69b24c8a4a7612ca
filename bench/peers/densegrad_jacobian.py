"""densegrad's batch Jacobian, and the matrix products that it takes."""

from __future__ import annotations

import densegrad as dg
import numpy as np
from densegrad import _core
from worker import serve


def make(case, data):
    """The step of one case (see bench/jacobian.py)."""
    x, w0, w1 = (dg.constant(data[name]) for name in ("x", "W0", "W1"))
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = dg.ops.dense(dg.ops.dense(x, w0, None, "relu"), w1)
    if case["what"] == "jacobian":
        return lambda: (y, [tape.batch_jacobian(y, x)]), ["jacobian"], lambda name, value: value.numpy()
    rows = len(data["x"]) * data["W1"].shape[1]
    outer, hidden = (dg.constant(np.ones((rows, w.shape[1]), w.dtype)) for w in (data["W1"], data["W0"]))

    def products():
        _core.matmul(outer, w1, False, True)  # as the backward rule of a dense layer asks for them
        _core.matmul(hidden, w0, False, True)
        return y, []

    return products, [], lambda name, value: value.numpy()


if __name__ == "__main__":
    serve({"name": "densegrad", "version": dg.__version__}, make)
