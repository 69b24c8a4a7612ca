"""Operations made in Python: tensors from shapes, edges, and the text of every error."""

import densegrad as dg
import numpy as np
import pytest
from densegrad import _core
from samples import rows

ops = dg.ops
ONES = np.ones((2, 3), "float32")
HALF = _core.placeholder((None, 3))


@pytest.mark.parametrize(
    ("ours", "numpys", "dtype"),
    [
        (ops.zeros((2, 0)), np.zeros((2, 0)), "float32"),
        (ops.ones(3, "int32"), np.ones(3), "int32"),
        (ops.full((2, 2), 1.5), np.full((2, 2), 1.5), "float32"),
        (ops.full((2, 2), np.array([1, 2])), np.full((2, 2), [1, 2]), "int64"),
        (ops.full((2,), dg.constant(3.0, "float64")), np.full(2, 3.0), "float64"),
        (ops.full_like(ONES, 2, "float64"), np.full((2, 3), 2), "float64"),
        (ops.eye(2, 3, 1), np.eye(2, 3, 1), "float32"),
        (ops.eye(2, dtype="float64"), np.eye(2), "float64"),
        (ops.arange(4), np.arange(4), "int32"),
        (ops.arange(1.0, 2.0, 0.25), np.arange(1, 2, 0.25), "float32"),
        (ops.arange(5, 1, -2, "float64"), np.arange(5, 1, -2), "float64"),
        (ops.linspace(0, 1, 5), np.linspace(0, 1, 5), "float32"),
        (ops.linspace(dg.constant(0.0), 1, 4, False, "float64"), np.linspace(0, 1, 4, False), "float64"),
    ],
)
def test_creation(ours, numpys, dtype):
    assert isinstance(ours, dg.Tensor) and ours.dtype == dtype
    np.testing.assert_array_equal(ours.numpy(), numpys.astype(dtype))


def test_rows_of_a_tensor_are_concatenated():
    """The rows do not outlive the loop that makes them."""
    x = np.arange(12.0).reshape(2, 3, 2)
    for given in (dg.constant(x), x):
        np.testing.assert_array_equal(_core.concatenate(given, -1), np.concatenate(x, -1))


def test_creation_follows_floatx():
    dg.config.set_floatx("float64")
    try:
        assert {t.dtype.name for t in (ops.zeros(2), ops.ones(2), ops.eye(2), ops.full(2, 1.0), ops.arange(2.0))} == {
            "float64"
        }
    finally:
        dg.config.set_floatx("float32")


def test_extents_of_one_stay_symbolic():
    """Shape operations take an unknown first axis."""
    assert ops.expand_dims(HALF, -1).shape == (None, 3, 1)
    assert ops.squeeze(ops.expand_dims(HALF, 1), 1).shape == (None, 3)
    assert ops.stack([HALF, HALF], -1).shape == (None, 3, 2)
    assert ops.swapaxes(ops.expand_dims(HALF, -1), 1, 2).shape == (None, 1, 3)
    assert [t.shape for t in ops.split(HALF, [1], -1)] == [(None, 1), (None, 2)]
    assert ops.prod(HALF, -1).shape == (None,) and ops.norm(HALF, axis=-1).shape == (None,)
    assert ops.cumsum(HALF, 1).shape == (None, 3) and ops.flip(HALF, 1).shape == (None, 3)
    assert ops.l2_normalize(HALF, -1).shape == (None, 3)


def test_indices_of_top_k_are_int32_and_ties_take_the_first():
    values, indices = ops.top_k([[1.0, 3.0, 3.0, 2.0]], 3)
    assert values.numpy().tolist() == [[3, 3, 2]] and indices.numpy().tolist() == [[1, 2, 3]]
    assert indices.dtype == "int32"


def test_nan_goes_last_and_min_shows_it():
    x = np.array([2.0, np.nan, 1.0])
    np.testing.assert_array_equal(ops.sort(x).numpy(), [1, 2, np.nan])
    np.testing.assert_array_equal(ops.sort(x, descending=True).numpy(), [2, 1, np.nan])
    assert np.isnan(ops.min(x).numpy()) and ops.argmin(x).numpy() == 1


def test_logaddexp_of_infinities():
    a, b = np.array([-np.inf, np.inf, -np.inf, np.inf]), np.array([-np.inf, 1.0, 2.0, np.inf])
    np.testing.assert_array_equal(ops.logaddexp(a, b).numpy(), np.logaddexp(a, b))


def test_arrays_of_two_dtypes_take_the_widest():
    assert ops.average(ONES, 0, np.array([1.0, 2.0])).dtype == "float64"
    assert ops.outer(ONES, [1, 2]).dtype == "float32"


ERRORS = [
    (lambda: ops.expand_dims(ONES, 3), "[expand_dims] `axis` is 3 but the tensor has 3 axes: it must be in [-3, 3)."),
    (lambda: ops.squeeze(ONES, 0), "[squeeze] axis 0 of `x` with shape (2, 3) has not length 1: it cannot be removed."),
    (lambda: ops.flip(ONES, (0, -2)), "[flip] `axis` names axis 0 twice: each axis may occur once."),
    (lambda: ops.flip(ONES, 0.5), "[flip] `axis` is 0.5: it must be an integer."),
    (lambda: ops.moveaxis(ONES, (0, 1), 0),
     "[moveaxis] `source` has 2 axes but `destination` has 1: they must be equal."),
    (lambda: ops.stack([]), "[stack] `xs` is empty: at least one tensor is needed."),
    (lambda: ops.stack([ONES, ONES[0]]),
     "[stack] `xs[0]` has shape (2, 3) but `xs[1]` has shape (3,): they must be equal."),
    (lambda: ops.unstack(ONES, 3), "[unstack] `num` is 3 but axis 0 of `x` with shape (2, 3) has length 2."),
    (lambda: ops.unstack(HALF), "[unstack] axis 0 of this symbolic tensor is unknown: its length is needed."),
    (lambda: ops.split(ONES, 2, 1), "[split] `indices_or_sections` is 2 but axis 1 has length 3: it must divide it."),
    (lambda: ops.tile(ONES, -1), "[tile] `repeats` is [-1]: it must not be negative."),
    (lambda: ops.take_along_axis(ONES, [0]),
     "[take_along_axis] `indices` has shape (1,) but `x` has shape (2, 3): the ranks must be equal."),
    (lambda: ops.take_along_axis(ONES, [[3], [0]]), "[take] `indices` contains 3: it must be in [0, 3)."),
    (lambda: ops.gather_nd(ONES, [[0, 0, 0]]),
     "[gather_nd] `indices` has shape (1, 3) but `x` has shape (2, 3): its last axis must have 1 to 2 entries."),
    (lambda: ops.gather_nd(ONES, [[0, 3]]), "[take] `indices` contains 3: it must be in [0, 3)."),
    (lambda: ops.top_k(ONES, 4), "[top_k] `k` is 4: it must be an integer in [0, 3]."),
    (lambda: ops.diagonal(ONES[0]), "[diagonal] `x` has shape (3,): it must have at least two axes."),
    (lambda: ops.diag(1.0), "[diag] `x` has shape (): it must be a vector or a matrix."),
    (lambda: ops.average(ONES, 0, ONES[:, :2]),
     "[average] `weights` has shape (2, 2) but `x` has shape (2, 3): they must be equal, or `weights` a vector along "
     "the one `axis`."),
    (lambda: ops.norm(ONES, 2), "[norm] `ord` is 2: for matrices it must be None, 'fro', 1, -1, inf or -inf."),
    (lambda: ops.norm(ONES, "fro", 0), "[norm] `ord` is 'fro': for vectors it must be None or a number."),
    (lambda: ops.norm(np.ones((2, 2, 2)), 1),
     "[norm] `axis` is None and `x` has shape (2, 2, 2): a norm with `ord` needs one or two axes."),
    (lambda: ops.normalize(ONES, order=0), "[normalize] `order` is 0: it must be a positive integer."),
    (lambda: ops.tensordot(ONES, ONES, 3),
     "[tensordot] `axes` is 3 but `x1` has shape (2, 3) and `x2` has shape (2, 3): it must be between 0 and their "
     "ranks."),
    (lambda: ops.tensordot(ONES, ONES, [[0], [0, 1]]),
     "[tensordot] `axes` is [[0], [0, 1]]: it must be an integer or two sequences of one length."),
    (lambda: ops.tensordot(ONES, ONES, 1),
     "[tensordot] `x1` has shape (2, 3) and `x2` has shape (2, 3): axis 1 of `x1` and axis 0 of `x2` must be equal."),
    (lambda: ops.einsum("ij", ONES, ONES), "[einsum] `subscripts` is 'ij' with 1 terms: it got 2 operands."),
    (lambda: ops.einsum("i1->i", ONES),
     "[einsum] `subscripts` is 'i1->i': a term has letters and at most one `...`."),
    (lambda: ops.einsum("i->i", ONES), "[einsum] `subscripts` has the term 'i' for shape (2, 3): one letter per axis."),
    (lambda: ops.einsum("ij->k", ONES),
     "[einsum] `subscripts` is 'ij->k': each index right of -> must occur once there, and left."),
    (lambda: ops.einsum("ij,jk", ONES, ONES),
     "[einsum] index 'j' of 'ij,jk' has length 3 and 2: they must be equal."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), ERRORS, ids=[t for _, t in ERRORS])
def test_error(call, text):
    with pytest.raises((ValueError, TypeError, IndexError)) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize("name", ["divide_no_nan", "logaddexp", "dot", "inner", "vdot", "outer"])
def test_floats_beside_integers_are_refused_and_integers_beside_floats_converted(name):
    """TensorFlow's rule, in every operation that is made of others as in the primitives."""
    f, integers = getattr(ops, name), dg.constant([1, 2])
    for other in (2.5, [0.5, 1.5], np.array([0.5, 1.5])):
        with pytest.raises(TypeError) as caught:
            f(integers, other)
        assert str(caught.value).startswith(f"[{name}] got int32 and float"), caught.value
    assert f(dg.constant([1.0, 2.0]), [1, 2]).dtype == f([1, 2], dg.constant([1.0, 2.0])).dtype == "float32"
    with pytest.raises(TypeError, match=rf"^\[{name}\] got float32 and float64: all arguments must have one dtype"):
        f(dg.constant([1.0, 2.0]), dg.constant([1.0, 2.0], "float64"))


def test_floats_beside_integers_in_lists_and_operands():
    integers = dg.constant([1, 2])
    for tag, call in {
        "stack": lambda: ops.stack([integers, [0.5, 1.5]]),
        "einsum": lambda: ops.einsum("i,i->", integers, [0.5, 1.5]),
        "average": lambda: ops.average(integers, 0, [0.5, 1.5]),
        "solve": lambda: ops.solve(integers, 0.5),
    }.items():
        with pytest.raises(TypeError, match=rf"^\[{tag}\] got int32 and float32: all arguments must have one dtype"):
            call()
    assert ops.stack([integers, np.array([True, False])]).dtype == "int32"


def test_quotients_of_integers():
    """NumPy's values for every pair of signs, also where the quotient of the smallest integer does not fit."""
    a = np.array([-8, -7, -1, 0, 1, 7, 8], "int32")[:, None]
    b = np.array([-3, -2, -1, 1, 2, 3], "int32")
    for dtype in ("int32", "int64"):
        x, y = a.astype(dtype), b.astype(dtype)
        smallest = np.iinfo(dtype).min
        for name in ("floor_divide", "mod"):
            got = getattr(ops, name)(dg.constant(x), y)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, getattr(np, name)(x, y))
        assert int(dg.constant(smallest, dtype) // -1) == smallest and int(dg.constant(smallest, dtype) % -1) == 0
    pairs = dg.constant(np.array([[7, 8], [9, -9]]))
    np.testing.assert_array_equal(dg.vmap(lambda r: r % 4)(pairs), pairs.numpy() % 4)
    x = dg.Input((2,), dtype="int32")
    np.testing.assert_array_equal(dg.Model(x, 17 // x % 5)(np.array([[2, -3]], "int32")), [[3, 4]])
    with pytest.raises(ZeroDivisionError, match=r"^\[mod\] `x2` has a zero: integers cannot be divided by it.$"):
        pairs % 0


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_powers_of_integers(dtype):
    """NumPy's values, those that do not fit too; no gradient, and no negative exponents."""
    base = np.array([-7, -2, -1, 0, 1, 2, 3, 1000, np.iinfo(dtype).max], dtype)[:, None]
    exponent = np.array([0, 1, 2, 3, 5, 8, 31, 63], dtype)
    got = dg.constant(base) ** exponent
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, base**exponent)
    v = dg.Variable(np.array(3, dtype))
    with dg.GradientTape() as tape:
        y = v**2
    assert int(y) == 9 and tape.gradient(y, v) is None
    np.testing.assert_array_equal(dg.vmap(lambda r: r**2)(dg.constant(base)), base**2)
    with pytest.raises(ValueError, match=r"^\[power\] `x2` has a negative number: integers have no such powers"):
        v ** dg.constant(-1, dtype)


def test_linear_algebra_in_a_functional_model_and_under_vmap():
    a = rows(5, 3, 3, dtype=np.float64) / 2 + 4 * np.eye(3)
    x = dg.Input((3, 3), dtype="float64")
    model = dg.Model(x, [ops.inv(x), ops.det(x), ops.slogdet(x).log_abs_determinant])
    for got, expected in zip(model(a), (np.linalg.inv(a), np.linalg.det(a), np.linalg.slogdet(a)[1])):
        np.testing.assert_allclose(got, expected, rtol=1e-13)  # 60 roundings at a condition below 10
    gradients = dg.vmap(dg.grad(lambda m: ops.slogdet(m).log_abs_determinant))(a)
    np.testing.assert_allclose(gradients, np.swapaxes(np.linalg.inv(a), 1, 2), rtol=1e-13, atol=1e-13)
    with dg.GradientTape() as tape:
        v = dg.Variable(a[0])
        sign = ops.slogdet(v).sign
    assert tape.gradient(sign, v) is None


def test_scatters_at_equal_places_and_outside():
    """Values add up; of updates the last one stays, and the others have no gradient."""
    x, u = dg.Variable([1.0, 2.0, 3.0]), dg.Variable([5.0, 6.0, 7.0])
    places = [[1], [0], [1]]
    with dg.GradientTape(persistent=True) as tape:
        written, summed = ops.scatter_update(x, places, u), ops.scatter(places, u, (3,))
    assert written.numpy().tolist() == [6, 7, 3] and summed.numpy().tolist() == [6, 12, 0]
    assert [g.numpy().tolist() for g in tape.gradient(written, [x, u])] == [[0, 0, 1], [0, 1, 1]]
    assert tape.gradient(summed, u).numpy().tolist() == [1, 1, 1]
    assert ops.scatter_update(x, np.zeros((0, 1), int), np.zeros(0, "f")).numpy().tolist() == [1, 2, 3]
    assert ops.scatter_update(dg.constant([np.nan, 1.0]), [[0]], [2.0]).numpy().tolist() == [2, 1]
    integers = ops.scatter_update(dg.constant([1, 2]), [[1]], [9])
    assert integers.dtype == "int32" and integers.numpy().tolist() == [1, 9]
    for tag, call in (("scatter", lambda i: ops.scatter(i, [1.0], (3,))),
                      ("scatter_update", lambda i: ops.scatter_update(x, i, [1.0]))):  # fmt: skip
        with pytest.raises(IndexError, match=r"contains 3: it must be in \[0, 3\)"):
            call([[3]])
        with pytest.raises(ValueError, match=rf"^\[{tag}\] `indices` has shape \(1, 2\) but `x` has shape \(3,\): its"):
            call([[0, 1]])
    assert ops.roll(dg.constant([1, 2, 3]), 4).numpy().tolist() == [3, 1, 2]


def test_scalar_tensors_in_an_index_tuple():
    """As in `y[:, tf.argmax(y[0])]`; nothing is read from the index, so that it works under vmap."""
    a = np.arange(24.0).reshape(2, 3, 4)
    x, i, j = dg.Variable(a), dg.constant(1), dg.constant(-1, "int64")
    for got, expected in (
        (x[:, i], a[:, 1]),
        (x[..., j], a[..., -1]),
        (x[None, :, i, ..., j], a[None, :, 1, ..., -1]),
        (x[1, i, 1:], a[1, 1, 1:]),
        (x[i, :, j], a[1, :, -1]),
    ):
        np.testing.assert_array_equal(got, expected)
    with dg.GradientTape() as tape:
        y = x[:, ops.argmax(x[0, :, 0])]
    np.testing.assert_array_equal(tape.gradient(y, x), np.broadcast_to([[[0], [0], [1]]], a.shape))
    picked = dg.vmap(lambda rows, k: rows[:, k])(a, np.array([3, 0]))
    np.testing.assert_array_equal(picked, np.stack([a[0, :, 3], a[1, :, 0]]))
    with pytest.raises(IndexError):
        x[:, dg.constant(3)]


SLICES = [
    (slice(None), slice(3, -2), slice(None)),
    (slice(5, None), slice(None), slice(None)),
    (slice(None, None, 2), slice(None, None, -3), slice(1, 2)),
    (slice(None, None, -1), slice(None), slice(None, None, -1)),
    (slice(30, None), slice(7, 7), slice(None)),
]


@pytest.mark.parametrize("index", SLICES, ids=str)
def test_slices_in_several_pieces_and_their_adjoints(index):
    """More entries than one thread takes at a time; axes that follow each other are copied as one."""
    a = np.arange(41 * 900 * 4, dtype=np.float32).reshape(41, 900, 4)
    x = dg.constant(a)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x[index]
    np.testing.assert_array_equal(y, a[index])
    expected = np.zeros_like(a)
    expected[index] = y.numpy() + 1
    np.testing.assert_array_equal(tape.gradient(y, x, output_gradients=y + 1), expected)
    np.testing.assert_array_equal(ops.transpose(x, (2, 0, 1)), a.transpose(2, 0, 1))
    np.testing.assert_array_equal(ops.transpose(x, (1, 2, 0)), a.transpose(1, 2, 0))
    np.testing.assert_array_equal(ops.pad(x, ((1, 0), (0, 2), (0, 0))), np.pad(a, ((1, 0), (0, 2), (0, 0))))
