"""Optimizers of one's own, and constraints: as good as the built-in ones, and undone when they fail."""

from __future__ import annotations

import inspect

import densegrad as dg
import numpy as np
import pytest
from densegrad import optimizers
from updates import OPTIONS

SGD = optimizers.SGD


# ---- Constraints, and optimizers of one's own ------------------------------------------------------------------------


@pytest.fixture
def constrain(monkeypatch):
    """Give a variable a constraint."""
    constraints = {}
    monkeypatch.setattr(dg.Variable, "constraint", property(lambda v: constraints.get(id(v))), raising=False)
    return lambda variable, constraint: constraints.update({id(variable): constraint})


def test_constraints_are_applied_after_the_step(constrain):
    w = dg.Variable([1.0, 3.0])
    constrain(w, lambda v: dg.ops.maximum(v, 0.0))
    SGD(1.0).apply([[2.0, 2.0]], [w])
    np.testing.assert_array_equal(w.numpy(), [0, 1])


def test_a_constraint_that_fails_undoes_the_step(constrain):
    def fails(v):
        raise KeyError("constraint")

    w, v = dg.Variable([1.0, 3.0]), dg.Variable([5.0])
    optimizer = SGD(1.0, momentum=0.5)
    optimizer.apply([[1.0, 1.0], [1.0]], [w, v])
    constrain(w, fails)
    before = [x.numpy() for x in (w, v, *optimizer.variables)]
    with pytest.raises(KeyError):
        optimizer.apply([[2.0, 2.0], [1.0]], [w, v])
    for x, old in zip((w, v, *optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(x.numpy(), old)


class Own(optimizers.Optimizer):
    """SGD with momentum, written as for Keras."""

    def __init__(self, learning_rate=0.01, momentum=0.9, fail_at=None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.fail_at = momentum, fail_at

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        if variable.name == self.fail_at:
            raise KeyError(variable.name)
        m = self.momentums[self._get_variable_index(variable)]
        rate = dg.ops.cast(learning_rate, variable.dtype)
        self.assign(m, m * self.momentum - gradient * rate)
        self.assign_add(variable, m)


class Halved(optimizers.Adam):
    """Adam on half of each gradient."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient * 0.5, variable, learning_rate)


@pytest.mark.parametrize("options", OPTIONS)
def test_an_optimizer_of_ones_own_is_as_good(options, seed):
    rng = np.random.default_rng(seed)
    ours, theirs = Own(0.1, **OPTIONS[options]), SGD(0.1, momentum=0.9, **OPTIONS[options])
    a, b = dg.Variable(np.ones(5, np.float32)), dg.Variable(np.ones(5, np.float32))
    for _ in range(6):
        g = rng.normal(size=5).astype(np.float32)
        with dg.GradientTape() as tape:
            ours.apply_gradients([(g, a)])
        assert tape.watched_variables() == ()
        theirs.apply_gradients([(g, b)])
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]


def test_the_signature_is_that_of_the_constructor():
    assert list(inspect.signature(Own).parameters) == ["learning_rate", "momentum", "fail_at", "kwargs"]


def test_a_formula_of_the_core_can_be_extended():
    a, b = dg.Variable([1.0, 2.0]), dg.Variable([1.0, 2.0])
    halved, plain = Halved(0.1), optimizers.Adam(0.1)
    for g in ([1.0, 3.0], [0.5, -2.0]):
        halved.apply([g], [a])
        plain.apply([np.multiply(g, 0.5)], [b])
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert int(halved.iterations) == 2


def test_an_optimizer_of_ones_own_that_fails_undoes_the_step():
    a, b = dg.Variable([1.0], name="a"), dg.Variable([1.0], name="b")
    optimizer = Own(0.1)
    optimizer.apply([[1.0], [1.0]], [a, b])
    optimizer.fail_at = "b"
    before = [v.numpy() for v in (a, b, *optimizer.variables)]
    with pytest.raises(KeyError):
        optimizer.apply([[1.0], [1.0]], [a, b])
    for v, old in zip((a, b, *optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)
