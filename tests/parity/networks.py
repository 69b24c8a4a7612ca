"""Random networks: functional graphs with shared layers, merges, several inputs, outputs and losses.

A network is a plain description drawn from a seed. Three builders make it real: nodes that carry error bounds, Keras,
densegrad. All have the same sources: every input, weight and hidden output.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import bounds as rb
import bounds_of_layers as more
import numpy as np
from problems import per_sample, reduced, simplex
from sides import loss_class

BASE_SEED = 20261121  # network k is drawn from [BASE_SEED, k, attempt]

# Of hidden layers. `f(node)` with its bound.
ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": rb.relu,
    "sigmoid": rb.sigmoid,
    "tanh": more.tanh,
    "softplus": rb.softplus,
    "softmax": rb.softmax,
}
MERGES = ("Concatenate", "Add", "Subtract", "Multiply", "Average")
# (loss, from_logits, head activation): the pairs in which Keras takes the loss of what it is given.
LOSSES = (
    ("mse", None, "linear"),
    ("mse", None, "sigmoid"),
    ("mse", None, "softmax"),
    ("mean_absolute_error", None, "linear"),
    ("huber", None, "linear"),
    ("bce", True, "linear"),
    ("bce", False, "sigmoid"),
    ("cce", True, "linear"),
    ("cce", False, "softmax"),
    ("scce", True, "linear"),
    ("scce", False, "softmax"),
)
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight")


@dataclasses.dataclass
class Step:
    """One tensor: what makes it, and from which earlier ones (by position; inputs come first)."""

    kind: str  # "input", "dense", "activation" or a merge
    sources: tuple[int, ...]
    width: int
    layer: int = -1  # of a dense step: its weights, which several steps may share
    activation: str = "linear"


@dataclasses.dataclass
class Head:
    """A loss of one step."""

    step: int
    loss: str
    from_logits: bool | None
    reduction: str
    factor: float
    y: np.ndarray
    weights: np.ndarray | None


@dataclasses.dataclass
class Network:
    """A drawn network with its numbers, in the dtype that it has."""

    dtype: str
    batch: int
    steps: list[Step]
    heads: list[Head]
    kernels: list[np.ndarray]
    biases: list[np.ndarray | None]
    inputs: list[np.ndarray]

    @property
    def fused(self) -> set[int]:
        """The steps whose gradient Keras does not give: probabilities that a cross-entropy takes from their logits."""
        return {h.step for h in self.heads if h.from_logits is False}


def draw(seed: int, attempt: int = 0) -> Network:
    """Network number `seed`; other attempts are for draws that sit on a kink."""
    rng = np.random.default_rng([BASE_SEED, seed, attempt])
    dtype, batch = str(rng.choice(["float32", "float64"])), int(rng.integers(1, 9))
    steps = [Step("input", (), int(rng.integers(1, 7))) for _ in range(rng.integers(1, 3))]
    network = Network(dtype, batch, steps, [], [], [], [])
    network.inputs = [rng.standard_normal((batch, s.width)).astype(dtype) for s in steps]
    for _ in range(rng.integers(2, 8)):
        steps.append(_hidden(network, rng))
    for _ in range(rng.integers(1, 4)):
        network.heads.append(_head(network, rng))
    return network


def _hidden(network: Network, rng: np.random.Generator) -> Step:
    steps = network.steps
    kind = rng.choice(["dense", "dense", "dense", "activation", "merge"])
    source = int(rng.integers(len(steps)))
    if kind == "activation":
        return Step(
            "activation", (source,), steps[source].width, activation=str(rng.choice(["relu", "tanh", "sigmoid"]))
        )
    if kind == "merge" and len(steps) > 1:
        others = [i for i, s in enumerate(steps) if s.width == steps[source].width and i != source]
        merge = str(rng.choice(MERGES))
        if merge != "Concatenate" and others:
            return Step(merge, (source, int(rng.choice(others))), steps[source].width)
        pair = (source, int(rng.choice([i for i in range(len(steps)) if i != source])))
        return Step("Concatenate", pair, steps[pair[0]].width + steps[pair[1]].width)
    fitting = [i for i, k in enumerate(network.kernels) if k.shape[0] == steps[source].width]
    activation = str(rng.choice(list(ACTIVATIONS)))
    if fitting and rng.random() < 0.4:
        layer = int(rng.choice(fitting))
        activation = next(s.activation for s in steps if s.layer == layer)
        return Step("dense", (source,), network.kernels[layer].shape[1], layer, activation)
    width = int(rng.integers(2 if activation == "softmax" else 1, 8))
    return _dense(network, rng, source, width, activation)


def _dense(network: Network, rng: np.random.Generator, source: int, width: int, activation: str) -> Step:
    n = network.steps[source].width
    network.kernels.append(rng.normal(0, 1.2 / np.sqrt(n), (n, width)).astype(network.dtype))
    use_bias = rng.random() < 0.8
    network.biases.append(rng.normal(0, 0.3, width).astype(network.dtype) if use_bias else None)
    return Step("dense", (source,), width, len(network.kernels) - 1, activation)


def _head(network: Network, rng: np.random.Generator) -> Head:
    loss, from_logits, activation = LOSSES[rng.integers(len(LOSSES))]
    units = int(rng.integers(2, 5))
    network.steps.append(_dense(network, rng, int(rng.integers(len(network.steps))), units, activation))
    shape = (network.batch, units)
    if loss == "scce":
        y = rng.integers(units, size=network.batch).astype(np.int64)
    elif loss == "cce":
        y = simplex(rng, *shape).astype(network.dtype)
    elif loss == "bce":
        y = (rng.integers(0, 9, shape) / 8).astype(network.dtype)
    else:
        y = rng.standard_normal(shape).astype(network.dtype)
    weights = rng.uniform(0.25, 2, network.batch).astype(network.dtype) if rng.random() < 0.4 else None
    factor = float(rng.integers(1, 9) / 4)
    step = len(network.steps) - 1
    return Head(step, loss, from_logits, str(rng.choice(REDUCTIONS)), factor, y, weights)


# ---- The bounds ------------------------------------------------------------------------------------------------------


def bounded(network: Network, machine: rb.Machine) -> dict[str, rb.Node]:
    """The loss and its gradient by every source, as nodes with bounds."""
    kernels = [machine.leaf(k) for k in network.kernels]
    biases = [None if b is None else machine.leaf(b) for b in network.biases]
    values, logits = [], []
    for step in network.steps:
        z = value = None
        if step.kind == "input":
            value = machine.leaf(network.inputs[len(values)])
        elif step.kind == "dense":
            z = rb.matmul(values[step.sources[0]], kernels[step.layer])
            z = z if biases[step.layer] is None else z + biases[step.layer]
            value = ACTIVATIONS[step.activation](z)
        elif step.kind == "activation":
            value = ACTIVATIONS[step.activation](values[step.sources[0]])
        else:
            value = _merged(step.kind, [values[i] for i in step.sources])
        values.append(value + machine.const(0.0) if any(value is v for v in [*values, z]) else value)
        logits.append(z)
    terms = [_term(network, h, values[h.step], logits[h.step]) for h in network.heads]
    loss = terms[0]
    for term in terms[1:]:
        loss = loss + term
    sources = named(network, values, kernels, biases)
    return {"loss": loss, **dict(zip(sources, rb.gradient(loss, list(sources.values()))))}


def _merged(kind: str, parts: list[rb.Node]) -> rb.Node:
    if kind == "Concatenate":
        return more.concatenate(parts)
    a, b = parts
    if kind == "Add":
        return a + b
    if kind == "Subtract":
        return a - b
    if kind == "Multiply":
        return a * b
    return (a + b) / a.machine.const(2.0)


def _term(network: Network, head: Head, p: rb.Node, z: rb.Node) -> rb.Node:
    machine = p.machine
    case = SimpleNamespace(
        loss_name=head.loss,
        dtype=network.dtype,
        units=p.shape[-1],
        smoothing=0.0,
        reduction=head.reduction,
        batch=network.batch,
    )
    problem = SimpleNamespace(case=case, y=head.y, weights=head.weights)
    fused = head.from_logits is False
    values = per_sample(problem, z if fused else p, from_logits=fused or bool(head.from_logits))
    return reduced(problem, values) * machine.const(head.factor)


def named(network: Network, values: list, kernels: list, biases: list) -> dict[str, object]:
    """Every source by its name."""
    found = {f"step{i}": v for i, v in enumerate(values) if i not in network.fused}
    found |= {f"kernel{i}": k for i, k in enumerate(kernels)}
    return found | {f"bias{i}": b for i, b in enumerate(biases) if b is not None}


# ---- The libraries ---------------------------------------------------------------------------------------------------


def build(network: Network, library: object) -> tuple[object, list]:
    """A functional model that returns every step but its inputs, and its dense layers, in keras or densegrad."""
    layers: dict[int, object] = {}
    tensors = []
    for i, step in enumerate(network.steps):
        sources = [tensors[j] for j in step.sources]
        if step.kind == "input":
            tensors.append(library.Input((step.width,), dtype=network.dtype, name=f"input{i}"))
        elif step.kind == "dense":
            if step.layer not in layers:
                bias = network.biases[step.layer] is not None
                options = {"activation": step.activation, "use_bias": bias, "dtype": network.dtype}
                layers[step.layer] = library.layers.Dense(step.width, name=f"dense{step.layer}", **options)
            tensors.append(layers[step.layer](sources[0]))
        elif step.kind == "activation":
            layer = library.layers.Activation(step.activation, dtype=network.dtype, name=f"activation{i}")
            tensors.append(layer(sources[0]))
        else:
            tensors.append(getattr(library.layers, step.kind)(dtype=network.dtype, name=f"merge{i}")(sources))
    count = len(network.inputs)
    model = library.Model(tensors[:count], tensors[count:])
    ordered = [layers[i] for i in range(len(layers))]
    for layer, kernel, bias in zip(ordered, network.kernels, network.biases):
        layer.set_weights([kernel] if bias is None else [kernel, bias])
    return model, ordered


def gradients(network: Network, library: object, tape: object, run: object) -> dict[str, np.ndarray | None]:
    """The loss and its gradient by every source, from the library's tape; None where it gives None.

    `run` calls a function of tensors with arrays.
    """
    model, layers = build(network, library)

    def found(*inputs: object) -> dict[str, object]:
        with tape() as recorded:
            recorded.watch(inputs)
            outputs = model(list(inputs))
            values = [*inputs, *(outputs if isinstance(outputs, (list, tuple)) else [outputs])]
            loss = 0.0
            for head in network.heads:
                options = {"reduction": head.reduction, "dtype": network.dtype}
                if head.from_logits is not None:
                    options["from_logits"] = head.from_logits
                function = getattr(library.losses, loss_class(head.loss))(**options)
                loss = loss + head.factor * function(head.y, values[head.step], head.weights)
        kernels, biases = [x.kernel for x in layers], [x.bias for x in layers]
        sources = named(network, values, kernels, biases)
        return {"loss": loss, **dict(zip(sources, recorded.gradient(loss, list(sources.values()))))}

    return {name: None if g is None else np.asarray(g) for name, g in run(found, network.inputs).items()}
