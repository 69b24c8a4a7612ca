"""The rows of docs/differences.md on activations and losses: each against its own exact value."""

import importlib
import pathlib

import densegrad as dg
import mpmath
import numpy as np
import pytest
from densegrad import tf
from difference_rows import PAGE, ROWS, row


def _head(activation, z):
    """The output of an activation, with its pre-activation known."""
    return dg.ops.sigmoid(z) if activation == "sigmoid" else dg.ops.softmax(z)


def _softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


Z = np.array([[0.5, -1.0, 2.0], [0.0, 0.25, -0.75]])
T = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
# Twelve roundings of numbers below 10, and as much again for NumPy's side.
CLOSE = {"rtol": 0, "atol": 24 * 10 * 2.0**-53}


@row("dL/da of a softmax or sigmoid output under its cross-entropy")
def test_output_gradient_of_fused_heads_exists():
    """dL/da = sum(t)/sum(p) - t/p for softmax, (p - t)/(p (1 - p))/classes for sigmoid, divided by the batch size."""
    z = dg.constant(Z)
    with dg.GradientTape(persistent=True) as tape:
        tape.watch(z)
        p, q = _head("softmax", z), _head("sigmoid", z)
        cce = dg.losses.CategoricalCrossentropy()(T, p)
        bce = dg.losses.BinaryCrossentropy()(T, q)
    p_np, q_np = _softmax(Z), 1 / (1 + np.exp(-Z))
    np.testing.assert_allclose(tape.gradient(cce, p).numpy(), (1 - T / p_np) / 2, **CLOSE)
    np.testing.assert_allclose(tape.gradient(bce, q).numpy(), (q_np - T) / (q_np * (1 - q_np)) / 6, **CLOSE)


@row("a sigmoid output under categorical, or a softmax output under binary cross-entropy")
@pytest.mark.parametrize(
    ("activation", "loss"), [("sigmoid", "CategoricalCrossentropy"), ("softmax", "BinaryCrossentropy")]
)
def test_mixed_pairs_are_computed_from_the_values_that_were_passed(activation, loss):
    """The loss of a head of the other kind equals the loss of the same probabilities as a plain array, bit for bit."""
    loss_fn = getattr(dg.losses, loss)()
    p = _head(activation, dg.constant(Z))
    assert float(loss_fn(T, p)) == float(loss_fn(T, p.numpy()))


@row("cross-entropy of `tf.nn.softmax` or `tf.math.sigmoid`, TensorFlow's operations")
def test_tensorflows_operations_keep_their_logits():
    """At a logit of 35 that is wrong the loss is 35 and the gradient 1, where clipped probabilities give 16.1 and 0."""
    z = dg.constant([[35.0]])
    pair = dg.constant([[35.0, 0.0]])
    with dg.GradientTape(persistent=True) as tape:
        tape.watch([z, pair])
        binary = dg.losses.BinaryCrossentropy()([[0.0]], tf.math.sigmoid(z))
        categorical = dg.losses.CategoricalCrossentropy()([[0.0, 1.0]], tf.nn.softmax(pair))
    assert float(binary) == float(categorical) == 35.0
    assert float(tape.gradient(binary, z)) == 1.0
    assert tape.gradient(categorical, pair)[0, 0] == 1.0


@row("`from_logits=True` on the output of a softmax or sigmoid")
@pytest.mark.parametrize(
    ("activation", "loss"), [("softmax", "CategoricalCrossentropy"), ("sigmoid", "BinaryCrossentropy")]
)
def test_from_logits_takes_the_output_of_a_head_as_logits(activation, loss):
    """from_logits=True on a head's output is the logits loss of those numbers, not of the pre-activation."""
    loss_fn = getattr(dg.losses, loss)(from_logits=True)
    p = _head(activation, dg.constant(Z))
    assert float(loss_fn(T, p)) == float(loss_fn(T, p.numpy()))
    assert float(loss_fn(T, p)) != float(loss_fn(T, Z))


@row("categorical cross-entropy from logits or a softmax, labels that do not sum to 1")
@pytest.mark.parametrize("fused", [False, True])
def test_gradient_of_labels_that_do_not_sum_to_one(fused):
    """d/dz of -sum t log softmax(z) is softmax(z) sum(t) - t for any t."""
    t = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    z = dg.constant(Z)
    with dg.GradientTape() as tape:
        tape.watch(z)
        loss_fn = dg.losses.CategoricalCrossentropy(from_logits=not fused, reduction="sum")
        loss = loss_fn(t, _head("softmax", z) if fused else z)
    np.testing.assert_allclose(tape.gradient(loss, z).numpy(), _softmax(Z) * t.sum(-1, keepdims=True) - t, **CLOSE)


def _gradient(loss, y, p):
    p = dg.constant(p)
    with dg.GradientTape() as tape:
        tape.watch(p)
        value = loss(y, p)
    return tape.gradient(value, p).numpy()


@row("`huber` of an infinite error")
def test_gradient_of_an_infinite_error():
    """delta (|e| - delta / 2) has the slope delta sign(e), however large e is."""
    p = np.array([[np.inf], [-np.inf]])
    np.testing.assert_array_equal(_gradient(dg.losses.Huber(0.5, "sum"), np.zeros((2, 1)), p), [[0.5], [-0.5]])


@row("`categorical_generalized_cross_entropy` where the label has probability 0")
def test_other_classes_of_an_impossible_label_have_no_gradient():
    """(1 - p_k^q) / q depends on p_k alone."""
    loss = dg.losses.CategoricalGeneralizedCrossEntropy(reduction="sum")
    np.testing.assert_array_equal(_gradient(loss, [0], np.array([[0.0, 0.5, 0.5]])), [[-np.inf, 0, 0]])


@row("labels out of range of `categorical_generalized_cross_entropy`")
@pytest.mark.parametrize("label", [-1, 3])
def test_labels_that_are_no_class_are_refused(label):
    """As for the sparse categorical cross-entropy."""
    with pytest.raises(
        ValueError, match=rf"`y_true` contains the label {label}: with 3 classes it must be in \[0, 3\)"
    ):
        dg.losses.CategoricalGeneralizedCrossEntropy()([label], np.array([[0.25, 0.25, 0.5]]))


@row("`get_config` of `Huber` and `CosineSimilarity`")
@pytest.mark.parametrize(
    "loss",
    [dg.losses.Huber(0.25), dg.losses.CosineSimilarity(0), dg.metrics.CosineSimilarity(axis=0)],
    ids=lambda loss: f"{type(loss).__module__}-{loss.name}",
)
def test_configs_hold_every_argument(loss):
    """A loss or metric made of the config has the same values."""
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert float(again(T, Z)) == float(loss(T, Z)) != float(type(loss)()(T, Z))


@row("relu and NaN")
def test_nan_passes_backward_through_relu():
    """relu gives NaN for NaN, and so does its gradient."""
    x = dg.constant([np.nan, -1.0, 1.0])
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.ops.relu(x)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), np.float32([np.nan, 0.0, 1.0]))
    assert np.isnan(y.numpy()[0])


def _value_and_slope(name, x, **parameters):
    x = dg.constant(np.float64(x))
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = getattr(dg.activations, name)(x, **parameters)
    return y.numpy(), tape.gradient(y, x).numpy()


@row("celu at 0")
def test_celu_has_slope_one_at_zero():
    """Both pieces of celu meet with slope 1."""
    for alpha in (1.0, 0.5, -2.0):
        np.testing.assert_array_equal(_value_and_slope("celu", [0.0, -0.0], alpha=alpha), [[0, 0], [1, 1]])


@row("silu, gelu, mish, hard_silu, softsign, squareplus and sparse_plus at infinity")
def test_smooth_rectifiers_have_their_limits_at_infinity():
    """0 and 0 at -inf, inf and 1 at inf; softsign -1, 1 and slope 0; gelu by tanh too."""
    for name, parameters in [("silu", {}), ("gelu", {}), ("gelu", {"approximate": True}), ("mish", {}),
                             ("hard_silu", {}), ("squareplus", {}), ("sparse_plus", {})]:  # fmt: skip
        y, slope = _value_and_slope(name, [-np.inf, np.inf], **parameters)
        np.testing.assert_array_equal(y, [0, np.inf], err_msg=name)
        np.testing.assert_array_equal(slope, [0, 1], err_msg=name)
    np.testing.assert_array_equal(_value_and_slope("softsign", [-np.inf, np.inf]), [[-1, 1], [0, 0]])


@row("erf in float64 at infinity")
def test_erf_has_its_limits_at_infinity():
    np.testing.assert_array_equal(dg.ops.erf(np.array([-np.inf, np.inf])).numpy(), [-1, 1])


@row("activations with a kink and NaN")
def test_nan_passes_through_every_activation():
    """Value and gradient of NaN are NaN, also where Keras compares first."""
    for name in ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "hard_sigmoid", "hard_silu", "hard_tanh",
                 "soft_shrink", "hard_shrink", "sparse_plus", "sparse_sigmoid"):  # fmt: skip
        assert np.isnan(_value_and_slope(name, np.nan)).all(), name
    assert np.isnan(_value_and_slope("relu", np.nan, max_value=2, negative_slope=0.5, threshold=1)).all()
    assert np.isnan(_value_and_slope("threshold", np.nan, threshold=1, default_value=2)).all()


@row("gelu and leaky_relu in float64")
def test_constants_of_activations_are_float64():
    """gelu(1) = P(X <= 1) and leaky_relu(-1) = -0.2 to the last digits of float64."""
    u = mpmath.sqrt(2 / mpmath.pi) * 1.044715
    for approximate, expected in ((False, mpmath.ncdf(1)), (True, (1 + mpmath.tanh(u)) / 2)):
        y, _ = _value_and_slope("gelu", 1.0, approximate=approximate)
        assert abs(y - float(expected)) <= 16 * 2.0**-53
    assert _value_and_slope("leaky_relu", -1.0)[0] == -0.2


@row("log_cosh in float64")
def test_log_cosh_is_float64_to_the_last_digits():
    """Within eight roundings of terms below 1."""
    y = float(dg.losses.log_cosh(np.zeros((1, 1)), np.array([[1.0]])).numpy()[0])
    assert abs(y - float(mpmath.log(mpmath.cosh(1)))) <= 8 * 2.0**-53


@row("saturated activations in float32")
def test_saturated_activations_keep_their_digits():
    """tanh, tanh_shrink and squareplus are right to eight roundings where cancellation leaves Keras no digits."""
    with mpmath.workdps(40):
        for name, exact, x in [("tanh", mpmath.tanh, 8.0), ("tanh_shrink", lambda z: z - mpmath.tanh(z), 0.001),
                               ("squareplus", lambda z: (z + mpmath.sqrt(z * z + 4)) / 2, -1e4)]:  # fmt: skip
            x = np.float32(x)
            expected = float(exact(mpmath.mpf(float(x))))
            assert abs(float(getattr(dg.activations, name)(x)) - expected) <= 8 * 2.0**-24 * abs(expected), name


@row("`binary_focal_crossentropy(from_logits=True)` of large logits")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_focal_loss_of_large_logits(t, gamma, dtype):
    """The end of the clipped logits, 16.1, rounds: 17 roundings of its exponential; 12 gamma more make up the rest."""
    u = np.finfo(dtype).eps / 2
    z = np.array([-31.5, -16.5, -16.0, -15.0, -9.0, 9.0, 15.0, 16.0, 16.5, 31.5], dtype)[:, None]

    def exact(x):
        p, q = 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x))
        c, d = (min(max(s, mpmath.mpf("1e-7")), 1 - mpmath.mpf("1e-7")) for s in (p, q))
        return -((t * q + (1 - t) * p) ** gamma) * (t * mpmath.log(c) + (1 - t) * mpmath.log(d))

    x = dg.constant(z)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = dg.losses.binary_focal_crossentropy(np.full_like(z, t), x, gamma=gamma, from_logits=True)
    with mpmath.workdps(50):
        for found, right in ((y, exact), (tape.gradient(y, x), lambda x: mpmath.diff(exact, x))):
            for a, b in zip(found.numpy().ravel(), z.ravel()):
                b = right(mpmath.mpf(float(b)))
                assert abs(float(a) - b) <= (29 + 12 * gamma) * u * abs(b) + np.finfo(dtype).tiny


@row("a loss without dtype on float64 predictions")
def test_losses_compute_in_the_dtype_of_the_predictions():
    """A loss of float64 predictions is float64; an explicit dtype wins."""
    assert dg.losses.MeanSquaredError()(T, Z).dtype == np.float64
    assert dg.losses.MeanSquaredError(dtype="float32")(T, Z).dtype == np.float32


@row("`initializers.Constant(0.1)` and `regularizers.L2(0.1)` in float64")
def test_constants_are_those_that_were_passed():
    """0.1 in float64 is 0.1, not the float32 nearest to it."""
    assert float(dg.regularizers.L2(0.1)(np.ones(1))) == 0.1
    assert dg.initializers.Constant(0.1)((1,), "float64").numpy()[0] == 0.1


@row("subnormal numbers")
def test_subnormal_numbers_are_kept():
    """relu and a sum of subnormal numbers are those numbers."""
    tiny = np.float32([1e-40, 2e-40])
    assert list(dg.ops.relu(tiny).numpy()) == list(tiny)
    assert dg.ops.sum(tiny).numpy() == tiny.sum()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion"])
def test_slots_of_optimizers_do_not_become_subnormal(name, dtype):
    """After a gradient whose moments are just above the subnormal numbers, zeros: all slots are normal numbers or 0."""
    options = {"momentum": 0.9} if name in ("sgd", "rmsprop") else {}
    optimizer = dg.optimizers.get({"class_name": name, "config": options})
    smallest = np.finfo(dtype).tiny
    w = dg.Variable(np.ones(37, dtype))
    steps = [4 * smallest, np.sqrt(4 * smallest)]
    for gradient in [g for g in steps for _ in range(2)] + [0.0] * 60:
        optimizer.apply([dg.constant(np.full(37, gradient, dtype))], [w])
    slots = [v.numpy() for v in optimizer.variables if v.shape == w.shape]
    assert slots
    for slot in slots:
        assert np.all((slot == 0) | (np.abs(slot) >= smallest))


@row("`np.mean(t)` and other NumPy functions of a tensor on a tape")
def test_numpy_functions_of_a_tensor_are_recorded():
    x = dg.Variable(np.array([1.0, 2.0]))
    with dg.GradientTape() as tape:
        y = np.mean(np.square(x))
    assert tape.gradient(y, x).numpy().tolist() == [1.0, 2.0]


@row("`sparsemax` of a row with several entries that are not 0")
def test_sparsemax_sums_to_one():
    """Of (0.1, 0.2, 0.3) all are kept: tau is (0.6 - 1) / 3."""
    np.testing.assert_allclose(dg.activations.sparsemax(np.array([0.1, 0.2, 0.3])), [7 / 30, 1 / 3, 13 / 30], **CLOSE)


@row("the config of a `Lambda` that holds a lambda")
def test_a_lambda_is_never_written_as_code():
    layer = dg.layers.Lambda(lambda x: 2 * x)
    assert layer.get_config()["function"] is layer.function
    assert type(layer).from_config(layer.get_config())(dg.constant(1.0)).numpy() == 2
    with pytest.raises(TypeError, match="got a lambda, which has no name to find it by"):
        dg.layers.serialize(layer)
    code = {"function": {"class_name": "__lambda__", "config": {"code": "", "defaults": None, "closure": None}}}
    for safe_mode in (None, False):
        with pytest.raises(ValueError, match="the config holds a lambda: code is never loaded"):
            dg.layers.Lambda.from_config(code, safe_mode=safe_mode)


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not at hand")
def test_every_row_of_the_page_is_tested():
    """The first cells of docs/differences.md are the cases that the tests of these files are marked with."""
    for path in pathlib.Path(__file__).parent.glob("test_differences*.py"):
        importlib.import_module(path.stem)
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][2:]
    assert {line.split("|")[1].strip() for line in lines} == ROWS.keys()
