"""Targets, sources and cotangents of GradientTape behave as TensorFlow's.

Each small function runs on both libraries; structure, dtypes and bits are equal. Values are small integers or quotients
of powers of two, exact in both, so there is no bound to choose. Source of the list: research/keras_semantics.md,
section 1; differences by design are in tests of their own.
"""

from __future__ import annotations

import numpy as np
import pytest
from twins import assert_twins, watched

FUNCTIONS = []


def same(function):
    """Register a function of one library."""
    FUNCTIONS.append(function)
    return function


@same
def sum_of_the_entries(L):
    (x,), tape = watched(L, [1.0, 2.0, 3.0])
    with tape as t:
        t.watch(x)
        y = x * x
    return t.gradient(y, x)


@same
def several_targets_are_summed(L):
    (x,), tape = watched(L, [1.0, 2.0, 3.0], persistent=True)
    with tape as t:
        t.watch(x)
        y, z = x * x, x * x * x
    return [t.gradient(targets, x) for targets in ([y, z], (y, z), {"b": y, "a": z}, [y, {"k": (z, y)}])]


@same
def structure_of_sources_is_mirrored(L):
    (x, y), tape = watched(L, [1.0, 2.0], [3.0, 4.0], persistent=True)
    with tape as t:
        t.watch([x, {"y": y}])
        z = x * y
    sources = [{"x": x, "l": [y, (x,)]}, (x, [x, y]), [], (), [x, x], {"b": x, "a": y}]
    return [t.gradient(z, s) for s in sources]


@same
def no_targets(L):
    (x,), tape = watched(L, [1.0])
    with tape as t:
        t.watch(x)
    return t.gradient([], x)


@same
def target_is_a_source(L):
    (x, free), tape = watched(L, [1.0, 2.0], [1.0, 2.0], persistent=True)
    v = L.Variable([1.0, 2.0])
    with tape as t:
        t.watch(x)
        y = x * 3.0
    return [
        t.gradient(x, x),
        t.gradient([x, x], x),
        t.gradient(free, free),
        t.gradient(v, v),
        t.gradient([y, x], [x, y]),
    ]


@same
def intermediates_are_sources(L):
    (x,), tape = watched(L, [1.0, 2.0, 3.0])
    with tape as t:
        t.watch(x)
        h = x * x
        y = h * 3.0
    return t.gradient(y, [h, x, y])


@same
def intermediate_used_twice(L):
    (x,), tape = watched(L, [1.0, 2.0])
    with tape as t:
        t.watch(x)
        h = x * x
        y = h * h + h + x
    return t.gradient(y, [h, x])


@same
def intermediate_of_nothing_watched(L):
    (x,), tape = watched(L, [1.0, 2.0])
    with tape as t:
        h = x * x
        y = h * 2.0
    return t.gradient(y, [h, x])


@same
def operands_that_are_not_watched(L):
    (x, c), tape = watched(L, [1.0, 2.0], [3.0, 4.0], persistent=True)
    with tape as t:
        t.watch(x)
        h = c * 2.0
        y, z = x * c, h * x
    return [t.gradient(y, [x, c]), t.gradient(z, [x, c, h])]


@same
def unconnected(L):
    (x, other), tape = watched(L, [1.0, 2.0], [[5.0]], persistent=True)
    with tape as t:
        t.watch([x, other])
        y = x * x
    return [
        t.gradient(y, [x, other]),
        t.gradient(y, [x, other], unconnected_gradients="none"),
        t.gradient(y, {"x": x, "o": other}, unconnected_gradients="zero"),
    ]


@same
def unknown_unconnected_rule(L):
    (x,), tape = watched(L, [1.0])
    with tape as t:
        t.watch(x)
        y = x * x
    return t.gradient(y, x, unconnected_gradients="bogus")


@same
def output_gradients(L):
    (x,), tape = watched(L, [1.0, 2.0, 3.0], persistent=True)
    seed = L.constant([1.0, 10.0, 100.0])
    with tape as t:
        t.watch(x)
        y, z = x * x, x * x * x
    return [
        t.gradient(y, x, output_gradients=seed),
        t.gradient([y, z], x, output_gradients=[seed, seed]),
        t.gradient({"b": y, "a": z}, x, output_gradients={"a": seed, "b": seed * 2.0}),
        t.gradient([y, z], [x, y], output_gradients=[seed, seed * 0.5]),
        t.gradient(y, y, output_gradients=seed),
    ]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_same_as_tensorflow(function):
    """Same result to the bit, or the same type of error."""
    assert_twins(function)


def test_layer_weights_in_keras_order(seed):
    """zip(gradients, model.trainable_variables): kernel, bias, layer by layer, by name and shape."""
    import densegrad as dg
    import keras
    import tensorflow as tf

    shapes = []
    for namespace, tape in ((dg, dg.GradientTape), (keras, tf.GradientTape)):
        model = namespace.Sequential([namespace.layers.Dense(4, "relu"), namespace.layers.Dense(2, use_bias=False)])
        x = np.random.default_rng(seed).standard_normal((3, 5)).astype(np.float32)
        with tape() as t:
            y = model(x)
        gradients = t.gradient(y, model.trainable_variables)
        named = zip(model.trainable_variables, gradients, strict=True)
        shapes.append([(v.name, tuple(v.shape), tuple(g.shape)) for v, g in named])
    assert shapes[0] == shapes[1]
