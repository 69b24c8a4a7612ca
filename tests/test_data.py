"""Conversion and checks of in-memory data, batches, class weights."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import checking, data, losses, random
from densegrad.data import Data, as_array


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]], ">i2"),
        np.array([[1, 2], [3, 4]], ">f8"),
        np.asfortranarray(np.array([[1, 2], [3, 4]], np.float32)),
        np.array([[1, 9, 2], [3, 9, 4]])[:, ::2],
        np.array([[3, 4], [1, 2]])[::-1],
        np.array([[1, 2], [3, 4]], np.longdouble),
        np.array([[1, 2], [3, 4]], np.float16),
        dg.constant([[1.0, 2.0], [3.0, 4.0]]),
        dg.Variable([[1.0, 2.0], [3.0, 4.0]]),
    ],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}",
)
def test_accepted(value):
    array = as_array(value, "x", "fit")
    np.testing.assert_array_equal(array, [[1, 2], [3, 4]])
    assert array.dtype.isnative and array.dtype.itemsize <= 8


def test_objects_with_an_array_interface():
    class Frame:
        def __array__(self, dtype=None, copy=None):
            return np.ones((2, 2))

    np.testing.assert_array_equal(as_array(Frame(), "x", "fit"), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: as_array(np.array([object()]), "x", "fit"),
            TypeError,
            "[fit] `x` has dtype object: it must hold numbers or bools.",
        ),
        (
            lambda: as_array(np.array([1j]), "x", "fit"),
            TypeError,
            "[fit] `x` has dtype complex128: it must hold numbers or bools.",
        ),
        (
            lambda: as_array(["a"], "y", "fit"),
            TypeError,
            "[fit] `y` has dtype <U1: it must hold numbers or bools.",
        ),
        (
            lambda: as_array([[1, 2], [3]], "x", "fit"),
            TypeError,
            "[fit] `x` is no rectangular array: all rows must have the same shape.",
        ),
        (
            lambda: as_array(np.float32(1), "x", "fit"),
            ValueError,
            "[fit] `x` is a scalar: it must be an array with one row per sample.",
        ),
        (
            lambda: as_array(iter([1]), "x", "fit"),
            TypeError,
            "[fit] `x` is a list_iterator: it must be an array with one row per sample.",
        ),
        (
            lambda: as_array({"a": [1]}, "x", "fit"),
            TypeError,
            "[fit] `x` is a dict: it must be an array with one row per sample.",
        ),
        (
            lambda: as_array(np.ma.array([1, 2], mask=[0, 1]), "x", "fit"),
            TypeError,
            "[fit] `x` is a masked array: pass .filled(...), and the mask as `sample_weight`.",
        ),
        (
            lambda: as_array(None, "x", "fit"),
            TypeError,
            "[fit] `x` is a NoneType: it must be an array with one row per sample.",
        ),
        (
            lambda: Data("fit", np.ones((10, 2)), np.ones(5)),
            ValueError,
            "[fit] `y` has 5 rows but `x` has 10: they must have the same number.",
        ),
        (
            lambda: Data("fit", np.ones((10, 2)), np.ones(10), np.ones(5)),
            ValueError,
            "[fit] `sample_weight` has 5 rows but `x` has 10: they must have the same number.",
        ),
        (
            lambda: Data("fit", np.ones((0, 2)), np.ones(0)),
            ValueError,
            "[fit] `x` has shape (0, 2): it must have at least one row.",
        ),
        (
            lambda: Data("fit", np.ones((2, 2)), np.ones(2), np.ones(2), {0: 1.0}),
            ValueError,
            "[fit] `class_weight` and `sample_weight` are both given: pass only one of them.",
        ),
        (
            lambda: Data("fit", np.ones((2, 2)), None, None, {0: 1.0}),
            ValueError,
            "[fit] `class_weight` is given without `y`: the labels say which class a sample has.",
        ),
        (
            lambda: Data("fit", np.ones((2, 2)), np.ones(2), None, [1.0]),
            TypeError,
            "[fit] `class_weight` is a list: it must be a dict {class: weight}.",
        ),
        (
            lambda: Data("fit", np.ones((2, 2)), np.ones(2), None, {0: "a"}),
            TypeError,
            "[fit] `class_weight[0]` is 'a': it must be a number.",
        ),
        (
            lambda: Data("fit", np.ones((2, 2)), np.ones((2, 2, 2)), None, {0: 1.0}),
            ValueError,
            "[fit] `class_weight` needs one label per sample: use `sample_weight` for `y` of this rank.",
        ),
        (
            lambda: Data("fit", np.ones((10, 2)), np.ones(10)).split(0.99),
            ValueError,
            "[fit] `validation_split` is 0.99: of 10 samples it leaves 0 to train and 10 to validate, both must have "
            "at least one.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text


@pytest.mark.parametrize(("n", "fraction", "cut"), [(10, 0.3, 7), (10, 0.25, 7), (3, 0.5, 1), (100, 0.1, 90)])
def test_split_takes_the_tail(n, fraction, cut):
    x = np.arange(n)
    train, val = Data("fit", x, x, x).split(fraction)
    for name in ("x", "y", "sample_weight"):
        np.testing.assert_array_equal(getattr(train, name), x[:cut])
        np.testing.assert_array_equal(getattr(val, name), x[cut:])


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("size", [1, 3, 10, 100])
def test_batches(shuffle, size):
    random.set_random_seed(5)
    x = np.arange(10)
    d = Data("fit", x, x + 100)
    epochs = [list(d.batches(size, shuffle)) for _ in range(2)]
    for batches in epochs:
        assert [len(b[0]) for b in batches] == [min(size, 10 - s) for s in range(0, 10, size)]
        assert all((b[0] + 100 == b[1]).all() and b[2] is None for b in batches)
        rows = np.concatenate([b[0] for b in batches])
        np.testing.assert_array_equal(np.sort(rows), x)
        if shuffle == "batch":
            assert all(set(b[0]) == set(x[i * size : (i + 1) * size]) for i, b in enumerate(batches))
        elif not shuffle:
            np.testing.assert_array_equal(rows, x)
    if shuffle is True:
        assert not np.array_equal(*(np.concatenate([b[0] for b in e]) for e in epochs))


def test_shuffles_follow_the_seed_alone():
    random.set_random_seed(5)
    first = random.permutation(50)
    random.set_random_seed(5)
    dg.layers.Dense(2)  # draws a seed, but from another stream
    np.testing.assert_array_equal(random.permutation(50), first)
    random.set_random_seed(6)
    assert not np.array_equal(random.permutation(50), first)


@pytest.mark.parametrize("y", [np.array([0, 2, 1]), np.array([[0], [2], [1]]), np.eye(3)[[0, 2, 1]]], ids=str)
def test_class_weights(y):
    w = data.class_to_sample_weight(y, {0: 2.0, 1: 0.5}, "fit")
    np.testing.assert_array_equal(w, [2.0, 1.0, 0.5])


def test_labels():
    d = Data("fit", np.ones((3, 2)), [0, 1, 3])
    with pytest.raises(ValueError) as info:
        checking.check_labels(losses.SparseCategoricalCrossentropy(), "fit", d.y, 3)
    assert str(info.value) == ("[fit] `y` has the label 3: labels must be in [0, 3), one for each output of the model.")
    checking.check_labels(losses.SparseCategoricalCrossentropy(ignore_class=3), "fit", d.y, 3)
    checking.check_labels(losses.MeanSquaredError(), "fit", d.y, 3)
    for bad in (-1, np.nan, np.inf):
        with pytest.raises(ValueError):
            checking.check_labels(losses.SparseCategoricalCrossentropy(), "fit", np.array([bad]), 3)
