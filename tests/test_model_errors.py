"""What models refuse, in words."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from samples import rows


def two():
    return dg.Sequential([dg.layers.Dense(1, name="a"), dg.layers.Dense(1, name="b")], name="m")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: dg.Sequential([dg.layers.Dense(1, name="a"), dg.layers.Dense(1, name="a")]),
            ValueError,
            "[Sequential] All layers should have unique names, two are named 'a': pass `name=` to one of them.",
        ),
        (
            lambda: dg.Sequential([3]),
            ValueError,
            "[Sequential] Only instances of `layers.Layer` can be added, got 3, a int. Wrap a function in "
            "`layers.Activation`, write `Dense(...)` instead of `Dense`.",
        ),
        (
            lambda: two().add(dg.layers.Input((2,))),
            ValueError,
            "[Sequential] `m` has already been configured with layers: an Input must be the first entry.",
        ),
        (
            lambda: dg.Sequential(name="m").pop(),
            ValueError,
            "[Sequential] `m` has no layers: there is nothing to pop.",
        ),
        (
            lambda: dg.Sequential(name="m")(rows(1, 2)),
            ValueError,
            "[Sequential] `m` has no layers: add one with `add(layer)` before it is used.",
        ),
        (
            lambda: two().inputs,
            AttributeError,
            "[Sequential] `m` has no input yet: call it on data or `build()` it.",
        ),
        (
            lambda: two().build(),
            ValueError,
            "[Sequential] `input_shape` is None: it must be a shape such as (None, 784).",
        ),
        (
            lambda: dg.Sequential([dg.Input((2,)), dg.layers.Dense(1)], name="m").build((None, 3)),
            ValueError,
            "[Sequential] `input_shape` is (None, 3) but `m` has already been configured for inputs of shape "
            "(None, 2).",
        ),
        (
            lambda: setattr(two(), "layers", []),
            AttributeError,
            "[Sequential] `layers` is reserved: Use `add()` and `pop()` to change the layers.",
        ),
        (
            lambda: setattr(dg.Model(), "layers", []),
            AttributeError,
            "[Model] `Model.layers` attribute is reserved: take another name for the layers.",
        ),
        (lambda: two().get_layer("c"), ValueError, "[get_layer] `name` is 'c': `m` has a, b."),
        (lambda: two().get_layer(index=2), ValueError, "[get_layer] `index` is 2: `m` has 2 layers."),
        (lambda: two().get_layer(index=-3), ValueError, "[get_layer] `index` is -3: `m` has 2 layers."),
        (lambda: two().get_layer(index="a"), ValueError, "[get_layer] `index` is 'a': `m` has 2 layers."),
        (
            lambda: dg.Sequential(dg.layers.Dense(2, name="d")),
            TypeError,
            "[Sequential] `layers` is <Dense name=d, built=False>: it must be a list of layers.",
        ),
        (lambda: dg.Sequential(3), TypeError, "[Sequential] `layers` is 3: it must be a list of layers."),
        (
            lambda: two().get_layer(),
            ValueError,
            "[get_layer] `name` is None and `index` is None: pass exactly one of them.",
        ),
        (
            lambda: dg.Model(1, 2),
            TypeError,
            "[Model] `inputs` holds a int: it must be made of symbolic tensors, of `Input` and what layers and "
            "operations make of it.",
        ),
        (
            lambda: two().summary(line_length=12),
            ValueError,
            "[summary] `line_length` is 12: it leaves a column less than 4 characters.",
        ),
        (
            lambda: two().set_weights([np.ones(1)]),
            ValueError,
            "[m] `weights` has 1 arrays but the layer has 0 weights. It is not built: call it on data first.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
