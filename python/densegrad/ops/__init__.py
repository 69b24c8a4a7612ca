"""Operations on tensors, under their NumPy names.

Every function takes tensors, variables, NumPy arrays and numbers. Two tensors must have one dtype; arrays and numbers
take the dtype of the tensor that they meet. The result is a Tensor that the open tapes follow.

`dense`, `dense_vjp` and the losses with their `_vjp` are also the front door of the kernels: with plain arrays only,
the result is a NumPy array.
"""

from densegrad.ops.creation import *  # noqa: F403 - each of these modules names its operations in `__all__`
from densegrad.ops.creation import __all__ as _creation
from densegrad.ops.derived import *  # noqa: F403
from densegrad.ops.derived import __all__ as _derived
from densegrad.ops.elementwise import (
    abs,
    add,
    cast,
    ceil,
    clip,
    divide,
    equal,
    exp,
    expm1,
    floor,
    floor_divide,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    log1p,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    not_equal,
    power,
    round,
    sign,
    sqrt,
    square,
    subtract,
    where,
)
from densegrad.ops.gating import *  # noqa: F403
from densegrad.ops.gating import __all__ as _gating
from densegrad.ops.linalg import *  # noqa: F403
from densegrad.ops.linalg import __all__ as _linalg
from densegrad.ops.logic import *  # noqa: F403
from densegrad.ops.logic import __all__ as _logic
from densegrad.ops.movement import (
    broadcast_to,
    concatenate,
    identity,
    one_hot,
    pad,
    reshape,
    scatter_add,
    stop_gradient,
    sum_to,
    take,
    transpose,
)
from densegrad.ops.nn import *  # noqa: F403 - the losses are made from the core's list
from densegrad.ops.nn import __all__ as _nn_names
from densegrad.ops.normalizing import *  # noqa: F403
from densegrad.ops.normalizing import __all__ as _normalizing
from densegrad.ops.products import *  # noqa: F403
from densegrad.ops.products import __all__ as _products
from densegrad.ops.reductions import argmax, logsumexp, matmul, max, mean, sum
from densegrad.ops.scattering import *  # noqa: F403
from densegrad.ops.scattering import __all__ as _scattering
from densegrad.ops.selecting import *  # noqa: F403
from densegrad.ops.selecting import __all__ as _selecting
from densegrad.ops.shaping import *  # noqa: F403
from densegrad.ops.shaping import __all__ as _shaping
from densegrad.ops.special import *  # noqa: F403
from densegrad.ops.special import __all__ as _special
from densegrad.ops.statistics import *  # noqa: F403
from densegrad.ops.statistics import __all__ as _statistics
from densegrad.ops.summation import *  # noqa: F403
from densegrad.ops.summation import __all__ as _summation
from densegrad.ops.trigonometry import *  # noqa: F403
from densegrad.ops.trigonometry import __all__ as _trigonometry
from densegrad.ops.windows import *  # noqa: F403
from densegrad.ops.windows import __all__ as _windows

__all__ = [
    "abs",
    "add",
    "argmax",
    "broadcast_to",
    "cast",
    "ceil",
    "clip",
    "concatenate",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "identity",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "one_hot",
    "pad",
    "power",
    "round",
    "reshape",
    "scatter_add",
    "sign",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "sum",
    "sum_to",
    "take",
    "transpose",
    "where",
    *_creation,
    *_derived,
    *_summation,
    *_gating,
    *_linalg,
    *_logic,
    *_nn_names,
    *_normalizing,
    *_products,
    *_scattering,
    *_selecting,
    *_shaping,
    *_special,
    *_statistics,
    *_trigonometry,
    *_windows,
]
