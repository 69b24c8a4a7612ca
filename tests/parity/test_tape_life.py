"""The life of a GradientTape, its variables, and tapes within tapes: as TensorFlow's. See test_tape_semantics.py."""

from __future__ import annotations

import pytest
from twins import assert_twins, watched

FUNCTIONS = []


def same(function):
    """Register a function of one library."""
    FUNCTIONS.append(function)
    return function


@same
def once_only(L):
    (x,), tape = watched(L, 3.0)
    with tape as t:
        t.watch(x)
        y = x * x
    t.gradient(y, x)
    return t.gradient(y, x)


@same
def never_entered(L):
    (x,), tape = watched(L, 3.0)
    return tape.gradient(x, x)


@same
def persistent_tapes_answer_again(L):
    (x,), tape = watched(L, 3.0, persistent=True)
    with tape as t:
        t.watch(x)
        y = x * x
        z = y * y
    return [t.gradient(z, x), t.gradient(y, x), t.gradient(z, y), t.gradient(z, x)]


@same
def gradient_inside_the_context(L):
    (x,), tape = watched(L, 3.0)
    with tape as t:
        t.watch(x)
        y = x * x
        return t.gradient(y, x)


@same
def second_order_on_one_persistent_tape(L):
    (x,), tape = watched(L, 3.0, persistent=True)
    with tape as t:
        t.watch(x)
        y = x * x * x
        inside = t.gradient(y, x)
    outside = t.gradient(y, x)
    return [t.gradient(inside, x), t.gradient(outside, x)]


@same
def work_outside_is_not_recorded(L):
    v = L.Variable(2.0)
    with L.GradientTape(persistent=True) as t:
        y = v * v
        z = v * 3.0
    total = y + z
    return [t.gradient(total, v), t.gradient([y, z], v)]


@same
def stop_recording(L):
    (x,), tape = watched(L, 3.0)
    with tape as t:
        t.watch(x)
        with t.stop_recording():
            y = x * x
        z = x * y
    return t.gradient(z, x)


@same
def stop_recording_before_entering(L):
    with L.GradientTape().stop_recording():
        return 0


@same
def reset_forgets(L):
    v = L.Variable(2.0)
    (x,), tape = watched(L, 1.0)
    with tape as t:
        t.watch(x)
        y = v * v * x
        t.reset()
        z = y * v * x
    return t.gradient(z, [v, x])


@same
def reset_outside(L):
    with L.GradientTape() as t:
        pass
    t.reset()


@same
def reenter_while_active(L):
    with L.GradientTape() as t, t:
        pass


@same
def reenter_continues(L):
    v = L.Variable(2.0)
    with L.GradientTape() as t:
        y = v * v
    with t:
        z = y * v
    return t.gradient(z, v)


@same
def reenter_after_the_gradient_starts_anew(L):
    v = L.Variable(2.0)
    tape = L.GradientTape()
    results = []
    for _ in range(2):
        with tape:
            y = v * v
        results.append(tape.gradient(y, v))
    return results


@same
def an_exception_closes_the_tape(L):
    v = L.Variable(2.0)
    try:
        with L.GradientTape() as broken:
            y = v * v
            raise KeyError
    except KeyError:
        pass
    with L.GradientTape() as t:
        z = v * 3.0
    return [broken.gradient(y, v), t.gradient(z, v)]


@same
def watched_variables_in_order_of_construction(L):
    a, b, c = L.Variable(1.0), L.Variable([2.0]), L.Variable([[3.0]])
    with L.GradientTape() as t:
        y = L.sum(c) * a
        before = [len(t.watched_variables()), [tuple(v.shape) for v in t.watched_variables()]]
        y = y + L.sum(b)
    t.gradient(y, a)
    return [before, [tuple(v.shape) for v in t.watched_variables()], isinstance(t.watched_variables(), tuple)]


@same
def variables_are_read_by_value(L):
    v = L.Variable(2.0)
    with L.GradientTape(persistent=True) as t:
        y = v * v
        v.assign(5.0)
        z = v * v
    return [t.gradient(y, v), t.gradient(z, v), v]


@same
def rebinding_makes_a_tensor(L):
    v = L.Variable(2.0)
    with L.GradientTape() as t:
        w = v + 1.0
        y = w * w
    return t.gradient(y, [v, w])


@same
def assigning_cuts(L):
    v = L.Variable(2.0)
    (a,), tape = watched(L, 3.0)
    with tape as t:
        t.watch(a)
        v.assign(a * a)
        z = v * v
    return t.gradient(z, [a, v])


@same
def assign_add_reads_after(L):
    v = L.Variable(2.0)
    with L.GradientTape() as t:
        v.assign_add(1.0)
        y = v * v
    return t.gradient(y, v)


@same
def untrainable_variables(L):
    frozen, watched_one = L.Variable(2.0, trainable=False), L.Variable(3.0, trainable=False)
    with L.GradientTape() as t:
        t.watch(watched_one)
        y = frozen * watched_one * watched_one
    return t.gradient(y, [frozen, watched_one])


@same
def watch_accessed_variables_off(L):
    a, b = L.Variable(2.0), L.Variable(3.0)
    with L.GradientTape(watch_accessed_variables=False) as t:
        t.watch(b)
        y = a * b
    return t.gradient(y, [a, b])


@same
def variables_made_inside(L):
    with L.GradientTape() as t:
        v = L.Variable([2.0, 3.0])
        y = v * v
    return t.gradient(y, v)


@same
def watching_is_from_now_on(L):
    (x,), tape = watched(L, 3.0)
    with tape as t:
        y = x * x
        t.watch(x)
        z = y * x
    return t.gradient(z, x)


@same
def numpy_values_are_constants(L):
    (x,), tape = watched(L, [1.0, 2.0, 3.0])
    with tape as t:
        t.watch(x)
        y = L.constant(x.numpy()) * x
    return t.gradient(y, x)


@same
def nested_orders_one_to_three(L):
    (x,), tape = watched(L, 2.0)
    with tape as t3:
        t3.watch(x)
        with L.GradientTape() as t2:
            t2.watch(x)
            with L.GradientTape() as t1:
                t1.watch(x)
                y = x * x * x
            first = t1.gradient(y, x)
        second = t2.gradient(first, x)
    return [first, second, t3.gradient(second, x)]


@same
def inner_gradient_outside_the_outer_context(L):
    (x,), tape = watched(L, 2.0)
    with tape as outer:
        outer.watch(x)
        with L.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
    return outer.gradient(inner.gradient(y, x), x)


@same
def hessian_vector_product(L):
    (x,), tape = watched(L, [1.0, 2.0, 4.0])
    v = L.constant([1.0, 0.0, -2.0])
    with tape as outer:
        outer.watch(x)
        with L.GradientTape() as inner:
            inner.watch(x)
            y = L.sum(x * x * x) * L.sum(x)
        g = inner.gradient(y, x)
    return outer.gradient(g, x, output_gradients=v)


@same
def inner_tapes_see_only_their_own_watches(L):
    (x,), tape = watched(L, 2.0)
    v = L.Variable(3.0)
    with tape as outer:
        outer.watch(x)
        with L.GradientTape(watch_accessed_variables=False) as inner:
            y = x * v
    return [inner.gradient(y, [x, v]), outer.gradient(y, [x, v])]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_same_as_tensorflow(function):
    """Same result to the bit, or the same type of error."""
    assert_twins(function)
