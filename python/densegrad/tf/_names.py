"""The tables behind `densegrad.tf`: which name stands for what."""

import numpy as np

import densegrad
from densegrad import activations, custom, initializers, ops
from densegrad._shape import TensorShape
from densegrad.models.model import FILES
from densegrad.tf import (
    _arrays,
    _checking,
    _choosing,
    _data,
    _debugging,
    _elements,
    _errors,
    _image,
    _integers,
    _linalg,
    _loops,
    _math,
    _nest,
    _program,
    _random,
    _scattering,
    _segments,
    _special,
    _variables,
    _windows,
)
from densegrad.tf._keras import keras
from densegrad.tf._namespace import Namespace, public

_DTYPES = {name: np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool")}
# Which no tensor has: arrays do, `cast` and `constant` take those of integers, and everything else says what to use.
_DTYPES |= {name: np.dtype(name) for name in ("float16", "int8", "int16", "uint8", "uint16", "uint32", "uint64")}
# The same function under both names.
_REDUCTIONS = {
    "reduce_all": ops.all,
    "reduce_any": ops.any,
    "reduce_logsumexp": ops.logsumexp,
    "reduce_max": ops.max,
    "reduce_mean": _math.reduce_mean,
    "reduce_min": ops.min,
    "reduce_prod": ops.prod,
    "reduce_sum": ops.sum,
}
_SAME = (
    "abs add broadcast_to cos cosh equal exp expand_dims expm1 floor gather_nd greater greater_equal identity "
    "less less_equal logical_and logical_not logical_or maximum minimum multiply negative not_equal ones_like repeat "
    "reshape round sigmoid sign sin sinh sqrt square squeeze stack stop_gradient subtract tan tanh tile unstack "
    "zeros_like"
).split()
_MATH = (
    "ceil divide_no_nan erf l2_normalize log log1p logical_xor reciprocal rsqrt "
    "squared_difference top_k softplus sigmoid log_sigmoid erfc "
    "erfcinv erfinv digamma lgamma polygamma"
).split()
_ACTIVATIONS = "elu relu relu6 selu sigmoid softplus softsign tanh swish hard_sigmoid".split()
_RENAMED = {
    "acos": ops.arccos,
    "acosh": ops.arccosh,
    "asin": ops.arcsin,
    "asinh": ops.arcsinh,
    "atan": ops.arctan,
    "atan2": ops.arctan2,
    "atanh": ops.arctanh,
    "pow": ops.power,
    "truediv": _math.divide,
    "divide": _math.divide,
}
_ONLY_MATH = {
    "floordiv": ops.floor_divide,
    "floormod": ops.mod,
    "mod": ops.mod,
    "is_finite": ops.isfinite,
    "is_inf": ops.isinf,
    "is_nan": ops.isnan,
    "reduce_std": ops.std,
    "rint": ops.round,
    "softsign": activations.softsign,
    "reduce_variance": ops.var,
}

_arrays_table, _debugging_table, _linalg_table, _math_table, _program_table = map(
    public, (_arrays, _debugging, _linalg, _math, _program)
)
_choosing_table = public(_choosing)


def _pick(table, names):
    return {name: table[name] for name in names.split()}


_SHARED = _REDUCTIONS | _RENAMED | _pick(_arrays_table, "argmax argmin cumsum")
_CROSSENTROPIES = {name: f for name, f in _math_table.items() if name.endswith("_with_logits")}

math = Namespace(
    "math",
    "Arithmetic, reductions, tests of numbers.",
    ("densegrad.ops", [*_SAME, *_MATH]),
    ("densegrad.activations", ["sigmoid", "softplus", "log_sigmoid", "tanh"]),
    table=_SHARED
    | _ONLY_MATH
    | _pick(
        _math_table,
        "add_n confusion_matrix count_nonzero cumprod cumulative_logsumexp multiply_no_nan polyval "
        "reduce_euclidean_norm scalar_mul softmax log_softmax xdivy xlog1py xlogy zero_fraction",
    )
    | _pick(_choosing_table, "bincount in_top_k")
    | public(_segments)
    | public(_special),
    reasons=dict.fromkeys(("igamma", "igammac", "betainc"), "There is no incomplete gamma or beta function.")
    | {"special": "Of special functions there are those of tf.math."},
)
nn = Namespace(
    "nn",
    "Activations, cross-entropies, norms.",
    ("densegrad.ops", ["l2_normalize"]),
    ("densegrad.activations", _ACTIVATIONS),
    table=_CROSSENTROPIES
    | _pick(
        _math_table,
        "batch_normalization bias_add compute_average_loss crelu dropout embedding_lookup gelu l2_loss leaky_relu "
        "log_poisson_loss log_softmax moments silu softmax zero_fraction",
    )
    | _pick(_choosing_table, "in_top_k")
    | {"top_k": _special.top_k}
    | public(_windows),
)
linalg = Namespace(
    "linalg",
    "Products, norms, diagonals.",
    ("densegrad", ["global_norm"]),
    ("densegrad.ops", ["l2_normalize", "einsum"]),
    table=_pick(_arrays_table, "eye") | _linalg_table,
)
_numpy = Namespace(
    "experimental.numpy",
    "NumPy's names for the operations.",
    "densegrad.ops",
    table=_DTYPES
    | {name: getattr(np, name) for name in ("e", "inf", "nan", "newaxis", "pi")}
    | dict.fromkeys(("array", "asarray"), _arrays_table["convert_to_tensor"]),
)
experimental = Namespace("experimental", "What TensorFlow calls experimental.", table={"numpy": _numpy})
random = Namespace(
    "random",
    "Random numbers of densegrad's generator.",
    table=public(_random) | {"set_seed": densegrad.random.set_random_seed},
)
_experimental = Namespace(
    "data.experimental",
    "What was in `data.experimental` before it was in `data`.",
    table={"AUTOTUNE": _elements.AUTOTUNE, "cardinality": _data.Dataset.cardinality},
)
data = Namespace(
    "data",
    "Datasets of arrays in memory.",
    table={
        "Dataset": _data.Dataset,
        "Iterator": _elements.Iterator,
        "Options": _elements.Options,
        "AUTOTUNE": _elements.AUTOTUNE,
        "INFINITE_CARDINALITY": -1,
        "UNKNOWN_CARDINALITY": -2,
        "experimental": _experimental,
    },
)
autodiff = Namespace("autodiff", "Tapes and forward mode.", ("densegrad", ["ForwardAccumulator", "GradientTape"]))
_NOTHING, _FIRST = _program_table.pop("set_nothing"), _program_table.pop("do_not_convert")
_DEVICES = _pick(_program_table, "list_logical_devices list_physical_devices get_visible_devices")
_EXPERIMENTS = (
    "enable_op_determinism enable_tensor_float_32_execution set_memory_growth set_synchronous_execution "
    "set_virtual_device_configuration"
).split()
config = Namespace(
    "config",
    "Settings, which change nothing here.",
    table=_pick(_program_table, "functions_run_eagerly run_functions_eagerly")
    | _DEVICES
    | {
        "set_soft_device_placement": _NOTHING,
        "set_visible_devices": _NOTHING,
        "experimental_run_functions_eagerly": _program_table["run_functions_eagerly"],
        "optimizer": Namespace(
            "config.optimizer",
            "Settings, which change nothing here.",
            table=dict.fromkeys(("set_experimental_options", "set_jit"), _NOTHING),
        ),
        "experimental": Namespace(
            "config.experimental",
            "Settings, which change nothing here.",
            table=_DEVICES | dict.fromkeys(_EXPERIMENTS, _NOTHING),
        ),
        "threading": Namespace(
            "config.threading",
            "Settings, which change nothing here.",
            table={f"set_{kind}_op_parallelism_threads": _NOTHING for kind in ("inter", "intra")},
        ),
    },
)
debugging = Namespace(
    "debugging",
    "Assertions that raise `tf.errors.InvalidArgumentError`.",
    table=_debugging_table
    | dict.fromkeys(("disable_check_numerics", "enable_check_numerics", "set_log_device_placement"), _NOTHING),
)
test = Namespace(
    "test",
    "What there is to run on, and a check of derivatives.",
    table=public(_checking)
    | {n: _program_table.pop(n) for n in ("gpu_device_name", "is_gpu_available", "is_built_with_cuda")},
)
errors = Namespace(
    "errors", "TensorFlow's errors; Python's own, of which they are made, catch them too.", table=_errors.TABLE
)
_CASTS = {"cast": _integers.cast, "saturate_cast": _integers.saturate_cast}
dtypes = Namespace(
    "dtypes", "The dtypes by their names.", table=_DTYPES | _CASTS | {"DType": np.dtype, "as_dtype": np.dtype}
)

autograph = Namespace(
    "autograph",
    "Settings, which change nothing here: functions run as Python writes them.",
    table={
        "experimental": Namespace(
            "autograph.experimental", "What TensorFlow calls experimental.", table={"do_not_convert": _FIRST}
        ),
        "set_verbosity": _NOTHING,
    },
)
_REASONS = {
    "Graph": "There are no graphs and sessions: operations run where they stand; tf.function records them.",
    "compat": "Code of TensorFlow 1 is not taken: tf.GradientTape and tf.Variable are what there is.",
    "saved_model": FILES,
    "summary": "Nothing is written for TensorBoard: `fit` returns a History, and callbacks.CSVLogger writes files.",
}
_INITIALIZERS = {
    "constant_initializer": initializers.Constant,
    "ones_initializer": initializers.Ones,
    "random_normal_initializer": initializers.RandomNormal,
    "random_uniform_initializer": initializers.RandomUniform,
    "zeros_initializer": initializers.Zeros,
}
TOP = Namespace(
    "",
    "TensorFlow's names for densegrad.",
    ("densegrad", ["GradientTape", "Tensor", "custom_gradient", "clip_by_norm", "clip_by_global_norm"]),
    ("densegrad.ops", [*_SAME, "einsum"]),
    ("densegrad.activations", ["sigmoid", "tanh"]),
    table=_DTYPES
    | _INITIALIZERS
    | _SHARED
    | _arrays_table
    | _CASTS
    | _pick(_math_table, "add_n clip_by_value")
    | _pick(_linalg_table, "matmul norm tensordot")
    | public(_loops)
    | public(_scattering)
    | {n: f for n, f in _choosing_table.items() if n not in ("bincount", "in_top_k")}
    | {n: f for n, f in _program_table.items() if n not in dir(config)}
    | {
        "__version__": densegrad.__version__,
        "autodiff": autodiff,
        "autograph": autograph,
        "config": config,
        "data": data,
        **_pick(_debugging_table, "Assert assert_equal assert_greater assert_less assert_rank"),
        "debugging": debugging,
        "double": np.dtype("float64"),
        "dtypes": dtypes,
        "errors": errors,
        "experimental": experimental,
        "grad_pass_through": custom.grad_pass_through,
        "image": Namespace("image", "Other sizes of images.", table=public(_image)),
        "initializers": keras.initializers,
        "keras": keras,
        "linalg": linalg,
        "losses": keras.losses,
        "math": math,
        "metrics": keras.metrics,
        "nest": Namespace("nest", "Structures of lists, tuples and dicts.", table=public(_nest)),
        "newaxis": None,
        "nn": nn,
        "optimizers": keras.optimizers,
        "random": random,
        "scalar_mul": math.scalar_mul,
        "test": test,
        "TensorShape": TensorShape,
        "Variable": _variables.Variable,
    },
    reasons=_REASONS,
)
