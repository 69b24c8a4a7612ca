"""More functions with bounds of their rounding errors: what layers of random networks are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bounds import Node, _attach

# TensorFlow's float32 tanh is a rational approximation, off by 2.9e-7 at most (research: Keras semantics, 3.1): 5 u.
TANH_ROUNDINGS = 6


def tanh(x: Node) -> Node:
    """tanh x: slope at most 1; TensorFlow's error is absolute, at magnitude 1."""
    value = np.tanh(x.value)
    error = x.error + x.machine.ulps * np.abs(value) + TANH_ROUNDINGS * x.machine.unit
    result = Node(x.machine, value, error)
    return _attach(result, [(x, lambda g: g * (x.machine.const(1.0) - result * result))])


def concatenate(parts: Sequence[Node]) -> Node:
    """Parts side by side on the last axis: exact."""
    ends = np.cumsum([p.shape[-1] for p in parts])
    pulls = [(p, lambda g, a=e - p.shape[-1], b=e: columns(g, a, b)) for p, e in zip(parts, ends, strict=True)]
    value = np.concatenate([p.value for p in parts], -1)
    return Node(parts[0].machine, value, np.concatenate([p.error for p in parts], -1), pulls)


def columns(x: Node, start: int, stop: int) -> Node:
    """x[..., start:stop]: exact."""

    def back(g: Node) -> Node:
        zeros = [x.machine.const(np.zeros((*x.shape[:-1], n))) for n in (start, x.shape[-1] - stop)]
        return concatenate([zeros[0], g, zeros[1]])

    return Node(x.machine, x.value[..., start:stop], x.error[..., start:stop], [(x, back)])
