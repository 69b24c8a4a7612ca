"""`dg.gradcheck`: right derivatives pass, wrong ones are named, kinks and jumps are told apart from both."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from rows import generator
from test_gradcheck import DIFFERENTIABLE, PLANTED, drawn


def report(function, inputs, **options):
    return dg.gradcheck(function, inputs, raise_on_error=False, **options)


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_the_gradient_of_every_row_passes_and_its_double_does_not(row, seed):
    """The double is what the tape gives for f + (f - stop_gradient(f))."""
    inputs = tuple(drawn(row, seed, "public"))
    options = {"wrt": row.wrt, "seed": seed, "max_entries": 30}
    found = report(row.call, inputs, **options)
    assert found and "None" not in str(found), str(found)

    def doubled(*x):
        y = row.call(*x)
        return y + (y - dg.ops.stop_gradient(y))

    if any(entry.measured for entry in found.entries):
        with pytest.raises(dg.GradientError, match="worst:"):
            dg.gradcheck(doubled, inputs, **options)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_wrong_derivative_is_found_and_placed(name, seed):
    function, shapes = PLANTED[name]
    inputs = tuple(generator(seed, name).uniform(0.5, 2, s) for s in shapes)
    with pytest.raises(dg.GradientError, match=r"^\[gradcheck\] the gradient is not the derivative at \d+ of \d+ "):
        dg.gradcheck(function, inputs, seed=seed)


def test_the_worst_entry_is_named_with_its_numbers():
    wrong = dg.custom_gradient(lambda x: (x * x, lambda dy: 2 * x * dy + dy * np.array([0, 0, 0.5, 0])))
    found = report(wrong, np.arange(1.0, 5))
    assert not found and not found.ok and sum(not entry.ok for entry in found.entries) == 1
    worst = found.worst
    assert (worst.source, worst.index, worst.place) == ("input 0", (2,), "input 0 index (2,)")
    assert abs(worst.measured - 6) <= worst.tolerance < 1e-9 and abs(worst.claimed - 6.5) < 1e-9
    lines = str(found).splitlines()
    assert lines[0] == "the gradient is not the derivative at 1 of 4 entries; worst:"
    assert lines[1].startswith("  input 0 index (2,): the derivative is 6, the gradient says 6.5 (tolerance ")


def test_what_all_wrong_entries_share_is_said(seed):
    x = generator(seed, "pattern").uniform(0.5, 2, 6)
    missing = dg.custom_gradient(lambda x: (dg.ops.mean(x), lambda dy: dg.ops.broadcast_to(dy, x.shape)))
    assert "it is 6 times the derivative at all of them" in str(report(missing, x))
    straight_through = dg.custom_gradient(lambda x: (dg.ops.sign(x), lambda dy: dy))
    text = str(report(straight_through, x))
    assert "the derivative is 0, the gradient says 1 " in text and "replaced on purpose" in text
    text = str(report(dg.ops.stop_gradient, x))
    assert "no gradient arrives there" in text and "input 0 has no gradient (None): taken as zero" in text


@pytest.mark.parametrize(
    "function,x,kinds",
    [
        (dg.ops.relu, [-1.0, 0, 1, 1e-3, 1e-5, -1e-4], ["smooth", "kink", "smooth", "smooth", "smooth", "smooth"]),
        (dg.ops.abs, [0.0, 2], ["kink", "smooth"]),
        (dg.ops.sign, [0.0, 2], ["jump", "smooth"]),
        (dg.ops.sqrt, [0.0, 2], ["edge", "smooth"]),
        (lambda x: dg.ops.where(x > 1.0, x + 1.0, x), [1.0, 1 + 1e-4], ["jump", "smooth"]),
        (dg.ops.log, [1e-6, 1.0, 1e6], ["smooth", "smooth", "smooth"]),
    ],
)
def test_kinks_and_jumps_are_told_apart_from_wrong_gradients(function, x, kinds):
    found = report(function, np.array(x))
    assert found, str(found)
    assert [entry.kind for entry in found.entries] == kinds
    assert [entry.kind for entry in found.kinks] == [kind for kind in kinds if kind != "smooth"]
    for word, text in (("kink", "index (1,) the function has a kink" if function is dg.ops.relu else "has a kink"),
                       ("jump", "has a jump"), ("edge", "not finite beside the point")):  # fmt: skip
        assert (text in str(found)) == (word in kinds)


def test_at_a_kink_the_gradient_must_lie_between_the_slopes():
    for slope, right in ((-1.0, True), (0.25, True), (1.0, True), (1.5, False), (-1.001, False)):
        f = dg.custom_gradient(lambda x, s=slope: (dg.ops.abs(x), lambda dy: dy * s))
        found = report(f, [0.0])
        assert found.ok == right and found.entries[0].kind == "kink"
        assert ("neither side has that slope" in str(found)) != right


def test_second_order_is_checked_too(seed):
    x = generator(seed, "order").normal(size=5)
    assert len(report(lambda x: x**3, x, order=3).entries) == 15
    once = dg.custom_gradient(lambda x: (x**3, lambda dy: dg.ops.stop_gradient(3.0 * x * x) * dy))
    assert report(once, x)
    with pytest.raises(dg.GradientError, match="order 2, input 0"):
        dg.gradcheck(once, x, order=2)


@pytest.mark.parametrize("dtype,digits", [("float32", 3), ("float64", 9)])
def test_layers_and_models_are_checked_with_their_weights(dtype, digits, seed):
    rng = generator(seed, "model")
    x, labels = rng.normal(size=(3, 4)), np.array([0, 2, 1])
    model = dg.Sequential(
        [dg.layers.Dense(5, activation="sigmoid", dtype=dtype), dg.layers.Dense(3, activation="softmax", dtype=dtype)]
    )
    loss_fn = dg.losses.SparseCategoricalCrossentropy()
    model(x)
    before = model.get_weights()
    found = dg.gradcheck(lambda x: loss_fn(labels, model(x)), x, variables=model, order=2)
    assert len(found.entries) == 2 * (12 + 25 + 18) and found.worst.tolerance < 10.0**-digits
    assert any("kernel" in entry.source for entry in found.entries)
    assert ("float32" in str(found)) == (dtype == "float32")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before))
    only_input = dg.gradcheck(lambda y_true, y_pred: loss_fn(y_true, y_pred), (labels, model(x).numpy()))
    assert len(only_input.entries) == 9


def test_a_layer_is_built_by_the_check_and_an_error_restores_its_weights():
    layer = dg.layers.Dense(2, dtype="float64")
    assert dg.gradcheck(layer, np.ones((1, 3)), variables=layer)
    calls = []

    def fails_later(x):
        calls.append(1)
        if len(calls) > 20:
            raise KeyError("mine")
        return layer(x)

    before = layer.get_weights()
    with pytest.raises(KeyError, match="mine"):
        dg.gradcheck(fails_later, np.ones((1, 3)), variables=[layer.kernel])
    assert all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), before))


def test_inputs_in_every_form(seed):
    x = generator(seed, "forms").normal(size=(2, 3))
    readonly = x[::-1]
    readonly.flags.writeable = False
    for inputs in (x, dg.constant(x), [1.0, 2.0], 3.0, [[1.0, 2], [3, 4]], readonly, (x.astype("float32"),), x[:0]):
        found = dg.gradcheck(dg.ops.square, inputs)
        assert len(found.entries) == np.size(inputs) and not found.notes
    assert len(dg.gradcheck(dg.ops.square, [1, 2], wrt=0).entries) == 2
    found = dg.gradcheck(lambda pair: pair[0] @ pair[1], [x, x.T.copy()])
    assert {entry.source for entry in found.entries} == {"input 0 tensor 0", "input 0 tensor 1"}
    found = dg.gradcheck(lambda d, w: {"y": d["a"] * w, "z": [d["b"]]}, ({"a": x, "b": x}, 2.0))
    assert len(found.entries) == 13
    assert len(dg.gradcheck(dg.ops.multiply, (x, x), wrt=1).entries) == 6


def test_weights_in_float32_get_their_inputs_in_float32():
    w = dg.Variable(np.ones((2, 2), "float32"))
    found = dg.gradcheck(lambda x: x @ w, np.ones((1, 2)), variables=[w])
    assert len(found.entries) == 6 and "the function computes in float32" in str(found)


def test_of_large_inputs_some_entries_and_one_direction_are_checked(seed):
    x = generator(seed, "large").normal(size=(50, 50))
    found = dg.gradcheck(dg.ops.exp, x, max_entries=20)
    assert len(found.entries) == 21 and "20 of 2500 entries and one random direction" in str(found)
    wrong = dg.custom_gradient(lambda x: (x * x, lambda dy: 2 * x * dy + (np.arange(2500) == 7).reshape(50, 50)))
    with pytest.raises(dg.GradientError, match="input 0, a random direction"):
        dg.gradcheck(wrong, x, max_entries=20)


def test_a_gradient_that_is_not_finite_is_wrong():
    for value in (np.nan, np.inf):
        with pytest.raises(dg.GradientError, match=f"the gradient says {value}"):
            dg.gradcheck(dg.custom_gradient(lambda x, v=value: (x * x, lambda dy: dy * v)), [1.0, 2.0])


@pytest.mark.parametrize(
    "call,kind,text",
    [
        (lambda: dg.gradcheck(dg.ops.square, 1.0, order=0), ValueError, "`order` is 0: it must be a positive integer."),
        (lambda: dg.gradcheck(dg.ops.square, 1.0, max_entries=0), ValueError, "`max_entries` is 0: it must be a pos"),
        (lambda: dg.gradcheck(dg.ops.square, 1.0, wrt=1), ValueError, "`wrt` has 1 for 1 arguments: it must be a posi"),
        (lambda: dg.gradcheck(dg.ops.square, [1, 2]), TypeError, "`inputs` has no float array and there are no `varia"),
        (lambda: dg.gradcheck(lambda x: x > 0.0, 1.0), TypeError, "the function returned a tensor of dtype bool: it m"),
        (lambda: dg.gradcheck(lambda x: float(x), 1.0), TypeError, "the function returned a value of type float: it m"),
        (lambda: dg.gradcheck(dg.ops.log, [-1.0]), dg.GradientError, "the function is not finite at these inputs: che"),
        (lambda: dg.gradcheck(lambda x: x * np.random.default_rng().normal(), 1.0), dg.GradientError,
         "the function returned different values for the same inputs: make it repeatable"),
    ],
)  # fmt: skip
def test_message(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith("[gradcheck] " + text) and str(caught.value).endswith(".")
