"""The thread pool: the same bits for 1, 2, 3 and 4 threads, in forked children, and with many Python threads at once.

The shapes are large enough that work is shared: `test_a_large_product_starts_threads...` in test_packaging.py counts
threads, and the driver in tests/cpp looks at the pool itself.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core

DTYPES = ["float32", "float64"]
# Python 3.12 warns of any fork with threads; that it goes well is what is tested.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def kept_number():
    before = dg.get_num_threads()
    yield
    dg.set_num_threads(before)


def bits(arrays):
    return [np.asarray(a).tobytes() for a in arrays]


def assert_same_bits(compute):
    """`compute()`, a list of arrays, with 1, 2, 3 and 4 threads."""
    dg.set_num_threads(1)
    expected = bits(compute())
    for threads in (2, 3, 4, 2):
        dg.set_num_threads(threads)
        assert bits(compute()) == expected, threads


def draw(seed, *shape, dtype="float32"):
    return np.random.default_rng(seed).uniform(-2, 2, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows, features, units", [(256, 784, 512), (301, 131, 257), (67, 1031, 129), (2049, 33, 17)])
@pytest.mark.parametrize("activation", ["relu", "softmax"])
def test_a_dense_layer_and_its_gradients_have_the_same_bits_for_any_number_of_threads(
    seed, dtype, rows, features, units, activation
):
    x, w = draw(seed, rows, features, dtype=dtype), draw(seed + 1, features, units, dtype=dtype)
    b, dy = draw(seed + 2, units, dtype=dtype), draw(seed + 3, rows, units, dtype=dtype)
    assert_same_bits(lambda: [dg.ops.dense(x, w, b, activation), *dg.ops.dense_vjp(x, w, b, activation, dy)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", _core.activation_names())
def test_an_activation_has_the_same_bits_for_any_number_of_threads(seed, dtype, name):
    x = draw(seed, 521, 263, dtype=dtype)

    def compute():
        v = dg.constant(x)
        with dg.GradientTape() as tape:
            tape.watch(v)
            y = dg.activations.get(name)(v, *((0.5, 0.1) if name == "threshold" else ()))
        return [y, tape.gradient(y, v)]

    assert_same_bits(compute)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", ["CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError", "CosineSimilarity"]
)
@pytest.mark.parametrize("columns", [1, 97])
def test_a_loss_has_the_same_bits_for_any_number_of_threads(seed, dtype, name, columns):
    p = np.abs(draw(seed, 70_003 // columns, columns, dtype=dtype)) / 4 + 0.1
    t = np.abs(draw(seed + 1, 70_003 // columns, columns, dtype=dtype)) / 2

    def compute():
        v = dg.constant(p)
        with dg.GradientTape() as tape:
            tape.watch(v)
            loss = getattr(dg.losses, name)(dtype=dtype)(t, v)
        return [loss, tape.gradient(loss, v)]

    assert_same_bits(compute)


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion", "Ftrl", "AdamW"]
)
def test_an_update_has_the_same_bits_for_any_number_of_threads(seed, name):
    w, grads = draw(seed, 257, 263), draw(seed + 1, 3, 257, 263)

    def compute():
        v = dg.Variable(w)
        optimizer = getattr(dg.optimizers, name)(
            learning_rate=0.01, use_ema=True, ema_momentum=0.9, global_clipnorm=5.0
        )
        for g in grads:
            optimizer.apply_gradients([(g, v)])
        return [v, *optimizer.variables]

    assert_same_bits(compute)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_training_run_has_the_same_bits_for_any_number_of_threads(seed, dtype):
    x, y = draw(seed, 300, 401, dtype=dtype), np.arange(300) % 10

    def compute():
        dg.set_random_seed(3)
        model = dg.Sequential(
            [
                dg.layers.Dense(131, activation="tanh", dtype=dtype),
                dg.layers.Dense(67, activation="relu", dtype=dtype),
                dg.layers.Dense(10, activation="softmax", dtype=dtype),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        history = model.fit(x, y, batch_size=128, epochs=2, verbose=0)
        return [*history.history["loss"], *model.get_weights(), model.predict(x, verbose=0)]

    assert_same_bits(compute)


def test_set_num_threads_is_what_get_num_threads_returns():
    for n in (1, 3, np.int64(4), 64):
        dg.set_num_threads(n)
        assert dg.get_num_threads() == n == dg.show_config()["num_threads"]
    for n in (2.0, "2", None, True):
        with pytest.raises(TypeError) as error:
            dg.set_num_threads(n)
        assert str(error.value) == f"[set_num_threads] `n` is {n!r}: it must be an integer from 1 to 64."
    for n in (0, -1, 65, -(2**62), 2**62):
        with pytest.raises(ValueError) as error:
            dg.set_num_threads(n)
        assert str(error.value) == f"[set_num_threads] `n` is {n}: it must be an integer from 1 to 64."
    with pytest.raises(ValueError, match="from 1 to 64"):
        dg.set_num_threads(10**30)
    assert dg.get_num_threads() == 64


def in_a_new_process(code, **env):
    path = os.pathsep.join(filter(None, [str(Path(_core.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    without = {k: v for k, v in os.environ.items() if not k.endswith("NUM_THREADS")}
    return subprocess.run([sys.executable, "-c", code], env=without | {"PYTHONPATH": path} | env,
                          capture_output=True, text=True, timeout=120)  # fmt: skip


def test_the_initial_number_is_the_least_of_cpus_and_environment():
    ask = "import densegrad as dg; print(dg.get_num_threads())"
    plain = int(in_a_new_process(ask).stdout)
    assert 1 <= plain <= os.cpu_count()
    assert in_a_new_process(ask, DENSEGRAD_NUM_THREADS="1").stdout == "1\n"
    assert in_a_new_process(ask, OMP_NUM_THREADS="1,2").stdout == "1\n"
    assert int(in_a_new_process(ask, OMP_NUM_THREADS="999", DENSEGRAD_NUM_THREADS="999").stdout) == plain
    assert int(in_a_new_process(ask, OMP_NUM_THREADS="all").stdout) == plain
    if hasattr(os, "sched_setaffinity"):
        one = f"import os; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}}); {ask}"
        assert in_a_new_process(one).stdout == "1\n"
    refused = in_a_new_process(ask, DENSEGRAD_NUM_THREADS="two").stderr
    assert "InvalidArgumentError: [threads] DENSEGRAD_NUM_THREADS is 'two': it must be a positive integer." in refused


def work(seed=5):
    """Products and passes long enough for the pool."""
    x, w = draw(seed, 300, 301), draw(seed + 1, 301, 257)
    return b"".join(
        bits([dg.ops.dense(x, w, None, "tanh"), *dg.ops.dense_vjp(x, w, None, "tanh", draw(seed, 300, 257))[:2]])
    )


@forks
def test_a_forked_child_computes_the_same():
    dg.set_num_threads(3)
    expected = work()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            os._exit(0 if work() == expected and dg.get_num_threads() == 3 else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert work() == expected


@forks
def test_processes_started_by_fork_compute_the_same():
    dg.set_num_threads(2)
    expected = work()
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(work, [5] * 6) == [expected] * 6


@forks
def test_a_fork_while_another_thread_computes():
    dg.set_num_threads(3)
    expected, stop = work(), threading.Event()

    def keep_busy():
        while not stop.is_set():
            work(7)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if work() == expected else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        busy.join()


def test_many_python_threads_compute_the_same_while_the_number_changes():
    dg.set_num_threads(2)
    expected, wrong = {k: work(k) for k in range(4)}, []

    def repeat(k):
        for _ in range(6):
            if work(k) != expected[k]:
                wrong.append(k)

    threads = [threading.Thread(target=repeat, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for n in (1, 2, 3, 4) * 5:
        dg.set_num_threads(n)
        work(0)
    for t in threads:
        t.join()
    assert not wrong
