"""`get`, `serialize` and `deserialize`, and the table of names that the package fills."""

from densegrad.saving import Names

_names = Names("metrics")
get, serialize, deserialize = _names.functions(
    "metric", "a name of a class or function, a config, a `Metric` (or a subclass), any callable", "mse"
)
