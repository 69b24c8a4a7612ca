"""`Lambda`, `Identity`, `Dot`, `PReLU`, `ActivityRegularization`, `glu`, `sparsemax`: values, gradients, messages."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from samples import rows

L = dg.layers
X = rows(4, 3)


def test_lambda_passes_arguments_and_training():
    layer = L.Lambda(lambda x, by, training=None: x * by if training else x, arguments={"by": 3.0})
    assert layer.built and not layer.weights
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer(X, training=True), 3 * X)
    model = dg.Sequential([L.Dense(2), layer])
    np.testing.assert_array_equal(model(X, training=True), 3 * model(X).numpy())
    assert L.Lambda(lambda x, mask: mask is None)(X) is True


def test_lambda_in_models_and_its_shapes():
    stacked = L.Lambda(lambda x: dg.ops.concatenate([x, x], 1))
    x = dg.Input((3,))
    model = dg.Model(x, stacked(x))
    assert model.output.shape == stacked.compute_output_shape((None, 3)) == (None, 6)
    np.testing.assert_array_equal(model(X), np.concatenate([X, X], 1))
    assert L.Lambda(abs, output_shape=(7,)).compute_output_shape((5, 3)) == (5, 7)
    assert L.Lambda(abs, output_shape=(7,)).compute_output_shape([(5, 3), (5, 2)]) == (5, 7)
    assert L.Lambda(abs, output_shape=lambda s: s[:1]).compute_output_shape((5, 3)) == (5,)
    pair = L.Lambda(lambda xs: xs[0] - xs[1])
    np.testing.assert_array_equal(pair([X, 2 * X]), -X)
    clone = dg.models.clone_model(dg.Sequential([dg.Input((3,)), stacked]))
    np.testing.assert_array_equal(clone(X), np.concatenate([X, X], 1))
    with dg.GradientTape() as tape:
        x = dg.Variable(X)
        y = L.Lambda(dg.ops.square)(x)
    np.testing.assert_array_equal(tape.gradient(y, x), 2 * X)


def test_lambda_arguments():
    with pytest.raises(TypeError, match=r"^\[Lambda\] `function` is 3: it must be callable.$"):
        L.Lambda(3)
    with pytest.raises(NotImplementedError, match=r"^\[Lambda\] `mask` is 1: it must be None, no layer here makes"):
        L.Lambda(abs, mask=1)


def test_identity_returns_structures_as_they_are():
    layer = L.Identity()
    np.testing.assert_array_equal(layer(X), X)
    a, b = layer([X, 2 * X])
    np.testing.assert_array_equal(b, 2 * a.numpy())
    assert layer.compute_output_shape([(2, 3), (2,)]) == [(2, 3), (2,)]
    x = dg.Input((3,))
    assert dg.Model(x, layer(x))(X).numpy().tolist() == X.tolist()


DOTS = [
    ((4, 3), (4, 3), 1, "ni,ni->n"),
    ((4, 3), (4, 3), -1, "ni,ni->n"),
    ((4, 3), (4, 2, 3), (1, 2), "ni,nai->na"),
    ((4, 2, 3), (4, 3), (2, 1), "nai,ni->na"),
    ((4, 3, 5), (4, 7, 3), (1, 2), "nia,nbi->nab"),
    ((4, 2, 3, 5), (4, 3, 2, 6), (-2, 1), "naib,nicd->nabcd"),
    ((0, 3), (0, 3), 1, "ni,ni->n"),
    ((4, 0), (4, 0), 1, "ni,ni->n"),
]


@pytest.mark.parametrize(("first", "second", "axes", "rule"), DOTS, ids=str)
def test_dot(first, second, axes, rule):
    """Sums of at most 3 products of numbers drawn from a normal distribution: exact to 3 roundings of the terms."""
    a, b = rows(*first, dtype=np.float64), rows(*second, seed=1, dtype=np.float64)
    expected, size = np.einsum(rule, a, b), np.einsum(rule, np.abs(a), np.abs(b))
    expected = expected[:, None] if expected.ndim == 1 else expected
    layer = L.Dot(axes, dtype="float64")
    y = layer([a, b])
    assert y.shape == expected.shape == layer.compute_output_shape([first, second])
    assert np.all(np.abs(y.numpy() - expected) <= 6 * 2.0**-53 * size.reshape(expected.shape))
    inputs = [dg.Input(s[1:], dtype="float64") for s in (first, second)]
    model = dg.Model(inputs, L.dot(inputs, axes, dtype="float64"))
    assert model.output.shape == (None, *expected.shape[1:])
    np.testing.assert_array_equal(model([a, b]), y)
    if len(a):
        assert dg.gradcheck(lambda p, q: layer([p, q]), (a, b), order=2).ok
        pair = [axes] * 2 if isinstance(axes, int) else axes
        if 0 not in first:
            p, q = (x / np.sqrt((x**2).sum(axis, keepdims=True)) for x, axis in zip((a, b), pair))
            cosines = np.einsum(rule, p, q).reshape(expected.shape)
            np.testing.assert_allclose(L.Dot(axes, True, dtype="float64")([a, b]), cosines, rtol=0, atol=20 * 2.0**-53)


def test_dot_messages():
    for axes, error, text in (
        ("1", TypeError, "[Dot] Invalid type for argument `axes`: it should be a list or an int. Received: axes='1'."),
        ((1,), ValueError, "[Dot] Invalid format for argument `axes`: it should contain two elements, and list "
         "elements should be integers. Received: axes=(1,)."),
    ):  # fmt: skip
        with pytest.raises(error) as caught:
            L.Dot(axes)
        assert str(caught.value) == text
    for axes, inputs, text in (
        (1, [X], "[d] A `Dot` layer should be called on a list of 2 inputs. Received: input_shape=[(4, 3)]."),
        ((0, 1), [X, X], "axis 0 is that of the samples"),
        (1, [X, X[:, :2]], "Incompatible input shapes: axis values 3 (at axis 1) != 2 (at axis 1). Full input shapes: "
         "(4, 3), (4, 2)."),
        (1, [X, X[:2]], "the first axes, of the samples, must be equal"),
        (2, [X, X], "`axes` is 2 but the tensor has 2 axes"),
    ):  # fmt: skip
        with pytest.raises(ValueError) as caught:
            L.Dot(axes, name="d")(inputs)
        assert text in str(caught.value) + str(caught.value.__cause__)


def test_prelu():
    layer = L.PReLU(alpha_initializer="ones", alpha_regularizer="l2", alpha_constraint="non_neg")
    alpha = np.array([0.5, -2.0, 0.0], "float32")
    layer.build((None, 3))
    layer.alpha.assign(alpha)
    x = np.array([[-1.0, 2.0, -3.0], [0.0, -0.5, 4.0]], "float32")
    with dg.GradientTape() as tape:
        v = dg.Variable(x)
        y = layer(v)
    np.testing.assert_array_equal(y, np.where(x < 0, alpha * x, x))
    dx, dalpha = tape.gradient(y, [v, layer.alpha])
    np.testing.assert_array_equal(dx, np.where(x < 0, alpha, x > 0))
    np.testing.assert_array_equal(dalpha, np.where(x < 0, x, 0).sum(0))
    assert layer.losses[0].numpy() == np.float32(0.01) * np.float32(4.25) and layer.alpha.constraint is not None
    shared = L.PReLU("ones", shared_axes=[1, 2])
    assert shared(rows(2, 3, 4, 5)).shape == (2, 3, 4, 5) and shared.alpha.shape == (1, 1, 5)
    assert shared(rows(2, 7, 4, 5)).shape == (2, 7, 4, 5)
    assert layer.compute_output_shape((None, 3)) == (None, 3)
    with pytest.raises(
        ValueError, match=r"`x` has shape \(2, 4\) but `alpha` has shape \(3,\): they must be equal but"
    ):
        layer(rows(2, 4))
    with pytest.raises(
        ValueError, match=r"`shared_axes` is \[2\] but inputs have shape \(4, 3\): each must be in \[1, 1\]"
    ):
        L.PReLU(shared_axes=2)(X)


def test_activity_regularization_adds_its_penalty_and_its_gradient():
    layer = L.ActivityRegularization(0.5, 0.25)
    with dg.GradientTape() as tape:
        x = dg.Variable(np.array([[1.0, -2.0], [3.0, 0.0]], "float32"))
        y = layer(x)
        (loss,) = layer.losses
    np.testing.assert_array_equal(y, x)
    assert loss.numpy() == (0.5 * 6 + 0.25 * 14) / 2
    np.testing.assert_array_equal(tape.gradient(loss, x), (0.5 * np.sign(x) + 0.5 * x.numpy()) / 2)
    assert layer.compute_output_shape((None, 2)) == (None, 2)


def test_convolutions_take_regularizers_and_constraints():
    layer = L.Conv2D(2, 2, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2",
                     kernel_constraint="max_norm", bias_constraint="non_neg", bias_initializer="ones")  # fmt: skip
    images = rows(3, 4, 4, 1)
    with dg.GradientTape() as tape:
        y = layer(images)
        losses = layer.losses
        total = sum(losses)
    squares = lambda t: np.sum(np.square(t.numpy(), dtype="float64"))  # noqa: E731 - a name for the next line
    expected = [0.01 * squares(y) / 3, 0.01 * squares(layer.kernel), 0.01 * 2]
    np.testing.assert_allclose([float(loss) for loss in losses], expected, rtol=60 * 2.0**-24)  # sums of 54 squares
    assert all(np.any(g.numpy() != 0) for g in tape.gradient(total, layer.trainable_variables))
    model = dg.Sequential([layer, L.Flatten(), L.Dense(1)])
    model.compile(dg.optimizers.SGD(100.0), "mse")
    model.fit(images, np.zeros(3), verbose=0)
    assert np.all(layer.bias.numpy() >= 0)
    assert np.all(np.sqrt((layer.kernel.numpy() ** 2).sum(0)) <= 2 * (1 + 2.0**-20))


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_glu(axis):
    x = rows(4, 6, 2, dtype=np.float64)
    u, v = np.split(x, 2, axis)
    np.testing.assert_allclose(dg.activations.glu(x, axis), u / (1 + np.exp(-v)), rtol=8 * 2.0**-53)
    assert dg.gradcheck(lambda t: dg.activations.glu(t, axis), x, order=2).ok
    assert dg.ops.glu is dg.activations.get("glu") is dg.activations.glu


def by_bisection(z):
    """The tau for which the entries of max(z - tau, 0) sum to 1."""
    low, high = z.max() - 1, z.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(z - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(z - low, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [0.01, 0.5, 5.0])
def test_sparsemax(dtype, scale):
    """tau is a mean of n entries: n + 2 roundings of numbers below `largest`."""
    x = (scale * rows(6, 9, dtype=np.float64)).astype(dtype)
    y = dg.activations.sparsemax(x)
    allowed = 11 * np.finfo(dtype).eps * max(1, np.abs(x).max())
    np.testing.assert_allclose(y, [by_bisection(z) for z in x.astype("float64")], rtol=0, atol=allowed)
    np.testing.assert_allclose(dg.activations.sparsemax(x.T, 0), y.numpy().T, rtol=0, atol=allowed)
    assert y.dtype == dtype and dg.activations.sparsemax(x[:0]).shape == (0, 9)
    ties = dg.activations.sparsemax(np.array([[1.0, 1.0, -3.0, 1.0]], dtype)).numpy()
    np.testing.assert_allclose(ties, [[1 / 3, 1 / 3, 0, 1 / 3]], rtol=0, atol=allowed)


def test_the_gradient_of_sparsemax_is_the_projection_on_its_support():
    x = dg.Variable(np.array([0.5, 0.25, -4.0, 0.375]))
    dy = np.array([1.0, 2.0, 8.0, 3.0])
    with dg.GradientTape() as tape:
        y = dg.activations.sparsemax(x)
    np.testing.assert_allclose(tape.gradient(y, x, output_gradients=dy), [-1, 0, 0, 1], rtol=0, atol=8 * 2.0**-53)
    assert dg.gradcheck(dg.activations.sparsemax, rows(4, 5, dtype=np.float64)).ok


def test_messages_of_gates():
    with pytest.raises(ValueError, match=r"^\[glu\] `x` has shape \(4, 3\): axis 1 must be divisible by 2.$"):
        dg.activations.glu(X)
    with pytest.raises(ValueError, match=r"^\[sparsemax\] `axis` is 2 but the tensor has 2 axes"):
        dg.activations.sparsemax(X, 2)
