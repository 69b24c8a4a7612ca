"""The numeric policy: ULP of the elementary functions, extreme logits, NaN and infinity, subnormals, the environment.

References are float64 (for float32) and mpmath with 40 digits (for float64). Bounds: 2 ULP for exp, log, log1p and
sigmoid, as promised; softmax has the relative error (|z_j - max| + n + 6) 2u of the reliability notes, section 2.2.
"""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import sys
import threading
from pathlib import Path

import densegrad as dg
import mpmath
import numpy as np
import pytest
from densegrad import _core
from loss_oracles import SPARSE
from oracles import softmax, softmax_relative, ulp
from rows import generator

FUNCTIONS = {
    "exp": (dg.ops.exp, np.exp, mpmath.exp, (-87.0, 88.0), (-700.0, 700.0)),
    "log": (dg.ops.log, np.log, mpmath.log, (0.0, 1e4), (0.0, 1e4)),
    "log1p": (dg.ops.log1p, np.log1p, mpmath.log1p, (-0.999, 1e4), (-0.999, 1e4)),
    "sigmoid": (dg.ops.sigmoid, None, lambda z: 1 / (1 + mpmath.exp(-z)), (-87.0, 40.0), (-700.0, 40.0)),
}
INF, NAN = np.inf, np.nan


def with_parameters(name):
    """The activation, with numbers where it has no defaults."""
    missing = [p for p, value in _core.activation_parameters(name) if value is not None and value != value]
    return functools.partial(getattr(dg.activations, name), **dict.fromkeys(missing, 0.5))


def samples(rng, low, high, n):
    """Uniform points, points close to 0 and to 1 on a logarithmic scale, and the ends."""
    small = np.exp(rng.uniform(-60, 2, n // 4)) * rng.choice([-1, 1], n // 4)
    x = np.concatenate([rng.uniform(low, high, n // 2), small, 1 + small / 64, [low, high]])
    return x[(x >= low) & (x <= high) & (x != 0)]


def sigmoid64(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_functions_are_within_2_ulp(name, seed):
    function, reference, _, (low, high), _ = FUNCTIONS[name]
    x = samples(generator(seed, name), low, high, 400_000).astype("float32")
    exact = (reference or sigmoid64)(x.astype("float64"))
    error = np.abs(np.asarray(function(x), "float64") - exact) / ulp(exact, "float32")
    assert error.max() <= 2, (x[error.argmax()], error.max())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_functions_are_within_2_ulp(name, seed):
    function, _, reference, _, (low, high) = FUNCTIONS[name]
    x = samples(generator(seed, name, 64), low, high, 3000)
    y, sizes = np.asarray(function(x)), ulp(np.asarray(function(x)), "float64")
    with mpmath.workdps(40):
        errors = [abs(mpmath.mpf(float(b)) - reference(mpmath.mpf(float(a)))) / s for a, b, s in zip(x, y, sizes)]
    assert max(errors) <= 2, x[int(np.argmax(np.array(errors, float)))]


@pytest.mark.parametrize("n", [2, 10, 100, 1000])
@pytest.mark.parametrize("scale", [1.0, 5.0, 20.0])
def test_softmax_is_within_its_bound(n, scale, seed):
    z = (generator(seed, n, scale).normal(size=(200, n)) * scale).astype("float32")
    exact = softmax(z.astype("float64"))
    error = np.abs(np.asarray(dg.ops.softmax(z), "float64") - exact)
    assert np.all(error <= softmax_relative(z.astype("float64"), "float32") * exact + np.finfo("float32").tiny)


# ---- Extreme values ----------------------------------------------------------------------------------------------

HEADS = [("softmax", "categorical_crossentropy"), ("softmax", "sparse_categorical_crossentropy"),
         ("sigmoid", "binary_crossentropy")]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("head,loss", HEADS)
@pytest.mark.parametrize("from_logits", [False, True])
def test_logits_of_ten_thousand_give_no_nan_anywhere(head, loss, from_logits, dtype):
    z = dg.constant(np.array([[1e4, -1e4, 0], [-1e4, -1e4, 1e4], [1e4, 1e4, 1e4]], dtype))
    t = np.array([1, 0, 2]) if loss.startswith("sparse") else np.eye(3, dtype=dtype)[[1, 0, 2]]
    with dg.GradientTape(persistent=True) as outer:
        outer.watch(z)
        with dg.GradientTape(persistent=True) as tape:
            tape.watch(z)
            a = z if from_logits else _core.activation(head, z)
            value = _core.loss(loss, t, a, None, from_logits, reduction="sum")
        g = tape.gradient(value, z)
        s = dg.ops.sum(g * g)
    da = tape.gradient(value, a)
    assert np.isfinite(float(value)) and float(value) >= 1e4 and np.all(np.isfinite(g.numpy()))
    assert not np.any(np.isnan(da.numpy()))  # -inf is the derivative of -log p at p = 0
    assert not np.any(np.isnan(outer.gradient(s, z).numpy()))


@pytest.mark.parametrize("from_logits", [False, True])
def test_infinite_logits_take_the_limit(from_logits):
    """z = +-inf under the right label costs nothing, under the wrong one inf; a class of label 0 may be at -inf."""
    z = dg.constant(np.array([[INF], [-INF], [INF], [-INF]], "float32"))
    t = np.array([[1.0], [0], [0], [1]], "float32")
    a = z if from_logits else dg.ops.sigmoid(z)
    assert np.array_equal(
        _core.loss("binary_crossentropy", t, a, None, from_logits, reduction="none"), [0, 0, INF, INF]
    )
    z = dg.constant(np.array([[1.0, 1.0, -INF]]))
    a = z if from_logits else dg.ops.softmax(z)
    value = _core.loss(
        "categorical_crossentropy", np.array([[1.0, 0, 0]]), a, None, from_logits, reduction="none"
    ).item()
    assert abs(value - np.log(2)) <= 2 * np.spacing(np.log(2))


def test_nan_in_nan_out_forwards_and_backwards():
    for name in _core.activation_names():
        x = dg.constant(np.array([[NAN, 1.0], [2.0, 3.0]]))
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = with_parameters(name)(x)
        assert np.isnan(y.numpy()[0, 0]) and not np.any(np.isnan(y.numpy()[1]))
        if name != "linear":
            assert np.isnan(tape.gradient(y, x).numpy()[0, 0])
    for name in _core.loss_names():
        for logits in (False, True)[: 1 + _core.loss_has_logits(name)]:
            p = dg.constant(np.array([[NAN, 0.5], [0.25, 0.75]]))
            t = np.array([1, 1]) if name in SPARSE else np.array([[0.0, 1], [0, 1]])
            with dg.GradientTape() as tape:
                tape.watch(p)
                values = _core.loss(name, t, p, None, logits, reduction="none")
            g = tape.gradient(values, p).numpy()
            assert np.isnan(values.numpy()[0]) and np.isfinite(values.numpy()[1]), (name, logits)
            assert np.isnan(g[0, 0]) and np.all(np.isfinite(g[1])), (name, logits)
    w = np.array([[0.0], [0.0]])
    assert np.isnan(dg.ops.dense(np.array([[NAN, 1.0]]), w)).all()  # 0 * NaN, also in a BLAS
    assert np.isnan(dg.ops.dense(np.array([[INF, 1.0]]), w)).all()


def test_relu_at_zero_and_beyond():
    x = dg.constant(np.array([0.0, -0.0, 5e-324, -5e-324, INF, -INF]))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.relu(x)
    assert np.array_equal(y.numpy(), [0, 0, 5e-324, 0, INF, 0])
    assert np.array_equal(tape.gradient(y, x).numpy(), [0, 0, 1, 0, 1, 0])


def test_edges_of_elementary_functions():
    x = np.array([0.0, -0.0, 1.0, -1.0, INF, -INF, NAN])
    expected = {"exp": [1, 1, np.e, 1 / np.e, INF, 0, NAN], "log": [-INF, -INF, 0, NAN, INF, NAN, NAN],
                "log1p": [0, -0.0, np.log(2), -INF, INF, NAN, NAN], "sqrt": [0, -0.0, 1, NAN, INF, NAN, NAN],
                "sign": [0, 0, 1, -1, 1, -1, NAN], "abs": [0, 0, 1, 1, INF, INF, NAN],
                "sigmoid": [0.5, 0.5, 1 / (1 + 1 / np.e), 1 / (1 + np.e), 1, 0, NAN]}  # fmt: skip
    for dtype in ("float32", "float64"):
        for name, values in expected.items():
            y = np.asarray(getattr(dg.ops, name)(dg.constant(x.astype(dtype))), np.float64)
            known = np.isfinite(values)
            assert np.array_equal(y[~known], np.array(values)[~known], equal_nan=True), name
            y, values = y[known], np.array(values)[known]
            assert np.all(np.abs(y - values) <= 2 * ulp(values, dtype) + 2.0**-53), name


def test_gradients_at_ties_and_edges_are_keras():
    cases = [
        (dg.ops.maximum, [[1.0], [1.0]], [[1], [0]]), (dg.ops.minimum, [[1.0], [1.0]], [[1], [0]]),
        (dg.ops.maximum, [[NAN], [1.0]], [[0], [1]]), (dg.ops.abs, [[0.0, NAN]], [[0, NAN]]),
        (dg.ops.sqrt, [[0.0, 4.0]], [[INF, 0.25]]), (dg.ops.log, [[0.0, -1.0]], [[INF, -1]]),
        (lambda x: dg.ops.clip(x, 0, 1), [[0.0, 1.0, -0.5, 1.5, NAN]], [[1, 1, 0, 0, 0]]),
        (dg.ops.max, [[1.0, 3.0, 3.0]], [[0, 0.5, 0.5]]), (dg.ops.power, [[2.0], [3.0]], [[12], [8 * np.log(2)]]),
        (dg.ops.power, [[0.0], [1.0]], [[1], [0]]), (lambda x: dg.ops.where(x > 0, x, 0.0), [[0.0, 2.0]], [[0, 1]]),
    ]  # fmt: skip
    for function, inputs, expected in cases:
        xs = [dg.constant(np.array(x)) for x in inputs]
        with dg.GradientTape() as tape:
            tape.watch(xs)
            y = function(*xs)
        for g, e in zip(tape.gradient(y, xs), expected, strict=True):
            assert np.allclose(g.numpy(), e, rtol=4 * 2.0**-53, atol=0, equal_nan=True), (function, g, e)


# ---- The floating-point environment ----------------------------------------------------------------------------------


def subnormals_are_kept():
    """In NumPy, in Python and in densegrad."""
    for dtype in ("float32", "float64"):
        tiny = np.finfo(dtype).smallest_subnormal
        x = dg.constant(np.full(33, tiny, dtype))
        kept = [x + x, x * 3.0, x @ np.ones(33, dtype), dg.ops.sum(x), dg.ops.relu(x), x / 1.0,
                dg.ops.dense(dg.constant(np.full((17, 33), tiny, dtype)), np.ones((33, 16), dtype))]  # fmt: skip
        if not all(np.all(k.numpy() > 0) for k in kept) or np.dtype(dtype).type(tiny) * 1 == 0:
            return False
        half = dg.constant(np.array([np.finfo(dtype).tiny], dtype)) / 2.0
        if not float(half) > 0:
            return False
    return sys.float_info.min / 2 > 0


def rounding_mode():
    return ctypes.CDLL(None).fegetround()


def mxcsr_flags_off():
    """Whether flush-to-zero and denormals-are-zero are off, seen from arithmetic."""
    x = np.array([np.finfo("float32").tiny], "float32")
    return float((x / 2)[0]) > 0 and float((np.array([1e-45], "float32") * 1)[0]) > 0


def test_subnormals_rounding_and_error_state_survive_import_and_calls(seed):
    before = rounding_mode(), np.geterr()
    assert subnormals_are_kept() and mxcsr_flags_off()
    x = generator(seed).normal(size=(64, 64))
    with np.errstate(all="raise"):  # nothing of ours goes through NumPy's arithmetic
        dg.ops.exp(np.array([1e4, -1e4]))
        dg.ops.log(np.array([0.0, -1.0]))
        dg.ops.divide(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
        dg.ops.matmul(x, x)
        dg.ops.dense_vjp(x, x, None, "softmax", x)
        dg.optimizers.Adam(weight_decay=0.1, use_ema=True).apply([dg.constant(x)], [dg.Variable(x)])
    assert (rounding_mode(), np.geterr()) == before
    assert subnormals_are_kept() and mxcsr_flags_off()


def test_subnormals_are_kept_in_every_thread():
    results = []
    threads = [threading.Thread(target=lambda: results.append(subnormals_are_kept())) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [True] * 3


BITS = """
{first}
import numpy as np, densegrad as dg, hashlib, threading
x = np.linspace(-3, 3, 4099 * 33).reshape(4099, 33).astype("float32")
w = np.cos(np.arange(33 * 17)).reshape(33, 17).astype("float32")
def work(out):
    y = dg.ops.dense(x, w, None, "softmax")
    grads = dg.ops.dense_vjp(x, w, None, "softmax", np.sin(y * 10))
    out.append(hashlib.sha256(b"".join(a.tobytes() for a in (y, *grads[:2]))).hexdigest())
out = []
work(out)
threads = [threading.Thread(target=work, args=(out,)) for _ in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]
print(*sorted(set(out)))
"""


def test_the_same_bits_in_every_process_whatever_runs_beside():
    """Other import order, other thread counts of other libraries, threads of our own."""
    path = os.pathsep.join(filter(None, [str(Path(_core.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    seen = set()
    firsts = [
        "",
        "import numpy; numpy.ones((300, 300)) @ numpy.ones((300, 300))",
        "import densegrad",
        "import random; random.seed(7)",
    ]
    for first, threads in zip(firsts, "1242", strict=True):
        env = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        done = subprocess.run([sys.executable, "-c", BITS.format(first=first)], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout.strip())
    assert len(seen) == 1 and len(seen.pop()) == 64
