"""Rows of a table as a layer."""

from __future__ import annotations

from densegrad import _core, ops
from densegrad.config import is_integer
from densegrad.layers import choices
from densegrad.layers.base import Layer
from densegrad.layers.configs import names


@names.register()
class Embedding(Layer):
    """y[...] = embeddings[x[...]]: the row of a table for each number.

    Args:
        input_dim: positive int, the number of rows: the numbers are 0, 1, ..., input_dim - 1.
        output_dim: positive int, the length of a row.
        embeddings_initializer: name or callable as `initializers.get` takes it.
        embeddings_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        embeddings_constraint: name or callable as `constraints.get` takes it; applied after each step.
        mask_zero: must be false.
        weights: the table to start with, or a list of it.
        trainable, dtype, name: as for `Layer`.

    Call with integers of any shape; floats are cut off to integers. Returns a tensor of shape x.shape + (output_dim,).

    Raises:
        ValueError: for a number of rows or columns that is no positive integer.
        NotImplementedError: for `mask_zero`.

    Source: Keras `layers.Embedding`.
    """

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        **kwargs,
    ):
        for argument, value in {"input_dim": input_dim, "output_dim": output_dim}.items():
            if not is_integer(value) or value <= 0:
                raise ValueError(f"[Embedding] `{argument}` is {value!r}: it must be a positive integer.")
        if mask_zero:
            raise NotImplementedError(
                f"[Embedding] `mask_zero` is {mask_zero!r}: it must be false, no layer makes masks."
            )
        kwargs.pop("input_length", None)  # of older code
        own = choices.read(
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
        )
        super().__init__(**kwargs)
        self.__dict__.update(own)
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self.mask_zero = False
        if weights is not None:
            self.build((None,))
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape):
        """Make the table `embeddings`."""
        self._embeddings = choices.add_weight(self, "embeddings", (self.input_dim, self.output_dim))

    @property
    def embeddings(self):
        """The table, shape (input_dim, output_dim)."""
        if not self.built:
            raise AttributeError(
                f"[{self.name}] has no `embeddings` before it is built: call it on data or `build()` it."
            )
        return self._embeddings

    def call(self, x):
        return ops.take(self._embeddings, x if x.dtype.kind == "i" else _core.cast(x, "int32"), 0)

    def compute_output_shape(self, input_shape):
        """Return (..., output_dim)."""
        return (*input_shape, self.output_dim)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `Embedding.get_config`."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **choices.configs(self, "embeddings"),
            "activity_regularizer": None,
            "mask_zero": self.mask_zero,
        }
