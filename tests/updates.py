"""Optimizer steps as running error analyses: how far a step may differ from its formula, or when its gradient does.

Keras turns some Python floats into float32 first, for a float64 variable too: the learning rate (a float32 variable)
and the factors that it casts (momentum, beta inside beta^t, ...). Others are used as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import bounds as rb
import numpy as np
from bounds import Machine, Node

RATE = 0.01


class Arithmetic:
    """Scalars of a step on a machine.

    `same_scalars`: what depends on the step alone is taken as the same number on both sides of a comparison. In float32
    that is so between densegrad and Keras: given identical gradients their updates are equal bit for bit, a test.
    """

    def __init__(self, machine: Machine, dtype: object, same_scalars: bool) -> None:
        self.machine, self.dtype, self.same_scalars = machine, np.dtype(dtype), same_scalars
        self.one, self.rate = self.cast(1.0), self.cast(RATE)

    def cast(self, value: float) -> Node:
        """A number that has been a float32."""
        return self.machine.const(float(np.float32(value)))

    def typed(self, value: float) -> Node:
        """A number in the dtype of the variable."""
        return self.machine.const(float(self.dtype.type(value)))

    def power(self, base: Node, exponent: int) -> Node:
        """base^exponent of an exact base."""
        value = base.value**exponent
        return self.machine.leaf(value, self.machine.ulps * value)

    def scalar(self, node: Node) -> Node:
        """A number that all entries share."""
        return self.machine.const(node.value) if self.same_scalars else node


def larger(a: Node, b: Node) -> Node:
    """max(a, b): it moves by no more than either."""
    return Node(a.machine, np.maximum(a.value, b.value), np.maximum(a.error, b.error))


def magnitude(x: Node) -> Node:
    """|x|."""
    return Node(x.machine, np.abs(x.value), x.error)


def sign(x: Node) -> Node:
    """The sign, with a kink at 0."""
    x.machine.kinks += int(np.count_nonzero((np.abs(x.value) <= x.error) & (x.error > 0)))
    return Node(x.machine, np.sign(x.value), 0.0)


def averaged(c: Arithmetic, old: Node, new: Node, rho: float) -> Node:
    """rho old + (1 - rho) new."""
    return c.typed(rho) * old + c.typed(1 - rho) * new


def moved(c: Arithmetic, old: Node, new: Node, beta: float) -> Node:
    """old + (new - old)(1 - beta)."""
    return old + (new - old) * c.typed(1 - beta)


def sgd(c, w, g, slots, step, momentum=0.0, nesterov=False):
    if not momentum:
        return [w - c.rate * g]
    m = slots[0] * c.cast(momentum) - g * c.rate
    return [w + (m * c.cast(momentum) - g * c.rate if nesterov else m), m]


def adam(c, w, g, slots, step, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    m, v = moved(c, slots[0], g, beta_1), moved(c, slots[1], g * g, beta_2)
    new = [m, v]
    if amsgrad:
        v = larger(slots[2], v)
        new.append(v)
    alpha = c.rate * rb.sqrt(c.one - c.power(c.cast(beta_2), step)) / (c.one - c.power(c.cast(beta_1), step))
    return [w - m * c.scalar(alpha) / (rb.sqrt(v) + c.typed(epsilon)), *new]


def rmsprop(c, w, g, slots, step, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v = averaged(c, slots[0], g * g, rho)
    new, d = [v], v
    average = averaged(c, slots[-1], g, rho) if centered else None
    if centered:
        d = v - average * average
    move = c.rate * g / rb.sqrt(d + c.typed(epsilon))
    if momentum:
        move = c.typed(momentum) * slots[1] + move
        new.append(move)
    return [w - move, *new, *([average] if centered else [])]


def adagrad(c, w, g, slots, step, epsilon=1e-7):
    a = slots[0] + g * g
    return [w - c.rate * g / rb.sqrt(a + c.typed(epsilon)), a]


def adadelta(c, w, g, slots, step, rho=0.95, epsilon=1e-7):
    a = averaged(c, slots[0], g * g, rho)
    move = rb.sqrt(slots[1] + c.typed(epsilon)) * g / rb.sqrt(a + c.typed(epsilon))
    return [w - c.rate * move, a, averaged(c, slots[1], move * move, rho)]


def adamax(c, w, g, slots, step, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = moved(c, slots[0], g, beta_1)
    u = larger(c.typed(beta_2) * slots[1], magnitude(g))
    correction = c.scalar(c.one - c.power(c.cast(beta_1), step))
    return [w - c.rate * m / (correction * (u + c.typed(epsilon))), m, u]


def nadam(c, w, g, slots, step, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """The last slot is the product of all mu before this step, which all variables share."""

    def mu(t, number=c.cast):
        return number(beta_1) * (c.one - c.typed(0.5) * c.power(number(0.96), t))

    m = slots[0] + (g - slots[0]) * (c.one - c.cast(beta_1))
    v = slots[1] + (g * g - slots[1]) * (c.one - c.cast(beta_2))
    product = c.scalar(slots[2] * mu(step, c.typed))
    following = c.scalar(mu(step + 1))
    now = c.scalar(c.one - mu(step))
    rest, next_rest = c.scalar(c.one - product), c.scalar(c.one - product * following)
    m_hat = following * m / next_rest + now * g / rest
    v_hat = v / c.scalar(c.one - c.power(c.cast(beta_2), step))
    return [w - m_hat * c.rate / (rb.sqrt(v_hat) + c.typed(epsilon)), m, v, product]


def lion(c, w, g, slots, step, beta_1=0.9, beta_2=0.99):
    def mixed(beta):
        return slots[0] * c.cast(beta) + g * (c.one - c.cast(beta))

    return [w - c.rate * sign(mixed(beta_1)), mixed(beta_2)]


def ftrl(
    c,
    w,
    g,
    slots,
    step,
    learning_rate_power=-0.5,
    l1_regularization_strength=0.0,
    l2_regularization_strength=0.0,
    l2_shrinkage_regularization_strength=0.0,
    beta=0.0,
):
    a, l1 = slots[0] + g * g, l1_regularization_strength
    now, before = raised(a, -learning_rate_power), raised(slots[0], -learning_rate_power)
    shrunk = g + c.typed(2 * l2_shrinkage_regularization_strength) * w
    linear = slots[1] + (shrunk - (now - before) / c.rate * w)
    two = c.typed(2.0)
    l2_twice = two * (c.typed(l2_regularization_strength) + c.typed(beta) / (two * c.rate))
    return [(rb.clip(linear, -l1, l1) - linear) / (now / c.rate + l2_twice), a, linear]


def raised(x: Node, p: float) -> Node:
    """x^p of positive numbers, for p in (0, 1): the slope is the largest at the smallest x."""
    slope = p * (x.value - x.error) ** (p - 1)
    return x.machine.leaf(x.value**p, slope * x.error + x.machine.ulps * x.value**p)


@dataclasses.dataclass(frozen=True)
class Variant:
    """One optimizer with options: its class in both libraries, its formula, and how many slots per variable and group.

    `shared`: the optimizer's last variable belongs to all variables. `exact`: made of operations that round alike
    everywhere, which powers are not.
    """

    cls: str
    formula: Callable
    groups: tuple[int, ...] = ()
    options: dict = dataclasses.field(default_factory=dict)
    shared: bool = False
    exact: bool = True

    def make(self, namespace: object, **options: object) -> object:
        """The optimizer of Keras or densegrad."""
        return getattr(namespace.optimizers, self.cls)(**{"learning_rate": RATE, **self.options, **options})


PENALTIES = {
    "learning_rate_power": -0.75,
    "l1_regularization_strength": 1 / 128,
    "l2_regularization_strength": 0.1,
    "l2_shrinkage_regularization_strength": 0.05,
    "beta": 0.5,
}
OPTIMIZERS = {
    "sgd": Variant("SGD", sgd),
    "momentum": Variant("SGD", sgd, (1,), {"momentum": 0.9}),
    "nesterov": Variant("SGD", sgd, (1,), {"momentum": 0.9, "nesterov": True}),
    "adam": Variant("Adam", adam, (2,)),
    "amsgrad": Variant("Adam", adam, (2, 1), {"amsgrad": True}),
    "rmsprop": Variant("RMSprop", rmsprop, (1,)),
    "rmsprop momentum": Variant("RMSprop", rmsprop, (1, 1), {"momentum": 0.9}),
    "rmsprop centered": Variant("RMSprop", rmsprop, (1, 1), {"centered": True}),
    "rmsprop both": Variant("RMSprop", rmsprop, (1, 1, 1), {"momentum": 0.9, "centered": True}),
    "adagrad": Variant("Adagrad", adagrad, (1,)),
    "adadelta": Variant("Adadelta", adadelta, (2,)),
    "adamax": Variant("Adamax", adamax, (2,)),
    "nadam": Variant("Nadam", nadam, (2,), shared=True),
    "lion": Variant("Lion", lion, (1,)),
    "ftrl": Variant("Ftrl", ftrl, (2,), exact=False),
    "ftrl with penalties": Variant("Ftrl", ftrl, (2,), PENALTIES, exact=False),
}


def slots_of(name: str, optimizer: object, count: int) -> list[list[object]]:
    """The slots of each of `count` variables, from `optimizer.variables` in Keras' order: iteration, rate, slots."""
    rest = list(optimizer.variables)[2:]
    slots: list[list[object]] = [[] for _ in range(count)]
    for size in OPTIMIZERS[name].groups:
        for own in slots:
            own.extend(rest[:size])
            del rest[:size]
    if OPTIMIZERS[name].shared:
        for own in slots:
            own.append(rest[0])
        del rest[0]
    assert not rest
    return slots


def step_once(
    name: str, w: np.ndarray, g: Node, slots: list[np.ndarray], step: int, same_scalars: bool | None = None
) -> list[Node]:
    """The new weight and slots, for a gradient that carries its bound; all else is what both libraries start from."""
    row, machine = OPTIMIZERS[name], g.machine
    if same_scalars is None:
        same_scalars = w.dtype == np.float32
    arithmetic = Arithmetic(machine, w.dtype, same_scalars)
    return row.formula(arithmetic, machine.const(w), g, [machine.const(s) for s in slots], step, **row.options)


EXACT = [name for name, row in OPTIMIZERS.items() if row.exact]

# Options that every optimizer takes, by what they are about.
OPTIONS = {
    "weight_decay": {"weight_decay": 0.1},
    "clipvalue": {"clipvalue": 0.4},
    "clipnorm": {"clipnorm": 1.0},
    "global_clipnorm": {"global_clipnorm": 1.0},
    "averages": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    "scale": {"loss_scale_factor": 1000.0},
    "accumulation": {"gradient_accumulation_steps": 3},
    "many": {
        "gradient_accumulation_steps": 2,
        "weight_decay": 0.1,
        "clipvalue": 0.4,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "loss_scale_factor": 4.0,
    },
}
