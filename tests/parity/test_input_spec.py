"""What `layer.input_spec` accepts and refuses is what Keras does."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest

keras = pytest.importorskip("keras")

SPECS = [
    {"ndim": 2},
    {"min_ndim": 2},
    {"max_ndim": 2},
    {"min_ndim": 2, "axes": {-1: 3}},
    {"ndim": 3, "axes": {1: 2, 2: None}},
    {"shape": (None, 3)},
    {"shape": (4, None, 3)},
    {"dtype": "float32"},
    {"dtype": "int32", "min_ndim": 1},
    {"shape": (None, 3, 1), "allow_last_axis_squeeze": True},
    {"shape": (None, 3), "allow_last_axis_squeeze": True},
    {},
]
INPUTS = [np.ones(s, d) for s in ((3,), (4, 3), (4, 2), (4, 2, 3), (4, 3, 1), (1, 3)) for d in ("float32", "int32")]


def outcome(lib, spec, x):
    class Double(lib.layers.Layer):
        def __init__(self):
            super().__init__()
            self.input_spec = lib.layers.InputSpec(**spec)

        def call(self, x):
            return x + x

    try:
        Double()(x)
    except ValueError as error:
        assert "incompatible with the layer" in str(error)
        return "refused"
    return "taken"


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_inputs_are_taken_and_refused_as_by_keras(spec):
    for x in INPUTS:
        if x.dtype == "int32" and "dtype" not in spec:
            continue
        assert outcome(dg, spec, x) == outcome(keras, spec, keras.ops.convert_to_tensor(x)), (spec, x.shape, x.dtype)


def test_configs_are_keras():
    for spec in SPECS:
        ours, theirs = (lib.layers.InputSpec(**spec) for lib in (dg, keras))
        assert ours.get_config() == theirs.get_config() and repr(ours) == repr(theirs)
        assert dg.layers.InputSpec.from_config(theirs.get_config()).get_config() == ours.get_config()
