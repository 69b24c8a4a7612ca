"""densegrad: gradients of dense neural networks on the CPU."""

import pathlib as _pathlib

try:
    from densegrad import _core
except ImportError as _error:
    _error.add_note("densegrad's compiled core is missing: install the package (pip install .), do not import its sources.")
    raise

# The vendored BLAS is opened at the first product; a build on a system BLAS ignores this.
for _library in (_pathlib.Path(_core.__file__).parent / "_vendored").glob("libscipy_openblas*"):
    _core.set_blas_path(str(_library))

from densegrad import (
    _numpy_protocol,
    activations,
    callbacks,
    config,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    random,
)
from densegrad._core import Tensor, Variable, constant
from densegrad.config import show_config
from densegrad.layers import Input
from densegrad.models import Model, Sequential
from densegrad.random import set_random_seed
from densegrad.tape import GradientTape, custom_gradient

_numpy_protocol.install()

__version__ = _core.build_config()["version"]

__all__ = [
    "GradientTape",
    "Input",
    "Model",
    "Sequential",
    "Tensor",
    "Variable",
    "activations",
    "callbacks",
    "config",
    "constant",
    "custom_gradient",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "ops",
    "optimizers",
    "random",
    "set_random_seed",
    "show_config",
]
