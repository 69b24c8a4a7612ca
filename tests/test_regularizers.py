"""Penalties and constraints: their values, where they are added, and when they are forgotten."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import densegrad as dg
import numpy as np
import pytest
from densegrad import constraints, regularizers
from densegrad.layers import penalties
from samples import rows

W = np.array([[1.0, -2.0], [0.0, 4.0]])


def penalty(x):
    return dg.ops.sum(x) * 2.0


class Adds(dg.layers.Layer):
    """Adds the sum of its input as a loss."""

    def call(self, x):
        self.add_loss([dg.ops.sum(x)])
        return x


def test_calls_are_watched_while_a_layer_that_adds_losses_lives():
    """Other models of the process do not pay for it."""
    layer = dg.layers.Dense(2, activity_regularizer="l2")
    known = weakref.ref(layer)
    assert known in penalties.adding
    del layer
    gc.collect()
    assert known not in penalties.adding and not any(other() is None for other in penalties.adding)


@pytest.mark.parametrize(
    ("regularizer", "value", "gradient"),
    [
        (regularizers.L1(0.5), 3.5, 0.5 * np.sign(W)),
        (regularizers.L2(0.5), 10.5, W),
        (regularizers.L1L2(0.5, 0.25), 8.75, 0.5 * np.sign(W) + 0.5 * W),
        (regularizers.L1L2(), 0.0, None),
        (regularizers.L1L2(l2=0.5), 10.5, W),
        (regularizers.L1L2(l1=None, l2=None), 0.0, None),
    ],
    ids=lambda v: type(v).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_gradients(regularizer, value, gradient, dtype):
    """Exact: every number is a small multiple of a power of two."""
    w = dg.Variable(W.astype(dtype))
    with dg.GradientTape() as tape:
        result = regularizer(w)
    assert result.dtype == w.dtype and float(result) == value
    found = tape.gradient(result, w)
    if gradient is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found.numpy(), gradient)


def test_orthogonal_regularizer():
    x = np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 2.0]])
    cosines = [24 / 25, 4 / 5, 3 / 5]
    # A sum of three products of numbers below 1, a division: fewer than 16 roundings.
    close = {"rel": 16 * 2.0**-53}
    assert float(regularizers.OrthogonalRegularizer(0.3)(x)) == pytest.approx(0.3 * np.mean(cosines), **close)
    assert float(regularizers.OrthogonalRegularizer(0.3, "columns")(x.T)) == pytest.approx(
        0.3 * np.mean(cosines), **close
    )


@pytest.mark.parametrize(
    "regularizer",
    [regularizers.L1(0.3), regularizers.L2(0.3), regularizers.L1L2(0.1, 0.2), regularizers.OrthogonalRegularizer()],
    ids=lambda r: type(r).__name__,
)
def test_configs_of_regularizers(regularizer):
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(again) is type(regularizer) and again.get_config() == regularizer.get_config()
    assert type(regularizers.get(type(regularizer).__name__)) is type(regularizer)


def test_names():
    assert regularizers.get("l1").l1 == regularizers.get("l2").l2 == 0.01
    assert regularizers.get(None) is None and constraints.get(None) is None
    assert regularizers.get(penalty) is penalty
    assert isinstance(regularizers.get(regularizers.L2), regularizers.L2)
    assert isinstance(constraints.get("non_neg"), constraints.NonNeg)
    assert isinstance(constraints.get("MaxNorm"), constraints.MaxNorm)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (constraints.MaxNorm(2), [[1.2, -1.0], [1.6, 0.0]]),
        (constraints.MaxNorm(2, axis=1), [[3 / 10**0.5 * 2, -1 / 10**0.5 * 2], [2.0, 0.0]]),
        (constraints.NonNeg(), [[3.0, 0.0], [4.0, 0.0]]),
        (constraints.UnitNorm(), [[0.6, -1.0], [0.8, 0.0]]),
        (constraints.MinMaxNorm(0.5, 2.0), [[1.2, -1.0], [1.6, 0.0]]),
        (constraints.MinMaxNorm(2.0, 4.0, rate=0.5), [[2.7, -1.5], [3.6, 0.0]]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_constraints(constraint, expected):
    w = np.array([[3.0, -1.0], [4.0, 0.0]])
    # The epsilon of 1e-7 beside a norm of at least 1 is the largest difference; the numbers are below 4.
    np.testing.assert_allclose(constraint(w).numpy(), expected, rtol=0, atol=4.1e-7)
    assert constraint(dg.Variable(w.astype(np.float32))).dtype == np.float32
    again = constraints.deserialize(constraints.serialize(constraint))
    assert type(again) is type(constraint) and again.get_config() == constraint.get_config()


def test_a_step_ends_with_the_constraint():
    w = dg.Variable(np.array([[1.0, 0.5], [-1.0, 2.0]]))
    w.constraint = constraints.NonNeg()
    dg.optimizers.SGD(0.5).apply_gradients([(np.array([[1.0, 2.0], [1.0, -1.0]]), w)])
    np.testing.assert_array_equal(w.numpy(), [[0.5, 0.0], [0.0, 2.5]])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weights_stay_in_their_constraints_while_fitting(optimizer):
    layer = dg.layers.Dense(
        3,
        kernel_initializer="ones",
        bias_initializer=dg.initializers.Constant(-1.0),
        kernel_constraint=constraints.MaxNorm(0.5),
        bias_constraint="non_neg",
    )
    model = dg.Sequential([dg.Input((4,)), layer, dg.layers.Dense(1)])
    model.compile(optimizer, "mean_squared_error")
    x = rows(32, 4)
    model.fit(x, x[:, :1], batch_size=8, epochs=3, verbose=0)
    norms = np.linalg.norm(layer.kernel.numpy(), axis=0)
    # Four squares, a sum, a root, a quotient, a product in float32: fewer than 16 roundings.
    assert np.all(norms <= 0.5 * (1 + 16 * 2.0**-24))
    assert np.all(layer.bias.numpy() >= 0)


def regularized(**kwargs):
    return dg.layers.Dense(
        2, kernel_initializer="ones", kernel_regularizer=regularizers.L2(0.5), bias_regularizer=penalty, **kwargs
    )


def test_losses_of_a_layer():
    layer = regularized(activity_regularizer=regularizers.L2(0.1))
    assert layer.losses == []
    layer.build((None, 4))
    assert [float(v) for v in layer.losses] == [4.0, 0.0]
    layer(np.full((4, 4), 1.0))
    # Eight outputs of 4: 0.1 * 8 * 16 / 4, rounded a few times.
    assert float(layer.losses[0]) == pytest.approx(3.2, rel=4 * 2.0**-24)
    layer(np.zeros((2, 4)))
    assert [float(v) for v in layer.losses] == [0.0, 4.0, 0.0]
    layer(np.zeros((0, 4)))
    assert [float(v) for v in layer.losses] == [0.0, 4.0, 0.0]
    layer.trainable = False
    assert len(layer.losses) == 1


def test_losses_of_a_model():
    """First what the calls added, layer by layer, then the weights' in creation order."""
    model = dg.Sequential([dg.Input((3,)), regularized(), Adds(), regularized(activity_regularizer="l1")])
    assert [float(v) for v in model.losses] == [3.0, 0.0, 2.0, 0.0]
    for _ in range(2):
        model(np.ones((2, 3)))
        found = [float(v) for v in model.losses]
        # Outputs of 6, four of them: 0.01 * 24 / 2, rounded a few times.
        assert found[0] == 12.0 and found[1] == pytest.approx(0.12, rel=4 * 2.0**-24)
        assert found[2:] == [3.0, 0.0, 2.0, 0.0]


def test_a_layer_called_twice_in_a_model_adds_twice():
    class Twice(dg.Model):
        def __init__(self):
            super().__init__()
            self.inner = Adds()

        def call(self, x):
            return self.inner(self.inner(x))

    model = Twice()
    for n in (1, 2, 3):
        model(np.ones((n, 2)))
        assert [float(v) for v in model.losses] == [2.0 * n] * 2
    model.inner(np.ones((1, 2)))
    assert [float(v) for v in model.losses] == [2.0]


def test_gradients_of_losses():
    layer = regularized(activity_regularizer=regularizers.L1(0.5))
    x = dg.constant(rows(3, 2))
    layer(x)
    with dg.GradientTape() as tape:
        y = layer(x)
        loss = sum(layer.losses)
    kernel, bias = tape.gradient(loss, layer.trainable_variables)
    sign = np.sign(y.numpy())
    # dL/dW = W + x^T sign(y) / 6 and dL/db = 2 + sum sign(y) / 6: sums of three products, each rounded.
    bound = 16 * 2.0**-24 * (1 + np.abs(x.numpy()).sum())
    np.testing.assert_allclose(kernel.numpy(), 1.0 + x.numpy().T @ sign / 6, rtol=0, atol=bound)
    np.testing.assert_allclose(bias.numpy(), 2.0 + sign.sum(0) / 6, rtol=0, atol=bound)


def test_the_reported_loss_has_them():
    model = dg.Sequential([dg.Input((2,)), regularized(activity_regularizer=penalty), Adds()])
    model.compile(dg.optimizers.SGD(0.0), dg.losses.MeanSquaredError())
    x, y = np.ones((4, 2), np.float32), np.full((4, 2), 2.0, np.float32)
    # The outputs are 2: error 0, activity 2 * 16 / 4, sum 16, kernel 0.5 * 4, bias 0.
    assert model.evaluate(x, y, verbose=0) == model.train_on_batch(x, y) == model.test_on_batch(x, y) == 26.0
    assert model.fit(x, y, batch_size=2, verbose=0).history["loss"] == [18.0]


def test_a_model_may_have_no_other_loss():
    model = dg.Sequential([dg.layers.Dense(1, use_bias=False, kernel_initializer="ones"), Adds()])
    model.compile(dg.optimizers.SGD(1.0))
    model.fit(np.ones((2, 3), np.float32), batch_size=2, verbose=0)
    np.testing.assert_array_equal(model.weights[0].numpy(), np.full((3, 1), -1.0))


def test_weights_know_their_constraints():
    layer = dg.layers.Dense(2, kernel_constraint="unit_norm", bias_constraint=constraints.NonNeg())
    layer.build((None, 3))
    assert isinstance(layer.kernel.constraint, constraints.UnitNorm)
    assert isinstance(layer.bias.constraint, constraints.NonNeg)
    assert dg.Variable(1.0).constraint is None and dg.Variable(1.0).regularizer is None
    own = dg.layers.Layer()
    weight = own.add_weight((2,), "ones", regularizer="l2", constraint="non_neg")
    assert isinstance(weight.constraint, constraints.NonNeg) and float(own.losses[0]) == np.float32(0.02)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_keep_them(copied):
    layer = dg.layers.Dense(
        2, kernel_constraint="unit_norm", kernel_regularizer="l2", activity_regularizer="l1", kernel_initializer="ones"
    )
    layer(np.ones((2, 2)))
    again = copied(layer)
    assert isinstance(again.kernel.constraint, constraints.UnitNorm)
    again(np.ones((1, 2)))
    assert [float(v) for v in again.losses] == [np.float32(0.04), np.float32(0.04)]
    assert len(layer.losses) == 2


def test_configs_of_layers_have_them():
    layer = dg.layers.Dense(
        2, kernel_regularizer="l1", bias_regularizer="l2", activity_regularizer="l1", bias_constraint="max_norm"
    )
    again = dg.layers.deserialize(dg.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert isinstance(again.activity_regularizer, regularizers.L1)
    assert isinstance(again.bias_regularizer, regularizers.L2)
    assert isinstance(again.bias_constraint, constraints.MaxNorm)
    assert again.kernel_constraint is None


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: regularizers.L1(-1), ValueError, "[regularizers] `l1` is -1: expected a non-negative float."),
        (lambda: regularizers.L2("a"), ValueError, "[regularizers] `l2` is 'a': expected a non-negative float."),
        (
            lambda: regularizers.L1L2(l2=np.inf),
            ValueError,
            "[regularizers] `l2` is inf: expected a non-negative float.",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer(mode="all"),
            ValueError,
            "[OrthogonalRegularizer] Invalid value for argument `mode`: 'all'. Expected 'rows' or 'columns'.",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer()(np.ones(3)),
            ValueError,
            "[OrthogonalRegularizer] `inputs` has shape (3,): it must have rank 2.",
        ),
        (
            lambda: regularizers.get("l1_l2"),
            ValueError,
            "[regularizers] `l1_l2` is not known: it must be one of l1, l2, l1l2, orthogonal_regularizer.",
        ),
        (
            lambda: regularizers.Regularizer().get_config(),
            NotImplementedError,
            "[Regularizer] must define `get_config(self)`.",
        ),
        (
            lambda: constraints.get("norm"),
            ValueError,
            "[constraints] `norm` is not known: it must be one of max_norm, non_neg, unit_norm, min_max_norm.",
        ),
        (
            lambda: constraints.get(3),
            TypeError,
            "[constraints] `identifier` is 3: it must be None, a name or a callable.",
        ),
        (
            lambda: dg.layers.Layer(name="a").add_loss(3.0),
            ValueError,
            "[a] `loss` is 3.0: `add_loss` takes a tensor made in `call`.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


def test_a_call_that_fails_at_once_does_not_keep_the_losses_of_later_ones():
    class Unfinished(dg.layers.Layer):
        def __init__(self):
            pass

    layer = dg.layers.Dense(2, activity_regularizer="l2")
    x = np.ones((4, 2), "float32")
    layer(x)
    with pytest.raises(Exception, match="super"):
        dg.layers.Layer.__call__(Unfinished(), x)
    layer(x)
    layer(x)
    assert len(layer.losses) == 1
