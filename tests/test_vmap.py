"""`vmap` of every row equals the loop over examples; its uses: per-example gradients, Jacobians, ensembles.

A batched operation may add in another order than one example does. Both are within the row's own bound of the exact
value, so they differ by at most twice that; rows without rounding agree bit for bit.
"""

from __future__ import annotations

import itertools

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from gradcheck import ROUNDINGS, U, tape_gradient
from rows import generator, narrow, widen
from tables import ROWS
from test_gradcheck import DIFFERENTIABLE, drawn

BATCH = 3


def batches(row, seed, shapes, chosen, dtype):
    """Inputs for BATCH examples: those in `chosen` differ, the others are shared. Also the examples one by one."""
    draws = [narrow(row.draw(generator(seed, row, shapes, b), shapes), dtype) for b in range(BATCH)]
    stacked = [np.stack([d[i] for d in draws]) if i in chosen else draws[0][i] for i in range(len(shapes))]
    examples = [[d[i] if i in chosen else draws[0][i] for i in range(len(d))] for d in draws]
    return stacked, examples


def subsets(n):
    """Every non-empty choice of inputs to batch."""
    return [set(c) for k in range(1, n + 1) for c in itertools.combinations(range(n), k)]


def tensors(inputs):
    """Shared arguments as tensors: what a row does with arrays (a dtype of their own) is not the point here."""
    return [dg.constant(x) for x in inputs]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_vmap_equals_the_loop(row, dtype, seed):
    for shapes in row.shapes:
        for chosen in subsets(len(shapes)):
            stacked, examples = batches(row, seed, shapes, chosen, dtype)
            axes = tuple(0 if i in chosen else None for i in range(len(shapes)))
            result = dg.vmap(row.call, in_axes=axes)(*tensors(stacked)).numpy()
            assert result.shape[0] == BATCH
            for b, inputs in enumerate(examples):
                one = np.asarray(row.call(*tensors(inputs)))
                assert result[b].shape == one.shape and result.dtype == one.dtype
                with np.errstate(divide="ignore", invalid="ignore"):
                    wide = widen(inputs)
                    bound = np.asarray(row.bound(np.asarray(row.oracle(*wide)), dtype, *wide), np.float64)
                difference = np.abs(result[b].astype(np.float64) - one.astype(np.float64))
                assert np.all(difference <= 2 * bound), (shapes, chosen)


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_vmap_of_the_gradient_equals_the_loop(row, seed):
    """Every backward rule, batched over all inputs and the cotangent: off by roundings of |J|^T |u| at most."""
    draws = [drawn(row, seed, b) for b in range(BATCH)]
    rng = generator(seed, row, "cotangents")
    weights = rng.normal(size=(BATCH, *np.shape(row.call(*draws[0]))))

    def gradient(u, *inputs):
        tape = dg.GradientTape()
        with tape:
            tape.watch([inputs[i] for i in row.wrt])
            y = row.call(*inputs)
        return tape.gradient(y, [inputs[i] for i in row.wrt], u, unconnected_gradients="zero")

    stacked = [np.stack([d[i] for d in draws]) for i in range(len(draws[0]))]
    found = dg.vmap(gradient)(weights, *stacked)
    for b, inputs in enumerate(draws):
        expected = tape_gradient(row.call, inputs, row.wrt, weights[b])
        for g, e, i in zip(found, expected, row.wrt, strict=True):
            e = np.zeros(inputs[i].shape) if e is None else e.numpy()
            scale = np.abs(e) + np.abs(weights[b]).sum() * (np.abs(inputs[i]).max(initial=1) + 1)
            assert np.all(np.abs(g[b].numpy() - e) <= ROUNDINGS * U * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_per_example_gradients_add_up_to_the_batch_gradient(dtype, seed):
    rng = generator(seed, "per example", dtype)
    x, y = rng.normal(size=(6, 5)).astype(dtype), rng.integers(0, 3, 6)
    weights = [rng.normal(size=s).astype(dtype) for s in ((5, 4), (4,), (4, 3), (3,))]

    def loss(weights, x, y):
        w1, b1, w2, b2 = weights
        h = dg.ops.dense(x[None], w1, b1, "relu")
        return _core.loss("sparse_categorical_crossentropy", y[None], dg.ops.dense(h, w2, b2, "softmax"))

    grads = dg.vmap(dg.grad(loss), in_axes=(None, 0, 0))(weights, x, y)
    for g, w in zip(grads, weights, strict=True):
        assert g.shape == (6, *w.shape) and g.dtype == dtype
    for i in range(6):
        alone = dg.grad(loss)(weights, x[i], dg.constant(y)[i])
        for g, e in zip(grads, alone, strict=True):
            scale = np.abs(e.numpy()).max() + 1
            assert np.all(np.abs(g[i].numpy() - e.numpy()) <= ROUNDINGS * np.finfo(dtype).eps * scale)


def test_an_ensemble_is_one_vmap_over_the_weights(seed):
    """K networks in one step: gradients equal those of each network alone."""
    rng = generator(seed, "ensemble")
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 2))
    kernels, biases = rng.normal(size=(5, 4, 2)), rng.normal(size=(5, 2))

    def loss(w, b):
        return dg.ops.mean(dg.ops.square(dg.ops.dense(dg.constant(x), w, b, "sigmoid") - y))

    values, (dw, db) = dg.vmap(dg.value_and_grad(loss, (0, 1)))(kernels, biases)
    for k in range(5):
        value, (w, b) = dg.value_and_grad(loss, (0, 1))(kernels[k], biases[k])
        for found, one in ((values[k], value), (dw[k], w), (db[k], b)):
            assert np.all(np.abs(found.numpy() - one.numpy()) <= ROUNDINGS * U * (np.abs(one.numpy()) + 1))


def test_axes_in_and_out():
    x, w = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    result = dg.vmap(lambda a, b: a * b, in_axes=(1, 0), out_axes=1)(x, w)
    np.testing.assert_array_equal(result.numpy(), x * w)
    np.testing.assert_array_equal(dg.vmap(dg.ops.sum, in_axes=-1)(x).numpy(), x.sum(0))
    pair = dg.vmap(lambda a: (a, {"twice": 2 * a}), out_axes=[0, 1])(x)
    np.testing.assert_array_equal(pair[1]["twice"].numpy(), 2 * x.T)
    nested = dg.vmap(lambda d: d["a"] + d["b"], in_axes=({"a": 0, "b": None},))({"a": x, "b": w})
    np.testing.assert_array_equal(nested.numpy(), x + w)
    named = dg.vmap(lambda a, *, scale: a * scale)(x, scale=np.array([1.0, 2.0]))
    np.testing.assert_array_equal(named.numpy(), x * [[1], [2]])


def test_a_list_of_numbers_is_one_array():
    """As for `grad`; a shared list stays one, so that it may be a shape."""
    np.testing.assert_array_equal(dg.vmap(lambda x: x * x)([1.0, -3.0]).numpy(), [1, 9])
    np.testing.assert_array_equal(dg.vmap(lambda a, *, b: a @ b)([[1.0, 2.0]], b=[[3.0, 4.0]]).numpy(), [11])
    wide = dg.vmap(lambda x, shape: dg.ops.broadcast_to(x, shape), in_axes=(0, None))([1.0, 2.0], [3])
    np.testing.assert_array_equal(wide.numpy(), [[1] * 3, [2] * 3])


def test_a_custom_gradient_that_reads_the_stand_ins_of_its_closure_is_told_what_they_are():
    @dg.custom_gradient
    def scaled(x):
        return x * x, lambda dy: dy * float(x)

    x = dg.constant(np.array([1.0, 2.0]))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.vmap(scaled)(x)
    with pytest.raises(_core.SymbolicError, match="in vmap it stands for one example of a batch, so select with"):
        tape.gradient(y, x)


def test_nested_vmaps_are_two_batch_axes():
    a, b = np.arange(3.0), np.arange(4.0)
    outer = dg.vmap(lambda x: dg.vmap(lambda y: x * y + x)(b))(a)
    np.testing.assert_array_equal(outer.numpy(), a[:, None] * b + a[:, None])


def test_results_that_depend_on_no_example_are_repeated():
    result = dg.vmap(lambda x: (x, dg.constant([1.0, 2.0])))(np.zeros(3))
    np.testing.assert_array_equal(result[1].numpy(), [[1, 2]] * 3)


def test_an_outer_tape_sees_the_batched_operations_and_those_on_shared_values():
    x, w = dg.constant(np.array([[1.0, 2.0], [3.0, 4.0]])), dg.Variable(np.array([5.0, 6.0]))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.vmap(lambda row: dg.ops.sum(row * dg.ops.square(w)))(x)  # the square is no example's own
    dx, dw = tape.gradient(y, [x, w])
    np.testing.assert_array_equal(dx.numpy(), [[25, 36], [25, 36]])
    np.testing.assert_array_equal(dw.numpy(), 2 * np.array([5.0, 6.0]) * [4, 6])
    with dg.GradientTape() as tape:
        tape.watch(x)
        z = dg.vmap(dg.grad(lambda row: dg.ops.sum(row * row * row)))(x)
    np.testing.assert_array_equal(tape.gradient(z, x).numpy(), 6 * x.numpy())


def test_an_empty_batch_gives_empty_results():
    result = dg.vmap(lambda x: dg.ops.dense(x[None], np.ones((3, 2)), None)[0])(np.zeros((0, 3)))
    assert result.shape == (0, 2)


@dg.custom_gradient
def tripled(x):
    """e^x with three times its derivative, which keeps a value of the forward pass."""
    e = dg.ops.exp(x)
    return e, lambda dy: 3 * e * dy


def test_custom_gradients_are_batched():
    x = np.linspace(-1, 1, 6).reshape(3, 2)
    np.testing.assert_array_equal(dg.vmap(tripled)(x).numpy(), np.asarray(dg.ops.exp(x)))
    inner = dg.vmap(dg.grad(lambda row: dg.ops.sum(tripled(row))))(x)
    with dg.GradientTape() as tape:
        t = dg.constant(x)
        tape.watch(t)
        y = dg.vmap(tripled)(t)
    outer = tape.gradient(y, t)
    for found in (inner, outer):
        np.testing.assert_array_equal(found.numpy(), 3 * np.asarray(dg.ops.exp(x)))


def test_a_custom_gradient_sums_over_the_batch_for_what_is_shared():
    scale = dg.constant(2.0)

    @dg.custom_gradient
    def scaled(x, s):
        return x * s, lambda dy: (10 * s * dy, dg.ops.sum(10 * x * dy))

    x = dg.constant(np.array([[1.0, 2.0], [3.0, 4.0]], "float32"))
    with dg.GradientTape() as tape:
        tape.watch([x, scale])
        y = dg.vmap(scaled, in_axes=(0, None))(x, scale)
    dx, ds = tape.gradient(y, [x, scale])
    np.testing.assert_array_equal(dx.numpy(), np.full((2, 2), 20))
    assert float(ds) == 100


def test_a_function_that_reads_values_runs_once_per_example_and_says_so():
    calls = []

    def branch(x):
        calls.append(1)
        return x if float(x) > 0 else -2 * x

    with pytest.warns(UserWarning, match=r"\[vmap\] the function reads the value of an example"):
        result = dg.vmap(branch)(np.array([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(result.numpy(), [1, 4, 3])
    assert len(calls) == 4


@pytest.mark.parametrize(
    "function,batch,message",
    [
        (lambda x: x if float(x) > 0 else -x, [], r"\[vmap\] the function reads .* and the batch is empty"),
        (lambda x: x if float(x) > 0 else x[None], [1.0, -1.0], r"\[\(\)\] for example 0 but \[\(1,\)\] for example 1"),
        (lambda x: x if float(x) > 0 else (x, x), [1.0, -1.0], r"\[\(\)\] for example 0 but \[\(\), \(\)\] for"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*reads the value of an example")
def test_results_that_do_not_stack_are_refused(function, batch, message):
    with pytest.raises(ValueError, match=message):
        dg.vmap(function)(np.array(batch))


def test_a_label_out_of_range_is_refused_in_the_batch_too():
    p = np.full((2, 3), 1 / 3)
    loss = dg.vmap(lambda y, p: _core.loss("sparse_categorical_crossentropy", y[None], p[None]))
    with pytest.raises(ValueError, match=r"`y_true` contains the label 3: with 3 classes"):
        loss(np.array([0, 3]), p)
    with pytest.raises(IndexError, match=r"\[take\] `indices` contains 9"):
        dg.vmap(lambda x, i: dg.ops.take(x, i, 0))(p, np.array([[0], [9]]))


def test_an_error_inside_leaves_no_trace_open():
    with pytest.raises(ZeroDivisionError):
        dg.vmap(lambda x: 1 / 0)(np.zeros(3))
    assert not _core.recording()


def test_a_function_that_returns_nothing_is_refused():
    with pytest.raises(TypeError, match=r"\[vmap\] the function returned None: it must return tensors"):
        dg.vmap(lambda x: None)(np.zeros(3))


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: dg.vmap(dg.ops.sum)(np.float64(1)), r"\[vmap\] `in_axes` has 0 for an argument of shape \(\)"),
        (lambda: dg.vmap(dg.ops.add)(np.zeros(2), np.zeros(3)), r"\[vmap\] there are the lengths \[2, 3\]"),
        (lambda: dg.vmap(dg.ops.add, in_axes=None)(1.0, 2.0), r"\[vmap\] there are no batched argument"),
        (lambda: dg.vmap(dg.ops.add, in_axes=(0,))(1.0, 2.0), r"\[vmap\] `in_axes` is \(0,\) for 2 positional"),
        (lambda: dg.vmap(dg.ops.exp, out_axes=2)(np.zeros(3)), r"\[vmap\] `out_axes` has 2 for a result with 1 axes"),
        (lambda: dg.vmap(dg.ops.exp, out_axes="a")(np.zeros(3)), r"\[vmap\] `out_axes` is 'a'"),
        (lambda: dg.vmap(dg.ops.exp, in_axes=3)(np.zeros(3)), r"\[vmap\] `in_axes` has 3 for an argument of shape"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
