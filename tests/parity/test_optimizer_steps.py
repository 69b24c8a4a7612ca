"""Every optimizer with every option takes Keras' steps: bit for bit, wherever no sum over entries or power is involved.

Norms are such sums: there the clipped gradients are compared, within the bounds of both libraries' roundings, and
tests/test_optimizer_options.py shows that a step with clipping is one on clipped gradients.
"""

from __future__ import annotations

import inspect

import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from bounds import DG_ULPS, TF_ULPS, Machine
from test_optimizer_options import OPTIONS
from updates import EXACT, OPTIMIZERS
from within import assert_within

ENTRYWISE = [option for option in OPTIONS if option not in ("clipnorm", "global_clipnorm")]
CLASSES = sorted({row.cls for row in OPTIMIZERS.values()} | {"AdamW"})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("option", ENTRYWISE)
@pytest.mark.parametrize("name", EXACT)
def test_steps_are_keras_bit_for_bit(name, option, dtype, seed):
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    start = [rng.standard_normal(shape).astype(dtype) for shape in ((7, 5), (5,))]
    ours = [dg.Variable(w, name=n) for w, n in zip(start, "wb", strict=True)]
    theirs = [keras.Variable(w, dtype=dtype, name=n) for w, n in zip(start, "wb", strict=True)]
    a, b = (OPTIMIZERS[name].make(namespace, **OPTIONS[option]) for namespace in (dg, keras))
    for step in range(12):
        grads = [rng.standard_normal(w.shape).astype(dtype) for w in start]
        a.apply_gradients(zip(grads, ours, strict=True))
        b.apply_gradients(zip(map(tf.constant, grads), theirs, strict=True))
        for mine, other in zip([*ours, *a.variables], [*theirs, *b.variables], strict=True):
            np.testing.assert_array_equal(mine.numpy(), other.numpy(), err_msg=f"{mine.path} after step {step + 1}")
    own = -1 if OPTIMIZERS[name].shared else None  # Keras' product has no name
    assert [v.name for v in a.variables[:own]] == [v.name for v in b.variables[:own]]
    assert int(a.iterations) == int(b.iterations)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
def test_clipped_gradients_are_keras_within_the_bounds(option, dtype, seed, figures):
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    grads = [rng.standard_normal(shape).astype(dtype) for shape in ((7, 5), (5,))]
    mine = dg.optimizers.SGD(**OPTIONS[option])._clip_gradients([dg.constant(g) for g in grads])
    theirs = keras.optimizers.SGD(**OPTIONS[option])._clip_gradients([tf.constant(g) for g in grads])
    ratios = figures.setdefault("gradients clipped by norm, |dg - keras| / bound", [])
    for i, (x, y) in enumerate(zip(mine, theirs, strict=True)):
        allowed = 0
        for ulps in (DG_ULPS, TF_ULPS):
            machine = Machine(dtype, ulps)
            nodes = [machine.leaf(g) for g in grads]
            squares = [rb.total(n * n) for n in nodes]
            norm = rb.sqrt(squares[i] if option == "clipnorm" else squares[0] + squares[1])
            assert norm.value > 1
            allowed = allowed + (nodes[i] / norm * machine.rounded(1.0)).error
        ratios.append(assert_within(x.numpy(), y.numpy(), allowed, option))


@pytest.mark.parametrize("cls", CLASSES)
def test_signatures_and_configs_are_keras(cls):
    import keras

    ours, theirs = (getattr(namespace.optimizers, cls) for namespace in (dg, keras))
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert ours(name="o").get_config() == theirs(name="o").get_config()


@pytest.mark.parametrize("cls", CLASSES)
def test_configs_are_exchanged_with_keras(cls):
    import keras

    for schedule in (0.25, "exponential"):
        rates = [
            0.25 if schedule == 0.25 else namespace.optimizers.schedules.ExponentialDecay(0.25, 3, 0.5)
            for namespace in (dg, keras)
        ]
        a = getattr(dg.optimizers, cls)(rates[0], clipnorm=0.5, name="o")
        b = getattr(keras.optimizers, cls)(rates[1], clipnorm=0.5, name="o")
        mine, theirs = dg.optimizers.serialize(a), keras.optimizers.serialize(b)
        assert mine == theirs
        assert dg.optimizers.deserialize(theirs).get_config() == b.get_config()
        assert keras.optimizers.deserialize(mine).get_config() == a.get_config()
