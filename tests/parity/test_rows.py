"""Every row of tables.py against TensorFlow: value, vjp, jvp, and the vjp of the vjp.

Two libraries are off by the rounding of the same terms. For a value that is the row's bound, for densegrad once, for
TensorFlow as often as its 8 ULP are more than the 2 of densegrad. For a derivative it is ROUNDINGS roundings (see
gradcheck.py), again for both, of the terms: with J the Jacobian and T the second derivatives in float64,

    vjp  sum_i |u_i| |J_ij|      jvp  sum_j |J_ij| |t_j|      vjp of vjp  sum_ij |u_i| |T_ijk| |w_j|

Where a function is not linear, an entry of J or T may itself be a difference of larger terms (1 - tanh^2, p - t). These
are at most the size of the inputs and 1, a factor for each derivative: that is added to what is not zero.
"""

from __future__ import annotations

from pathlib import Path

import bounds as rb
import densegrad as dg
import numpy as np
import pytest
from gradcheck import ROUNDINGS, both_modes_and_orders, drawn, replaced
from oracles import ULPS, unit
from rows import generator, narrow, widen
from tables import COARSE_PRIMITIVES, ROWS
from within import assert_within

LOOSER = rb.TF_ULPS / ULPS
LARGEST = 64  # entries of all inputs of a row together: the second derivatives have as many squared per output

# Rows that have no counterpart, and why.
WITHOUT = {
    "random": "TensorFlow draws other numbers; test_random.py compares with Keras' generator",
    "schedule": "Keras' compute in float32; test_schedules.py compares those",
}
# What differs on purpose (rows of docs/differences.md), by the name of the activation or loss.
ROUNDED = ("gelu and leaky_relu in float64", "log_cosh in float64")
NORMALISED = "categorical cross-entropy from logits or a softmax, labels that do not sum to 1"
DIFFERENT = dict.fromkeys(["gelu", "gelu approximate=True", "leaky_relu"], ROUNDED[0]) | {"log_cosh values": ROUNDED[1]}
DIFFERENT |= dict.fromkeys(["categorical_crossentropy logits", "categorical_crossentropy fused"], NORMALISED)


def base_name(row):
    """Without `dense` and `_grad`."""
    return row.name.removeprefix("dense ").removesuffix("_grad")


def difference(row):
    """The row of docs/differences.md that concerns a row, or None."""
    return DIFFERENT.get(base_name(row))


def shapes_of(row):
    """The row's example, or where that is large, the largest of its shapes that is not."""

    def size(shapes):
        return sum(int(np.prod(s)) for s in shapes)

    small = [s for s in row.shapes if size(s) <= LARGEST]
    example = row.shapes[row.example]
    return example if example in small or not small else max(small, key=size)


def inputs_of(row, rng):
    """Away from kinks, exact in both dtypes; labels that sum to 1 where Keras' gradient takes that for granted."""
    inputs = drawn(row, rng, shapes_of(row))
    if difference(row) is NORMALISED:
        shape = inputs[0].shape
        inputs[0] = rng.multinomial(64, np.full(shape[-1], 1 / shape[-1]), shape[:-1]) / 64
    return inputs


def compared(row):
    """The inputs by which derivatives are compared: not by labels that must sum to 1."""
    return tuple(i for i in row.wrt if i > 0 or difference(row) is not NORMALISED)


def roundoff(row, dtype):
    """That of float32 where TensorFlow has constants in float32."""
    return unit("float32" if difference(row) in ROUNDED else dtype)


def on_tensorflow(row, inputs, positions, u, ts, ws):
    import tensorflow as tf
    from counterparts import counterpart

    function = counterpart(row)
    constants = [tf.constant(x) for x in inputs]
    xs = [constants[i] for i in positions]
    with tf.GradientTape() as outer:
        outer.watch(xs)
        with tf.GradientTape() as tape:
            tape.watch(xs)
            y = function(*constants)
        first = tape.gradient(y, xs, output_gradients=tf.constant(u), unconnected_gradients="zero")
        first = [tf.convert_to_tensor(g) for g in first]
        total = tf.add_n([tf.reduce_sum(g * w) for g, w in zip(first, ws, strict=True)])
    second = outer.gradient(total, xs, unconnected_gradients="zero")
    with tf.autodiff.ForwardAccumulator(xs, [tf.constant(t) for t in ts]) as accumulator:
        moved = function(*constants)
    tangent = accumulator.jvp(moved, unconnected_gradients="zero")
    return y, first, tf.convert_to_tensor(tangent), [tf.convert_to_tensor(g) for g in second]


def reach(row, inputs, order):
    """What the terms of a derivative of this order may be as large as; a row that is a gradient is one order more."""
    largest = max(np.abs(x).max() for x in inputs if x.dtype.kind == "f")
    return (1 + largest) ** (order + row.name.endswith("_grad"))


def sizes(row, inputs, positions, u, ts, ws):
    """The magnitudes of the terms of vjps, jvp and vjps of vjps."""
    xs = [dg.constant(inputs[i].ravel()) for i in positions]
    shapes = [inputs[i].shape for i in positions]

    def flat(*tensors):
        tensors = [dg.ops.reshape(x, s) for x, s in zip(tensors, shapes)]
        return dg.ops.reshape(row.call(*replaced(inputs, positions, tensors)), (-1,))

    every = tuple(range(len(xs)))
    slopes = dg.jacobian(flat, every)
    first = [np.abs(j.numpy()) for j in slopes(*xs)]
    second = [[np.abs(t.numpy()) for t in ts] for ts in dg.jacobian(slopes, every)(*xs)]
    if any(t.any() for ts in second for t in ts):
        first = [j + (j != 0) * reach(row, inputs, 1) for j in first]
        second = [[t + (t != 0) * reach(row, inputs, 2) for t in ts] for ts in second]
    u, ts, ws = np.abs(u).ravel(), [np.abs(t).ravel() for t in ts], [np.abs(w).ravel() for w in ws]
    vjps = [(u @ j).reshape(s) for j, s in zip(first, shapes)]
    jvp = sum(j @ t for j, t in zip(first, ts))
    twice = [sum(np.einsum("i,ijk,j->k", u, second[j][k], w) for j, w in enumerate(ws)) for k in every]
    return vjps, jvp.reshape(np.shape(row.call(*inputs))), [t.reshape(s) for t, s in zip(twice, shapes)]


def test_every_row_has_a_counterpart_or_a_reason():
    from counterparts import counterpart

    found = set()
    for row in ROWS:
        try:
            counterpart(row)
        except LookupError:
            found.add(row.name)
    assert found == set(WITHOUT)


def test_every_difference_is_a_row_of_the_list():
    text = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()
    assert all(f"| {name} |" in text for name in DIFFERENT.values())
    assert set(DIFFERENT) <= {base_name(row) for row in ROWS}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.name not in WITHOUT], ids=str)
def test_value_vjp_jvp_and_vjp_of_vjp(row, dtype, seed):
    inputs = inputs_of(row, generator(seed, row, dtype))
    given = narrow(inputs, dtype)
    if not row.wrt:
        from counterparts import counterpart

        theirs = counterpart(row)(*given)
        return np.testing.assert_array_equal(np.asarray(row.call(*given)), np.asarray(theirs))
    rng = generator(seed, row, dtype, "weights")
    wrt = compared(row)
    u = rng.normal(size=np.shape(row.call(*inputs))).astype(dtype)
    ts, ws = ([rng.normal(size=inputs[i].shape).astype(dtype) for i in wrt] for _ in range(2))
    y, first, tangent, second = both_modes_and_orders(row, given, wrt, u, ts, ws)
    y_tf, first_tf, tangent_tf, second_tf = on_tensorflow(row, given, wrt, u, ts, ws)
    each = (1 + LOOSER) * ROUNDINGS * roundoff(row, dtype)
    value = np.asarray(row.oracle(*widen(inputs)))
    bound = (1 + LOOSER) * np.asarray(row.bound(value, dtype, *widen(inputs)), float)
    if row.primitive in COARSE_PRIMITIVES:  # z - tanh z, z + sqrt(z^2 + b)
        bound = bound + each * reach(row, inputs, 1)
    assert_within(y, y_tf, bound, "value")
    vjps, jvp, twice = sizes(row, inputs, wrt, u, ts, ws)
    assert_within(tangent, tangent_tf, each * jvp, "jvp")
    for i, a, b, size in zip(wrt, first, first_tf, vjps, strict=True):
        assert_within(a, b, each * size, f"vjp of input {i}")
    for i, a, b, size in zip(wrt, second, second_tf, twice, strict=True):
        assert_within(a, b, each * size, f"vjp of vjp of input {i}")
