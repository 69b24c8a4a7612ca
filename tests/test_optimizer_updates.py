"""One step of every optimizer against its formula: weights and slots within the error of the step's own roundings."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS, Machine
from rows import generator
from updates import OPTIMIZERS, slots_of, step_once

SIZES = (0, 1, 7, 15, 16, 17, 33, 65)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [1, 2, 1000])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_equals_its_formula(name, step, dtype, seed):
    for n in SIZES:
        rng = generator(seed, name, step, n)
        variable = dg.Variable(rng.normal(size=n).astype(dtype))
        optimizer = OPTIMIZERS[name].make(dg)
        optimizer.build([variable])
        optimizer.iterations.assign(step - 1)
        slots = slots_of(name, optimizer, 1)[0]
        for slot in slots:  # averages of squares are positive, and larger than squares of averages
            slot.assign(rng.uniform(0.1, 0.3, slot.shape))
        if slots:
            slots[0].assign(rng.uniform(0.5, 2, n))
        g = rng.normal(size=n).astype(dtype)
        before = [variable.numpy(), *(slot.numpy() for slot in slots)]
        optimizer.apply([g], [variable])
        machine = Machine(dtype, DG_ULPS)
        expected = step_once(name, before[0], machine.const(g), before[1:], step, same_scalars=False)
        assert machine.kinks == 0
        assert n == 0 or not np.array_equal(variable.numpy(), before[0])
        for own, node in zip([variable, *slots], expected, strict=True):
            assert own.dtype == np.dtype(dtype)
            assert np.all(np.abs(own.numpy() - node.value) <= node.error)
