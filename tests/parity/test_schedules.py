"""Learning-rate schedules give Keras' float32 numbers to the bit, and training with them goes Keras' way."""

from __future__ import annotations

import inspect

import densegrad as dg
import numpy as np
import pytest

STEPS = [*range(60), 100, 1000, 12345, 10**7]
ROWS = [
    ("ExponentialDecay", (0.05, 10, 0.96)),
    ("ExponentialDecay", (0.05, 10, 0.96, True)),
    ("InverseTimeDecay", (0.05, 10, 0.96)),
    ("InverseTimeDecay", (0.05, 10, 0.96, True)),
    ("PolynomialDecay", (0.05, 10)),
    ("PolynomialDecay", (0.05, 10, 0.001, 0.5)),
    ("PolynomialDecay", (0.05, 10, 0.001, 2.0, True)),
    ("CosineDecay", (0.05, 30)),
    ("CosineDecay", (0.05, 30, 0.1)),
    ("CosineDecay", (0.05, 30, 0.1, "a", 0.2, 7)),
    ("CosineDecayRestarts", (0.05, 4)),
    ("CosineDecayRestarts", (0.05, 4, 1.5, 0.9, 0.1)),
    ("CosineDecayRestarts", (0.05, 4, 1.0)),
    ("PiecewiseConstantDecay", ([2, 4], [1.0, 0.5, 0.1])),
]


@pytest.mark.parametrize(("name", "args"), ROWS)
def test_rates_are_keras_bit_for_bit(name, args):
    import keras
    import tensorflow as tf

    ours, theirs = (getattr(namespace.optimizers.schedules, name) for namespace in (dg, keras))
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    a, b = ours(*args), theirs(*args)
    expected = np.array([b(tf.constant(step, tf.int64)).numpy() for step in STEPS])
    found = np.array([a(dg.Variable(step, dtype="int64")).numpy() for step in STEPS])
    assert np.ptp(expected) > 0 and found.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(a(np.array(STEPS)).numpy(), expected)
    assert a.get_config() == b.get_config()
    serialize, other = dg.optimizers.schedules.serialize, keras.optimizers.schedules.serialize
    assert serialize(a) == other(b)
    assert dg.optimizers.schedules.deserialize(other(b)).get_config() == b.get_config()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_with_a_schedule_are_keras_bit_for_bit(dtype, seed):
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    w = rng.standard_normal(5).astype(dtype)
    ours, theirs = dg.Variable(w), keras.Variable(w, dtype=dtype)
    a, b = (
        namespace.optimizers.Adam(
            namespace.optimizers.schedules.ExponentialDecay(0.05, decay_steps=3, decay_rate=0.9),
            weight_decay=0.1,
            gradient_accumulation_steps=2,
        )
        for namespace in (dg, keras)
    )
    for _ in range(20):
        g = rng.standard_normal(5).astype(dtype)
        a.apply_gradients([(g, ours)])
        b.apply_gradients([(tf.constant(g), theirs)])
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert float(a.learning_rate) == float(b.learning_rate) and len(a.variables) == len(b.variables)
