"""`layer.input_spec`: several inputs, names, symbolic calls, messages; `element_spec` of datasets."""

import copy

import densegrad as dg
import densegrad.tf as tf
import numpy as np
import pytest

InputSpec = dg.layers.InputSpec
X = np.ones((4, 3), "float32")


class Total(dg.layers.Layer):
    def __init__(self, spec):
        super().__init__(name="total")
        self.input_spec = spec

    def call(self, x):
        parts = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else [x]
        return sum(parts)


def message(spec, x):
    with pytest.raises(ValueError) as caught:
        Total(spec)(x)
    return str(caught.value)


def test_each_of_several_inputs_has_its_own():
    pair = [InputSpec(ndim=2), None]
    assert Total(pair)([X, X]).shape == (4, 3)
    assert message(pair, [X[0], X]) == (
        "[total] input 0 of shape (3,) is incompatible with the layer: expected ndim=2, found ndim=1."
    )
    assert message(pair, [X]) == "[total] got 1 inputs: it expects 2."
    assert message(InputSpec(ndim=2), "text").startswith("[total] input 0 of shape () is incompatible")


def test_inputs_in_a_dict_go_by_name():
    pair = [InputSpec(shape=(None, 3), name="a"), InputSpec(min_ndim=1, name="b")]
    assert Total(pair)({"b": X, "a": X}).shape == (4, 3)
    assert message(pair, {"a": X}) == "[total] the input has the keys ['a']: it must have 'b' too, of ['a', 'b']."
    assert message(pair, {"a": X[:, :2], "b": X}) == (
        "[total] input 0 with name 'a' of shape (4, 2) is incompatible with the layer: expected shape=(None, 3), found "
        "shape=(4, 2)."
    )


def test_symbolic_inputs_and_lists_of_numbers_are_checked_too():
    layer = Total(InputSpec(min_ndim=2, axes={-1: 3}))
    assert layer(dg.Input((3,))).shape == (None, 3) and layer([[1.0, 2.0, 3.0]]).shape == (1, 3)
    for x in (dg.Input((2,)), [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="incompatible with the layer: expected axis -1 of size 3, found size 2"):
            layer(x)
    assert copy.copy(layer).input_spec.axes == {-1: 3}
    with pytest.raises(ValueError, match="incompatible"):
        copy.deepcopy(layer)(X[0])


def test_specifications_that_make_no_sense():
    for axes in ([1], {"a": 1}, 3):
        with pytest.raises(TypeError, match=r"^\[InputSpec\] `axes` is .*: it must be a dict with integer keys\.$"):
            InputSpec(axes=axes)
    with pytest.raises(ValueError) as caught:
        InputSpec(shape=(None, 3), axes={2: 1})
    assert str(caught.value) == "[InputSpec] `axes` has axis 2: with 2 axes it must be below 2."
    assert repr(InputSpec(ndim=2, dtype="float32")) == "InputSpec(dtype=float32, ndim=2)"


def test_element_spec_of_datasets():
    rows = tf.data.Dataset.from_tensor_slices((X, np.arange(4)))
    x, y = rows.element_spec
    assert x == tf.TensorSpec((3,), tf.float32) and y == tf.TensorSpec((), tf.int64)
    batches = rows.batch(3)
    for dataset in (batches, batches.shuffle(2).repeat(2).prefetch(1), batches.map(lambda x, y: (2 * x, y))):
        assert dataset.element_spec == (tf.TensorSpec((None, 3), tf.float32), tf.TensorSpec((None,), tf.int64))
    assert rows.batch(2, drop_remainder=True).element_spec[0] == tf.TensorSpec((2, 3), tf.float32)
    assert batches.unbatch().element_spec == rows.element_spec
    assert tf.data.Dataset.zip((batches, rows)).element_spec[0] == batches.element_spec
    with pytest.raises(ValueError, match=r"^\[Dataset.element_spec\] the dataset is empty: it must have an element\.$"):
        _ = rows.take(0).element_spec
