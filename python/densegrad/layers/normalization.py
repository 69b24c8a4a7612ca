"""Layers that give their inputs mean 0 and variance 1, then a trained scale and offset."""

from __future__ import annotations

import warnings

from densegrad import _core, initializers
from densegrad.config import is_integer, is_number
from densegrad.layers import choices
from densegrad.layers.base import Layer
from densegrad.layers.configs import names
from densegrad.layers.input_spec import InputSpec
from densegrad.ops import normalizing
from densegrad.ops._arguments import one_axis, some_axes


class _Normalization(Layer):
    """Base of the layers with a trained scale `gamma` and offset `beta`, each of which may be left out."""

    _takes_one = True
    _casts_integers = True

    def __init__(
        self,
        axis,
        epsilon,
        center,
        scale,
        beta_initializer,
        gamma_initializer,
        beta_regularizer,
        gamma_regularizer,
        beta_constraint,
        gamma_constraint,
        **kwargs,
    ):
        if not is_number(epsilon) or not epsilon >= 0:
            raise ValueError(f"[{type(self).__name__}] `epsilon` is {epsilon!r}: it must be a number >= 0.")
        weights = choices.read(
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        super().__init__(**kwargs)
        self.__dict__.update(weights, axis=axis, epsilon=float(epsilon), center=bool(center), scale=bool(scale))

    def _add_weights(self, shape, scale, center):
        self.gamma = choices.add_weight(self, "gamma", shape) if scale else None
        self.beta = choices.add_weight(self, "beta", shape) if center else None

    def compute_output_shape(self, input_shape):
        """Return `input_shape` as it is."""
        some_axes(self.name, self.axis, len(input_shape))
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras, the same layer's `get_config`."""
        own = {name: getattr(self, name) for name in ("axis", "epsilon", "center", "scale")}
        return {**super().get_config(), **own, **choices.configs(self, "beta", "gamma")}


@names.register()
class BatchNormalization(_Normalization):
    """Each channel with the mean and the variance of the batch removed: y = (x - mean) / sqrt(variance + epsilon),

        output = gamma y + beta,    mean = sum(x) / n,    variance = sum((x - mean)^2) / n over all axes but `axis`.

    That is what it does while training, `training=True`; it then also moves its statistics, by

        moving = momentum moving + (1 - momentum) (mean or variance of the batch),

    and takes these in the place of mean and variance otherwise: for inference, for a batch without entries, and always
    where `trainable` is False.

    Args:
        axis: int, that of the channels.
        momentum: number in [0, 1].
        epsilon: number >= 0, added to the variance.
        center, scale: whether there are `beta` and `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: name or callable as
            `initializers.get` takes it.
        beta_regularizer, gamma_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        beta_constraint, gamma_constraint: name or callable as `constraints.get` takes it; applied after each step.
        renorm, renorm_clipping, renorm_momentum: accepted for Keras' sake; `renorm` must be false.
        synchronized: changes nothing, there is one device.
        trainable, dtype, name, input_shape: as for `Layer`.

    `gamma`, `beta`, `moving_mean` and `moving_variance` have shape (channels,); the last two are not trainable.

    Raises:
        ValueError: for an invalid number, an `axis` that inputs have not, or inputs of other ranks or channels.
        NotImplementedError: for `renorm`.

    Source: Ioffe and Szegedy (2015); Keras `layers.BatchNormalization`.
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        if not is_integer(axis):
            raise TypeError(f"[BatchNormalization] `axis` is {axis!r}: it must be an integer.")
        if not is_number(momentum) or not 0 <= momentum <= 1:
            raise ValueError(f"[BatchNormalization] `momentum` is {momentum!r}: it must be a number in [0, 1].")
        if renorm:
            raise NotImplementedError("[BatchNormalization] `renorm` is true: batch renormalization is not here.")
        moving = choices.read(
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer
        )
        super().__init__(
            int(axis),
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        kept = {"renorm": False, "renorm_clipping": renorm_clipping, "renorm_momentum": renorm_momentum}
        self.__dict__.update(moving, momentum=float(momentum), synchronized=bool(synchronized), **kept)

    def build(self, input_shape):
        """Make the weights for inputs whose axis `axis` has the length that it has in `input_shape`."""
        axis = one_axis(self.name, self.axis, len(input_shape))
        shape = (input_shape[axis],)
        self._add_weights(shape, self.scale, self.center)
        for name in ("moving_mean", "moving_variance"):
            initializer = getattr(self, f"{name}_initializer")
            setattr(self, name, self.add_weight(shape, initializer, trainable=False, name=name))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: input_shape[axis]})

    def call(self, x, training=False, mask=None):
        if mask is not None:
            raise NotImplementedError(f"[{self.name}] `mask` is given: it must be None, no layer here makes masks.")
        axes = [one_axis(self.name, self.axis, x.ndim)]

        def of(name):
            return normalizing.along(self.name, name, getattr(self, name), x, axes)

        if training and self._trainable and 0 not in x.shape:
            mean, deviations, variance = normalizing.centred(x, [a for a in range(x.ndim) if a not in axes])
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
        else:
            deviations, variance = x - of("moving_mean"), of("moving_variance")
        return normalizing.normalized(deviations, variance, of("beta"), of("gamma"), self.epsilon)

    def _follow(self, moving, value):
        with _core.Pause():  # what tapes compute does not depend on it
            value = _core.reshape(value, moving.shape)
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `BatchNormalization.get_config`."""
        plain = ("momentum", "synchronized", "renorm", "renorm_clipping", "renorm_momentum")
        moving = ("moving_mean_initializer", "moving_variance_initializer")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in plain},
            **{name: initializers.serialize(getattr(self, name)) for name in moving},
        }


@names.register()
class LayerNormalization(_Normalization):
    """Each sample with its own mean and variance removed: y = (x - mean) / sqrt(variance + epsilon),

        output = gamma y + beta,    mean = sum(x) / n,    variance = sum((x - mean)^2) / n over the axes `axis`.

    Args:
        axis: int or several, of the samples' axes; -1 is the last one.
        epsilon: number >= 0, added to the variance.
        center, scale: whether there are `beta` and `gamma`.
        beta_initializer, gamma_initializer: name or callable as `initializers.get` takes it.
        beta_regularizer, gamma_regularizer: name or callable as `regularizers.get` takes it; added to `losses`.
        beta_constraint, gamma_constraint: name or callable as `constraints.get` takes it; applied after each step.
        rms_scaling: whether x alone is in the place of x - mean, without `beta`; out of use, so it warns.
        trainable, dtype, name, input_shape: as for `Layer`.

    `gamma` and `beta` have the shape of `axis`.

    Raises:
        TypeError: if `axis` is no int and no list or tuple of them.
        ValueError: for a negative `epsilon`, an `axis` that inputs have not, or inputs of other lengths there.

    Source: Ba et al. (2016); Keras `layers.LayerNormalization`.
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        *,
        rms_scaling=False,
        **kwargs,
    ):
        if not is_integer(axis) and not (isinstance(axis, (list, tuple)) and axis and all(map(is_integer, axis))):
            raise TypeError(
                "[LayerNormalization] Expected an int or a list/tuple of ints for the argument 'axis', but received: "
                f"{axis!r}."
            )
        if rms_scaling:
            warnings.warn(
                "[LayerNormalization] `rms_scaling` is true: it is out of use, since it divides x by its standard "
                "deviation, not by its root mean square.",
                UserWarning,
                stacklevel=2,
            )
        super().__init__(
            list(axis) if isinstance(axis, (list, tuple)) else int(axis),
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.rms_scaling = bool(rms_scaling)

    def build(self, input_shape):
        """Make `gamma` and `beta` of the lengths that `axis` has in `input_shape`."""
        axes = some_axes(self.name, self.axis, len(input_shape))
        rms = self.rms_scaling
        self._add_weights([input_shape[axis] for axis in axes], self.scale or rms, self.center and not rms)
        self.__dict__["axis"] = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]  # as Keras has it

    def call(self, x):
        own = (self.gamma, self.beta, self.axis, self.epsilon, self.rms_scaling)
        return normalizing.layer_normalized(self.name, x, *own)

    def get_config(self):
        """Return the arguments of the constructor as plain values. Source: Keras `LayerNormalization.get_config`."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}
