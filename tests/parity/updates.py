"""Optimizer steps as running error analyses: how far a step may differ when its gradient does.

Keras turns some Python floats into float32 first, for a float64 variable too: the learning rate (a float32 variable),
the momentum, and beta inside beta^t (tf.cast of a Python float). 1 - beta and epsilon are used as they are.
"""

from __future__ import annotations

import bounds as rb
import numpy as np
from bounds import Machine, Node

RATE = 0.01
OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": RATE}),
    "momentum": ("SGD", {"learning_rate": RATE, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": RATE, "momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"learning_rate": RATE}),
    "amsgrad": ("Adam", {"learning_rate": RATE, "amsgrad": True}),
}


def make(namespace: object, name: str) -> object:
    """The optimizer of Keras or densegrad."""
    cls, options = OPTIMIZERS[name]
    return getattr(namespace, cls)(**options)


def slots_of(name: str, optimizer: object, count: int) -> list[list[object]]:
    """The slots of each of `count` variables, from `optimizer.variables` in Keras' order: iteration, rate, slots."""
    rest = list(optimizer.variables)[2:]
    groups = {"sgd": (), "momentum": (1,), "nesterov": (1,), "adam": (2,), "amsgrad": (2, 1)}[name]
    slots: list[list[object]] = [[] for _ in range(count)]
    for size in groups:
        for own in slots:
            own.extend(rest[:size])
            del rest[:size]
    assert not rest
    return slots


def _alpha(machine: Machine, dtype: np.dtype, step: int) -> Node:
    """lr sqrt(1 - b2^t) / (1 - b1^t).

    In float32 taken as the same number in both libraries: given identical gradients their updates are equal bit for
    bit, which is a test. In float64 its own rounding counts, the powers within the machine's ULPs.
    """
    powers = []
    for beta in (0.9, 0.999):
        value = float(np.float32(beta)) ** step
        powers.append(machine.leaf(value, machine.ulps * value))
    one, rate = machine.const(1.0), machine.const(float(np.float32(RATE)))
    alpha = rate * rb.sqrt(one - powers[1]) / (one - powers[0])
    return machine.const(alpha.value) if dtype == np.float32 else alpha


def step_once(name: str, w: np.ndarray, g: Node, slots: list[np.ndarray], step: int) -> list[Node]:
    """The new weight and slots, for a gradient that carries its bound; all else is what both libraries start from."""
    machine, dtype = g.machine, w.dtype
    const = machine.const

    def rounded(value: float) -> Node:
        return const(float(dtype.type(value)))

    w, slots = const(w), [const(slot) for slot in slots]
    rate, momentum = const(float(np.float32(RATE))), const(float(np.float32(0.9)))
    if name == "sgd":
        return [w - rate * g]
    if name in ("momentum", "nesterov"):
        m = slots[0] * momentum - g * rate
        return [w + m if name == "momentum" else w + m * momentum - g * rate, m]
    m = slots[0] + (g - slots[0]) * rounded(1 - 0.9)
    v = slots[1] + (g * g - slots[1]) * rounded(1 - 0.999)
    new = [m, v]
    if name == "amsgrad":
        old, v = slots[2], v
        larger = np.where(old.value > v.value, old.value, v.value)
        v = Node(machine, larger, v.error)  # max is 1-Lipschitz in v
        new.append(v)
    return [w - m * _alpha(machine, dtype, step) / (rb.sqrt(v) + rounded(1e-7)), *new]
