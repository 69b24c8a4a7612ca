"""The decisions of docs/architecture.md, a named test each, as far as they are about tensors and tapes.

Others have files of their own: cross-entropy heads test_heads.py, the primitives' contract and closure
test_gradcheck.py, loading of the BLAS test_packaging.py, reference cycles test_collection.py, randomness
test_initializers.py.
"""

from __future__ import annotations

import inspect
import threading

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from rows import generator
from steps import optimizer_update
from tables import ROWS


def test_symbolic_tensors_flow_with_an_unknown_first_axis_and_raise_when_read():
    x = _core.placeholder((None, 4))
    w, b = dg.Variable(np.ones((4, 3), "float32")), dg.Variable(np.zeros(3, "float32"))
    y = dg.ops.dense(x, w, b, "softmax")
    assert y.is_symbolic and y.shape == (None, 3) and y.z.shape == (None, 3) and y.size is None
    t = _core.placeholder((None, 3))
    assert _core.loss("categorical_crossentropy", t, y, reduction="none").shape == (None,)
    assert _core.loss("mean_squared_error", t, y).shape == ()
    assert _core.loss("sparse_categorical_crossentropy", _core.placeholder((None,), "int64"), y).shape == ()
    shapes = {
        (None, 3): [dg.ops.exp(y), y + y, y * 2.0, dg.ops.where(y > 0.5, y, 0.0), dg.ops.clip(y, 0, 1), y[:, ::-1],
                    y @ np.eye(3)],
        (None,): [dg.ops.sum(y, axis=1), dg.ops.max(y, axis=-1), dg.ops.argmax(y, -1), y[:, 0],
                  dg.ops.logsumexp(y, axis=1)],
        (3,): [dg.ops.sum(y, axis=0)], (): [dg.ops.mean(y)],
        (None, 1, 3): [dg.ops.reshape(y, (-1, 1, 3))], (None, 6): [dg.ops.concatenate([y, y], 1)],
    }  # fmt: skip
    for shape, tensors in shapes.items():
        assert all(s.is_symbolic and s.shape == shape for s in tensors)
    for read in (np.asarray, float, int, bool, lambda s: s.numpy(), lambda s: s.item()):
        with pytest.raises(
            (RuntimeError, ValueError), match=r"is symbolic and has no values|only a tensor with one entry"
        ):
            read(y)
    for tensor in (dg.ops.mean(y), dg.ops.sum(y)):
        with pytest.raises(RuntimeError, match=r"\[tensor\] this tensor of shape \(\) is symbolic and has no values"):
            float(tensor)
    assert "symbolic" in repr(y)
    with pytest.raises(TypeError, match=r"\[len\] the first axis of this symbolic tensor is unknown"):
        len(y)
    with pytest.raises(ValueError, match=r"x.shape\[1\] must equal kernel.shape\[0\]"):
        dg.ops.dense(_core.placeholder((None, 5)), w)


def test_gradients_of_symbolic_tensors_are_symbolic_or_say_why_not():
    x = _core.placeholder((None, 4))
    w = dg.Variable(np.ones((4, 3), "float32"))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.sum(dg.ops.dense(x, w, None, "sigmoid"))
    try:
        dx, dw = tape.gradient(y, [x, w])
    except RuntimeError as error:
        assert "symbolic" in str(error)
    else:
        assert dx.shape == (None, 4) and dx.is_symbolic and dw.shape == (4, 3) and dw.is_symbolic


def test_the_same_bits_in_any_run_and_any_thread(seed):
    """Every row, repeated, and computed by four threads at once."""
    rows = [
        row
        for row in ROWS
        if row.primitive in ("dense", "matmul", "sum", "logsumexp", "loss", "loss_grad", "activation")
    ]
    data = {row.name: row.draw(generator(seed, row), row.shapes[row.example]) for row in rows}
    expected = {row.name: np.asarray(row.call(*data[row.name])).tobytes() for row in rows}
    wrong = []

    def work():
        for row in rows:
            if np.asarray(row.call(*data[row.name])).tobytes() != expected[row.name]:
                wrong.append(row.name)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    work()
    assert not wrong


def test_assignment_after_recording_changes_neither_gradients_nor_kept_results():
    v = dg.Variable(np.array([2.0, 3.0], "float32"))
    with dg.GradientTape(persistent=True) as tape:
        read = v.value
        y = v * v
        v.assign([5.0, 5.0])
        z = v * v
        kept = dg.ops.reshape(v.value, (2, 1))
        v.assign_add([1.0, 1.0])
    v.assign_sub(np.ones(2))
    v.assign([0.0, 0.0])
    assert np.array_equal(tape.gradient(y, v), [4, 6]) and np.array_equal(tape.gradient(z, v), [10, 10])
    assert np.array_equal(read, [2, 3]) and np.array_equal(kept, [[5], [5]]) and np.array_equal(y, [4, 9])


def test_optimizer_steps_do_not_change_recorded_gradients():
    v = dg.Variable(np.array([2.0, 3.0]))
    slots = [dg.Variable(np.zeros(2)) for _ in range(2)]
    with dg.GradientTape(persistent=True) as tape:
        y = v * v
    before = slots[0].value
    optimizer_update("adam", v, np.ones(2), slots, 0.1, (0.9, 0.999, 1e-7), 1)
    assert np.array_equal(tape.gradient(y, v), [4, 6]) and np.array_equal(before, [0, 0])
    assert not np.array_equal(v.numpy(), [2, 3])


def test_inputs_are_copied_and_results_are_copies():
    x = np.ones((2, 3), "float32")
    t, v = dg.constant(x), dg.Variable(x)
    y = dg.ops.dense(x, np.eye(3, dtype="float32"))
    x[:] = 7
    assert np.all(t.numpy() == 1) and np.all(v.numpy() == 1) and np.all(y == 1)
    for tensor in (t, v):
        for out in (tensor.numpy(), np.asarray(tensor), np.array(tensor)):
            out[:] = 9
            assert np.all(tensor.numpy() == 1)
    with pytest.raises(TypeError):
        t[0] = 1.0


def test_slices_and_reshapes_that_share_storage_survive_their_base():
    v = dg.Variable(np.arange(6.0).reshape(3, 2))
    part, flat = v.value[1:], dg.ops.reshape(v.value, (-1,))
    v.assign(np.zeros((3, 2)))
    del v
    junk = [dg.constant(np.full(6, 9.0)) for _ in range(100)]
    assert np.array_equal(part, [[2, 3], [4, 5]]) and np.array_equal(flat, np.arange(6)) and len(junk) == 100
    x = dg.constant(np.arange(6.0))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.reshape(x, (3, 2))[1:]
        z = dg.ops.sum(y * y)
        del y
    assert np.array_equal(tape.gradient(z, x), [0, 0, 4, 6, 8, 10])


def test_exits_are_noted_with_file_and_line():
    x, v, other = dg.constant([2.0]), dg.Variable([3.0]), dg.constant([1.0])
    with dg.GradientTape() as tape:
        tape.watch(x)
        line = inspect.currentframe().f_lineno
        x.numpy()
        np.asarray(x * 2.0)
        float(x), int(x), bool(x), x.item()
        (v * x).numpy()
        other.numpy()  # not followed by the tape: no exit
    exits = [cut for cut in tape._cuts() if not cut[2]]
    found = [(kind, at - line, file) for kind, _, _, file, at in exits]
    kinds = [("numpy", 1), ("__array__", 2), ("float", 3), ("int", 3), ("bool", 3), ("item", 3), ("numpy", 4)]
    assert found == [(kind, at, __file__) for kind, at in kinds]
    assert exits[0][1] == [x.id]


@pytest.mark.parametrize("call", [np.median, np.cbrt, np.add.accumulate, np.multiply.outer,
                                  lambda t: np.sort(t, kind="stable"), lambda t: np.add(t, t, out=np.zeros(2)),
                                  lambda t: np.exp(t, dtype="float64")])  # fmt: skip
def test_numpy_functions_without_a_rule_raise_on_an_open_tape_and_work_without(call):
    x = dg.constant(np.array([4.0, 1.0]))
    args = (x, x) if call == np.multiply.outer else (x,)
    with dg.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(
            TypeError, match=r"\[numpy\.\w+\] has no recorded rule for these arguments, and a tape is open"
        ):
            call(*args)
    assert isinstance(call(*args), (np.ndarray, np.generic))


def test_numpy_functions_with_a_rule_are_recorded():
    x = dg.constant(np.array([[4.0, 1.0]]))
    a = np.array([[2.0, 3.0]])
    calls = [np.exp, np.log, np.sqrt, np.square, np.abs, np.negative, np.log1p, lambda t: np.sum(t, axis=1),
             lambda t: np.mean(t), lambda t: np.max(t, axis=-1), lambda t: np.reshape(t, (2, 1)), np.transpose,
             lambda t: np.concatenate([t, a], 0), lambda t: np.where(a > 2, t, a), lambda t: np.broadcast_to(t, (3, 2)),
             lambda t: np.take(t, [0], axis=1), lambda t: a @ np.transpose(t), lambda t: a * t, lambda t: a / t,
             lambda t: np.maximum(a, t), lambda t: np.power(t, a), lambda t: a - t,
             lambda t: np.float64(2) * t]  # fmt: skip
    for call in calls:
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = call(x)
        assert isinstance(y, dg.Tensor) and y.dtype == "float64"
        assert tape.gradient(y, x) is not None
        assert np.allclose(y.numpy(), np.asarray(call(x.numpy())), rtol=8 * 2.0**-53, atol=0)  # a few ULP


def test_a_layer_is_a_source_if_it_was_called_once():
    layer = dg.layers.Dense(2, activation="relu", kernel_initializer="ones")
    x = dg.constant(np.ones((1, 3), "float32"))
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = layer(x)
        loss = dg.ops.sum(y * y)
    assert np.array_equal(tape.gradient(loss, layer), tape.gradient(loss, y))
    got = tape.gradient(loss, {"layer": layer, "z": y.z, "x": x})
    assert (
        np.array_equal(got["layer"], [[6, 6]])
        and np.array_equal(got["z"], [[6, 6]])
        and np.array_equal(got["x"], [[12] * 3])
    )
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
    for calls in (0, 2):
        with tape:
            for _ in range(calls):
                y = layer(x)
        with pytest.raises(
            ValueError, match=f"was called {calls} times on this tape: a layer as a source must have been"
        ):
            tape.gradient(y, layer)


def test_z_is_present_without_a_tape_and_only_on_layer_outputs():
    y = dg.ops.dense(dg.constant(np.ones((1, 2), "float32")), np.ones((2, 2), "float32"), None, "sigmoid")
    assert np.array_equal(y.z, [[2, 2]])
    linear = dg.ops.dense(dg.constant(np.ones((1, 2), "float32")), np.ones((2, 2), "float32"))
    assert np.array_equal(linear.z, linear)
    assert np.array_equal(dg.ops.relu(dg.constant([-1.0, 2.0])).z, [-1, 2])
    for t in (y + 1.0, dg.constant(1.0), dg.ops.identity(y), y[0]):
        with pytest.raises(AttributeError, match="this tensor has no pre-activation"):
            t.z  # noqa: B018


def test_a_refused_argument_changes_nothing():
    w, slots = dg.Variable(np.ones((2, 3), "float32"), name="w"), [dg.Variable(np.zeros((2, 3), "float32"))]
    calls = [lambda: w.assign(np.ones(3)), lambda: w.assign_add(np.ones((3, 2))), lambda: w.assign("text"),
             lambda: optimizer_update("sgd", w, np.ones((3, 2)), slots, 0.1, (0.9, 0), 1),
             lambda: optimizer_update("sgd", w, np.ones((2, 3)), slots * 2, 0.1, (0.9, 0), 1),
             lambda: optimizer_update("sgd", w, np.ones((2, 3)), slots, 0.1, (0.9,), 1),
             lambda: optimizer_update("adam", w, np.ones((2, 3)), slots, 0.1, (0.9, 0.9, 1), 1),
             lambda: optimizer_update("lamb", w, np.ones((2, 3)), slots, 0.1, (0.9, 0), 1)]  # fmt: skip
    for call in calls:
        with pytest.raises((ValueError, TypeError)):
            call()
        assert np.array_equal(w, np.ones((2, 3))) and np.array_equal(slots[0], np.zeros((2, 3)))
