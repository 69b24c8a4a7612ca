"""`gradcheck`: is the gradient of a function its derivative? Finite differences decide, and name the worst entry."""

from __future__ import annotations

import math

import numpy as np

from densegrad import _core, config, nest
from densegrad._core import Tensor, Variable
from densegrad.finite_differences import noise, slope
from densegrad.gradreport import Entry, GradientError, GradientReport
from densegrad.layers import Layer
from densegrad.tape import GradientTape

__all__ = ["GradientError", "GradientReport", "gradcheck"]

STEPS = {"float64": 2.0**-8, "float32": 2.0**-4}  # about u^(1/6): what truncation and rounding balance at
NEAR = 2.0**-20  # the spacing of the points that show the rounding noise
ROUNDINGS = 8  # standard deviations of the noise, and units of roundoff of the terms, that an error may reach


def gradcheck(function, inputs, *, wrt=None, variables=(), order=1, max_entries=1000, seed=0, raise_on_error=True):
    """Checks the gradient of a function against central differences of its values, entry by entry, in float64.

        |claimed - measured| <= truncation + rounding

    The truncation error of the differences (Richardson extrapolation) and the rounding noise of the function are
    measured, so there is no tolerance to choose. Of several outputs a sum with random weights is differentiated; the
    report shows a single output's numbers wherever an entry moves only one.
    Where the two sides of a point disagree, the function has a kink or a jump: the report says so; at a kink the
    gradient must lie between the two slopes.

    Args:
        function: takes tensors, or structures of them, and returns a float tensor or a structure of them: a Python
            function, a layer, a model, a loss, a `custom_gradient`.
        inputs: the argument of the function (array, tensor or list of numbers), or a tuple with all its arguments.
        wrt: the positions of the arguments to check; None: all float ones. The others (labels) are passed as they are.
        variables: a layer, whose trainable variables are checked too, or a list of variables that the function reads.
        order: 2 also checks the gradient of the gradient, and so on.
        max_entries: of an input with more entries, that many are drawn at random.
        seed: of the random numbers.
        raise_on_error: False returns the report of a wrong gradient too.

    Returns: a report with `ok`, `worst` (source, index, measured, claimed, tolerance), `kinks`, and a text as `str()`.

    Raises: GradientError if the gradient is wrong, or if the function returns different values for equal inputs;
        TypeError if there is nothing to differentiate.
    """
    if not config.is_integer(order) or order < 1:
        raise ValueError(f"[gradcheck] `order` is {order!r}: it must be a positive integer.")
    if not config.is_integer(max_entries) or max_entries < 1:
        raise ValueError(f"[gradcheck] `max_entries` is {max_entries!r}: it must be a positive integer.")
    arguments = tuple(map(nest.argument, inputs if isinstance(inputs, tuple) else (inputs,)))
    chosen = _positions(arguments, wrt)
    rng, notes, entries = np.random.default_rng(seed), [], []
    try:
        arguments = _cast(arguments, chosen, "float64")
        function(*arguments)  # also builds a layer
    except TypeError:
        arguments = _cast(arguments, chosen, "float32")  # as its weights may be
        function(*arguments)
    variables = variables.trainable_variables if isinstance(variables, Layer) else list(variables)
    for n in range(1, order + 1):
        problem = _Problem(function, arguments, chosen, variables)
        if n == 1 and problem.dtype == "float32":
            notes.append("the function computes in float32: build it with dtype='float64' for a sharper check")
        entries += problem.entries(rng, max_entries, notes, "" if n == 1 else f"order {n}, ")
        if n < order:
            function = problem.gradient_function()
    report = GradientReport(entries, notes)
    if raise_on_error and not report:
        raise GradientError(f"[gradcheck] {report}")
    return report


def _positions(arguments, wrt):
    if wrt is None:
        return sorted({i for i, x in _numbered(arguments) if x.dtype.kind == "f"})
    chosen = [wrt] if config.is_integer(wrt) else list(wrt)
    for i in chosen:
        if not config.is_integer(i) or not 0 <= i < len(arguments):
            raise ValueError(f"[gradcheck] `wrt` has {i!r} for {len(arguments)} arguments: it must be a position.")
    return chosen


def _cast(arguments, chosen, dtype):
    leaves = [_core.cast(x, dtype) if i in chosen else x for i, x in _numbered(arguments)]
    return nest.pack_as(arguments, leaves)


def _numbered(arguments):
    """Every tensor of the arguments, with the position of its argument."""
    return [(i, x) for i, argument in enumerate(arguments) for x in nest.flatten(argument)]


class _Problem:
    """A function of flat float64 arrays, and its gradient by the tape."""

    def __init__(self, function, arguments, chosen, variables):
        self.function, self.arguments, self.variables = function, arguments, variables
        numbered, names = _numbered(arguments), list(_names(arguments))
        self.fixed = [x for _, x in numbered]
        self.places = [k for k, (i, _) in enumerate(numbered) if i in chosen]
        self.names = [names[k] for k in self.places]
        self.names += [f"variable '{getattr(v, 'path', v.name)}'" for v in variables]
        if not self.names:
            raise TypeError(
                "[gradcheck] `inputs` has no float array and there are no `variables`: pass floats, or name the "
                "argument in `wrt`."
            )
        self.start = [self.fixed[k].numpy().astype(np.float64) for k in self.places]
        self.start += [v.numpy().astype(np.float64) for v in variables]
        dtypes = {y.dtype.name for y in self._outputs(self._inputs(self.start))} | {v.dtype.name for v in variables}
        self.dtype = "float32" if "float32" in dtypes else "float64"

    def _inputs(self, values):
        """The input tensors with these values."""
        return [_core.constant(v, self.fixed[k].dtype) for k, v in zip(self.places, values)]

    def _outputs(self, tensors):
        leaves = list(self.fixed)
        for k, tensor in zip(self.places, tensors):
            leaves[k] = tensor
        result = nest.flatten(self.function(*nest.pack_as(self.arguments, leaves)))
        for y in result:
            if not isinstance(y, (Tensor, Variable)) or y.dtype.kind != "f":
                kind = f"tensor of dtype {y.dtype}" if isinstance(y, Tensor) else f"value of type {type(y).__name__}"
                raise TypeError(
                    f"[gradcheck] the function returned a {kind}: it must return float tensors, computed from its "
                    "arguments with dg.ops, NumPy functions or operators."
                )
        return result

    def __call__(self, values):
        """All outputs in one float64 array, at these values of inputs and variables."""
        split = len(self.places)
        moved = [(v, x) for v, x, start in zip(self.variables, values[split:], self.start[split:]) if x is not start]
        before = [v.numpy() for v, _ in moved]
        try:
            for variable, value in moved:
                variable.assign(value)
            outputs = [y.numpy().astype(np.float64).ravel() for y in self._outputs(self._inputs(values[:split]))]
        finally:
            for (variable, _), value in zip(moved, before):
                variable.assign(value)
        return np.concatenate(outputs) if outputs else np.zeros(0)

    def gradients(self, tensors, weights):
        """The gradient of <weights, outputs> for every source: tensors, or None."""
        sources = [*tensors, *self.variables]
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            outputs = self._outputs(tensors)
        ends = np.cumsum([y.size for y in outputs])
        pieces = [_core.constant(w.reshape(y.shape), y.dtype) for w, y in zip(np.split(weights, ends[:-1]), outputs)]
        return tape.gradient(outputs, sources, pieces)

    def gradient_function(self):
        """The function that this gradient is, of the same arguments."""
        weights = self.weights

        def gradient(*arguments):
            leaves = nest.flatten(arguments)
            return [g for g in self.gradients([leaves[k] for k in self.places], weights) if g is not None]

        return gradient

    def entries(self, rng, max_entries, notes, prefix):
        """The comparison of every entry, or of some and of one direction through all."""
        self.value = value = self(self.start)
        if not np.array_equal(value, self(self.start), equal_nan=True):
            raise GradientError(
                "[gradcheck] the function returned different values for the same inputs: make it repeatable (a fixed "
                "seed, no state that changes between calls)."
            )
        if not np.all(np.isfinite(value)):
            raise GradientError("[gradcheck] the function is not finite at these inputs: check it where it is.")
        self.weights = rng.uniform(0.5, 1.5, value.shape) * rng.choice([-1.0, 1.0], value.shape)
        if value.size == 1:
            self.weights = np.ones(1)
        claimed = self.gradients(self._inputs(self.start), self.weights)
        signs = [rng.choice([-1.0, 1.0], x.shape) for x in self.start]
        spacing = [NEAR * s * np.where(x == 0, 1.0, _binade(x)) for s, x in zip(signs, self.start)]
        ulp = float(np.finfo(self.dtype).eps) / 2
        rounding = abs(self.weights) * ROUNDINGS * (noise(self._line(spacing)) + ulp * abs(value))
        hidden = abs(self.weights) * ulp * abs(value)  # what an entry may have moved unseen

        def error(moved):
            return float(np.sum(np.where(moved, rounding, hidden)))

        found = []
        for n, (name, x, gradient) in enumerate(zip(self.names, self.start, claimed)):
            if gradient is None:
                notes.append(f"{prefix}{name} has no gradient (None): taken as zero")
            g = np.zeros(x.shape) if gradient is None else gradient.numpy().astype(np.float64)
            indices = list(np.ndindex(x.shape))
            if len(indices) > max_entries:
                notes.append(f"{prefix}{name}: {max_entries} of {len(indices)} entries and one random direction")
                indices = [indices[i] for i in np.sort(rng.permutation(len(indices))[:max_entries])]
                found.append(self._entry(n, signs[n], g, error, ulp, f"{prefix}{name}, a random direction", ()))
            for index in indices:
                unit = np.zeros(x.shape)
                unit[index] = 1.0
                found.append(self._entry(n, unit, g, error, ulp, prefix + name, index))
        return found

    def _line(self, directions):
        """s -> all outputs at start + s · directions; None keeps a source where it is."""
        return lambda s: self([x if d is None else x + s * d for x, d in zip(self.start, directions)])

    def _entry(self, n, direction, gradient, error, ulp, name, index):
        """The slope along `direction` of source n beside the gradient's."""
        x, on = self.start[n], direction != 0
        claimed = float(np.sum(gradient[on] * direction[on]))
        finite = np.nan_to_num(abs(gradient[on]), nan=0.0, posinf=0.0)
        terms = ROUNDINGS * ulp * float(np.sum(finite * (abs(x[on]) + 1)))
        step = STEPS[self.dtype] * float(_binade(np.max(abs(x[on]), initial=1.0)))
        line = self._line([direction if k == n else None for k in range(len(self.start))])
        found = slope(line, self.weights, lambda moved: error(moved) + terms, step)
        low, high = sorted((found.left, found.right)) if found.kind == "kink" else (found.value, found.value)
        miss = 0.0 if found.kind in ("jump", "edge") else max(low - claimed, claimed - high, 0.0)
        if math.isnan(claimed) or (math.isinf(claimed) and found.kind != "edge"):
            miss = math.inf
        unit = self._only_weight(line(step), np.ravel(on))
        tolerance = (found.tolerance + terms) / abs(unit)
        return Entry(
            name, index, found.kind, found.value / unit + 0.0, claimed / unit + 0.0, tolerance, miss / abs(unit)
        )

    def _only_weight(self, there, on):
        """The weight of the one output that an entry moves, so that a report shows no weights; else 1."""
        moved = np.flatnonzero(there != self.value)
        if len(moved) == 0 and len(on) == len(there):  # a constant, entry by entry
            moved = np.flatnonzero(on)
        return float(self.weights[moved[0]]) if len(moved) == 1 else 1.0


def _binade(x):
    """The power of two at or below |x|."""
    return 2.0 ** np.floor(np.log2(np.where(x == 0, 1.0, abs(x))))


def _names(arguments):
    """What to call every tensor of the arguments."""
    for i, argument in enumerate(arguments):
        leaves = nest.flatten(argument)
        plain = isinstance(argument, Tensor)
        yield from (f"input {i}" if plain else f"input {i} tensor {k}" for k in range(len(leaves)))
