"""Initial values of weights by Keras' names; the same seed gives the same values as Keras."""

from __future__ import annotations

import numpy as np

from densegrad import _core
from densegrad._core import Tensor, Variable
from densegrad.initializers.base import Initializer, names
from densegrad.initializers.constants import Constant, Identity, Ones, Zeros
from densegrad.initializers.draws import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
constant, ones, zeros = Constant, Ones, Zeros
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling


def get(identifier):
    """Return the initializer that `identifier` means.

    Args:
        identifier: a name such as `"glorot_uniform"`, a config, an `Initializer` (or a subclass), a callable
            `(shape, dtype) -> array`, an array or tensor (the values themselves), or None, which stays None.

    Returns:
        A callable, or None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else that is not callable.

    Source: Keras `initializers.get`.
    """
    if isinstance(identifier, (Tensor, Variable, np.ndarray, np.generic)):
        return _values(identifier)
    return names.get(identifier)


def _values(array):
    def values(shape, dtype=None):
        if tuple(shape) != np.shape(array):
            raise ValueError(
                f"[initializers] Expected `shape` to be {np.shape(array)}, that of the array. It is {tuple(shape)}."
            )
        return _core.convert(array, dtype)

    return values


_, serialize, deserialize = names.functions("initializer", "see `get`", "zeros")
