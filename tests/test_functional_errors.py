"""What functional models refuse, in words."""

from __future__ import annotations

import pickle

import densegrad as dg
import pytest
from samples import rows
from test_functional import chain, two_by_two

L = dg.layers


def other_input():
    dg.Model(dg.Input((2,)), dg.Input((2,), name="other") + 1)


def same_names():
    x = dg.Input((2,))
    dg.Model(x, L.Dense(1, name="d")(L.Dense(1, name="d")(x)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            other_input,
            ValueError,
            "[Model] `outputs` need the input `other`, which is not among `inputs`: every output must be connected to "
            "the inputs.",
        ),
        (
            same_names,
            ValueError,
            "[Model] two layers are named 'd': the names must differ, pass `name=` to one of them.",
        ),
        (
            lambda: dg.Model(dg.Input((2,)), dg.constant(1.0)),
            TypeError,
            "[Model] `outputs` holds a Tensor: it must be made of symbolic tensors, of `Input` and what layers and "
            "operations make of it.",
        ),
        (
            lambda: dg.Model([], dg.Input((2,))),
            ValueError,
            "[Model] `inputs` is []: it must hold at least one symbolic tensor.",
        ),
        (lambda: chain()(rows(2, 5)), ValueError, "[m] input `x` has shape (2, 5): it must be (None, 4)."),
        (lambda: chain()(rows(4)), ValueError, "[m] input `x` has shape (4,): it must be (None, 4)."),
        (
            lambda: two_by_two()([rows(2, 4)]),
            ValueError,
            "[m] the input is a list of 1: it must have the structure ['a', 'b'].",
        ),
        (
            lambda: two_by_two()(rows(2, 4)),
            ValueError,
            "[m] the input is a ndarray: it must have the structure ['a', 'b'].",
        ),
        (
            lambda: two_by_two()({"a": rows(2, 4)}),
            ValueError,
            "[m] the input has the keys ['a']: `b` is missing.",
        ),
        (
            lambda: L.Dense(2, name="d").output,
            AttributeError,
            "[d] has no `output`: it was never called on the symbolic tensor of an `Input`.",
        ),
        (
            lambda: pickle.dumps(chain().output),
            TypeError,
            "[functional] the symbolic tensor `y` is part of a graph: copy or pickle a `Model` made of it.",
        ),
        (
            lambda: chain().layers[1](dg.Input((5,))),
            ValueError,
            "[dense] `x` has shape (None, 5) but `kernel` has shape (4, 3): x.shape[1] must equal kernel.shape[0].",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
