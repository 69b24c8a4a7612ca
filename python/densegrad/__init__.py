"""densegrad: gradients of dense neural networks on the CPU."""

import os as _os

try:
    from densegrad import _core
except ImportError as _error:
    _error.add_note(
        "densegrad's compiled core is missing: install the package (pip install .), do not import its sources."
    )
    raise

from densegrad import (
    _numpy_protocol,
    _tensor_methods,
    _variable_methods,
    activations,
    callbacks,
    config,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
)
from densegrad._core import Tensor, Variable, constant
from densegrad.batching import vmap
from densegrad.clipping import clip_by_global_norm, clip_by_norm, clip_by_value, global_norm
from densegrad.config import get_num_threads, set_num_threads, show_config
from densegrad.custom import custom_gradient
from densegrad.forward import ForwardAccumulator
from densegrad.gradcheck import GradientError, GradientReport, gradcheck
from densegrad.layers import Input
from densegrad.models import Model, Sequential
from densegrad.programs import function
from densegrad.random import set_random_seed
from densegrad.tape import GradientTape
from densegrad.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

_numpy_protocol.install()
_tensor_methods.install()
_variable_methods.install()

# The vendored BLAS is opened at the first product; a build on a system BLAS ignores this.
_vendored = _os.path.join(_os.path.dirname(_core.__file__), "_vendored")
if _os.path.isdir(_vendored):
    for _library in _os.listdir(_vendored):
        if _library.startswith("libscipy_openblas"):
            _core.set_blas_path(_os.path.join(_vendored, _library))

__version__ = _core.build_config()["version"]


def __getattr__(name):
    if name == "tf":  # imported when it is asked for
        import importlib

        return importlib.import_module("densegrad.tf")
    raise AttributeError(f"module 'densegrad' has no attribute {name!r}")


__all__ = [
    "GradientError",
    "GradientReport",
    "ForwardAccumulator",
    "GradientTape",
    "Input",
    "Model",
    "Sequential",
    "Tensor",
    "Variable",
    "activations",
    "callbacks",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "config",
    "constant",
    "constraints",
    "custom_gradient",
    "get_num_threads",
    "function",
    "global_norm",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "initializers",
    "jacobian",
    "jvp",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "set_num_threads",
    "set_random_seed",
    "show_config",
    "value_and_grad",
    "vjp",
    "vmap",
]
