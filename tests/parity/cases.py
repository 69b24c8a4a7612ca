"""The cases: a full product of what a loss can be joined to, and a pairwise array of everything else.

Output activation x loss x from_logits x reduction x dtype is complete. The other factors (hidden activation, number of
layers, batch size, bias, sample weights, label smoothing, width of the output) are dealt to those rows so that every
pair of values of any two factors meets at least once; `uncovered_pairs` proves it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import combinations, product

import numpy as np

ACTIVATIONS = ("linear", "sigmoid", "relu", "softmax")
LOSSES = (("mse", False), ("bce", False), ("bce", True), ("cce", False), ("cce", True), ("scce", False), ("scce", True))
# By their names in the core; their analysis is that of loss_formulas.py.
OTHER_LOSSES = tuple(
    (name, from_logits)
    for name, *forms in (
        ("mean_absolute_error", False),
        ("mean_absolute_percentage_error", False),
        ("mean_squared_logarithmic_error", False),
        ("huber", False),
        ("log_cosh", False),
        ("poisson", False),
        ("kl_divergence", False),
        ("cosine_similarity", False),
        ("hinge", False),
        ("squared_hinge", False),
        ("categorical_hinge", False),
        ("binary_focal_crossentropy", False, True),
        ("categorical_focal_crossentropy", False, True),
        ("categorical_generalized_cross_entropy", False),
    )
    for from_logits in forms
)
SMOOTHED = ("bce", "cce", "binary_focal_crossentropy", "categorical_focal_crossentropy")
WITH_LOGITS = {name for name, from_logits in LOSSES + OTHER_LOSSES if from_logits}
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", "mean_with_sample_weight")
DTYPES = ("float32", "float64")
DEALT = {
    "hidden": ACTIVATIONS,
    "layers": (1, 2, 3, 4),
    "batch": (1, 2, 17, 128),
    "use_bias": (True, False),
    "weighted": (True, False),
    "smoothing": (0.0, 0.1),
    "units": (2, 5),
}
FUSED = {("softmax", "cce"), ("softmax", "scce"), ("sigmoid", "bce")}


@dataclass(frozen=True)
class Case:
    """One net, loss and batch shape; the numbers come from a seed (see problems.py)."""

    output: str
    loss: tuple[str, bool]
    reduction: str
    dtype: str
    hidden: str | None = None
    layers: int = 1
    batch: int = 1
    use_bias: bool = True
    weighted: bool = False
    smoothing: float | None = None
    units: int = 2

    @property
    def loss_name(self) -> str:
        return self.loss[0]

    @property
    def from_logits(self) -> bool:
        return self.loss[1]

    @property
    def fused(self) -> bool:
        """Whether densegrad takes this pair from the logits (design, D1)."""
        return (self.output, self.loss_name) in FUSED and not self.from_logits

    @property
    def sources(self) -> list[str]:
        """Every array that the gradient is compared for; layer i is 1-based, the output is layer `layers`."""
        names = ["x"]
        for i in range(1, self.layers + 1):
            names += [f"kernel{i}"] + [f"bias{i}"] * self.use_bias + [f"z{i}", f"a{i}"]
        return names

    def __str__(self) -> str:
        loss = self.loss_name + ("-logits" if self.from_logits else "")
        parts = [self.output, loss, self.reduction, self.dtype, f"{self.layers}x{self.hidden}", f"n{self.batch}"]
        flags = {"bias": self.use_bias, "weights": self.weighted, "smooth": self.smoothing}
        return "-".join([*parts, f"u{self.units}", *(name for name, on in flags.items() if on)])


def _settle(case: Case) -> Case:
    """Drop the factors that mean nothing here: no hidden activation in one layer, no smoothing of most losses."""
    hidden = case.hidden if case.layers > 1 else None
    smoothing = case.smoothing if case.loss_name in SMOOTHED else None
    return replace(case, hidden=hidden, smoothing=smoothing)


def _pairs(case: Case) -> set[tuple[tuple[str, object], tuple[str, object]]]:
    values = [(f.name, getattr(case, f.name)) for f in fields(case)]
    return set(combinations([item for item in values if item[1] is not None], 2))


def _make(losses: tuple, seed: int, tries: int = 24) -> list[Case]:
    """The product, each row with the one of `tries` random deals that meets the most pairs not met so far."""
    rng = np.random.default_rng(seed)
    deals = list(product(*DEALT.values()))
    met: set = set()
    cases = []
    for output, loss, reduction, dtype in product(ACTIVATIONS, losses, REDUCTIONS, DTYPES):
        chosen = rng.choice(len(deals), tries, replace=False)
        row = Case(output, loss, reduction, dtype)
        options = [_settle(replace(row, **dict(zip(DEALT, deals[i], strict=True)))) for i in chosen]
        best = max(options, key=lambda option: len(_pairs(option) - met))
        met |= _pairs(best)
        cases.append(best)
    return cases


CASES = _make(LOSSES, seed=2)
OTHER_CASES = _make(OTHER_LOSSES, seed=3)


def uncovered_pairs(cases: list[Case], losses: tuple) -> set:
    """Every possible pair of values of two factors that none of the cases of these losses has."""
    factors = {"output": ACTIVATIONS, "loss": losses, "reduction": REDUCTIONS, "dtype": DTYPES, **DEALT}
    wanted = set()
    for first, second in combinations(factors, 2):
        for pair in product(factors[first], factors[second]):
            given = {first: pair[0], second: pair[1]}
            one_layer = given.get("layers") == 1 and "hidden" in given
            not_smoothed = "smoothing" in given and given.get("loss", ("cce",))[0] not in SMOOTHED
            if not one_layer and not not_smoothed:
                wanted.add(((first, pair[0]), (second, pair[1])))
    return wanted - set().union(*map(_pairs, cases))
