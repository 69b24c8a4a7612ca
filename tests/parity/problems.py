"""The numbers of a case, and its gradients with bounds: one running error analysis per library."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from zlib import crc32

import bounds as rb
import numpy as np
from bounds import Machine, Node
from cases import Case
from loss_formulas import FORMULAS
from loss_oracles import LATTICE
from vocabulary import BoundedLosses

INPUTS = 6
WIDTHS = (8, 8, 5)  # of the hidden layers; layer 2 has a square kernel, where a transposed gradient has the right shape
EPSILON = 1e-7  # keras.config.epsilon()
HEADS = {"linear": lambda z: z, "sigmoid": rb.sigmoid, "relu": rb.relu, "softmax": rb.softmax}
SPARSE = ("scce", "categorical_generalized_cross_entropy")
BINARY = ("bce", "binary_focal_crossentropy")
POSITIVE = ("mean_squared_logarithmic_error", "poisson", "kl_divergence")


@dataclass
class Problem:
    """Arrays in the dtype of the case, and how many draws before it sat on a kink or had a gradient that may be 0."""

    case: Case
    x: np.ndarray
    y: np.ndarray
    kernels: list[np.ndarray]
    biases: list[np.ndarray | None]
    weights: np.ndarray | None
    kinked: int = 0
    dead: int = 0
    activations: list[str] = field(default_factory=list)


@dataclass
class Bounded:
    """The float64 gradient of every source and the bound of one library's distance from it."""

    value: dict[str, np.ndarray]
    bound: dict[str, np.ndarray]
    kinks: int


def simplex(rng: np.random.Generator, rows: int, units: int) -> np.ndarray:
    """Rows of multiples of 1/64 that sum to one exactly, half of them one-hot: Keras' gradient assumes the sum."""
    soft = rng.multinomial(64, np.full(units, 1 / units), rows) / 64
    hot = np.eye(units)[rng.integers(units, size=rows)]
    return np.where(rng.random((rows, 1)) < 0.5, hot, soft)


def labels(case: Case, rng: np.random.Generator) -> np.ndarray:
    """Labels in the form that the loss takes; every float is exact in float32."""
    shape = (case.batch, case.units)
    if case.loss_name in SPARSE:
        return rng.integers(case.units, size=case.batch).astype(np.int64)
    if case.loss_name in ("cce", "categorical_focal_crossentropy"):
        return simplex(rng, *shape)
    if case.loss_name in BINARY:
        return rng.integers(0, 9, shape) / 8
    if case.loss_name in POSITIVE:
        return rng.integers(1, 64, shape) / 64
    if case.loss_name in LATTICE:
        return (rng.integers(0, 16, shape) + 0.5) * rng.choice([-1, 1], shape) / 8
    return rng.standard_normal(shape).astype(np.float32)


def _needs_probabilities(case: Case) -> bool:
    """A loss that takes logs, the length or the largest of the output, on a head that does not confine it to (0, 1)."""
    anywhere = LATTICE - {"categorical_hinge"} | {"mse", "log_cosh"}
    return case.output in ("linear", "relu") and case.loss_name not in anywhere and not case.from_logits


def _confine(problem: Problem, rng: np.random.Generator) -> None:
    """Scale the last layer so that the outputs lie in (0, 1); for bce about a quarter falls outside and is clipped."""
    case = problem.case
    wide = case.loss_name == "bce"
    if not case.use_bias:  # nothing can shift the output: take everything positive
        problem.x = np.abs(problem.x)
        problem.kernels = [np.abs(k) for k in problem.kernels]
    h = rb.Machine("float64", 0).const(problem.x)
    for i in range(case.layers - 1):
        h = layer(problem, i, h, [h.machine.const(k) for k in problem.kernels], biases(problem, h.machine))[1]
    z = h.value @ problem.kernels[-1]
    room = (0.75 if wide else 0.3) if case.use_bias else (1.3 if wide else 0.9)
    problem.kernels[-1] = (problem.kernels[-1] * (room / np.abs(z).max())).astype(case.dtype)
    if case.use_bias:
        problem.biases[-1] = rng.uniform(0.4, 0.6, case.units).astype(case.dtype)


def _draw_once(case: Case, rng: np.random.Generator) -> Problem:
    sizes = (INPUTS, *WIDTHS[: case.layers - 1], case.units)
    kernels = [rng.normal(0, 1.2 / np.sqrt(n), (n, m)).astype(case.dtype) for n, m in pairwise(sizes)]
    shifts = [rng.normal(0, 0.3, m).astype(case.dtype) if case.use_bias else None for m in sizes[1:]]
    x = rng.standard_normal((case.batch, INPUTS)).astype(case.dtype)
    weights = rng.uniform(0.25, 2, case.batch).astype(case.dtype) if case.weighted else None
    problem = Problem(case, x, labels(case, rng), kernels, shifts, weights)
    problem.activations = [case.hidden] * (case.layers - 1) + [case.output]
    if _needs_probabilities(case):
        _confine(problem, rng)
    return problem


def draw(case: Case, seed: int, repeat: int = 0) -> tuple[Problem, Bounded, Bounded]:
    """Numbers without a kink within reach, every gradient more than rounding, analysed for densegrad and TensorFlow."""
    kinked = dead = 0
    for attempt in range(20):
        problem = _draw_once(case, np.random.default_rng([seed, crc32(str(case).encode()), repeat, attempt]))
        ours, theirs = (analyse(problem, Machine(case.dtype, ulps)) for ulps in (rb.DG_ULPS, rb.TF_ULPS))
        if ours.kinks or theirs.kinks:
            kinked += 1
        elif any(np.all(np.abs(ours.value[name]) <= ours.bound[name]) for name in case.sources):
            dead += 1
        else:
            problem.kinked, problem.dead = kinked, dead
            return problem, ours, theirs
    raise AssertionError(f"no draw of {case} is usable")


def biases(problem: Problem, machine: Machine) -> list[Node | None]:
    """The biases as inputs of the analysis."""
    return [None if b is None else machine.leaf(b) for b in problem.biases]


def layer(problem: Problem, i: int, h: Node, kernels: list[Node], shifts: list[Node | None]) -> tuple[Node, Node]:
    """Pre-activation and output of layer i."""
    z = rb.matmul(h, kernels[i])
    z = z if shifts[i] is None else z + shifts[i]
    a = HEADS[problem.activations[i]](z)
    return z, a + machine_zero(a) if a is z else a


def machine_zero(a: Node) -> Node:
    """An exact zero: makes a linear output a node of its own."""
    return a.machine.const(np.zeros(a.shape))


def targets(problem: Problem, machine: Machine) -> Node:
    """Labels as the formulas use them: one-hot, smoothed."""
    case = problem.case
    if case.loss_name in SPARSE:
        return machine.const(np.eye(case.units)[problem.y])
    t = machine.const(problem.y)
    if not case.smoothing:
        return t
    share = machine.rounded(case.smoothing) / machine.const(2.0 if case.loss_name in BINARY else case.units)
    return t * (machine.const(1.0) - machine.rounded(case.smoothing)) + share


def per_sample(problem: Problem, p: Node, from_logits: bool) -> Node:
    """Keras' value of each sample, term by term (research/keras_semantics.md, 4.2 and 4.3)."""
    machine, name, dtype = p.machine, problem.case.loss_name, np.dtype(problem.case.dtype).type
    t, one = targets(problem, machine), machine.const(1.0)
    if name in FORMULAS:
        values = FORMULAS[name](BoundedLosses, "logits" if from_logits else "values", t, p)
        return rb.reshape(values, p.shape[:-1])
    ends = float(dtype(EPSILON)), float(dtype(1 - EPSILON))
    if name in ("mse", "bce"):
        if name == "mse":
            terms = (p - t) * (p - t)
        elif from_logits:
            terms = rb.softplus(p) - p * t
        else:
            q = rb.clip(p, *ends)
            terms = -(t * rb.log(q) + (one - t) * rb.log(one - q))
        return rb.total(terms, -1) / machine.const(p.shape[-1])
    if from_logits:
        logs = rb.log_softmax(p)
    elif name == "cce":
        logs = rb.log(rb.clip(p / rb.total(p, -1, keepdims=True), *ends))
    else:
        logs = rb.log_softmax(rb.log(rb.clip(p, *ends)))
    return -rb.total(t * logs, -1)


def reduced(problem: Problem, values: Node) -> Node:
    """Sample weights and reduction (4.1)."""
    case, machine = problem.case, values.machine
    if problem.weights is not None:
        values = values * machine.const(problem.weights)
    if case.reduction == "none":
        return values
    if case.reduction == "sum":
        return rb.total(values)
    if case.reduction == "mean_with_sample_weight" and problem.weights is not None:
        return rb.total(values) / rb.total(machine.const(problem.weights))
    return rb.total(values) / machine.const(case.batch)


def forward(problem: Problem, machine: Machine) -> dict[str, Node]:
    """Every source of the case as a node of one graph."""
    nodes = {"x": machine.leaf(problem.x)}
    kernels = [machine.leaf(k) for k in problem.kernels]
    shifts = biases(problem, machine)
    h = nodes["x"]
    for i in range(problem.case.layers):
        z, h = layer(problem, i, h, kernels, shifts)
        nodes |= {f"kernel{i + 1}": kernels[i], f"bias{i + 1}": shifts[i], f"z{i + 1}": z, f"a{i + 1}": h}
    return nodes


def analyse(problem: Problem, machine: Machine) -> Bounded:
    """Gradients with bounds. A fused pair takes all from the logits, and dL/da from the formula in p."""
    case = problem.case
    nodes = forward(problem, machine)
    head = f"a{case.layers}"
    names = case.sources
    literal = reduced(problem, per_sample(problem, nodes[head], case.from_logits))
    if case.fused:
        p = nodes[head]
        outside = (p.value - p.error <= EPSILON) | (p.value + p.error >= 1 - EPSILON)
        assert not outside.any(), "dL/da is compared inside Keras' clip range only"
        loss = reduced(problem, per_sample(problem, nodes[f"z{case.layers}"], from_logits=True))
        result = dict(zip(names, rb.gradient(loss, [nodes[n] for n in names]), strict=True))
        result[head] = rb.gradient(literal, [p])[0]
    else:
        loss = literal
        result = dict(zip(names, rb.gradient(loss, [nodes[n] for n in names]), strict=True))
    result["loss"] = loss
    return Bounded({n: g.value for n, g in result.items()}, {n: g.error for n, g in result.items()}, machine.kinks)
