"""Keras' modules under their names: `from densegrad.tf import keras`, `from densegrad.tf.keras import layers`."""

import importlib.util

from densegrad import ops
from densegrad.streams import PyDataset
from densegrad.tf import _arrays, _backend, _utils
from densegrad.tf._namespace import Namespace, absent, public

_DATASETS = "Nothing is downloaded: load the arrays yourself, for instance with numpy.load or scikit-learn's datasets."


class _Datasets(Namespace):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise absent(f"[tf.keras.datasets] has no `{name}`. {_DATASETS}")


# Modules of densegrad that have Keras' names, as far as they exist; what they offer is asked for at each look-up.
_MODULES = (
    "activations callbacks config constraints initializers layers losses metrics optimizers ops random "
    "regularizers saving"
).split()
# The short names of losses, which tf.keras has and Keras 3 has not.
_SHORT = {
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
_SHORT |= {short.upper(): long for short, long in _SHORT.items() if len(short) < 5}
_ALIASES = {"losses": _SHORT, "metrics": _SHORT}
_tables = {
    name: Namespace(
        f"keras.{name}",
        f"Keras' {name}, as far as densegrad has them.",
        f"densegrad.{name}",
        aliases=_ALIASES.get(name),
    )
    for name in _MODULES
    if importlib.util.find_spec(f"densegrad.{name}")
}
vars(_tables["optimizers"])["schedules"] = Namespace(
    "keras.optimizers.schedules", "Keras' learning-rate schedules.", "densegrad.optimizers.schedules"
)
_SAME = (
    "abs all any argmin cast clip cos cumsum dot equal exp greater greater_equal less less_equal log max maximum mean "
    "min minimum not_equal ones_like prod repeat reshape round sign sin sqrt square squeeze stack std stop_gradient "
    "sum tile transpose var zeros_like tanh l2_normalize one_hot"
).split()
_BACKEND = public(_backend) | {
    "constant": _arrays.constant,
    "eval": _backend.get_value,
    "flatten": ops.ravel,
    "ones": ops.ones,
    "permute_dimensions": ops.transpose,
    "pow": ops.power,
    "shape": _arrays.shape,
    "switch": ops.where,
    "zeros": ops.zeros,
}
_tables["backend"] = Namespace(
    "keras.backend",
    "Keras' settings, and the functions that custom losses of older code use.",
    ("densegrad.config", ("clear_session", "epsilon", "floatx", "set_epsilon", "set_floatx")),
    ("densegrad.activations", ("elu", "hard_sigmoid", "relu", "sigmoid", "softplus", "softsign", "tanh")),
    ("densegrad.ops", _SAME),
    table=_BACKEND,
)
_NAMES = ("Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model")
_tables["models"] = Namespace(
    "keras.models", "Keras' models and their files.", ("densegrad", _NAMES), ("densegrad.models", _NAMES)
)
_tables["utils"] = Namespace(
    "keras.utils",
    "Labels, seeds, norms, batches, names of one's own objects.",
    ("densegrad.config", ("clear_session",)),
    (
        "densegrad.saving",
        "CustomObjectScope custom_object_scope deserialize_keras_object get_custom_objects get_registered_name "
        "get_registered_object register_keras_serializable serialize_keras_object".split(),
    ),
    ("densegrad.streams", ("PyDataset", "pack_x_y_sample_weight", "unpack_x_y_sample_weight")),
    table=public(_utils) | {"Sequence": PyDataset},
)
_tables["datasets"] = _Datasets("keras.datasets", _DATASETS)

keras = Namespace(
    "keras",
    "Keras' modules and classes.",
    ("densegrad", ("Input", "Model", "Sequential", "Variable", "Function")),
    *((f"densegrad.{module}", (name,)) for module, name in (
        ("layers", "Layer"),
        ("losses", "Loss"),
        ("metrics", "Metric"),
        ("optimizers", "Optimizer"),
        ("initializers", "Initializer"),
        ("regularizers", "Regularizer"),
        ("constraints", "Constraint"),
    ) if module in _tables),
    table=_tables,
)  # fmt: skip
