"""Derivatives by finite differences: the independent judge of every backward rule.

For a function f and weights w, phi(s) = <w, f(x + s v)> is sampled along a random direction v. The quotients and their
errors are those of finite_differences.py: |R2 - R1| + 6 E / h for R2. Inputs, direction and steps are dyadic numbers of
few bits, so x + s v is exact, and rounding comes from f alone. E is `roundings` times u times the magnitude of the
terms of phi, sum |w| (|f| + |f's inputs| + 1): the rows keep their intermediate numbers below that. The gradient under
test is granted `roundings` u of the magnitude of its own terms, sum |g v|.

`dg.gradcheck` shares the quotients but measures the noise; this one states what it grants each row.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
from densegrad import GradientError
from densegrad.finite_differences import derivative
from replaying import run_twice

STEP = 2.0**-8
ROUNDINGS = 32  # in a row, along the longest chain of operations in a row of the tables; sums have a few terms each
U = 2.0**-53


def dyadic(x):
    """Rounded to multiples of 2^-20: together with steps of 2^-10 2^-3 nothing of x + s v is lost."""
    return np.round(np.asarray(x, np.float64) * 2**20) / 2**20


def directions(rng, arrays):
    """Multiples of 1/8 in [-1, 1], none of them zero."""
    return [rng.integers(1, 9, a.shape) / 8 * rng.choice([-1.0, 1.0], a.shape) for a in arrays]


def values_of(function, inputs):
    """The outputs of `function` as one float64 array each."""
    result = function(*inputs)
    outputs = result if isinstance(result, (list, tuple)) else [result]
    return [np.asarray(y, np.float64) for y in outputs]


def check(function, gradient, inputs, wrt, rng, roundings=ROUNDINGS, trials=2):
    """Raises GradientError unless `gradient` is the vjp of `function`; returns the largest tolerance / magnitude.

    Args:
        function: float64 arrays -> a tensor or array.
        gradient: (inputs, weights) -> one gradient (or None, meaning zero) per entry of `wrt`.
        inputs: arrays; those in `wrt` must be at least 2 STEP away from every kink.
        wrt: positions of the inputs to vary together.
    """
    inputs = [dyadic(x) if i in wrt else x for i, x in enumerate(inputs)]
    (value,) = values_of(function, inputs)
    weights = rng.integers(1, 9, value.shape) / 8 * rng.choice([-1.0, 1.0], value.shape)
    grads = gradient(inputs, weights)
    grads = [np.zeros(inputs[i].shape) if g is None else np.asarray(g, np.float64) for i, g in zip(wrt, grads)]
    for i, g in zip(wrt, grads):
        if g.shape != inputs[i].shape:
            raise GradientError(f"gradient {i} has shape {g.shape} for an input of shape {inputs[i].shape}")
        if not np.all(np.isfinite(g)):
            raise GradientError(f"gradient {i} is not finite: {g}")

    largest = max((np.abs(inputs[i]).max(initial=0) for i in wrt), default=0)
    magnitude = np.sum(np.abs(weights) * (np.abs(value) + largest + 1))
    ratio = 0.0
    for _ in range(trials):
        vs = directions(rng, [inputs[i] for i in wrt])
        measured, truncation = derivative(along(function, inputs, wrt, vs, weights), STEP)
        claimed = sum(float(np.sum(g * v)) for g, v in zip(grads, vs))
        terms = sum(float(np.sum(np.abs(g * v))) for g, v in zip(grads, vs))
        tolerance = truncation + roundings * U * (6 * magnitude / STEP + terms)
        if not abs(measured - claimed) <= tolerance:
            raise GradientError(
                f"along a random direction the derivative is {measured:.15g} but the gradient says {claimed:.15g} "
                f"(tolerance {tolerance:.2g}); {worst(function, inputs, wrt, grads, weights)}"
            )
        ratio = max(ratio, tolerance / max(terms, magnitude, 1e-300))
    return ratio


def along(function, inputs, wrt, vs, weights):
    """phi(s) = <weights, function(inputs + s vs)>."""

    def phi(s):
        moved = list(inputs)
        for i, v in zip(wrt, vs):
            moved[i] = inputs[i] + s * v
        return float(np.sum(weights * values_of(function, moved)[0]))

    return phi


def worst(function, inputs, wrt, grads, weights):
    """The entry of the gradient that is farthest from its own finite difference."""
    found = (-1.0, "")
    for position, (i, g) in enumerate(zip(wrt, grads)):
        for index in np.ndindex(g.shape):
            v = [np.zeros(inputs[k].shape) for k in wrt]
            v[position][index] = 1.0
            measured, _ = derivative(along(function, inputs, wrt, v, weights), STEP)
            miss = abs(measured - g[index])
            if miss > found[0]:
                found = (miss, f"worst entry: input {i} at {index}: {measured:.15g}, the gradient says {g[index]:.15g}")
    return found[1]


def tape_gradient(function, inputs, wrt, weights):
    """The vjp of a function of tensors by the tape, one result per entry of `wrt`; as Python and as a program."""

    def gradient(*tensors):
        with dg.GradientTape() as tape:
            tape.watch([tensors[i] for i in wrt])
            y = function(*tensors)
        return tape.gradient(y, [tensors[i] for i in wrt], output_gradients=dg.ops.cast(weights, y.dtype))

    return run_twice(gradient, inputs, inputs)


def drawn(row, rng, shapes):
    """Inputs of a row that float32 holds exactly, drawn again until they are away from the kinks."""
    for _ in range(100):
        inputs = [dyadic(x) if x.dtype.kind == "f" else x for x in row.draw(rng, shapes)]
        if row.kink(*inputs) > 2 * STEP:
            return inputs
    raise AssertionError("the draw does not avoid the kinks")


def replaced(inputs, positions, tensors):
    """The inputs with tensors at these positions."""
    full = list(inputs)
    for i, x in zip(positions, tensors, strict=True):
        full[i] = x
    return full


def both_modes_and_orders(row, inputs, positions, u, ts, ws):
    """Value, vjps of u, jvp of ts, and vjps of <ws, vjps>, by the inputs at `positions`; as Python and as a program."""

    def function(*tensors):
        return row.call(*replaced(inputs, positions, tensors))

    def everything(*xs):
        with dg.GradientTape() as outer:
            outer.watch(xs)
            with dg.GradientTape() as tape:
                tape.watch(xs)
                y = function(*xs)
            first = tape.gradient(y, xs, output_gradients=dg.constant(u), unconnected_gradients="zero")
            total = sum((dg.ops.sum(g * w) for g, w in zip(first[1:], ws[1:])), dg.ops.sum(first[0] * ws[0]))
        second = outer.gradient(total, xs, unconnected_gradients="zero")
        return y, first, dg.jvp(function, xs, ts)[1], second

    arrays = [inputs[i] for i in positions]
    return run_twice(everything, arrays, arrays)
