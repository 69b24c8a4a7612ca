"""The life of a tape: what it records, for how long, and that nothing leaves it open or corrupt.

Asserted with exact values (powers of two and small integers). The decisions of the design are in test_decisions.py.
"""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from steps import cube_gradient


def test_none_where_unconnected_and_zero_on_request():
    x, other = dg.constant([1.0, 2.0]), dg.constant(np.ones((3, 2), "float64"))
    v = dg.Variable([1.0, 2.0, 3.0])
    with dg.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        y = x * x
    assert tape.gradient(y, other) is None and tape.gradient(y, v) is None
    assert tape.gradient(dg.ops.argmax(x), x) is None  # an integer target
    grads = tape.gradient(y, {"a": other, "b": [v, x]}, unconnected_gradients="zero")
    assert np.array_equal(grads["a"], np.zeros((3, 2))) and grads["a"].dtype == "float64"
    assert np.array_equal(grads["b"][0], np.zeros(3)) and np.array_equal(grads["b"][1], [2, 4])
    with pytest.raises(ValueError, match="`unconnected_gradients` is 'maybe': it must be 'none' or 'zero'"):
        tape.gradient(y, x, unconnected_gradients="maybe")


def test_persistent_gives_any_number_of_gradients_and_others_one_set():
    x = dg.constant(3.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * x
    assert [float(tape.gradient(t, x)) for t in (y, z, y, z)] == [6, 27, 6, 27]
    assert float(tape.gradient(z, y)) == 3
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 6
    with pytest.raises(RuntimeError, match="a non-persistent tape gives one set of gradients only"):
        tape.gradient(y, x)


def test_several_targets_add_up_and_structures_are_mirrored():
    x = dg.constant([1.0, 2.0])
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, z = x * x, x * 4
    assert np.array_equal(tape.gradient([y, z], x), [6, 8])
    assert np.array_equal(tape.gradient({"y": y, "z": (z,)}, x, output_gradients={"y": [1.0, 0.0], "z": ([0.0, 2.0],)}),
                          [2, 8])  # fmt: skip
    got = tape.gradient(y, {"x": x, "l": [x, (x, y)]})
    assert list(got) == ["x", "l"] and isinstance(got["l"][1], tuple)
    assert np.array_equal(got["l"][1][1], [1, 1]) and np.array_equal(got["l"][0], [2, 4])
    assert tape.gradient(y, []) == [] and tape.gradient([], x) is None
    assert np.array_equal(tape.gradient([x, x], x), [2, 2])  # the identity part


def test_nested_tapes_give_orders_one_to_three():
    x = dg.constant(2.0)
    with dg.GradientTape() as t3:
        t3.watch(x)
        with dg.GradientTape() as t2:
            t2.watch(x)
            with dg.GradientTape() as t1:
                t1.watch(x)
                y = x * x * x
            g1 = t1.gradient(y, x)
        g2 = t2.gradient(g1, x)
    g3 = t3.gradient(g2, x)
    assert [float(g) for g in (g1, g2, g3)] == [12, 12, 6]


def test_gradient_inside_the_context_is_recorded_by_a_persistent_tape_only():
    x = dg.constant(2.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        g = tape.gradient(x * x * x, x)
        h = tape.gradient(g, x)
    assert float(g) == 12 and float(h) == 12
    with dg.GradientTape() as tape:
        tape.watch(x)
        assert float(tape.gradient(x * x, x)) == 4
        assert not _core.recording()  # consumed: it records no more
        with pytest.raises(RuntimeError, match=r"\[GradientTape.watch\] the tape is not recording"):
            tape.watch(x)


def test_tape_is_closed_by_exceptions_and_the_next_one_works():
    x = dg.constant(2.0)
    for failing in (lambda: 1 / 0, lambda: x @ x, lambda: dg.ops.reshape(x, (7,)), lambda: np.sort(x)):
        with pytest.raises((ZeroDivisionError, ValueError, TypeError)):
            with dg.GradientTape() as outer:
                outer.watch(x)
                with dg.GradientTape() as inner:
                    inner.watch(x)
                    failing()
        assert not _core.recording()
        assert cube_gradient() == 12


def test_exception_in_gradient_leaves_a_persistent_tape_usable():
    x = dg.constant([1.0, 2.0])
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    for bad in (lambda: tape.gradient(y, x, output_gradients=np.ones(3)), lambda: tape.gradient(y, [x, 1.0]),
                lambda: tape.gradient("y", x), lambda: tape.gradient(None, x)):  # fmt: skip
        with pytest.raises((ValueError, TypeError), match=r"^\[GradientTape.gradient\] "):
            bad()
        assert np.array_equal(tape.gradient(y, x), [2, 4])


def test_a_bad_argument_does_not_consume_a_tape_of_one_use():
    """Bad input changes nothing: the one set of gradients is still to be had."""
    x = dg.constant([1.0, 2.0])
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(ValueError, match="`output_gradients` 0 has shape"):
        tape.gradient(y, x, output_gradients=np.ones(3, "float32"))
    assert np.array_equal(tape.gradient(y, x), [2, 4])


def test_reentry_continues_and_entering_twice_is_refused():
    x = dg.constant(2.0)
    tape = dg.GradientTape(persistent=True)
    with tape:
        tape.watch(x)
        y = x * x
        with pytest.raises(ValueError, match="the tape is still recording: it cannot be entered again"):
            tape.__enter__()
    unseen = y * 3
    with tape:
        z = y * x
    assert float(tape.gradient(z, x)) == 12 and tape.gradient(unseen, x) is None
    single = dg.GradientTape()
    with single:
        single.watch(x)
        y = x * x
    assert float(single.gradient(y, x)) == 4
    with single:  # a consumed tape starts afresh, with nothing watched
        z = x * x
    assert single.gradient(z, x) is None


def test_reset_forgets_operations_and_watches():
    x, v = dg.constant(2.0), dg.Variable(2.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = v * v * x
        assert tape.watched_variables() == (v,)
        tape.reset()
        assert tape.watched_variables() == ()
        z = y * v
    assert float(tape.gradient(z, v)) == 8 and tape.gradient(z, x) is None
    with pytest.raises(ValueError, match=r"\[GradientTape.reset\] the tape is not recording"):
        tape.reset()


def test_stop_recording_makes_constants_also_when_left_by_an_exception():
    x = dg.constant(2.0)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tape.stop_recording():
            assert not _core.recording()
            y = x * x
        z = x * y
        with pytest.raises(KeyError), tape.stop_recording():
            raise KeyError
        w = x * x
    assert float(tape.gradient(z, x)) == 4 and float(tape.gradient(w, x)) == 4
    with pytest.raises(ValueError, match=r"\[GradientTape.stop_recording\] the tape is not recording"):
        with tape.stop_recording():
            pass


def test_operations_before_the_watch_and_after_the_context_are_not_recorded():
    x = dg.constant(2.0)
    with dg.GradientTape(persistent=True) as tape:
        early = x * x
        tape.watch(x)
        y = x * x
    late = y * x
    assert tape.gradient(early, x) is None and tape.gradient(late, x) is None and float(tape.gradient(y, x)) == 4


def test_variables_are_watched_when_read():
    v, fixed = dg.Variable(3.0, name="v"), dg.Variable(2.0, trainable=False)
    with dg.GradientTape(persistent=True) as tape:
        y, z = v * v, fixed * fixed
    assert float(tape.gradient(y, v)) == 6 and tape.gradient(z, fixed) is None
    assert tape.watched_variables() == (v,)
    with dg.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        y = v * v
        tape.watch(fixed)
        z = fixed * fixed
    assert tape.gradient(y, v) is None and float(tape.gradient(z, fixed)) == 4
    c = dg.constant(5.0)
    with dg.GradientTape() as tape:  # an operation of something watched with something unwatched
        y = v * fixed * c
    dv, dfixed, dc = tape.gradient(y, [v, fixed, c])
    assert float(dv) == 10 and dfixed is None and dc is None
    with dg.GradientTape() as tape:
        assert v.shape == () and v.dtype == "float32" and v.ndim == 0  # no values: no reading
    assert tape.watched_variables() == ()


def test_watching_an_integer_warns_and_gives_none():
    i = dg.constant([1, 2])
    with dg.GradientTape(persistent=True) as tape:
        with pytest.warns(UserWarning, match=r"`tensor` is int32: only float32 and float64 have gradients"):
            tape.watch(i)
        y = dg.ops.cast(i, "float32") * 2.0
    assert tape.gradient(y, i) is None
    x = dg.constant([1.5, 2.5])
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.cast(dg.ops.cast(x, "int32"), "float32") * x
    assert np.array_equal(tape.gradient(y, x), [1, 2])  # the way through the integers is cut


def test_watch_of_a_structure_of_tensors_and_of_anything_else():
    x, v = dg.constant(2.0), dg.Variable(3.0, trainable=False)
    with dg.GradientTape() as tape:
        tape.watch({"a": [x], "b": (v,)})
        tape.watch([])
        for bad in (1.0, np.ones(2), None, "x", [x, 1.0]):
            with pytest.raises(TypeError, match="only tensors and variables can be watched"):
                tape.watch(bad)
        y = x * v
    assert [float(g) for g in tape.gradient(y, [x, v])] == [3, 2]


LINALG = ("cholesky", "det", "eigh", "eigvalsh", "inv", "solve")


def test_numpy_functions_have_numpys_defaults():
    """Each function of the table, with its required arguments only: on a tensor it gives what it gives on an array."""
    from densegrad import _numpy_protocol

    a = np.arange(6.0, dtype="float32").reshape(2, 3)
    square, of_squares = np.array([[4, 2], [2, 2]], "float32"), {getattr(np.linalg, name) for name in LINALG}
    extra = {np.reshape: [(3, 2)], np.broadcast_to: [(4, 2, 3)], np.take: [[4, 1]], np.swapaxes: [0, 1],
             np.moveaxis: [0, 1], np.expand_dims: [1], np.split: [2], np.tile: [2], np.repeat: [2], np.clip: [1, 3],
             np.take_along_axis: [np.array([[1]])], np.dot: [a.T], np.vdot: [a], np.inner: [a], np.outer: [a],
             np.tensordot: [a], np.full_like: [3.0], np.linalg.solve: [square]}  # fmt: skip
    lists = (np.concatenate, np.stack)
    for function in _numpy_protocol._FUNCTIONS:
        if function in lists:
            of_array, of_tensor = function([a, a]), function([dg.constant(a), dg.constant(a)])
        elif function is np.where:
            of_array, of_tensor = function(a > 2, a, 0 * a), function(a > 2, dg.constant(a), 0 * dg.constant(a))
        else:
            more = extra.get(function, [])
            given = square if function in of_squares else a
            if "eig" in function.__name__:  # which rounds, but for a diagonal
                given = np.diag(square.diagonal())
            of_array, of_tensor = function(given, *more), function(dg.constant(given), *more)
        if function in (np.split, np.linalg.eigh):
            of_array, of_tensor = (pair[function is np.split] for pair in (of_array, of_tensor))
        assert isinstance(of_tensor, dg.Tensor), function
        np.testing.assert_array_equal(of_tensor.numpy(), of_array, err_msg=str(function))


def test_numpy_arguments_without_a_counterpart_are_refused_on_a_tape():
    """An argument that has no rule falls back to NumPy, or raises under a tape; errors of a rule are its own."""
    x = dg.constant([[1.0, 2.0]])
    assert isinstance(np.sum(x, dtype="float64"), np.float64)
    with dg.GradientTape() as tape:
        tape.watch(x)
        for call in (lambda: np.sum(x, 0, np.float64), lambda: np.max(x, initial=0.0), lambda: np.where(x, 1)):
            with pytest.raises(TypeError, match="has no recorded rule"):
                call()
        assert np.shape(x) == (1, 2) and np.ndim(x) == 2 and np.size(x) == 2
    with pytest.raises(TypeError, match=r"\[concatenate\] `xs\[0\]` is float32"):
        np.concatenate([x, dg.constant([[1.0, 2.0]], "float64")])


def test_integer_scalars_are_indices_and_floats_are_not():
    assert [10, 20][dg.constant(1)] == 20
    assert [float(row) for row in dg.constant([1.0, 2.0])] == [1.0, 2.0]


def test_tensors_and_variables_are_pickled_by_value():
    import copy
    import pickle

    v = dg.Variable([1.0, 2.0], trainable=False, name="v")
    v.path = "layer/v"
    for w in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (w.name, w.path, w.trainable, w.numpy().tolist()) == ("v", "layer/v", False, [1.0, 2.0])
        w.assign([3.0, 4.0])
    assert v.numpy().tolist() == [1.0, 2.0]
    assert pickle.loads(pickle.dumps(dg.constant([1.5]))).numpy().tolist() == [1.5]
    assert pickle.loads(pickle.dumps(dg.Input((3,)))).shape == (None, 3)


def test_a_callback_may_reset_the_tape_that_is_being_walked():
    x = dg.constant([2.0])

    @dg.custom_gradient
    def twice(a):
        return a * 2.0, lambda dy: (tape.reset(), dy * 2.0)[1]

    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = twice(x * 3.0)
        assert tape.gradient(y, x).numpy() == 6.0


def test_structures_that_hold_themselves_are_refused():
    endless, loop = [], {}
    endless.append(endless)
    loop["loop"] = loop
    with dg.GradientTape() as tape:
        for structure in (endless, loop):
            with pytest.raises(RecursionError):
                tape.watch(structure)


def test_constant_of_a_tensor_passes_its_gradient_and_that_of_a_variable_does_not():
    x, v = dg.constant([1.0, 2.0]), dg.Variable([1.0, 2.0])
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = dg.constant(x * x) * 2.0
        z = dg.constant(v) * 2.0
    assert tape.gradient(y, x).numpy().tolist() == [4, 8]
    assert tape.gradient(z, v) is None
