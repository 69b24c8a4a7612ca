"""Running error analysis: arrays that carry a bound of their own rounding error, and reverse mode over them.

A `Node` holds the float64 value of an expression and, componentwise, a bound of how far a program that evaluates the
same expression on a machine of unit roundoff u may be from it. Every operation propagates the bounds of its operands
and adds its own (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2, 3.1 and 3.3):

    x + y            e_x + e_y                                        + u |x + y|
    x * y            |x| e_y + |y| e_x + e_x e_y                      + u |x y|
    x / y            (e_x + |x/y| e_y) / (|y| - e_y)                  + 2 u |x / y|    (reciprocal, then product)
    sum of n terms   sum e                                            + gamma_(n-1) sum |x|        in any order
    A @ B            |A| E_B + E_A |B| + E_A E_B                      + gamma_k |A| |B|
    f(x)             the largest |f'| within e_x of x, times e_x      + the machine's ULPs of |f(x)|

with gamma_k = k u / (1 - k u), and the magnitudes on the right taken at their largest, |x| + e_x. No constant in here
is fitted to a result: the only parameters are u and the ULPs a library is granted for exp, log, sqrt and sigmoid.

A derivative is the same kind of expression: `gradient` walks the graph backwards, building nodes, so gradients (and,
since those are nodes again, gradients of gradients) come with their bounds. Two libraries A and B that evaluate the
expression then satisfy |a - b| <= bound_A + bound_B, componentwise.

At a kink (relu at 0, the ends of clip) no such bound exists; an argument whose bound reaches the kink is counted in
`Machine.kinks`, and the caller draws other data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

TF_ULPS = 8  # TensorFlow's worst measured float32 function, softplus, is at 6.9 ULP (research/reliability.md, 2.1)
DG_ULPS = 4  # densegrad's plain loops: two roundings around a 1-ULP libm call; the promise for the tuned kernels is 2


class Machine:
    """An arithmetic (unit roundoff, ULPs of an elementary function) and the kinks that were met while using it."""

    def __init__(self, dtype: object, ulps: float) -> None:
        info = np.finfo(np.dtype(dtype))
        self.unit = float(info.eps) / 2
        self.tiny = float(info.tiny)  # an underflow, flushed or gradual, loses at most this
        self.ulps = 2 * self.unit * ulps  # one ULP of y is at most 2 u |y|
        self.kinks = 0

    def gamma(self, k: int) -> float:
        """The relative error of k roundings in a row."""
        return k * self.unit / (1 - k * self.unit)

    def leaf(self, value: object, error: object = 0.0) -> Node:
        """An input that is differentiated; exact unless its `error` is given."""
        return Node(self, value, error, wanted=True)

    def const(self, value: object) -> Node:
        """A constant that the machine holds exactly."""
        return Node(self, value, 0.0)

    def rounded(self, value: float) -> Node:
        """A real constant, such as 0.1, that the machine had to round."""
        return Node(self, value, self.unit * abs(value))


Pull = Callable[["Node"], "Node"]


class Node:
    """A value, its componentwise error bound, and how a cotangent goes back to each operand."""

    def __init__(
        self,
        machine: Machine,
        value: object,
        error: object,
        parents: Sequence[tuple[Node, Pull]] = (),
        wanted: bool = False,
    ) -> None:
        self.machine = machine
        self.value = np.asarray(value, np.float64)
        self.error = np.broadcast_to(np.asarray(error, np.float64), self.value.shape)
        self.parents = [(node, pull) for node, pull in parents if node.wanted]
        self.wanted = wanted or bool(self.parents)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def size(self) -> np.ndarray:
        """The largest magnitude that the computed value can have."""
        return np.abs(self.value) + self.error

    def __add__(self, other: Node) -> Node:
        value, error = self.value + other.value, self.error + other.error
        error = error + self.machine.unit * (np.abs(value) + error)
        pulls = [(self, lambda g: sum_to(g, self.shape)), (other, lambda g: sum_to(g, other.shape))]
        return Node(self.machine, value, error, pulls)

    def __neg__(self) -> Node:
        return Node(self.machine, -self.value, self.error, [(self, lambda g: -g)])

    def __sub__(self, other: Node) -> Node:
        return self + (-other)

    def __mul__(self, other: Node) -> Node:
        value = self.value * other.value
        error = np.abs(self.value) * other.error + self.error * other.size
        error = error + self.machine.unit * (np.abs(value) + error) + self.machine.tiny
        pulls = [(self, lambda g: sum_to(g * other, self.shape)), (other, lambda g: sum_to(g * self, other.shape))]
        return Node(self.machine, value, error, pulls)

    def __truediv__(self, other: Node) -> Node:
        value = self.value / other.value
        floor = np.abs(other.value) - other.error
        with np.errstate(divide="ignore"):
            error = (self.error + np.abs(value) * other.error) / np.maximum(floor, 0)
        error = error + self.machine.gamma(2) * (np.abs(value) + error) + self.machine.tiny
        pulls: list[tuple[Node, Pull]] = [(self, lambda g: sum_to(g / other, self.shape))]
        result = Node(self.machine, value, error)
        pulls.append((other, lambda g: sum_to(-(g * result / other), other.shape)))
        return _attach(result, pulls)


def _attach(node: Node, pulls: Sequence[tuple[Node, Pull]]) -> Node:
    """Give `node` its operands, for the rules that are written from the result itself."""
    node.parents = [(parent, pull) for parent, pull in pulls if parent.wanted]
    node.wanted = bool(node.parents)
    return node


def matmul(a: Node, b: Node, ta: bool = False, tb: bool = False) -> Node:
    """op(a) @ op(b) of matrices, op transposing where asked; any order of summation, with or without fma."""
    machine = a.machine
    av, ae = (a.value.T, a.error.T) if ta else (a.value, a.error)
    bv, be = (b.value.T, b.error.T) if tb else (b.value, b.error)
    magnitude = np.abs(av) @ np.abs(bv)
    error = np.abs(av) @ be + ae @ np.abs(bv) + ae @ be
    k = av.shape[1]
    error = error + machine.gamma(k) * (magnitude + error) + k * machine.tiny

    def to_a(g: Node) -> Node:
        return matmul(b, g, tb, True) if ta else matmul(g, b, False, not tb)

    def to_b(g: Node) -> Node:
        return matmul(g, a, True, ta) if tb else matmul(a, g, not ta, False)

    return Node(machine, av @ bv, error, [(a, to_a), (b, to_b)])


def total(x: Node, axis: int | None = None, keepdims: bool = False) -> Node:
    """The sum over one axis or over all."""
    kept = tuple(1 if axis is None or i == axis % x.value.ndim else m for i, m in enumerate(x.shape))
    n = x.value.size if axis is None else x.shape[axis]
    error = x.error.sum(axis=axis, keepdims=keepdims)
    error = error + x.machine.gamma(max(n - 1, 0)) * x.size.sum(axis=axis, keepdims=keepdims)
    value = x.value.sum(axis=axis, keepdims=keepdims)
    return Node(x.machine, value, error, [(x, lambda g: broadcast_to(reshape(g, kept), x.shape))])


def reshape(x: Node, shape: Sequence[int]) -> Node:
    """The same entries in another shape: exact."""
    return Node(x.machine, x.value.reshape(shape), x.error.reshape(shape), [(x, lambda g: reshape(g, x.shape))])


def broadcast_to(x: Node, shape: Sequence[int]) -> Node:
    """Repeated entries: exact."""
    value, error = np.broadcast_to(x.value, shape), np.broadcast_to(x.error, shape)
    return Node(x.machine, value, error, [(x, lambda g: sum_to(g, x.shape))])


def sum_to(x: Node, shape: Sequence[int]) -> Node:
    """The adjoint of `broadcast_to`."""
    while x.value.ndim > len(shape):
        x = total(x, 0)
    for axis in (i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1):
        x = total(x, axis, keepdims=True)
    return x


def masked(x: Node, mask: np.ndarray) -> Node:
    """x where the mask holds, else 0: exact, and linear in x."""
    return Node(x.machine, np.where(mask, x.value, 0), np.where(mask, x.error, 0), [(x, lambda g: masked(g, mask))])


def exp(x: Node) -> Node:
    """e^x: a change of x by e changes the value by the factor e^e at most."""
    value = np.exp(x.value)
    error = value * np.expm1(x.error)
    result = Node(x.machine, value, error + x.machine.ulps * (value + error) + x.machine.tiny)
    return _attach(result, [(x, lambda g: g * result)])


def log(x: Node) -> Node:
    """log x, x > 0: the slope is at most 1 / (x - e)."""
    value = np.log(x.value)
    with np.errstate(divide="ignore"):
        error = -np.log1p(-np.minimum(x.error / x.value, 1))
    return Node(x.machine, value, error + x.machine.ulps * (np.abs(value) + error), [(x, lambda g: g / x)])


def sqrt(x: Node) -> Node:
    """sqrt x, x >= 0: |sqrt a - sqrt b| = |a - b| / (sqrt a + sqrt b)."""
    value = np.sqrt(x.value)
    error = x.error / np.maximum(value + np.sqrt(np.maximum(x.value - x.error, 0)), x.machine.tiny)
    error = np.minimum(error, np.sqrt(x.error))
    result = Node(x.machine, value, error + x.machine.ulps * (value + error))
    return _attach(result, [(x, lambda g: g / (result + result))])


def sigmoid(x: Node, absolute_roundings: int = 0) -> Node:
    """1 / (1 + e^-x): |log s'|' <= 1, so the value moves by s (1 - s) (e^e - 1) at most.

    `absolute_roundings` grants roundings at magnitude 1, for a program that reaches small values as 1 - (1 - s).
    """
    value = 1 / (1 + np.exp(-x.value))
    error = value / (1 + np.exp(x.value)) * np.expm1(x.error)
    error = error + x.machine.ulps * (value + error) + absolute_roundings * x.machine.unit + x.machine.tiny
    result = Node(x.machine, value, error)
    one = x.machine.const(1.0)
    return _attach(result, [(x, lambda g: g * result * (one - result))])


def softplus(x: Node) -> Node:
    """log(1 + e^x) as max(x, 0) + log1p(e^-|x|): slope at most 1, two elementary functions and a sum of like signs.

    TensorFlow forms its derivative from terms of magnitude 1 (the mask of x > 0, the label, e / (1 + e)), added in
    three roundings, one more in the quotient: hence `absolute_roundings`.
    """
    value = np.logaddexp(0, x.value)
    error = x.error + (2 * x.machine.ulps + x.machine.unit) * (value + x.error)
    return Node(x.machine, value, error, [(x, lambda g: g * sigmoid(x, absolute_roundings=4))])


def relu(x: Node) -> Node:
    """max(x, 0): exact, with a kink at 0 where the derivative is 0."""
    x.machine.kinks += int(np.count_nonzero((np.abs(x.value) <= x.error) & (x.error > 0)))
    return masked(x, x.value > 0)


def clip(x: Node, low: float, high: float) -> Node:
    """Both ends pass the gradient; they are kinks, and must be numbers of the machine."""
    for end in (low, high):
        x.machine.kinks += int(np.count_nonzero((np.abs(x.value - end) <= x.error) & (x.error > 0)))
    inside = (x.value >= low) & (x.value <= high)
    value = np.clip(x.value, low, high)
    return Node(x.machine, value, np.where(inside, x.error, 0), [(x, lambda g: masked(g, inside))])


def _shifted(x: Node) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """p, x - max, the relative error of each exp(x - max) and of their sum, for softmax over the last axis."""
    d = x.value - x.value.max(axis=-1, keepdims=True)
    p = np.exp(d) / np.exp(d).sum(axis=-1, keepdims=True)
    each = np.expm1(x.machine.unit * (np.abs(d) + x.error)) + x.machine.ulps
    both = (p * each).sum(axis=-1, keepdims=True) + x.machine.gamma(x.shape[-1] - 1)
    return p, d, each, both


def _drift(x: Node, p: np.ndarray) -> np.ndarray:
    """log p_j moves by e_j + log sum p_k e^(e_k) at most when every x_k moves by e_k at most."""
    return x.error + np.log1p((p * np.expm1(x.error)).sum(axis=-1, keepdims=True))


def softmax(x: Node) -> Node:
    """Softmax over the last axis; the subtraction of the maximum rounds once, which exp turns into u |x - max|."""
    p, _, each, both = _shifted(x)
    relative = np.expm1(_drift(x, p) + each + both / (1 - both) + x.machine.gamma(2))
    result = Node(x.machine, p, p * relative + x.machine.tiny)
    return _attach(result, [(x, lambda g: result * (g - total(g * result, -1, keepdims=True)))])


def log_softmax(x: Node) -> Node:
    """x - logsumexp(x) over the last axis, whether or not the maximum is put back before the subtraction."""
    p, d, _, both = _shifted(x)
    log_sum = np.log(np.exp(d).sum(axis=-1, keepdims=True))
    value = d - log_sum
    error = _drift(x, p) + both / (1 - both) + x.machine.ulps * log_sum
    error = error + x.machine.gamma(3) * (np.abs(d) + log_sum + np.abs(x.value).max(axis=-1, keepdims=True) + error)
    return Node(x.machine, value, error, [(x, lambda g: g - softmax(x) * total(g, -1, keepdims=True))])


def gradient(target: Node, sources: Sequence[Node]) -> list[Node]:
    """The derivative of the sum of `target` with respect to each source (any node of its graph), as nodes."""
    order: list[Node] = []
    seen: set[int] = set()
    stack = [(target, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node.parents)
    cotangents = {id(target): target.machine.const(np.ones(target.shape))}
    for node in reversed(order):
        for parent, pull in node.parents:
            part = pull(cotangents[id(node)])
            known = cotangents.get(id(parent))
            cotangents[id(parent)] = part if known is None else known + part
    zero = target.machine.const
    return [cotangents.get(id(s), zero(np.zeros(s.shape))) for s in sources]
