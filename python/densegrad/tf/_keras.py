"""Keras' modules under their names: `from densegrad.tf import keras`, `from densegrad.tf.keras import layers`."""

import importlib.util

from densegrad import __version__, ops
from densegrad._core import SymbolicTensor
from densegrad.models.model import FILES
from densegrad.streams import PyDataset
from densegrad.tf import _arrays, _backend, _image, _ops, _utils
from densegrad.tf._namespace import Namespace, absent, public
from densegrad.tf._program import set_nothing as _set_nothing

_DATASETS = "Nothing is downloaded: load the arrays yourself, for instance with numpy.load or scikit-learn's datasets."


_APPLICATIONS = "There are no pretrained models: build the model of layers, and give it weights with `set_weights`."
_TAPE = "There is no graph: use tf.GradientTape for gradients, and tf.keras.Model(inputs, outputs) for parts of models."
_PHASE = "There is no learning phase: pass training=True or False to the call."
_SEQUENCES = "Layers that recur over time, or mask parts of it, are not here: this is about dense networks."


class _Absent(Namespace):
    """A module of Keras' of which nothing is here, with the reason."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise absent(f"[{self._label}] has no `{name}`. {self.__doc__}")


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
_OWN = {"ops": public(_ops) | _ops.SHARED, "losses": {"Reduction": _utils.Reduction}}
_RECURRENT = "Bidirectional ConvLSTM1D GRU GRUCell LSTM LSTMCell Masking RNN SimpleRNN SimpleRNNCell TimeDistributed"
_REASONS = {
    "layers": dict.fromkeys(_RECURRENT.split(), _SEQUENCES),
    "optimizers": {"legacy": "The optimizers of Keras 3 are those of `tf.keras.optimizers` itself."},
}
_tables = {
    name: Namespace(
        f"keras.{name}",
        f"Keras' {name}, as far as densegrad has them.",
        f"densegrad.{name}",
        aliases=_ALIASES.get(name),
        table=_OWN.get(name),
        reasons=_REASONS.get(name),
    )
    for name in _MODULES
    if importlib.util.find_spec(f"densegrad.{name}")
}
vars(_tables["optimizers"])["schedules"] = Namespace(
    "keras.optimizers.schedules", "Keras' learning-rate schedules.", "densegrad.optimizers.schedules"
)
_ops_space = _tables["ops"]
vars(_ops_space).update(dict.fromkeys(("linalg", "math", "nn", "numpy"), _ops_space))
vars(_ops_space)["image"] = Namespace("keras.ops.image", "Other sizes of images.", table={"resize": _image.resize})
_SAME = (
    "abs all any argmin cast clip cos dot equal exp greater greater_equal less less_equal log max maximum mean "
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
    ("densegrad.activations", ("elu", "sigmoid", "softplus", "softsign", "tanh")),
    ("densegrad.ops", _SAME),
    table=_BACKEND,
    reasons=dict.fromkeys(("function", "get_session", "gradients"), _TAPE)
    | dict.fromkeys(("in_train_phase", "learning_phase", "set_learning_phase"), _PHASE),
)
_NAMES = ("Model", "Sequential", "clone_model", "model_from_json")
_tables["models"] = Namespace(
    "keras.models",
    "Keras' models and their configs.",
    ("densegrad", _NAMES),
    ("densegrad.models", _NAMES),
    reasons=dict.fromkeys(("load_model", "save_model"), FILES),
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
    table={n: f for n, f in public(_utils).items() if n != "Reduction"} | {"Sequence": PyDataset},
    reasons=dict.fromkeys(
        ("model_to_dot", "plot_model"), "Models are not drawn: `model.summary()` prints their layers."
    )
    | {"get_file": _DATASETS, "Progbar": "`fit` has a progress bar of its own; in a loop of yours, tqdm has one."},
)
vars(_tables["config"]).update(
    {
        "backend": _backend.backend,
        "image_data_format": _backend.image_data_format,
        **dict.fromkeys(
            ("disable_traceback_filtering", "enable_traceback_filtering", "enable_unsafe_deserialization"), _set_nothing
        ),
    }
)
_tables["datasets"] = _Absent("keras.datasets", _DATASETS)
_tables["applications"] = _Absent("keras.applications", _APPLICATIONS)
_NETWORKS = (
    "densenet efficientnet imagenet_utils inception_resnet_v2 inception_v3 mobilenet mobilenet_v2 resnet resnet50 "
    "resnet_v2 vgg16 vgg19 xception"
).split()
for _name in _NETWORKS:
    vars(_tables["applications"])[_name] = _Absent(f"keras.applications.{_name}", _APPLICATIONS)

keras = Namespace(
    "keras",
    "Keras' modules and classes.",
    ("densegrad", ("Input", "Model", "Sequential", "Variable", "Function")),
    *((f"densegrad.{module}", (name,)) for module, name in (
        ("layers", "InputSpec"),
        ("layers", "Layer"),
        ("losses", "Loss"),
        ("metrics", "Metric"),
        ("optimizers", "Optimizer"),
        ("initializers", "Initializer"),
        ("regularizers", "Regularizer"),
        ("constraints", "Constraint"),
    ) if module in _tables),
    table=_tables | {"__version__": __version__, "KerasTensor": SymbolicTensor},
)  # fmt: skip
