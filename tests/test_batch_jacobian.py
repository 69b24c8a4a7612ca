"""`batch_jacobian`: the Jacobian of every sample. Numbers are small and dyadic, so comparisons are exact."""

from __future__ import annotations

import functools
import subprocess
import sys

import densegrad as dg
import numpy as np
import pytest

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
W = np.array([[1.0, -2.0, 3.0], [2.0, 1.0, -1.0], [-1.0, 3.0, 2.0]])


def test_batch_jacobian_of_independent_rows():
    x = dg.constant(A)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = dg.ops.dense(x, np.ones((3, 4)), None, "relu") * np.array([1.0, 2.0, 3.0, 4.0])
    found = tape.batch_jacobian(y, x)
    np.testing.assert_array_equal(found.numpy(), np.broadcast_to([[[1.0], [2.0], [3.0], [4.0]]], (2, 4, 3)))
    assert tape.batch_jacobian(y, dg.constant(A)) is None
    assert tape.batch_jacobian(y, dg.constant(A), unconnected_gradients="zero").shape == (2, 4, 3)
    empty = dg.constant(np.zeros((0, 3)))
    with dg.GradientTape() as tape:
        tape.watch(empty)
        y = empty * 2.0
    assert tape.batch_jacobian(y, empty).shape == (0, 3, 3)


@pytest.mark.parametrize("rows", [1, 2, 300])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: dg.ops.dense(dg.ops.dense(x, w, None, "relu"), w),
        lambda x, w: dg.activations.relu(dg.ops.dense(dg.activations.relu(x), w, w[0], "leaky_relu")),
        lambda x, w: dg.ops.dense(x, w, None, "relu").z,
        lambda x, w: dg.ops.dense(x, w) * x,  # a product needs the rows one by one
        lambda x, w: x + dg.ops.dense(x * x, w, None, "relu"),
        lambda x, w: dg.ops.dense(dg.ops.reshape(x, (-1, 1, 3)), w, None, "relu"),
        lambda x, w: x,
    ],
    ids=["dense", "activation", "z", "product", "sum", "rank 3", "itself"],
)
def test_batch_jacobian_is_the_diagonal_of_the_jacobian(function, rows):
    """Of its derivatives by other tensors, too."""
    rng = np.random.default_rng(0)
    x, w = dg.constant(rng.integers(-4, 5, (rows, 3)) + 0.5), dg.constant(W)
    few = dg.constant(x.numpy()[-2:])

    def taken(point, by_row):
        with dg.GradientTape() as outer:
            outer.watch([point, w])
            with dg.GradientTape() as inner:
                inner.watch(point)
                y = function(point, w)
            if by_row:
                found = inner.batch_jacobian(y, point)
            else:
                each = dg.ops.unstack(inner.jacobian(y, point))
                found = dg.ops.stack([row[..., i, :] for i, row in enumerate(each)])
            total = dg.ops.sum(found * found * found)
        return found.numpy(), outer.gradient(total, [point, w], unconnected_gradients="zero")

    found, gradients = taken(x, True)
    expected, slopes = taken(few, False)
    np.testing.assert_array_equal(found[-2:], expected)
    np.testing.assert_array_equal(gradients[0].numpy()[-2:], slopes[0].numpy())
    if rows <= 2:
        np.testing.assert_array_equal(gradients[1].numpy(), slopes[1].numpy())


def test_batch_jacobian_in_a_batch_and_beside_a_custom_gradient():
    """vmap of it, and a rule that reads values, which is asked once per entry of a row."""

    @dg.custom_gradient
    def square(x):
        return x * x, lambda dy: 2.0 * x * np.asarray(dy)

    def jacobian(function, x):
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.batch_jacobian(y, x)

    both = np.stack([A, -2 * A])
    dense = functools.partial(jacobian, lambda x: dg.ops.dense(dg.ops.dense(x, W, None, "relu"), W))
    one_by_one = [dense(dg.constant(x)).numpy() for x in both]
    np.testing.assert_array_equal(dg.vmap(dense)(both).numpy(), one_by_one)
    np.testing.assert_array_equal(
        jacobian(lambda x: dg.ops.dense(square(x), W), dg.constant(A)).numpy(), W.T * 2 * A[:, None, :]
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_batch_jacobian_needs_its_result_and_one_buffer():
    """Peak memory of a 64-128-10 net: the result, one buffer of batch x outputs x widest layer, 2 MiB for the BLAS."""
    code = """
import numpy as np, densegrad as dg
B, I, H, O = 4096, 64, 128, 10
def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) / 1024
w1, w2 = (dg.Variable(np.ones(s, "float32")) for s in ((I, H), (H, O)))
def run(b):
    x = dg.constant(np.ones((b, I), "float32"))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.dense(dg.ops.dense(x, w1, None, "relu"), w2)
    before = status("VmRSS")
    return tape.batch_jacobian(y, x), before
run(64)
result, before = run(B)
print(status("VmHWM") - before, B * O * I * 4 / 2**20, B * O * H * 4 / 2**20)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    peak, result, buffer = map(float, out.split())
    assert result < peak <= result + buffer + 2
