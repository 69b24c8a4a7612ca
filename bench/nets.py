"""The networks of the side-by-side table: their data, and a training run in NumPy that says what every peer must get.

The reference runs in float64. How far a program in another precision may be from it is found by running it again with
every matrix product moved, entry by entry at random, by what rounding may be expected to: (2 sqrt(k) + 8) eps |A| |B|.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Numbers of float32: Keras rounds them to that, for float64 weights too.
RATE, BETA_1, BETA_2 = 2.0**-10, 1 - 2.0**-3, 1 - 2.0**-10
# So small that it does not matter where it stands (PyTorch's stands elsewhere): all peers run the same mathematics.
EPSILON = {"float32": 1e-15, "float64": 1e-30}
MARGIN = 4.0  # two random perturbations find the size of the deviation, not its maximum


@dataclass(frozen=True)
class Net:
    """Dense layers with relu between them, linear at the end, and the rows that they learn."""

    sizes: tuple[int, ...]
    batch: int
    loss: str  # "crossentropy" from logits, or "mse"
    rows: int
    curve: int  # the steps whose losses are compared
    epochs: int = 2  # and the epochs
    digits: bool = False

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes)) + (" digits" if self.digits else "")

    @property
    def parameters(self) -> int:
        return sum(n * m + m for n, m in pairwise(self.sizes))

    @property
    def batches(self) -> int:
        return -(-self.rows // self.batch)


NETS = (
    Net((4, 32, 32, 3), 32, "crossentropy", rows=32 * 1024, curve=20),
    Net((10, 64, 64, 1), 1, "mse", rows=4096, curve=20),
    Net((784, 128, 10), 128, "crossentropy", rows=128 * 16, curve=10),
    Net((784, 512, 512, 10), 256, "crossentropy", rows=256 * 8, curve=5),
    Net((1024, 2048, 2048, 1024), 1024, "mse", rows=1024 * 2, curve=3, epochs=1),
)
DIGITS = Net((64, 32, 10), 32, "crossentropy", rows=1437, curve=20, digits=True)


def draw(net: Net, dtype: str) -> dict[str, np.ndarray]:
    """Rows, targets and weights. Every other row repeats the one before it with another target.

    Thus no loss tends to 0, however long the timing trains: gradients stay far from denormal numbers.
    """
    rng = np.random.default_rng(0)
    inputs, outputs = net.sizes[0], net.sizes[-1]
    x = np.repeat(rng.standard_normal((net.rows - net.rows // 2, inputs)), 2, axis=0)[: net.rows]
    if net.digits:
        from densegrad.demo import load_digits  # needs scikit-learn

        x, labels = load_digits()[:2]
        y = np.eye(outputs)[labels]
    elif net.loss == "crossentropy":
        first = np.repeat(rng.integers(outputs, size=net.rows - net.rows // 2), 2)[: net.rows]
        y = np.eye(outputs)[(first + np.arange(net.rows) % 2) % outputs]
    else:
        y = rng.standard_normal((net.rows, outputs))
    data = {"x": x, "y": y}
    for i, (n, m) in enumerate(pairwise(net.sizes)):
        data[f"W{i}"] = rng.normal(0, np.sqrt(2 / n), (n, m))
        data[f"b{i}"] = rng.normal(0, 0.1, m)
    return {name: np.ascontiguousarray(value, dtype=dtype) for name, value in data.items()}


def request(net: Net, dtype: str, what: str) -> dict[str, object]:
    """What a peer is told of a case, beside the data."""
    count = len(net.sizes) - 1
    curve = {"step": net.curve, "epoch": net.epochs}.get(what)
    return {
        "what": what,
        "dtype": dtype,
        "batch": net.batch,
        "loss": net.loss,
        "calls": curve,
        "rate": RATE,
        "betas": (BETA_1, BETA_2),
        "epsilon": EPSILON[dtype],
        "kernels": [f"W{i}" for i in range(count)],
        "biases": [f"b{i}" for i in range(count)],
    }


class _Run:
    """A training run in float64, exact up to its own rounding if `noise` is None."""

    def __init__(self, net: Net, data: dict[str, np.ndarray], eps: float, noise: np.random.Generator | None) -> None:
        self.net, self.eps, self.noise = net, eps, noise
        exact = {name: value.astype(np.float64) for name, value in data.items()}
        self.x, self.y = exact.pop("x"), exact.pop("y")
        self.weights = exact
        self.first = {name: np.zeros_like(value) for name, value in exact.items()}
        self.second = {name: np.zeros_like(value) for name, value in exact.items()}
        self.steps = 0

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        c = a @ b
        if self.noise is not None:
            reach = (2 * np.sqrt(a.shape[1]) + 8) * self.eps
            c += reach * self.noise.uniform(-1, 1, c.shape) * (np.abs(a) @ np.abs(b))
        return c

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, self.net.rows, self.net.batch):
            rows = slice(start, start + self.net.batch)
            yield self.x[rows], self.y[rows]

    def forward(self, x: np.ndarray) -> list[np.ndarray]:
        """The input of every layer, and the output."""
        values = [x]
        for i in range(len(self.net.sizes) - 1):
            z = self.product(values[-1], self.weights[f"W{i}"]) + self.weights[f"b{i}"]
            values.append(z if i == len(self.net.sizes) - 2 else np.maximum(z, 0))
        return values

    def gradient(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """The loss and, by name, its gradients."""
        *inputs, z = self.forward(x)
        if self.net.loss == "mse":
            answer, d = {"loss": np.mean((z - y) ** 2)}, 2 * (z - y) / z.size
        else:
            shifted = z - z.max(axis=1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            answer, d = {"loss": -(y * log_p).sum() / len(x)}, (np.exp(log_p) - y) / len(x)
        for i in reversed(range(len(inputs))):
            answer[f"W{i}"], answer[f"b{i}"] = self.product(inputs[i].T, d), d.sum(axis=0)
            d = self.product(d, self.weights[f"W{i}"].T) * (inputs[i] > 0) if i else d
        return answer

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """The loss before one step of Adam."""
        answer = self.gradient(x, y)
        self.steps += 1
        rate = RATE * np.sqrt(1 - BETA_2**self.steps) / (1 - BETA_1**self.steps)
        for name, weight in self.weights.items():
            m, v, g = self.first[name], self.second[name], answer[name]
            m += (1 - BETA_1) * (g - m)
            v += (1 - BETA_2) * (g * g - v)
            weight -= rate * m / (np.sqrt(v) + EPSILON["float64"])
        return float(answer["loss"])

    def answer(self, what: str) -> dict[str, np.ndarray]:
        if what == "forward":
            return {"loss": self.forward(next(self.batches())[0])[-1]}
        if what == "gradient":
            return self.gradient(*next(self.batches()))
        if what == "step":
            batches = [batch for _, batch in zip(range(self.net.curve), self.batches())]
            return {"loss": np.array([self.step(*batches[i % len(batches)]) for i in range(self.net.curve)])}
        means = []
        for _ in range(self.net.epochs):
            means.append(sum(len(x) * self.step(x, y) for x, y in self.batches()) / self.net.rows)
        return {"loss": np.array(means)}


def reference(net: Net, data: dict[str, np.ndarray], dtype: str, what: str) -> tuple[dict, dict]:
    """What a peer must answer, by name, and by how much each array's entries may differ from it."""
    eps = float(np.finfo(dtype).eps)
    value = _Run(net, data, eps, None).answer(what)
    sums = net.batch + net.batches + 8  # over rows, and over batches
    allowed = {name: sums * eps * float(np.abs(v).max()) for name, v in value.items()}
    for seed in range(2):
        moved = _Run(net, data, eps, np.random.default_rng(seed)).answer(what)
        for name, v in value.items():
            allowed[name] = max(allowed[name], MARGIN * float(np.abs(moved[name] - v).max()))
    return {name: np.asarray(v) for name, v in value.items()}, allowed
