"""NumPy functions in the middle of recorded code: losses written with NumPy alone, and what has no rule."""

import densegrad as dg
import numpy as np
import pytest
from samples import rows

# Losses as people write them with NumPy: of labels (an array) and predictions (a tensor).
LOSSES = {
    "mean squared error": lambda t, y: np.mean(np.square(t - y)),
    "root of it": lambda t, y: np.mean(np.sqrt(np.mean((y - t) ** 2, axis=-1))),
    "mean absolute error": lambda t, y: np.mean(np.abs(t - y), axis=-1),
    "binary cross-entropy": lambda t, y: (
        -np.mean(t * np.log(np.clip(y, 1e-7, 1 - 1e-7)) + (1 - t) * np.log(np.clip(1 - y, 1e-7, None)))
    ),
    "cross-entropy": lambda t, y: -np.sum(t * np.log(y / np.sum(y, axis=-1, keepdims=True)), axis=1),
    "hinge": lambda t, y: np.sum(np.maximum(0.0, 1 - t * y)),
    "huber": lambda t, y: np.where(np.abs(t - y) < 0.5, 0.5 * np.square(t - y), 0.5 * np.abs(t - y) - 0.125),
    "cosine": lambda t, y: -np.sum(t * y, -1) / (np.linalg.norm(t, axis=-1) * np.linalg.norm(y, axis=-1)),
    "log-sum-exp": lambda t, y: np.log(np.sum(np.exp(y - np.max(y, axis=1, keepdims=True)), axis=1)),
    "matrix product": lambda t, y: np.trace(np.dot(np.transpose(y), t)),
    "variance": lambda t, y: np.var(y, axis=0) + np.std(y, axis=0, ddof=1),
    "stacked": lambda t, y: np.sum(np.stack([y, t]) * np.reshape(np.concatenate([y, y]), (2, 4, 3)), axis=(0, 1)),
    "hyperbolic": lambda t, y: np.cosh(y) - np.arcsinh(y) + np.arctan2(y, np.tan(y)) + np.remainder(y, 0.9),
    "linear systems": lambda t, y: (
        np.linalg.solve(y[:3] + 2 * np.eye(3), np.swapaxes(t, 0, 1)) * np.linalg.det(y[1:] + np.eye(3))
    ),
    "einsum": lambda t, y: np.einsum("ij,kj->ik", y, t),
    "ranks": lambda t, y: np.sort(y, axis=-1)[:, ::-1] * np.arange(3),
    "products": lambda t, y: np.prod(y, axis=-1) + np.average(y, axis=1, weights=np.array([1.0, 2.0, 3.0])),
    "shapes": lambda t, y: np.squeeze(np.expand_dims(y, 0)) / y.shape[0] + np.zeros_like(y) + 2 * np.ones_like(y),
    "operators of arrays": lambda t, y: t * y - t / y + t @ np.swapaxes(y, 0, 1) @ t,
    "reductions of ufuncs": lambda t, y: np.add.reduce(y) + np.maximum.reduce(y, axis=0),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_in_numpy_functions_has_the_gradient_of_its_values(name):
    """The value is NumPy's; the gradient is the central difference of NumPy's values.

    A difference of step h of values below 64 is off by 2 u 64 / h from rounding, and by h^2 / 6 of the third
    derivative, which is below 600 for these losses on [0.4, 0.8].
    """
    loss = LOSSES[name]
    t = rows(4, 3, dtype=np.float64)
    y = 0.4 + 0.4 / (1 + np.exp(-rows(4, 3, seed=1, dtype=np.float64)))
    pred = dg.constant(y)
    with dg.GradientTape() as tape:
        tape.watch(pred)
        value = loss(t, pred)
    assert isinstance(value, dg.Tensor)
    np.testing.assert_allclose(value.numpy(), loss(t, y), rtol=1e-14, atol=1e-14)
    grad = tape.gradient(value, pred).numpy()
    h = 2.0**-14
    for index in np.ndindex(y.shape):
        step = np.zeros_like(y)
        step[index] = h
        measured = np.sum(loss(t, y + step) - loss(t, y - step)) / (2 * h)
        assert abs(measured - grad[index]) < 2 * 2.0**-53 * 64 / h + 100 * h**2, (index, measured, grad[index])


def test_integers_and_bools_go_to_numpy_also_under_a_tape():
    """Accuracy in NumPy: nothing that could have a gradient is cut."""
    x = dg.constant([[0.1, 0.9], [0.8, 0.2]])
    with dg.GradientTape() as tape:
        tape.watch(x)
        assert np.mean(np.equal(np.argmax(x, axis=-1), [1, 1])) == 0.5
        assert np.sum(x > 0.5) == 2
        assert np.median(np.argmax(x, -1)) == 0.5
        with pytest.raises(TypeError, match=r"\[numpy.median\] has no recorded rule for these arguments, and a tape"):
            np.median(x)


def test_the_message_names_the_operation_that_exists():
    x = dg.constant([2.0, 1.0])
    with dg.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(TypeError) as caught:
            np.sort(x, kind="stable")
    assert str(caught.value) == (
        "[numpy.sort] has no recorded rule for these arguments, and a tape is open: dg.ops.sort has NumPy's main "
        "arguments, or leave the record on purpose with t.numpy()."
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
def test_dlpack_gives_a_copy_of_its_own(dtype):
    """What is exported never changes with an assignment, and writing to it changes neither tensor nor variable."""
    values = np.array([[0, 1, 2], [3, 0, 5]]).astype(dtype)
    v = dg.Variable(values)
    for source in (dg.constant(values), v, v.value):
        out = np.from_dlpack(source)
        np.testing.assert_array_equal(out, values)
        assert out.dtype == values.dtype and not np.shares_memory(out, np.from_dlpack(source))
    out = np.from_dlpack(v)
    v.assign(0 * values)
    np.testing.assert_array_equal(out, values)
    assert v.__dlpack_device__() == (1, 0)


def test_dlpack_is_noted_as_an_exit_and_never_shares():
    x = dg.constant([1.0, 2.0])
    with dg.GradientTape() as tape:
        tape.watch(x)
        np.from_dlpack(x)
    assert [(cut[0], cut[3]) for cut in tape._cuts() if not cut[2]] == [("__dlpack__", __file__)]
    with pytest.raises(BufferError, match=r"^\[__dlpack__\] a tensor is always copied: use copy=None or copy=True.$"):
        x.__dlpack__(copy=False)
    assert x.__dlpack__(copy=True) is not None
    with pytest.raises(RuntimeError, match="symbolic and has no values"):
        dg._core.placeholder((None, 3)).__dlpack__()
