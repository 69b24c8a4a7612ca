"""What all optimizers can do around their update: scale, accumulate, clip, decay, average."""

from __future__ import annotations

import re

from densegrad import _core
from densegrad.config import is_integer, is_number

OPTIONS = (
    "weight_decay",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)


class Options:
    """The part of `Optimizer` that holds its options, checks them and hands them to the core."""

    _excluded_variables, _excluded_pattern = (), None  # without weight decay

    def _init_options(
        self,
        weight_decay,
        clipnorm,
        clipvalue,
        global_clipnorm,
        use_ema,
        ema_momentum,
        ema_overwrite_frequency,
        loss_scale_factor,
        gradient_accumulation_steps,
    ):
        tag = type(self).__name__
        numbers = {
            "weight_decay": weight_decay,
            "clipnorm": clipnorm,
            "clipvalue": clipvalue,
            "global_clipnorm": global_clipnorm,
            "loss_scale_factor": loss_scale_factor,
        }
        for name, value in numbers.items():
            if value is not None and not (is_number(value) and value == value):
                raise ValueError(f"[{tag}] `{name}` is {value!r}: it must be a number or None.")
        clips = [f"`{name}` = {numbers[name]!r}" for name in _CLIPS if numbers[name] is not None]
        if len(clips) > 1:
            raise ValueError(
                f"[{tag}] got {' and '.join(clips)}. Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be "
                "set."
            )
        if gradient_accumulation_steps and not (
            is_integer(gradient_accumulation_steps) and gradient_accumulation_steps >= 2
        ):
            raise ValueError(
                f"[{tag}] `gradient_accumulation_steps` is {gradient_accumulation_steps!r}: "
                "it must be an integer >= 2 or None."
            )
        if use_ema and not (is_number(ema_momentum) and 0 <= ema_momentum <= 1):
            raise ValueError(f"[{tag}] `ema_momentum` is {ema_momentum!r}: it must be in the range [0, 1].")
        if use_ema and ema_overwrite_frequency:
            if not is_integer(ema_overwrite_frequency) or ema_overwrite_frequency < 1:
                raise ValueError(
                    f"[{tag}] `ema_overwrite_frequency` is {ema_overwrite_frequency!r}: it must be an integer >= 1 or "
                    "None."
                )
        self.weight_decay, self.loss_scale_factor = weight_decay, loss_scale_factor
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps

    def _clipping(self):
        """Return the kind of clipping, as the core names it, and the limit; a limit that is not positive means none."""
        for name, kind in _CLIPS.items():
            limit = getattr(self, name)
            if limit and limit > 0:
                return kind, limit
        return "none", 0.0

    def _step_options(self, work):
        """Return the options of a step on `work`, (variable, gradient, slots) each, for the core; None for none."""
        if (
            self.weight_decay is None
            and self.clipnorm is None
            and self.clipvalue is None
            and self.global_clipnorm is None
            and self.loss_scale_factor is None
            and not self.use_ema
            and not self.gradient_accumulation_steps
        ):
            return None
        clip, limit = self._clipping()
        options = {"loss_scale": self.loss_scale_factor, "clip": clip, "clip_limit": limit}
        if self.weight_decay is not None:
            options["weight_decay"] = self.weight_decay
            options["decayed"] = [variable for variable, _, _ in work if self._use_weight_decay(variable)]
        if self.gradient_accumulation_steps:
            own = self._made("gradient_accumulation_steps", self._accumulated_gradients)
            options["accumulation_steps"] = self.gradient_accumulation_steps
            options["accumulators"] = [own[self._index[id(variable)]] for variable, _, _ in work]
            options["all_accumulators"] = own
        if self.use_ema:
            averages = self._made("use_ema", self._model_variables_moving_average)
            options["averages"] = list(zip(self._trainable_variables, averages))
            options["ema_momentum"] = self.ema_momentum
            options["ema_overwrite_frequency"] = self.ema_overwrite_frequency or 0
        return _core.StepOptions(**options)

    def _made(self, option, variables):
        """Return the variables of an option, which `build` made if it was set by then."""
        if len(variables) != len(self._trainable_variables):
            raise RuntimeError(
                f"[{type(self).__name__}] `{option}` was set after the optimizer had been built: set it before, or "
                "make a new optimizer with it."
            )
        return variables

    def _clip_gradients(self, grads):
        kind, limit = self._clipping()
        return _core.clip_gradients(list(grads), kind, limit)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Choose the variables that `weight_decay` leaves alone; a later call replaces the choice.

        Args:
            var_list: list of `Variable`.
            var_names: list of regular expressions; a variable is excluded if one is found in its path,
                such as `"bias"`.

        Source: Keras `Optimizer.exclude_from_weight_decay`.
        """
        self._excluded_variables = list(var_list or ())
        self._excluded_pattern = re.compile("|".join(var_names)) if var_names else None

    def _use_weight_decay(self, variable):
        if any(variable is excluded for excluded in self._excluded_variables):
            return False
        return self._excluded_pattern is None or self._excluded_pattern.search(variable.path) is None

    def scale_loss(self, loss):
        """Return `loss` times `loss_scale_factor`: differentiate this, and `apply` divides the gradients by it.

        Source: Keras `Optimizer.scale_loss`.
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list):
        """Replace variables by their moving averages if the optimizer keeps them; `fit` does so at its end.

        Args:
            var_list: list of `Variable`s that the optimizer was built with.

        Raises:
            ValueError: if a variable is not one of them; nothing has changed then.

        Source: Keras `Optimizer.finalize_variable_values`.
        """
        if not self.use_ema or not self.built:
            return
        var_list = list(var_list)
        for variable in var_list:
            self._require_known(variable)
        averages = self._made("use_ema", self._model_variables_moving_average)
        for variable in var_list:
            variable.assign(averages[self._index[id(variable)]])


_CLIPS = {"clipnorm": "norm", "global_clipnorm": "global_norm", "clipvalue": "value"}
