"""`Optimizer`: what every optimizer shares. Checks before a step, and the step."""

from __future__ import annotations

import inspect
import warnings

import numpy as np

from densegrad import _core, config
from densegrad.errors import InvalidArgumentError
from densegrad.optimizers.configs import Config
from densegrad.optimizers.options import Options
from densegrad.optimizers.rate import Rate
from densegrad.optimizers.state import State

__all__ = ["Optimizer"]

_step, _fits = _core.optimizer_step, _core.fits


class _Signature:
    """The constructor's signature with the options of `Optimizer` in the place of `*options`, as in Keras."""

    def __get__(self, instance, cls):
        own = list(inspect.signature(cls.__init__).parameters.values())[1:]
        if not any(p.kind is p.VAR_POSITIONAL for p in own):
            return inspect.Signature(own)
        names = {p.name for p in own}
        base = [p for p in inspect.signature(Optimizer.__init__).parameters.values() if p.name not in {"self", *names}]
        keywords = [p for p in own if p.kind is p.VAR_KEYWORD]
        return inspect.Signature([*(p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD), *base, *keywords])


class Optimizer(State, Rate, Options, Config):
    """Base of optimizers: the learning rate, the step count, the slots and the options around an update.

    A step drops gradients that are None, divides by `loss_scale_factor`, accumulates, clips, decays the weights
    (w -= w weight_decay lr, before the update and besides the gradient), updates, averages, applies the constraints of
    the variables, and counts.

    For an optimizer of your own define `build`, which calls `super().build(variables)` and `add_optimizer_variables`,
    and `update_step(gradient, variable, learning_rate)`.

    Args:
        learning_rate: float, a `LearningRateSchedule`, or a callable without arguments that returns a float.
        weight_decay: float, or None for no decay.
        clipnorm: float; each gradient is scaled down to this norm.
        clipvalue: float; each entry of a gradient is cut to [-clipvalue, clipvalue].
        global_clipnorm: float; all gradients together are scaled down to this norm.
        use_ema: whether to keep moving averages of the variables, average = mu average + (1 - mu) w.
        ema_momentum: float in [0, 1], mu.
        ema_overwrite_frequency: the averages replace the variables every so many steps; None: only at the end of `fit`.
        loss_scale_factor: float, see `scale_loss`.
        gradient_accumulation_steps: int >= 2; the mean of that many gradients is applied at every so many calls.
        name: str; None takes the class name.

    Raises:
        ValueError: for an argument that the optimizer does not have, or that is out of its range.

    Source: Keras `optimizers.Optimizer`.
    """

    __signature__ = _Signature()
    _update_name = None  # of the formula in the compiled core
    _numbers = ()  # attributes that the formula takes, in the order that the core declares
    _custom = True  # whether a step calls `update_step`, which a subclass defines

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._custom = cls._update_name is None or cls.update_step is not Optimizer.update_step

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        tag = type(self).__name__
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                f"[{tag}] `decay` is ignored: pass a schedule as `learning_rate`, or `weight_decay`.",
                UserWarning,
                stacklevel=3,
            )
        if kwargs:
            known = [p for p in inspect.signature(type(self)).parameters if p != "kwargs"]
            raise ValueError(
                f"[{tag}] Argument(s) not recognized: {', '.join(f'`{k}`' for k in kwargs)}. "
                f"It accepts {', '.join(f'`{a}`' for a in known)}."
            )
        self._init_options(
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
        )
        self._check_rate(learning_rate)
        self.name = name or config.auto_name(tag)
        self._init_state()
        self._init_rate(learning_rate)

    def _set_numbers(self, **numbers):
        for argument, value in numbers.items():
            if not config.is_number(value):
                raise ValueError(f"[{type(self).__name__}] `{argument}` is {value!r}: it must be a number.")
            setattr(self, argument, float(value))

    def _set_averaging(self, **numbers):
        """Set attributes that weigh the past in a moving average: with 1 it would never move."""
        self._set_numbers(**numbers)
        for argument, value in numbers.items():
            if not 0 <= value < 1:
                raise ValueError(f"[{type(self).__name__}] `{argument}` is {value!r}: it must be in [0, 1).")

    @property
    def iterations(self):
        """The number of updates so far, an int64 `Variable` (a tensor where gradients accumulate)."""
        if self.gradient_accumulation_steps:
            return _core.constant(np.int64(int(self._iterations) // self.gradient_accumulation_steps))
        return self._iterations

    def _hyper(self):
        """The numbers that the update takes, in the order that the core declares."""
        try:
            return [float(getattr(self, name)) for name in self._numbers]
        except (TypeError, ValueError):
            given = ", ".join(f"`{name}` = {getattr(self, name)!r}" for name in self._numbers)
            raise TypeError(f"[{type(self).__name__}] the optimizer has {given}: they must be numbers.") from None

    def apply_gradients(self, grads_and_vars):
        """Update each variable by its gradient and return the number of calls so far, an int64 `Variable`.

        Args:
            grads_and_vars: iterable of (gradient, variable) pairs; the pairs with gradient None are left out.

        Raises:
            ValueError: as `apply`, and if there are no pairs.

        Source: Keras `Optimizer.apply_gradients`.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError(
                f"[{type(self).__name__}] `grads_and_vars` is empty: it must hold (gradient, variable) pairs."
            )
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """Update each variable by its gradient; either all are updated or, on an error, none.

        Args:
            grads: list of tensors or arrays of the shapes of the variables (cast to their dtypes), or None.
            trainable_variables: list of `Variable`; None means those that the optimizer was built with.

        Raises:
            ValueError: if the lengths or a shape differ, all gradients are None, or a variable is not one of those
                that the optimizer was built with.
            TypeError: if a variable is not a `Variable`.

        Source: Keras `Optimizer.apply`.
        """
        grads, tag = list(grads), type(self).__name__
        if trainable_variables is None:
            if not self.built:
                raise ValueError(f"[{tag}] `trainable_variables` is None, nothing is built: pass the variables.")
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"[{tag}] `grads` has {len(grads)} entries for {len(variables)} variables.")
        if not grads:
            return
        pairs = self._checked(grads, variables)
        rate, hyper = self._rate(), self._hyper()
        if not self.built:
            self.build(variables)
        index, slots = self._index, self._slots
        work = [(variable, gradient, slots[index[id(variable)]]) for gradient, variable in pairs]
        options = self._step_options(work)
        constrained = [v for _, v in pairs if getattr(v, "constraint", None) is not None]
        if constrained or self._custom:
            self._step_in_python(work, rate, hyper, options, constrained)
        else:
            # One call: an interrupt comes before it or after it, never between two variables.
            _step(self._update_name, work, rate, hyper, self._iterations, options, self._shared)

    def _step_in_python(self, work, rate, hyper, options, constrained):
        """A step that calls functions of the user; if one of them raises, everything is as it was before."""
        update = self._update_name
        if self._custom:

            def update(gradient, variable):
                self.update_step(gradient, variable, rate)

        with _core.Pause():
            before = [(v, v.value) for v in (*self._trainable_variables, *self._variables)]
            try:
                _step(update, work, rate, hyper, self._iterations, options, self._shared)
                for variable in constrained:
                    variable.assign(variable.constraint(variable))
            except BaseException:
                for variable, value in before:
                    variable.assign(value)
                raise

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its slots by its gradient; `apply` calls this for optimizers that define their own.

        Args:
            gradient: tensor, clipped and scaled already.
            variable: `Variable` that the optimizer was built with.
            learning_rate: what `learning_rate` is now.

        Source: Keras `Optimizer.update_step`.
        """
        if self._update_name is None:
            raise NotImplementedError(
                f"[{type(self).__name__}] must define `update_step(self, gradient, variable, learning_rate)`."
            )
        work = (variable, gradient, self._slots[self._get_variable_index(variable)])
        step = int(self.iterations) + 1
        _core.update_variable(self._update_name, work, learning_rate, self._hyper(), step, self._shared)

    def _require_known(self, variable):
        if id(variable) not in self._index:
            raise ValueError(
                f"[{type(self).__name__}] Unknown variable: `{variable.path}` is not one of those that this optimizer "
                "was built with. Make a new optimizer for other variables."
            )

    def _checked(self, grads, variables):
        """Return the (gradient, variable) pairs to update, after checking all of them."""
        work, missing, tag = [], [], type(self).__name__
        built, index = self.built, self._index
        for i, (gradient, variable) in enumerate(zip(grads, variables)):
            if not _fits(gradient, variable):
                self._require_variable(variable, i)
                gradient = self._as_gradient(gradient, variable)
            if built and id(variable) not in index:
                self._require_known(variable)
            if gradient is None:
                missing.append(variable.path)
            else:
                work.append((gradient, variable))
        if missing and not work:
            raise ValueError(
                f"[{tag}] No gradients provided for any variable: no variable takes part in the loss. "
                "Was it computed with the tape open?"
            )
        if missing:
            warnings.warn(
                f"[{tag}] Gradients do not exist for variables {missing}: they are not updated.",
                UserWarning,
                stacklevel=4,
            )
        return work

    def _as_gradient(self, gradient, variable):
        if gradient is None:
            return None
        gradient = _core.convert(gradient, variable.dtype)
        if gradient.shape != variable.shape:
            raise InvalidArgumentError(
                f"[{type(self).__name__}] the gradient of `{variable.path}` has shape {tuple(gradient.shape)} but the "
                f"variable has shape {tuple(variable.shape)}: they must be equal."
            )
        if gradient.is_symbolic:
            raise ValueError(
                f"[{type(self).__name__}] the gradient of `{variable.path}` is symbolic: it must have values."
            )
        return gradient

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, iterations={int(self.iterations)}>"
