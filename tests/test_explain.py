"""`tape.explain`: every reason for a missing gradient, found in the record and put into words."""

from __future__ import annotations

import inspect

import densegrad as dg
import numpy as np
import pytest

X = np.array([1.0, 2.0], "float32")


def here():
    return inspect.currentframe().f_back.f_lineno


def asked(compute, watch=True, **options):
    """explain(target, source) after compute(x, tape) on an open tape, for its result (target, source)."""
    x = dg.constant(X)
    with dg.GradientTape(persistent=True, **options) as tape:
        if watch:
            tape.watch(x)
        target, source = compute(x)
    found = tape.explain(target, source)
    assert found.connected == (tape.gradient(target, source) is not None)
    assert str(found) == found.text and found.reason in repr(found)
    return found


def test_a_gradient_that_exists():
    found = asked(lambda x: (x * x, x))
    assert found.reason == "connected" and "the gradient is not None" in str(found)
    assert asked(lambda x: (x, x)).reason == "connected"
    layer = dg.layers.Dense(2, activation="relu")
    assert asked(lambda x: (dg.ops.sum(layer(x[None])), layer)).connected
    assert asked(lambda x: ((y := layer(x[None])) * 2.0, y.z)).connected


def test_not_watched():
    found = asked(lambda x: (x * 2.0, x), watch=False)
    assert found.reason == "not watched"
    assert "a tensor of shape (2,): it was not watched" in str(found) and "tape.watch(x)" in str(found)
    v = dg.Variable(X, name="v")
    found = asked(lambda x: (x * v, v), watch_accessed_variables=False)
    assert found.reason == "not watched" and "watch_accessed_variables=False" in str(found)
    found = asked(lambda x: (x * 2.0, v))
    assert found.reason == "not watched" and "variable 'v': it was not read" in str(found)


def test_not_trainable():
    v = dg.Variable(X, trainable=False, name="scale")
    found = asked(lambda x: (x * v, v))
    assert found.reason == "not trainable" and "variable 'scale': it was made with trainable=False" in str(found)


def test_integers():
    n = dg.constant([1, 2])
    found = asked(lambda x: (dg.ops.cast(n, "float32") * x, n))
    assert found.reason == "dtype" and "The source is int32" in str(found) and "before they are watched" in str(found)
    found = asked(lambda x: (dg.ops.argmax(x), x))
    assert found.reason == "dtype" and "The target is int64" in str(found)


def test_a_value_that_left_for_numpy_is_named_with_file_and_line():
    line = []

    def through_numpy(x):
        y = x * 2.0
        line.append(here() + 1)
        z = dg.constant(np.square(y.numpy()))
        return z * x.dtype.type(1), x

    x = dg.constant(X)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        target, _ = through_numpy(x)
    found = tape.explain(target, x)
    assert tape.gradient(target, x) is None
    assert found.reason == "left" and found.places == ((__file__, line[0]),)
    assert f"`numpy` at {__file__}:{line[0]}" in str(found) and "dg.ops" in str(found)


@pytest.mark.parametrize(
    "name,call",
    [
        ("stop_gradient", dg.ops.stop_gradient),
        ("greater", lambda y: dg.ops.cast(y > 1.0, "float32")),
        ("cast", lambda y: dg.ops.cast(dg.ops.cast(y, "int32"), "float32")),
        ("argmax", lambda y: dg.ops.cast(dg.ops.argmax(y), "float32")),
    ],
)
def test_an_operation_without_a_derivative_is_named_with_file_and_line(name, call):
    x = dg.constant(X)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        other = dg.ops.stop_gradient(x)  # leads elsewhere
        target = call(y) * dg.Variable(X)
    found = tape.explain(target, x)
    assert tape.gradient(target, x) is None and other is not None
    assert found.reason == "cut" and len(found.places) == 1
    assert f"passes `{name}` at {found.places[0][0]}" in str(found)
    assert found.places[0][0] == __file__
    assert tape.explain(y, x).connected


def test_an_assignment_cuts():
    v = dg.Variable(X)

    def assigned(x):
        v.assign(x * x)
        return v * 1.0, x

    found = asked(assigned)
    assert found.reason == "cut" and "`assign`" in str(found)


def test_a_source_that_is_itself_a_result_without_derivative():
    x = dg.constant(X)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = dg.ops.stop_gradient(x)
        z = y * 2.0
    found = tape.explain(z, y)
    assert found.reason == "cut" and "The source is the result of `stop_gradient`" in str(found)


def test_not_recorded():
    x = dg.constant(X)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    found = tape.explain(y * 2.0, x)
    assert found.reason == "not recorded" and "outside of `with tape:`" in str(found)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tape.stop_recording():
            y = x * x
    assert tape.explain(y, x).reason == "not recorded"


def test_no_path():
    w = dg.Variable(X, name="w")
    found = asked(lambda x: (w * w, x))
    assert found.reason == "no path" and "Nothing that was recorded uses the source" in str(found)
    found = asked(lambda x: (w * (1.0 if dg.ops.sum(x * x) is None else 2.0), x))
    assert found.reason == "no path" and "no recorded operation joins them" in str(found)


def test_a_custom_gradient_may_return_none():
    @dg.custom_gradient
    def half(a, b):
        return a + b, lambda dy: (dy, None)

    x, b = dg.constant(X), dg.constant(X)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch([x, b])
        y = half(x, b)
    assert tape.gradient(y, b) is None
    assert tape.explain(y, b).reason == "custom gradient"


def test_a_tape_that_was_asked_once_can_still_explain_what_was_missing():
    x, other = dg.constant(X), dg.constant(X)
    with dg.GradientTape() as tape:
        tape.watch([x, other])
        y = dg.ops.stop_gradient(x) * other
    assert tape.gradient(y, [x, other])[0] is None
    assert tape.explain(y, x).reason == "cut"
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match=r"\[GradientTape.explain\] the tape gave its gradients, none was missing"):
        tape.explain(y, other)


def test_a_tape_that_recorded_nothing_explains_that_after_its_gradients_too():
    x = dg.constant(X)
    with dg.GradientTape() as tape:
        y = dg.ops.sum(x * x)
    assert tape.gradient(y, x) is None
    assert tape.explain(y, x).reason == "not watched"
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.sum(dg.ops.cast(x > 1.5, "float32"))
    assert tape.gradient(y, x) is None
    assert tape.explain(y, x).reason == "cut"


def test_wrong_arguments():
    tape = dg.GradientTape()
    with pytest.raises(TypeError, match=r"\[GradientTape.explain\] `sources` holds a value of type ndarray"):
        tape.explain(dg.constant(X), X)
