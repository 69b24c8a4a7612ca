"""Options of optimizers: decay, clipping, averages, accumulation, scaling; saved state, names, signatures."""

from __future__ import annotations

import copy
import inspect
import pickle

import densegrad as dg
import numpy as np
import pytest
from densegrad import optimizers
from updates import OPTIMIZERS, OPTIONS

SGD = optimizers.SGD
ONES = np.ones(3, np.float32)


def a_variable(name="v", value=ONES):
    return dg.Variable(value, name=name)


# ---- Each option ----------------------------------------------------------------------------------------------------


def test_weight_decay_is_decoupled_and_before_the_update():
    w = a_variable()
    SGD(0.5, weight_decay=0.25).apply([2 * ONES], [w])
    np.testing.assert_array_equal(w.numpy(), (1 - 1 * 0.25 * 0.5) - 0.5 * 2 * ONES)


def test_variables_are_excluded_from_weight_decay_by_identity_and_by_path():
    model = dg.Sequential([dg.layers.Input((2,)), dg.layers.Dense(1, name="head")])
    kernel, bias = model.trainable_variables
    for choice, decayed in (
        ({"var_names": ["bias"]}, (True, False)),
        ({"var_names": ["no", "head/k"]}, (False, True)),
        ({"var_list": [kernel]}, (False, True)),
        ({"var_list": [kernel], "var_names": ["bias"]}, (False, False)),
        ({}, (True, True)),
    ):
        for variable in (kernel, bias):
            variable.assign(np.ones(variable.shape))
        optimizer = SGD(0.5, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(**choice)
        optimizer.apply([np.zeros(v.shape) for v in (kernel, bias)], [kernel, bias])
        assert tuple(v.numpy().flat[0] == 0.75 for v in (kernel, bias)) == decayed


def test_clipping_of_each_kind():
    grads = [np.array([3.0, 4.0], np.float32), np.array([0.0], np.float32), np.array([12.0], np.float32)]
    for options, expected in (
        ({"clipvalue": 3.5}, [[3, 3.5], [0], [3.5]]),
        ({"clipnorm": 2.5}, [[1.5, 2], [0], [2.5]]),
        ({"global_clipnorm": 6.5}, [[1.5, 2], [0], [6]]),
        ({"clipnorm": 0.0}, grads),  # as in Keras: a limit that is not positive means none
        ({"clipvalue": -1.0}, grads),
    ):
        variables = [dg.Variable(np.zeros(len(g), np.float32)) for g in grads]
        SGD(1.0, **options).apply(grads, variables)
        for w, e in zip(variables, expected, strict=True):
            np.testing.assert_array_equal(w.numpy(), -np.array(e, np.float32))


def test_an_infinite_gradient_makes_everything_nan_under_the_global_norm():
    a, b = a_variable("a"), a_variable("b")
    SGD(1.0, global_clipnorm=1.0).apply([ONES * np.inf, ONES], [a, b])
    assert np.isnan(a.numpy()).all() and np.isnan(b.numpy()).all()


def test_missing_gradients_are_dropped_before_the_global_norm():
    a, b = dg.Variable([0.0, 0.0]), a_variable("b")
    with pytest.warns(UserWarning, match=r"variables \['b'\]"):
        SGD(1.0, global_clipnorm=2.5).apply([[3.0, 4.0], None], [a, b])
    np.testing.assert_array_equal(a.numpy(), [-1.5, -2])


def test_clipping_is_that_of_a_step_on_clipped_gradients(seed):
    rng = np.random.default_rng(seed)
    for name, row in OPTIMIZERS.items():
        for key in ("clipnorm", "global_clipnorm", "clipvalue"):
            a, b = ([dg.Variable(np.ones(4, np.float32)) for _ in range(2)] for _ in range(2))
            clipping, plain = row.make(dg, **OPTIONS[key]), row.make(dg)
            for _ in range(3):
                grads = [dg.constant(rng.normal(0, 2, 4).astype(np.float32)) for _ in a]
                clipping.apply(grads, a)
                plain.apply(clipping._clip_gradients(grads), b)
            for mine, other in zip(a, b, strict=True):
                np.testing.assert_array_equal(mine.numpy(), other.numpy(), err_msg=f"{name}, {key}")


def test_moving_averages_start_at_the_first_value_and_overwrite():
    w = dg.Variable([4.0])
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)
    values, averages = [], []
    for _ in range(4):
        optimizer.apply([[1.0]], [w])
        values.append(float(w.numpy()[0]))
        averages.append(float(optimizer.variables[2].numpy()[0]))
    assert averages == [3, 2.5, 1.75, 1.25] and values == [3, 2, 1.75, 0.75]
    assert optimizer.variables[2].path == "sgd/Variable_average"
    optimizer.finalize_variable_values([w])
    assert w.numpy()[0] == 1.25


def test_a_variable_without_a_gradient_has_a_moving_average():
    a, b = dg.Variable([4.0], name="a"), dg.Variable([2.0], name="b")
    optimizer = SGD(1.0, use_ema=True)
    with pytest.warns(UserWarning):
        optimizer.apply([[1.0], None], [a, b])
    assert [v.numpy()[0] for v in optimizer.variables[2:]] == [3, 2]


def test_fit_ends_with_the_averages():
    model = dg.Sequential([dg.layers.Dense(2, kernel_initializer="ones", use_bias=False)])
    optimizer = SGD(0.1, use_ema=True, ema_momentum=0.9)
    model.compile(optimizer, "mse")
    model.fit(np.ones((1, 1), np.float32), np.zeros((1, 2), np.float32), batch_size=1, epochs=2, verbose=0)
    # w: 1, 0.9, 0.81; the average: 0.9, then 0.9 * 0.9 + 0.1 * 0.81 = 0.891
    kernel = model.trainable_variables[0].numpy()
    np.testing.assert_array_equal(kernel, optimizer.variables[2].numpy())
    np.testing.assert_allclose(kernel, [[0.891, 0.891]], rtol=8 * np.finfo(np.float32).eps)


def test_accumulation_applies_the_mean_and_counts_calls():
    w = dg.Variable([0.0])
    optimizer = SGD(1.0, momentum=0.5, gradient_accumulation_steps=3)
    for call, expected in enumerate([0, 0, -2, -2, -2, -5], start=1):
        optimizer.apply([[float(call if call < 4 else 2)]], [w])
        assert w.numpy()[0] == expected
        assert int(optimizer._iterations) == call and int(optimizer.iterations) == call // 3
    assert optimizer.variables[2].path == "sgd/Variable_gradient_accumulator"


def test_accumulation_clips_the_mean_and_adam_counts_updates():
    w, v = dg.Variable([0.0]), dg.Variable([0.0])
    SGD(1.0, gradient_accumulation_steps=2, clipvalue=1.0).apply_gradients([([4.0], w)])
    one, two = optimizers.Adam(0.1), optimizers.Adam(0.1, gradient_accumulation_steps=2)
    w = dg.Variable([0.0])
    for g in (0.5, -1.0, 2.0):
        one.apply([[g]], [w])
        two.apply([[g - 0.25]], [v])
        two.apply([[g + 0.25]], [v])
    assert w.numpy()[0] == v.numpy()[0] != 0


def test_a_call_without_a_gradient_loses_what_was_accumulated_as_in_keras():
    a, b = dg.Variable([0.0], name="a"), dg.Variable([0.0], name="b")
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    optimizer.apply([[1.0], [1.0]], [a, b])
    with pytest.warns(UserWarning):
        optimizer.apply([[1.0], None], [a, b])
    assert (a.numpy()[0], b.numpy()[0]) == (-1, 0)
    assert all(v.numpy()[0] == 0 for v in optimizer._accumulated_gradients)


def test_scaled_losses_are_unscaled():
    optimizer, w = SGD(1.0, loss_scale_factor=1024.0), dg.Variable([3.0])
    with dg.GradientTape() as tape:
        loss = optimizer.scale_loss(dg.ops.sum(w * w))
    optimizer.apply(tape.gradient(loss, [w]), [w])
    assert w.numpy()[0] == -3 and optimizer.scale_loss(1.0) == 1024 and SGD().scale_loss(1.0) == 1
    model = dg.Sequential([dg.layers.Dense(1)])
    model.compile(SGD(0.1, loss_scale_factor=2.0**20), "mse")
    other = dg.Sequential([dg.layers.Dense(1)])
    other.compile(SGD(0.1), "mse")
    x, y = np.arange(8, dtype=np.float32).reshape(4, 2) / 8, np.ones((4, 1), np.float32)
    model.build((None, 2)), other.build((None, 2))
    other.set_weights(model.get_weights())
    losses = [m.fit(x, y, shuffle=False, verbose=0).history["loss"] for m in (model, other)]
    assert losses[0] == losses[1]
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- Every option of every optimizer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_copies_keep_training(name, options, how, seed):
    rng = np.random.default_rng(seed)
    variables = [dg.Variable(np.ones(3, np.float32), name=n) for n in "ab"]
    optimizer = OPTIMIZERS[name].make(dg, **OPTIONS[options])
    optimizer.exclude_from_weight_decay(var_list=variables[:1])
    grads = [[rng.normal(size=3).astype(np.float32) for _ in variables] for _ in range(7)]
    for g in grads[:2]:
        optimizer.apply(g, variables)
    copies = how((variables, optimizer))
    for own, one in ((variables, optimizer), copies):
        for g in grads[2:]:
            one.apply(g, own)
    for a, b in zip([*variables, *optimizer.variables], [*copies[0], *copies[1].variables], strict=True):
        assert a is not b and a.path == b.path
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("options", OPTIONS)
def test_an_error_changes_nothing(options):
    a, b = a_variable("a"), a_variable("b")
    optimizer = optimizers.Nadam(0.1, **OPTIONS[options])
    optimizer.apply([ONES, ONES], [a, b])
    everything = [a, b, *optimizer.variables]
    before = [v.numpy() for v in everything]
    for grads in ([ONES, ONES[:2]], [ONES, "x"], [None, None], [ONES, dg.ops.sum(ONES)]):
        with pytest.raises((ValueError, TypeError)):
            optimizer.apply(grads, [a, b])
    optimizer.epsilon = "a"
    with pytest.raises(TypeError):
        optimizer.apply([ONES, ONES], [a, b])
    for v, old in zip(everything, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)


# ---- State -----------------------------------------------------------------------------------------------------------


def test_weights_are_set_saved_and_loaded():
    w = a_variable()
    optimizer = optimizers.Adam()
    optimizer.apply([ONES], [w])
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"]
    for load in (lambda o: o.set_weights(optimizer.variables), lambda o: o.load_own_variables(store)):
        other = optimizers.Adam()
        other.build([w])
        load(other)
        for a, b in zip(optimizer.variables, other.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.warns(UserWarning) as record:
        optimizers.Adam().load_own_variables(store)
    assert str(record[0].message) == (
        "[Adam] the optimizer has 2 variables and the file has 4: they are not loaded. Is the optimizer built?"
    )


def test_signatures_and_positions_are_the_documented_ones():
    names = list(inspect.signature(optimizers.Adam).parameters)
    assert names[:7] == ["learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad", "weight_decay", "clipnorm"]
    optimizer = optimizers.Adam(0.1, 0.5, 0.6, 1e-3, True, 0.2, 0.3)
    assert (optimizer.amsgrad, optimizer.weight_decay, optimizer.clipnorm) == (True, 0.2, 0.3)
    assert optimizers.AdamW(0.1, 0.2, 0.5, 0.6, 1e-3, False, 0.3).clipnorm == 0.3


def test_names_are_counted():
    made = [optimizers.AdamW(), optimizers.AdamW(), optimizers.RMSprop(), SGD(name="mine")]
    assert [o.name for o in made] == ["adam_w", "adam_w_1", "rm_sprop", "mine"]
    assert repr(made[0]) == "<AdamW name=adam_w, iterations=0>"


def test_a_learning_rate_becomes_a_schedule():
    optimizer = SGD(0.5)
    optimizer.learning_rate = optimizers.schedules.PolynomialDecay(optimizer.learning_rate, 4, 0.0)
    assert len(optimizer.variables) == 1
    w = dg.Variable([0.0])
    for expected in (-0.5, -0.875, -1.125):
        optimizer.apply([[1.0]], [w])
        assert w.numpy()[0] == expected


def test_decay_warns():
    with pytest.warns(UserWarning) as record:
        SGD(decay=0.1)
    assert str(record[0].message) == (
        "[SGD] `decay` is ignored: pass a schedule as `learning_rate`, or `weight_decay`."
    )
    assert record[0].filename == __file__
