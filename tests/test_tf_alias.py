"""densegrad.tf: ways to import it, what is an alias of what, what is missing, and what stands around the arithmetic."""

import importlib
import inspect
import random as python_random
import subprocess
import sys

import densegrad as dg
import densegrad.tf as tf
import numpy as np
import pytest
from densegrad.tf import _ops, keras
from densegrad.tf._namespace import public

NAMESPACES = {"tf": tf} | {
    name: importlib.import_module(f"densegrad.{name}")
    for name in [f"tf.{n}" for n in dir(tf) if inspect.ismodule(getattr(tf, n))]
    if name.split(".")[1] not in ("initializers", "losses", "metrics", "optimizers")
}
NAMESPACES |= {f"tf.keras.{n}": getattr(keras, n) for n in dir(keras) if inspect.ismodule(getattr(keras, n))}


def test_every_form_of_import_gives_the_same_modules():
    code = """
import densegrad as dg
assert "densegrad.tf" not in __import__("sys").modules
import densegrad.tf.keras.layers as L
from densegrad.tf.keras.layers import Dense
from densegrad.tf.keras import layers, losses, Sequential
from densegrad.tf import keras, GradientTape
import densegrad.tf.keras as k
import densegrad.tf as tf
from densegrad.tf.keras import *
from densegrad.tf.keras.backend import epsilon
from densegrad.tf.keras.optimizers.schedules import CosineDecay
from densegrad.tf.data.experimental import AUTOTUNE
assert L is layers is keras.layers is tf.keras.layers is k.layers and k is keras and dg.tf is tf
assert Dense is dg.layers.Dense and Sequential is dg.Sequential and losses.Loss is dg.losses.Loss
assert CosineDecay is keras.optimizers.schedules.CosineDecay is dg.optimizers.schedules.CosineDecay
assert GradientTape is dg.GradientTape and issubclass(tf.Variable, dg.Variable) and tf.Tensor is dg.Tensor
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMESPACES)
def test_every_name_that_is_listed_exists_and_says_what_it_is(name):
    space = NAMESPACES[name]
    for inner in dir(space):
        if inner.startswith("__"):
            continue
        value = getattr(space, inner)
        if callable(value) or inspect.ismodule(value):
            doc = inspect.getdoc(value)
            assert doc and len(doc.split()) >= 3, f"{name}.{inner} has no docstring"


def test_what_is_added_to_densegrad_appears_under_keras():
    for module in ("activations", "layers", "losses", "metrics", "optimizers", "initializers", "callbacks", "ops"):
        ours, alias = getattr(dg, module), getattr(keras, module)
        assert {n for n in ours.__all__ if hasattr(ours, n)} <= set(dir(alias))
        # Where Keras has other arguments or dtypes.
        own = set(public(_ops)) | set(_ops.SHARED) if module == "ops" else {"schedules"}
        assert all(getattr(alias, n) is getattr(ours, n) for n in set(ours.__all__) - own)
    schedules = dg.optimizers.schedules
    assert all(getattr(keras.optimizers.schedules, n) is getattr(schedules, n) for n in schedules.__all__)


def test_a_missing_name_lists_what_exists_the_closest_first():
    with pytest.raises(AttributeError) as caught:
        _ = tf.redcue_sum
    assert str(caught.value).startswith("[tf] has no `redcue_sum`. Close: reduce_sum, ")
    assert " It has Assert, GradientTape, " in str(caught.value) and str(caught.value).endswith(", zeros_like.")
    with pytest.raises(AttributeError, match=r"^\[tf.keras.layers\] has no `LSTM`. Layers that .*It has .*Dense"):
        _ = keras.layers.LSTM
    with pytest.raises(AttributeError, match=r"^\[tf.keras\] has no `activation`. Close: activations, "):
        _ = tf.keras.activation
    with pytest.raises(AttributeError, match=r"^\[tf.keras.datasets\] has no `mnist`. Nothing is downloaded: load"):
        keras.datasets.mnist.load_data()


@pytest.mark.parametrize(
    "statement, text",
    [
        (
            "from densegrad.tf.keras.layers import Dense, LSTM",
            "[tf.keras.layers] has no `LSTM`. Layers that recur over time",
        ),
        ("from densegrad.tf.keras.layers import Dens as D", "[tf.keras.layers] has no `Dens`. Close: Dense. It has "),
        ("from densegrad.tf import redcue_sum", "[tf] has no `redcue_sum`. Close: reduce_sum, "),
        ("from densegrad.tf.keras import activation", "[tf.keras] has no `activation`. Close: activations, "),
        ("from densegrad.tf.keras.datasets import mnist", "[tf.keras.datasets] has no `mnist`. Nothing is downloaded"),
    ],
)
def test_an_import_of_a_missing_name_lists_the_same(statement, text):
    with pytest.raises(ImportError) as caught:
        exec(statement)
    assert str(caught.value).startswith(text) and not isinstance(caught.value, ModuleNotFoundError)
    assert not hasattr(keras.layers, "LSTM") and getattr(tf, "redcue_sum", 7) == 7


def test_dtypes_compare_with_those_of_tensors():
    assert tf.constant(1.0).dtype == tf.float32 and tf.constant([1.0], tf.double).dtype == tf.float64
    assert tf.constant(1).dtype == tf.int32 and (tf.constant(1) > 0).dtype == tf.bool


def test_python_types_as_dtypes_mean_what_python_numbers_become():
    x = np.ones(2)
    assert tf.cast(x, float).dtype == "float32" and tf.cast(x, int).dtype == "int32"
    assert dg.Variable(x, dtype=float).dtype == "float32" and tf.cast(x, bool).dtype == "bool"


def test_unconnected_gradients_is_taken_by_the_tape():
    x, y = tf.Variable(2.0), tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        z = x * x
    assert tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy().tolist() == [0, 0]


def test_seeds():
    """`tf.random.set_seed` seeds densegrad alone, `keras.utils.set_random_seed` Python and NumPy too."""
    python_random.seed(1)
    state = python_random.getstate()
    tf.random.set_seed(5)
    first = tf.random.normal([3]).numpy()
    tf.random.set_seed(5)
    assert np.array_equal(first, tf.random.normal([3]).numpy())
    assert not np.array_equal(first, tf.random.normal([3]).numpy())
    assert python_random.getstate() == state
    keras.utils.set_random_seed(7)
    draws = python_random.random(), np.random.rand(), tf.random.uniform((2,)).numpy().tolist()  # noqa: NPY002
    keras.utils.set_random_seed(7)
    assert draws == (python_random.random(), np.random.rand(), tf.random.uniform((2,)).numpy().tolist())  # noqa: NPY002


def test_random_numbers_have_their_distribution():
    n = 4000
    x = tf.random.normal((n,), mean=2.0, stddev=3.0, seed=1).numpy()
    assert abs(x.mean() - 2) < 5 * 3 / n**0.5 and abs(x.std() - 3) < 5 * 3 / (2 * n) ** 0.5  # five standard errors
    u = tf.random.uniform([n], -1, 3, dtype=tf.float64, seed=2).numpy()
    assert u.dtype == "float64" and -1 <= u.min() < -0.9 and 2.9 < u.max() < 3
    assert np.abs(tf.random.truncated_normal([n], seed=3).numpy()).max() <= 2
    i = tf.random.uniform([n], maxval=4, dtype=tf.int32, seed=4).numpy()
    assert sorted(set(i.tolist())) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"^\[tf.random.uniform\] `maxval` is None: it must be given for int32.$"):
        tf.random.uniform([2], dtype=tf.int32)
    assert sorted(tf.random.shuffle(np.arange(9), seed=1).numpy()) == list(range(9))


def test_modules_collect_their_variables_once_and_in_the_order_of_their_names():
    class Net(tf.Module):
        def __init__(self):
            super().__init__(name="net")
            self.b = tf.Variable(1.0, name="b")
            self.a = [tf.Variable(2.0, name="a0", trainable=False), {"k": tf.Variable(3.0, name="ak")}]
            self.c = Inner()
            self.shared = self.b

    class Inner(tf.Module):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(1)
            self.layer.build((None, 2))

    net = Net()
    assert [v.name for v in net.variables] == ["a0:0", "ak:0", "b:0", "kernel", "bias"]
    assert [v.name for v in net.trainable_variables] == ["ak:0", "b:0", "kernel", "bias"]
    assert (net.name, net.c.name) == ("net", "inner")


def test_function_decorates_with_and_without_arguments():
    @tf.function
    def f(x):
        return x * 2.0

    @tf.function(input_signature=[tf.TensorSpec(shape=[None], dtype=tf.float32)], reduce_retracing=True)
    def g(x):
        return f(x) + 1.0

    assert g(tf.constant([1.0])).numpy() == 3


def test_print_writes_numbers_without_their_type(capsys):
    tf.print("loss", tf.constant(0.1), {"w": tf.constant([1.0, 1 / 3])}, tf.range(20), [tf.constant(2)], sep=" | ")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "loss | 0.1 | {'w': [1 0.333333343]} | [0 1 2 ... 17 18 19] | [2]\n"
    tf.print(tf.range(8), output_stream=sys.stdout, summarize=-1, end="")
    assert capsys.readouterr().out == "[0 1 2 3 4 5 6 7]"


def test_datasets_shuffle_anew_each_time_and_keep_rows_together():
    x = np.arange(10.0, dtype="float32")
    data = tf.data.Dataset.from_tensor_slices((x, -x)).shuffle(10, seed=3).batch(4)
    orders = []
    for _ in range(2):
        batches = [(a.numpy(), b.numpy()) for a, b in data]
        assert [len(a) for a, _ in batches] == [4, 4, 2] and all(np.array_equal(a, -b) for a, b in batches)
        orders.append(np.concatenate([a for a, _ in batches]).tolist())
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) == x.tolist()
    fixed = tf.data.Dataset.range(9).shuffle(9, seed=1, reshuffle_each_iteration=False)
    assert [int(i) for i in fixed] == [int(i) for i in fixed] != list(range(9))
    near = [int(i) for i in tf.data.Dataset.range(50).shuffle(5, seed=1)]
    assert sorted(near) == list(range(50)) and all(i <= place + 4 for place, i in enumerate(near))
    with pytest.raises(TypeError, match="unknown or infinite"):
        len(data.repeat())
    with pytest.raises(ValueError, match=r"first axes \[\(2,\), \(3,\)\]: all must have one of the same length.$"):
        tf.data.Dataset.from_tensor_slices((np.ones(2), np.ones(3)))


def test_datasets_come_apart_and_together():
    x = np.arange(7.0, dtype="float32")
    data = tf.data.Dataset.from_tensor_slices({"x": x, "y": -x})
    rows = [(float(e["x"]), float(e["y"])) for e in data.batch(3).unbatch()]
    assert rows == [(v, -v) for v in range(7)]
    both = tf.data.Dataset.range(2).concatenate(tf.data.Dataset.range(5, 7).map(lambda i: i * 2))
    assert [int(i) for i in both] == [0, 1, 10, 12] and len(both) == 4
    assert int(tf.data.experimental.cardinality(both)) == 4
    assert int(tf.data.Dataset.range(2).concatenate(data.unbatch()).cardinality()) == -2
    assert int(both.reduce(np.int64(1), lambda state, i: state + i)) == 24


def test_assertions():
    tf.debugging.assert_near(tf.constant(1.0), 1.0 + 1e-7)
    tf.debugging.assert_equal([1, 2], [1, 2])
    assert tf.debugging.check_numerics(tf.constant(1.0), "x").numpy() == 1
    with pytest.raises(ValueError, match=r"^\[tf.debugging.assert_near\] x and y are not near: "):
        tf.debugging.assert_near(1.0, 1.1)
    with pytest.raises(ValueError, match=r"^\[tf.debugging.assert_equal\] labels: "):
        tf.debugging.assert_equal(1, 2, message="labels")
    with pytest.raises(ValueError, match=r"^\[tf.debugging.check_numerics\] loss has infinite or NaN entries.$"):
        tf.debugging.check_numerics(tf.constant(np.inf), "loss")
    with pytest.raises(ValueError, match=r"^\[tf.pad\] `mode` is 'EDGE': it must be 'CONSTANT', 'REFLECT' or"):
        tf.pad([1.0], [[1, 1]], mode="EDGE")
    with pytest.raises(ValueError, match=r"^\[tf.gather\] `axis` is 0 and `batch_dims` 1: they must be equal.$"):
        tf.gather([[1.0]], [[0]], axis=0, batch_dims=1)
    with pytest.raises(ValueError, match=r"^\[to_categorical\] `x` has entries outside \[0, 2\): they must be classes"):
        keras.utils.to_categorical([0, 3], 2)


def test_methods_of_tensors_are_recorded():
    x = dg.Variable([[1.0, -2.0], [3.0, 4.0]])
    calls = [
        lambda t: t.reshape(4), lambda t: t.reshape((1, -1)), lambda t: t.transpose(), lambda t: t.transpose(1, 0),
        lambda t: t.transpose((1, 0)), lambda t: t.sum(0), lambda t: t.mean(axis=1, keepdims=True), lambda t: t.max(),
        lambda t: t.min(1), lambda t: t.prod(), lambda t: t.var(), lambda t: t.std(0), lambda t: t.cumsum(1),
        lambda t: t.flatten(), lambda t: t.ravel(), lambda t: t.clip(-1, 3), lambda t: t.astype("float64"),
        lambda t: t.dot(np.ones((2, 2), "float32")), lambda t: t.squeeze(), lambda t: t.swapaxes(0, 1),
        lambda t: t.take(np.array([0, 1]), 1), lambda t: t.repeat(2), lambda t: t.copy(), lambda t: t.trace(),
        lambda t: t.diagonal(), lambda t: +t,
    ]  # fmt: skip
    for call in calls:
        with dg.GradientTape() as tape:
            y = call(x)
        np.testing.assert_allclose(y.numpy(), call(x.numpy()), rtol=1e-6)
        assert tape.gradient(y, x) is not None
    assert x.argmax().numpy() == 3 and x.argmin(0).numpy().tolist() == [0, 0]
    assert (x > 0).all().numpy() is not None and bool((x > 3).any()) and x.tolist() == [[1, -2], [3, 4]]
    assert (~((x > 0) & [[True, False], [False, True]] ^ True)).numpy().tolist() == [[True, False], [False, True]]
    with pytest.raises(TypeError, match=r"^\[Tensor\] `&`, `\|`, `\^` and `~` got float32: they take bool tensors.$"):
        _ = x & x


def test_formatting_writes_the_values_as_numpy():
    t, s = dg.constant([1.0, 2.5]), dg.constant(0.25)
    assert f"{t}" == "[1.  2.5]" and f"{s}" == "0.25" and f"{s:.3f}" == "0.250" and f"{dg.constant(7):>3}" == "  7"
    with pytest.raises(TypeError, match="unsupported format string"):
        _ = f"{t:.2f}"
    assert f"{dg._core.placeholder((None, 3))}" == "<dg.Tensor: shape=(None, 3), dtype=float32, symbolic>"


def test_quotients_and_remainders_are_those_of_numpy():
    a, b = np.array([5.5, -5.5, 1.0, 0.0], "float32"), np.array([2.0, 2.0, -0.3, 3.0], "float32")
    i, j = np.array([7, -7, 0]), np.array([3, 3, -2])
    for x, y in ((a, b), (a.astype("float64"), b.astype("float64")), (i, j)):
        t = dg.constant(x)
        for got, expected in (
            (t % y, x % y),
            (x % dg.constant(y), x % y),
            (t // y, x // y),
            (7 // (t + 0.5 if x is a else t + 8), 7 // (x + 0.5 if x is a else x + 8)),
        ):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got.numpy(), expected)
    assert (7 % dg.constant(4)).numpy() == 3
    with pytest.raises(TypeError, match="two tensors must have one dtype"):
        _ = dg.constant(3) % 0.5
    x, y = dg.Variable(a), dg.Variable(2.0)
    with dg.GradientTape(persistent=True) as tape:
        remainder = x % y
    dx, dy = tape.gradient(remainder, [x, y])
    assert dx.numpy().tolist() == [1.0] * 4 and dy.numpy() == -np.floor(a / 2).sum()
    np.testing.assert_array_equal(tape.jacobian(remainder, x).numpy(), np.eye(4))
    assert np.isnan((dg.constant(1.0) % 0.0).numpy()) and (dg.constant(1.0) // 0.0).numpy() == np.inf
    assert (dg.ops.mod(np.zeros((0, 3)), 2.0)).shape == (0, 3)
    for name, function in (("mod", dg.ops.mod), ("floor_divide", dg.ops.floor_divide)):
        with pytest.raises(
            ZeroDivisionError, match=rf"^\[{name}\] `x2` has a zero: integers cannot be divided by it.$"
        ):
            function(i, 0)


def test_linear_systems():
    rng = np.random.default_rng(0)
    a, b = dg.Variable(rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)), dg.Variable(rng.normal(size=(2, 3, 2)))
    assert dg.gradcheck(lambda m, r: tf.linalg.solve(m, r) ** 3, (a, b), order=2).ok
    assert dg.gradcheck(lambda m: tf.linalg.inv(m, adjoint=True) ** 2, a, order=2).ok
    np.testing.assert_allclose(tf.linalg.solve(a, b, adjoint=True), np.linalg.solve(np.swapaxes(a, 1, 2), b))
    with pytest.raises(ValueError, match=r"^\[solve\] `a` has shape \(2, 2\) but `b` has shape \(2,\): they must"):
        tf.linalg.solve(np.eye(2), np.ones(2))


def test_resized_images():
    image = np.arange(12.0, dtype="float32").reshape(2, 3, 2)
    assert dg.gradcheck(lambda x: tf.image.resize(x, (5, 4)) ** 2, dg.constant(image)).ok
    with pytest.raises(ValueError, match=r"^\[image.resize\] `images` has shape \(3, 2\): it must be \(height, width"):
        tf.image.resize(image[0], (2, 2))
    with pytest.raises(ValueError, match=r"^\[image.resize\] `size` is \(2,\): it must be \(height, width\), both"):
        tf.image.resize(image, 2)
    with pytest.raises(
        NotImplementedError, match=r"^\[image.resize\] `method` is 'area', `antialias` False, .*Pillow.$"
    ):
        tf.image.resize(image, (2, 2), "area")


def test_importing_tf_changes_nothing_for_others():
    code = """
import densegrad as dg, types
classes = dg.Tensor, dg.Variable, dg.layers.Layer, dg.Model
before = [dict(vars(c)) for c in classes]
import densegrad.tf
assert before == [dict(vars(c)) for c in classes]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_shapes_metrics_modules_and_loops_answer_as_in_tensorflow():
    t, v = tf.zeros((2, 3)), tf.Variable([1.0, 2.0])
    assert t.shape == (2, 3) and isinstance(t.shape, tuple) and t.shape.as_list() == [2, 3] == t.get_shape().as_list()
    assert (t.shape.rank, t.shape.ndims, t.shape.num_elements(), t.shape.is_fully_defined()) == (2, 2, 6, True)
    symbolic = dg._core.placeholder((None, 3))
    assert symbolic.shape.num_elements() is None and not symbolic.shape.is_fully_defined()
    with tf.GradientTape() as tape:
        y = v.read_value() * 3
    assert tape.gradient(y, v).numpy().tolist() == [3, 3]
    mean = keras.metrics.Mean()
    assert mean.result().numpy() == 0 and mean([1.0, 2.0]).numpy() == 1.5 and f"{mean.result():.2f}" == "1.50"

    class Block(tf.Module):
        def __init__(self):
            super().__init__()
            with self.name_scope:
                self.parts = [tf.Module(), {"dense": keras.layers.Dense(1)}, keras.Sequential([keras.layers.ReLU()])]

        @tf.Module.with_name_scope
        def __call__(self, x):
            return x

    assert len(Block().submodules) == 4 and Block()(3) == 3
    i, total = tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s * 2), [tf.constant(0), tf.constant(1.0)])
    assert (int(i), float(total)) == (4, 16.0)
    (i,) = tf.while_loop(lambda i: True, lambda i: i + 1, (tf.constant(0),), maximum_iterations=3)
    assert int(i) == 3


def test_assertions_of_order():
    tf.debugging.assert_greater([2, 3], 1)
    tf.debugging.assert_greater_equal(1.0, 1.0)
    tf.debugging.assert_less(1, 2)
    tf.debugging.assert_less_equal(1, 1)
    tf.debugging.assert_non_negative(tf.zeros(2))
    tf.debugging.assert_positive(tf.ones(2))
    tf.assert_equal(1, 1)
    with pytest.raises(ValueError, match=r"^\[tf.debugging.assert_less\] x is not less than y: "):
        tf.debugging.assert_less([1.0, 2.0], 2.0)
    with pytest.raises(ValueError, match=r"^\[tf.debugging.assert_greater_equal\] an entry is negative: "):
        tf.debugging.assert_non_negative([-1.0])
    with pytest.raises(ValueError, match=r"^\[tf.debugging.assert_greater\] an entry is not positive: "):
        tf.debugging.assert_positive([0.0])


def test_slices_lie_inside():
    a = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(tf.slice(a, [0, 1], [2, -1]), a[:, 1:])
    np.testing.assert_array_equal(tf.slice(a, [1, 0], [1, 2]), a[1:, :2])
    for begin, size in (([0, 1], [2, 3]), ([0], [1]), ([-1, 0], [1, 1])):
        with pytest.raises(
            ValueError, match=r"^\[tf.slice\] `begin` is .* has shape \(2, 3\): the slice must lie inside.$"
        ):
            tf.slice(a, begin, size)


def test_random_generators_and_draws():
    """Means of n draws are within five standard deviations: 5 / sqrt(n)."""
    a, b = tf.random.Generator.from_seed(3), tf.random.Generator.from_seed(3)
    x = a.normal((10_000,), mean=1.0)
    np.testing.assert_array_equal(x, b.normal((10_000,), mean=1.0))
    assert x.dtype == "float32" and abs(x.numpy().mean() - 1) < 0.05
    assert not np.array_equal(a.normal((4,)), x[:4]) and a.uniform((2,), 0, 7, tf.int32).dtype == "int32"
    assert np.abs(a.truncated_normal((100,))).max() <= 2 and tf.random.Generator.from_non_deterministic_state() is not a
    first, other = (tf.random.stateless_uniform((5,), seed=[1, n]).numpy() for n in (2, 3))
    assert np.array_equal(first, tf.random.stateless_uniform((5,), seed=tf.constant([1, 2]))) and any(first != other)
    assert tf.random.stateless_normal((3,), seed=(1, 2), dtype=tf.float64).dtype == "float64"
    drawn = tf.random.categorical(tf.math.log([[0.25, 0.75], [1.0, 0.0]]), 10_000, seed=1).numpy()
    assert drawn.shape == (2, 10_000) and drawn.dtype == "int64"
    assert abs(drawn[0].mean() - 0.75) < 0.05 and not drawn[1].any()


def test_dropout_as_a_function():
    x = tf.Variable(tf.ones((200, 50)))
    with tf.GradientTape() as tape:
        y = tf.nn.dropout(x, rate=0.2, seed=1)
    kept = y.numpy() != 0
    assert abs(kept.mean() - 0.8) < 5 * 0.4 / 100 and set(np.unique(y)) == {0, np.float32(1.25)}
    np.testing.assert_array_equal(tape.gradient(y, x), y)
    rows = tf.nn.dropout(x, 0.5, noise_shape=[None, 1]).numpy()
    assert np.all(rows == rows[:, :1]) and tf.nn.dropout(x.value, 0.0).shape == (200, 50)
    with pytest.raises(ValueError, match=r"^\[tf.nn.dropout\] `rate` is 1.0: it must be in \[0, 1\).$"):
        tf.nn.dropout(x, 1.0)
    with pytest.raises(ValueError, match=r"^\[tf.nn.embedding_lookup\] `max_norm` is 1: it must be None.$"):
        tf.nn.embedding_lookup(x, [0], max_norm=1)


def test_arrays_of_tensors_carry_gradients():
    x = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(3):
            array = array.write(i, x[i] ** 2)
        y = array.stack()
    np.testing.assert_array_equal(tape.gradient(y, x), [2, 4, 6])
    with pytest.raises(ValueError, match=r"^\[TensorArray.write\] `index` is 2 but the size is 2: it is fixed.$"):
        tf.TensorArray(tf.float32, 2).write(2, 1.0)
    with pytest.raises(ValueError, match=r"^\[TensorArray.read\] nothing was written at 0.$"):
        tf.TensorArray(tf.float32, 2).read(0)
    with tf.GradientTape() as tape:
        y = tf.scan(lambda a, v: a * v, x)[-1] + tf.foldl(lambda a, v: a + v, x)
    np.testing.assert_array_equal(tape.gradient(y, x), [7, 4, 3])


def test_more_assertions():
    errors = tf.errors.InvalidArgumentError
    x = tf.constant([[1.0, 2.0]])
    tf.debugging.assert_shapes([(x, ("n", 2)), (x, (None, "k"))])
    tf.debugging.assert_rank(x, 2)
    tf.debugging.assert_type(x, tf.float32)
    tf.debugging.assert_none_equal(x, 3.0)
    tf.debugging.assert_negative(-x)
    tf.debugging.assert_non_positive(0 * x)
    tf.Assert(tf.reduce_all(x > 0), [x])
    assert tf.debugging.assert_scalar(tf.constant(1.0)) == 1
    for call, text in (
        (lambda: tf.debugging.assert_shapes([(x, ("n", "n"))]), r"\(1, 2\) and \('n', 'n'\)"),
        (lambda: tf.debugging.assert_rank(x, 1), "the ranks differ: 2 and 1"),
        (lambda: tf.debugging.assert_none_equal(x, 2.0), "x and y share an entry"),
        (lambda: tf.debugging.assert_negative(x), "an entry is not negative"),
        (lambda: tf.debugging.assert_non_positive(x), "an entry is positive"),
        (lambda: tf.Assert(x > 1, [x]), "the condition does not hold"),
        (lambda: tf.ensure_shape(x, (None, 3)), r"`x` has shape \(1, 2\): it must be \(None, 3\)"),
    ):
        with pytest.raises(errors, match=text):
            call()
    with pytest.raises(TypeError, match="the dtypes differ: float32 and int32"):
        tf.debugging.assert_type(x, tf.int32)


def test_settings_that_change_nothing():
    assert tf.config.experimental.enable_op_determinism() is None
    assert tf.config.threading.set_inter_op_parallelism_threads(2) is None
    assert tf.config.experimental.list_physical_devices("GPU") == [] and not tf.test.is_gpu_available()
    assert not tf.test.is_built_with_cuda() and tf.group(tf.no_op()) is None
    with tf.init_scope(), tf.control_dependencies([]):
        assert tf.recompute_grad(abs) is abs


def test_variables_from_initializers_and_of_a_shape():
    v = tf.Variable(keras.initializers.Ones(), shape=(2, 3), dtype=tf.float64)
    assert v.dtype == "float64" and v.numpy().tolist() == [[1] * 3] * 2
    w = keras.Variable(tf.zeros_initializer(), shape=(2,))
    assert w.dtype == "float32" and w.shape == (2,)
    assert tf.Variable(tf.zeros((4, 3)), shape=tf.TensorShape([None, 3])).shape.as_list() == [4, 3]
