"""Layers that merge, reshape and scale: values, shapes, gradients, configs, messages."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from samples import rows

L = dg.layers

MERGES = {
    "add": lambda *x: sum(x[1:], x[0]),
    "subtract": lambda a, b: a - b,
    "multiply": lambda *x: np.prod(np.broadcast_arrays(*x), axis=0),
    "average": lambda *x: sum(x[1:], x[0]) / np.float32(len(x)),
    "maximum": lambda *x: np.max(np.broadcast_arrays(*x), axis=0),
    "minimum": lambda *x: np.min(np.broadcast_arrays(*x), axis=0),
}


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("shapes", [[(2, 3), (2, 3)], [(2, 3), (2, 1)], [(0, 3), (0, 3)], [(2, 4, 3), (2, 3)]], ids=str)
def test_merges(name, shapes):
    arrays = [rows(*shape) for shape in shapes]
    layer = getattr(L, name.capitalize())()
    y = layer([dg.constant(a) for a in arrays])
    rank = max(a.ndim for a in arrays)
    wide = [a.reshape(a.shape[:1] + (1,) * (rank - a.ndim) + a.shape[1:]) for a in arrays]
    np.testing.assert_array_equal(y.numpy(), MERGES[name](*wide))
    assert layer.compute_output_shape(shapes) == y.shape
    inputs = [dg.Input(shape[1:]) for shape in shapes]
    z = getattr(L, name)(inputs, name="merged")
    assert z.shape == (None, *y.shape[1:]) and z.name == "merged"
    np.testing.assert_array_equal(dg.Model(inputs, z)(arrays).numpy(), y.numpy())


@pytest.mark.parametrize("name", ["add", "multiply", "average", "maximum", "minimum"])
def test_merges_of_one_and_of_three(name):
    a, b, c = rows(2, 3), rows(2, 3), rows(2, 3)
    layer = getattr(L, name.capitalize())
    np.testing.assert_array_equal(layer()([a]).numpy(), a)
    expected = MERGES[name](a, b, c)
    atol = 4 * np.finfo("f").eps * np.abs(expected)  # two operations, each rounded, on both sides
    assert np.all(np.abs(layer()([a, b, c]).numpy() - expected) <= atol)


def test_gradients_of_merges():
    a, b = dg.constant([[1.0, 5.0]]), dg.constant([[1.0, 2.0]])
    expected = {
        "add": ([1, 1], [1, 1]),
        "subtract": ([1, 1], [-1, -1]),
        "multiply": ([1, 2], [1, 5]),
        "average": ([0.5, 0.5], [0.5, 0.5]),
        "maximum": ([1, 1], [0, 0]),
        "minimum": ([1, 0], [0, 1]),
    }
    for name, (da, db) in expected.items():
        with dg.GradientTape() as tape:
            tape.watch([a, b])
            y = getattr(L, name)([a, b])
        got = tape.gradient(y, [a, b])
        assert [g.numpy().tolist() for g in got] == [[da], [db]], name


@pytest.mark.parametrize(("axis", "shape"), [(-1, (2, 3, 9)), (2, (2, 3, 9)), (1, None), (0, None)])
def test_concatenate(axis, shape):
    other = list((2, 3, 4))
    other[axis] = 5
    a, b = rows(2, 3, 4), rows(*other)
    layer = L.Concatenate(axis)
    y = layer([a, b])
    np.testing.assert_array_equal(y.numpy(), np.concatenate([a, b], axis))
    assert shape is None or y.shape == shape
    assert layer.compute_output_shape([a.shape, b.shape]) == y.shape
    assert L.Concatenate.from_config(layer.get_config()).axis == axis


@pytest.mark.parametrize("shape", [(2, 3), (2,), (2, 3, 4), (0, 3, 4), (2, 0, 4)], ids=str)
def test_flatten(shape):
    x = rows(*shape)
    y = L.Flatten()(x)
    assert y.shape == (shape[0], int(np.prod(shape[1:])))
    np.testing.assert_array_equal(y.numpy(), x.reshape(y.shape))
    symbolic = dg.Input(shape[1:])
    assert L.Flatten()(symbolic).shape == (None, y.shape[1])


def test_flatten_channels_first():
    x = rows(2, 3, 4, 5)
    y = L.Flatten("channels_first")(x)
    np.testing.assert_array_equal(y.numpy(), x.transpose(0, 2, 3, 1).reshape(2, -1))


@pytest.mark.parametrize("target", [(6,), (3, 2), (-1,), (2, -1), 6, (1, 6, 1)], ids=str)
def test_reshape(target):
    x = rows(4, 2, 3)
    layer = L.Reshape(target)
    y = layer(x)
    np.testing.assert_array_equal(y.numpy(), x.reshape(4, *np.atleast_1d(target)))
    assert layer(rows(0, 2, 3)).shape == (0, *y.shape[1:])
    assert L.Reshape(target)(dg.Input((2, 3))).shape == (None, *y.shape[1:])
    assert L.Reshape.from_config(layer.get_config()).target_shape == layer.target_shape


def test_permute_and_rescaling():
    x = rows(4, 2, 3)
    np.testing.assert_array_equal(L.Permute((2, 1))(x).numpy(), x.transpose(0, 2, 1))
    assert L.Permute((2, 1))(dg.Input((2, 3))).shape == (None, 3, 2)
    image = np.arange(6, dtype=np.uint8).reshape(1, 6)
    np.testing.assert_array_equal(L.Rescaling(1 / 255)(image).numpy(), image * np.float32(1 / 255))
    y = L.Rescaling(np.array([1.0, 2.0, 3.0]), offset=[1.0, 1.0, 0.0])(x)
    np.testing.assert_array_equal(y.numpy(), x * np.float32([1, 2, 3]) + np.float32([1, 1, 0]))


def test_gradients_move_back():
    x = dg.constant(rows(2, 3, 4))
    w = rows(2, 12)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = L.Flatten()(L.Permute((2, 1))(L.Reshape((4, 3))(x)))
        value = dg.ops.sum(y * w)
    expected = w.reshape(2, 3, 4).transpose(0, 2, 1).reshape(2, 3, 4)
    np.testing.assert_array_equal(tape.gradient(value, x).numpy(), expected)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: L.Add(name="m")(rows(2, 3)),
            ValueError,
            "[m] is called on one tensor: it must be called on a list of tensors.",
        ),
        (
            lambda: L.Add(name="m")([rows(2, 3), rows(2, 4)]),
            ValueError,
            "[m] the inputs have shapes (2, 3), (2, 4): they must be equal or broadcast.",
        ),
        (
            lambda: L.Add(name="m")([rows(2, 3), rows(1, 3)]),
            ValueError,
            "[m] the inputs have shapes (2, 3), (1, 3): the first axes, of the samples, must be equal.",
        ),
        (
            lambda: L.Subtract(name="m")([rows(2, 3)] * 3),
            ValueError,
            "[m] is called on 3 tensors: the layer should be called on exactly 2 inputs.",
        ),
        (
            lambda: L.Concatenate(name="m")([rows(2, 3, 1), rows(2, 4, 1)]),
            ValueError,
            "[m] the inputs have shapes (2, 3, 1), (2, 4, 1): the layer requires inputs with matching shapes except "
            "for the concatenation axis.",
        ),
        (lambda: L.Concatenate("a"), TypeError, "[Concatenate] `axis` is 'a': it must be an integer."),
        (
            lambda: L.Reshape((2, -2)),
            ValueError,
            "[Reshape] every size must be a non-negative integer, or -1 for an unknown one. "
            "Received: target_shape=(2, -2).",
        ),
        (
            lambda: L.Reshape((-1, -1)),
            ValueError,
            "[Reshape] there must be at most one unknown dimension (-1). Received: target_shape=(-1, -1).",
        ),
        (
            lambda: L.Reshape((4, -1), name="r")(rows(2, 6)),
            ValueError,
            "[r] a sample of shape (6,) has 6 entries: `target_shape` (4, -1) must have as many.",
        ),
        (
            lambda: L.Permute((2, 2)),
            ValueError,
            "[Permute] Invalid permutation for argument `dims`: it must hold 1, 2, ... up to the rank of a sample, "
            "once each. Received: dims=(2, 2).",
        ),
        (
            lambda: L.Permute((2, 1), name="p")(rows(2, 3)),
            ValueError,
            "[p] `x` has shape (2, 3): it must have 3 axes, for `dims` and the samples.",
        ),
        (
            lambda: L.Flatten("last"),
            ValueError,
            "[Flatten] `data_format` is 'last': it must be 'channels_last' or 'channels_first'.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
