"""What the options of optimizers refuse, in words."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import optimizers

SGD = optimizers.SGD
ONES = np.ones(3, np.float32)


def a_variable(name="v", value=ONES):
    return dg.Variable(value, name=name)


def built():
    optimizer = SGD(use_ema=True)
    optimizer.build([a_variable()])
    return optimizer


def stepped_after(option, value):
    optimizer, variable = SGD(), a_variable()
    optimizer.build([variable])
    setattr(optimizer, option, value)
    optimizer.apply([ONES], [variable])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: stepped_after("gradient_accumulation_steps", 2),
            RuntimeError,
            "[SGD] `gradient_accumulation_steps` was set after the optimizer had been built: set it before, or make a "
            "new optimizer with it.",
        ),
        (
            lambda: stepped_after("use_ema", True),
            RuntimeError,
            "[SGD] `use_ema` was set after the optimizer had been built: set it before, or make a new optimizer with "
            "it.",
        ),
        (
            lambda: SGD(clipnorm=0.1, clipvalue=0.2),
            ValueError,
            "[SGD] got `clipnorm` = 0.1 and `clipvalue` = 0.2. Only one of `clipnorm`, `clipvalue` and "
            "`global_clipnorm` can be set.",
        ),
        (lambda: SGD(clipnorm="a"), ValueError, "[SGD] `clipnorm` is 'a': it must be a number or None."),
        (
            lambda: SGD(weight_decay=float("nan")),
            ValueError,
            "[SGD] `weight_decay` is nan: it must be a number or None.",
        ),
        (
            lambda: SGD(gradient_accumulation_steps=1),
            ValueError,
            "[SGD] `gradient_accumulation_steps` is 1: it must be an integer >= 2 or None.",
        ),
        (
            lambda: SGD(use_ema=True, ema_momentum=1.5),
            ValueError,
            "[SGD] `ema_momentum` is 1.5: it must be in the range [0, 1].",
        ),
        (
            lambda: SGD(use_ema=True, ema_overwrite_frequency=0.5),
            ValueError,
            "[SGD] `ema_overwrite_frequency` is 0.5: it must be an integer >= 1 or None.",
        ),
        (
            lambda: optimizers.AdamW(weight_decay=None),
            ValueError,
            "[AdamW] Argument `weight_decay` must be a float. Received: weight_decay=None. "
            "Adam is the optimizer without.",
        ),
        (
            lambda: optimizers.Lion(beta_1=0.0),
            ValueError,
            "[Lion] `beta_1` is 0.0: it must be in (0, 1], or only the sign of g is left.",
        ),
        (lambda: optimizers.RMSprop(rho=1.0), ValueError, "[RMSprop] `rho` is 1.0: it must be in [0, 1)."),
        (lambda: optimizers.Adagrad(epsilon="a"), ValueError, "[Adagrad] `epsilon` is 'a': it must be a number."),
        (
            lambda: SGD().apply_gradients([([1.0], dg.constant([1.0]))]),
            TypeError,
            "[SGD] `trainable_variables[0]` is a Tensor, which cannot be assigned to: it must be a Variable, such as "
            "dg.Variable(x).",
        ),
        (
            lambda: built().finalize_variable_values([a_variable("other")]),
            ValueError,
            "[SGD] Unknown variable: `other` is not one of those that this optimizer was built with. Make a new "
            "optimizer for other variables.",
        ),
        (
            lambda: SGD().set_weights([]),
            ValueError,
            "[SGD] You are calling `set_weights()` on an optimizer that is not built: call `build()` first.",
        ),
        (
            lambda: built().set_weights([0]),
            ValueError,
            "[SGD] `weights` has 1 entries for 3 variables.",
        ),
        (
            lambda: built().set_weights([0, 0.1, ONES[:2]]),
            ValueError,
            "[SGD] `weights[2]` has shape (2,) but `sgd/v_average` has shape (3,): they must be equal.",
        ),
        (
            lambda: optimizers.Optimizer(0.1).apply([ONES], [a_variable()]),
            NotImplementedError,
            "[Optimizer] must define `update_step(self, gradient, variable, learning_rate)`.",
        ),
        (
            lambda: SGD().add_optimizer_variables([a_variable()], ["m", "v"], ["zeros"]),
            ValueError,
            "[SGD] `initializer` has 1 entries for 2 names: there must be one each.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == text
