"""One row per error message: the call, the exception, and the whole text (None: only its form is checked)."""

from __future__ import annotations

import densegrad as dg
import numpy as np
from densegrad import _core
from steps import optimizer_update

F, D = np.float32, np.float64
ACTIVATIONS = ", ".join(_core.activation_names())


def ones(*shape, dtype=F):
    return np.ones(shape, dtype)


def t(*shape, dtype=F):
    return dg.constant(np.ones(shape, dtype))


def symbolic(*shape):
    return _core.placeholder((None, *shape))


def taped(function):
    def call():
        x = t(2)
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return function(tape, x, y)

    return call


def entered_twice():
    with dg.GradientTape() as tape:
        tape.__enter__()


class Pair(dg.layers.Layer):
    """A layer with two outputs."""

    def call(self, x):
        return [x * x, x]


def too_large_a_jacobian():
    """More than a 47-bit address space holds, so that no promise of memory is taken for memory."""
    x = t(2**23)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.jacobian(y, x)


def pair_as_source():
    layer, x = Pair(name="pair"), t(2)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y, _ = layer(x)
    tape.gradient(y, layer)


def update(name="sgd", w=None, grad=None, slots=0, hyper=(0.0, 0.0), slot=None, options=None):
    w = dg.Variable(ones(2), name="w") if w is None else w
    slots = [dg.Variable(ones(2) if slot is None else slot, name=f"s{i}") for i in range(slots)]
    return lambda: optimizer_update(name, w, ones(2) if grad is None else grad, slots, 0.1, hyper, 1, options)


def custom(*results):
    f = dg.custom_gradient(lambda x: (x * x, lambda dy: list(results)))

    def call():
        x = t(2)
        with dg.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        tape.gradient(y, x)

    return call


def loss(name, *args, **kw):
    return lambda: _core.loss(name, *args, **kw)


def run_rows(columns, order=None, first=0):
    _, program, *_ = _core.trace(lambda x: x + x, [t(2, 2)])
    return lambda: program.run_rows(columns, order, first, 1, 1.0)


def op(name, *args, **kw):
    return lambda: getattr(_core, name)(*args, **kw)


BFC, CFC = "binary_focal_crossentropy", "categorical_focal_crossentropy"
GCE = "categorical_generalized_cross_entropy"
CCE, SCCE, BCE, MSE = (
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_crossentropy",
    "mean_squared_error",
)
V, T, R, A = ValueError, TypeError, RuntimeError, AttributeError
INDEX, OVERFLOW = IndexError, OverflowError
ONE = "they must have one dtype; convert one with cast(x, dtype)."
AXES = "axes are aligned from the last one, and each pair must be equal or contain a 1."
NUM = "convert it with cast(x, dtype)."
ROWS = [
    # the symbolic tensors of functional models
    (lambda: float(dg.Input((2,))), _core.SymbolicOperand,
     "[functional] a symbolic tensor of a functional model has no values here: call layers and operations of `dg.ops` "
     "on it, and define a Layer for anything else."),
    # dense
    (op("dense", ones(32, 784), ones(100, 10)), V,
     "[dense] `x` has shape (32, 784) but `kernel` has shape (100, 10): x.shape[1] must equal kernel.shape[0]."),
    (op("dense", ones(2, 3, 4), ones(5, 6)), V,
     "[dense] `x` has shape (2, 3, 4) but `kernel` has shape (5, 6): x.shape[2] must equal kernel.shape[0]."),
    (op("dense", symbolic(4), ones(5, 6)), V,
     "[dense] `x` has shape (None, 4) but `kernel` has shape (5, 6): x.shape[1] must equal kernel.shape[0]."),
    (op("dense", ones(4), ones(4, 2)), V,
     "[dense] `x` has shape (4,): it must have at least 2 axes, (batch, ..., features); a single sample is x[None]."),
    (op("dense", ones(3, 4), ones(4)), V, "[dense] `kernel` has shape (4,): it must be (features, units)."),
    (op("dense", ones(3, 4), ones(4, 2), ones(3)), V,
     "[dense] `bias` has shape (3,) but `kernel` has shape (4, 2): bias.shape must be (2,)."),
    (op("dense", t(3, 4), t(4, 2, dtype=D)), T, f"[dense] `x` is float32 but `kernel` is float64: {ONE}"),
    (op("dense", t(3, 4), t(4, 2), t(2, dtype=D)), T, f"[dense] `x` is float32 but `bias` is float64: {ONE}"),
    (op("dense", t(3, 4, dtype="int32"), t(4, 2, dtype="int32")), T,
     f"[dense] `x` is int32: it must be float32 or float64; {NUM}"),
    (op("dense", ones(3, 4), ones(4, 2), None, "swish"), V,
     f"[dense] `activation` is 'swish': it must be one of {ACTIVATIONS}."),
    (op("dense_vjp", ones(3, 4), ones(4, 2), None, "linear", ones(3, 3)), V,
     "[dense_vjp] `dy` has shape (3, 3) but the output has shape (3, 2): they must be equal."),
    (op("activation", "softmax", 1.0), V, "[softmax] `x` is a scalar: it must have at least one axis."),
    (op("activation", "threshold", 1.0), V, "[threshold] `threshold` is nan: it must be a number."),
    (op("activation", "celu", 1.0, -1, [0]), V, "[celu] `alpha` is 0: it must not be 0."),
    (op("activation", "relu", 1.0, -1, [0, -1, 0]), V, "[relu] `max_value` is -1: it must be at least 0."),
    (op("activation", "elu", 1.0, -1, ["a"]), T, "[elu] `alpha` is 'a': it must be a number."),
    (op("activation", "elu", 1.0, -1, []), T, "[elu] `parameters` has 0 entries: it must have 1."),
    (op("activation", "softmax", ones(2, 3), 2), V,
     "[softmax] `axis` is 2 but the tensor has 2 axes: it must be in [-2, 2)."),
    (op("activation", "swish", 1.0), V,
     f"[activation] `activation` is 'swish': it must be one of {ACTIVATIONS}."),
    # variables
    (lambda: dg.Variable(ones(2, 3), shape=(None, 2)), V,
     "[Variable] `shape` is (None, 2) but `initial_value` has shape (2, 3): they must be equal."),
    (lambda: dg.Variable(), T, "[Variable] `initial_value` is None: it must be an array or a number."),
    # linear algebra
    (op("det", [[1]]), T, "[det] `a` is int32: it must be float32 or float64; convert it with cast(x, dtype)."),
    (op("inv", ones(2, 3)), V,
     "[inv] `a` has shape (2, 3): its last two axes must be equal, those of square matrices."),
    (op("solve", t(2, 2), t(2, 1, dtype=D)), T,
     "[solve] `a` is float32 but `b` is float64: two tensors must have one dtype; convert one with cast(x, dtype)."),
    (op("solve", ones(2, 2), ones(3, 1)), V,
     "[solve] `a` has shape (2, 2) but `b` has shape (3, 1): they must be (..., m, m) and (..., m, n)."),
    (op("inv", ones(2, 2)), V, "[solve] `a` is singular: it must be invertible."),
    (op("cholesky", ones(2, 2)), V, "[cholesky] `a` is not positive definite: its pivot 1 is 0."),
    (op("floor_divide", [1], [0]), ZeroDivisionError,
     "[floor_divide] `x2` has a zero: integers cannot be divided by it."),
    (op("power", _core.constant([2]), _core.constant([-1])), V,
     "[power] `x2` has a negative number: integers have no such powers; convert `x1` with cast(x, dtype)."),
    # losses
    (loss(SCCE, [0, 3], ones(2, 3)), V,
     f"[{SCCE}] `y_true` contains the label 3: with 3 classes it must be in [0, 3)."),
    (loss(SCCE, [-1, 0], ones(2, 3)), V,
     f"[{SCCE}] `y_true` contains the label -1: with 3 classes it must be in [0, 3)."),
    (loss(SCCE, ones(2, 3), ones(2, 3)), V,
     f"[{SCCE}] `y_true` has shape (2, 3) but `y_pred` has shape (2, 3): one integer label per sample is needed, shape "
     f"(2,); one-hot labels go to {CCE}."),
    (loss(CCE, ones(2, 3), ones(2, 4)), V,
     f"[{CCE}] `y_true` has shape (2, 3) but `y_pred` has shape (2, 4): they must have the same shape."),
    (loss(BCE, ones(3, 2), ones(3, 1)), V,
     f"[{BCE}] `y_true` has shape (3, 2) but `y_pred` has shape (3, 1): they must have the same shape."),
    (loss(MSE, ones(3, 2), ones(3, 3)), V, f"[{MSE}] `y_true` has shape (3, 2) but `y_pred` has shape (3, 3): {AXES}"),
    (loss(CCE, ones(2, 3), t(2, 3), axis=2), V,
     f"[{CCE}] `axis` is 2 but the tensor has 2 axes: it must be in [-2, 2)."),
    (loss(MSE, 1.0, 1.0), V, f"[{MSE}] `y_pred` is a scalar: it must have at least one axis."),
    (loss("mae", ones(2), ones(2)), V, f"[loss] `name` is 'mae': it must be one of {', '.join(_core.loss_names())}."),
    (loss(MSE, ones(2), ones(2), reduction="auto"), V,
     f"[{MSE}] `reduction` is 'auto': it must be one of none, sum, mean, "
     "mean_with_sample_weight, sum_over_batch_size."),
    (loss(MSE, ones(4, 2), ones(4, 2), ones(3)), V,
     "[loss] `sample_weight` has shape (3,) but the loss has values of shape (4,): "
     "there must be one weight per value."),
    (loss(CCE, ones(1, 2), ones(1, 2), label_smoothing=2.0), V,
     f"[{CCE}] `label_smoothing` is 2: it must be in [0, 1]."),
    (loss("huber", ones(1, 2), ones(1, 2), delta=-1), V, "[huber] `delta` is -1: it must be in [0, inf)."),
    (loss("huber", ones(1, 2), ones(1, 2), delta="1"), V, "[huber] `delta` is '1': it must be in [0, inf)."),
    (loss(GCE, [0], ones(1, 2), q=1), V, f"[{GCE}] `q` is 1: it must be in (0, 1)."),
    (loss(BFC, ones(1, 2), ones(1, 2), apply_class_balancing="yes"), V,
     f"[{BFC}] `apply_class_balancing` is 'yes': it must be True or False."),
    (loss(CFC, ones(4, 2), ones(4, 2), alpha=[0.25, 0.5, 0.75]), V,
     f"[{CFC}] `alpha` has shape (3,) but `y_pred` has shape (4, 2): it must be a number or one number per class."),
    (loss(MSE, ones(1, 2), ones(1, 2), delta=1.0), T, f"[{MSE}] `delta` is not a parameter of this loss."),
    (loss(MSE, ones(1, 2), ones(1, 2), from_logits=True), V,
     f"[{MSE}] `from_logits` is True: this loss has no form for logits."),
    # elementwise
    (op("add", ones(2, 3), ones(4)), V, "[add] `x1` has shape (2, 3) but `x2` has shape (4,): " + AXES),
    (op("add", t(2), t(2, dtype=D)), T,
     "[add] `x1` is float32 but `x2` is float64: two tensors must have one dtype; convert one with cast(x, dtype)."),
    (op("exp", [1, 2]), T, "[exp] `x` is int32: it must be float32 or float64; convert it with cast(x, dtype)."),
    (op("negative", [True]), T, "[negative] `x` is bool: it must be a number; convert it with cast(x, dtype)."),
    (op("divide", t(2, dtype="bool"), t(2, dtype="bool")), T,
     "[divide] `x1` and `x2` are bool: they must be float32 or float64; convert them with cast(x, dtype)."),
    (op("add", [True], [True]), T,
     "[add] `x1` and `x2` are bool: they must be numbers; convert them with cast(x, dtype)."),
    (op("where", ones(2), 1.0, 2.0), T,
     "[where] `condition` is float32: it must be bool; compare it with something first."),
    (op("clip", [1, 2], 0, 1), T, "[clip] `x` is int32: it must be float32 or float64."),
    (op("cast", 1.0, None), T, "[cast] `dtype` is None: name a dtype."),
    (op("cast", 1.0, "complex64"), T,
     "[dtype] complex64 is not supported: use float32, float64, int32, int64 or bool, or "
     "convert the array with astype()."),
    # reductions and movement
    (op("sum", ones(2, 3), 2), V, "[sum] `axis` is 2 but the tensor has 2 axes: it must be in [-2, 2)."),
    (op("sum", ones(2, 3), (0, -2)), V, "[sum] `axis` names axis 0 twice: each axis may occur once."),
    (op("sum", ones(2, 3), "x"), T, "[axis] `axis` is 'x': it must be an integer, a tuple of them or None."),
    (op("reshape", ones(2, 3), "ab"), T, "[shape] 'ab' must be an integer or a sequence of integers."),
    (op("sum", [True]), T, None),
    (op("mean", [1, 2]), T, "[mean] `x` is int32: it must be float32 or float64; convert it with cast(x, dtype)."),
    (op("logsumexp", [1, 2]), T, None),
    (op("max", ones(0, 3), 0), V, None),
    (op("argmax", ones(2, 0), 1), V, "[argmax] `x` has shape (2, 0): axis 1 is empty."),
    (op("broadcast_to", ones(3), (2, 4)), V,
     "[broadcast_to] shape (3,) does not broadcast to (2, 4): each axis must be equal or 1."),
    (op("sum_to", ones(2, 4), (3,)), V,
     "[sum_to] shape (3,) does not broadcast to (2, 4): each axis must be equal or 1."),
    (op("reshape", ones(2, 3), (4,)), V,
     "[reshape] `x` has shape (2, 3) and cannot take shape (4,): the number of entries must stay."),
    (op("reshape", ones(2, 3), (-1, -1)), V,
     "[reshape] `newshape` has the entry -1 on axis 1: at most one entry may be -1, "
     "to be inferred, and none may be less."),
    (op("transpose", ones(2, 3), (0, 0)), V, "[transpose] `axes` names axis 0 twice."),
    (op("transpose", ones(2, 3), (0,)), V,
     "[transpose] `axes` has 1 entries but `x` has shape (2, 3): one per axis is needed."),
    (op("concatenate", []), V, "[concatenate] `xs` is empty: at least one tensor is needed."),
    (op("concatenate", [ones(2, 3), ones(2, 4)]), V, None),
    (op("concatenate", [t(2), t(2, dtype=D)]), T, None),
    (op("pad", ones(2, 3), [(1, 1)]), V, "[pad] `pad_width` has 1 pairs but `x` has shape (2, 3): one per axis."),
    (op("pad", ones(2), [(-1, 1)]), V,
     "[pad] `pad_width` is (-1, 1) on axis 0: it must not be negative."),
    (op("take", ones(3), [3]), INDEX, "[take] `indices` contains 3: it must be in [0, 3)."),
    (op("take", ones(3), [-1]), INDEX, "[take] `indices` contains -1: it must be in [0, 3)."),
    (op("take", ones(3), [0.5]), T, "[take] `indices` is float32: it must be int32 or int64."),
    (op("take", 1.0, [0], 0), V, "[take] `x` is a scalar: it must have at least one axis."),
    (op("scatter_add", 1.0, [0], 1.0), V, "[scatter_add] `x` is a scalar: it must have at least one axis."),
    (op("scatter_add", ones(3, 2), [0, 1], ones(3, 2)), V, None),
    (op("scatter_add", t(3), [0], t(1, dtype=D)), T, None),
    (op("scatter_add", t(3), [3], t(1)), INDEX, "[scatter_add] `indices` contains 3: it must be in [0, 3)."),
    (op("one_hot", [0.5], 3), T, "[one_hot] `indices` is float32: it must be int32 or int64."),
    (op("one_hot", [0], -1), V, "[one_hot] `num_classes` is -1: it must not be negative."),
    (lambda: _core.argsort(1.0), V, "[argsort] `x` is a scalar: it must have at least one axis."),
    (op("matmul", ones(2, 3), ones(4, 5)), V, None),
    (op("matmul", ones(2, 3), ones(4, 3), True, True), V, None),
    (op("matmul", t(2, 2), t(2, 2, dtype=D)), T, None),
    (op("matmul", 1.0, ones(2, 2)), V,
     "[matmul] `x1` has shape () and `x2` has shape (2, 2): scalars have no matrix product."),
    (op("random_integers", (2,), 0, 1, 1, "float32"), T,
     "[random_integers] `dtype` is float32: it must be int32 or int64."),
    (lambda: _core.random_integers((2,), 0, 9, t(2)), V,
     "[random] `seed` has shape (2,) and dtype float32: it must be an integer or an int64 tensor of shape (2,), the "
     "seed and the number of the draw."),
    (run_rows([]), V, "[run_rows] `columns` has 0 arrays: the program takes 1."),
    (run_rows([ones(3, 2)[:, ::-1]]), V,
     "[run_rows] `columns[0]` must be a C-contiguous float32 array with rows as in (2, 2)."),
    (run_rows([ones(3, 2)], None, 2), V, "[run_rows] 1 batches of 2 rows from row 2 are not in 3 rows."),
    (run_rows([ones(3, 2)], [0, 1, 3]), V, "[run_rows] `order` must hold 3 row numbers."),
    (op("random_integers", (2,), 3, 3, 1), V, "[random_integers] `maxval` is 3 and `minval` is 3: it must be larger."),
    (op("random_integers", (2,), 0, 2**31 + 1, 1), OVERFLOW,
     "[random_integers] [0, 2147483649) does not fit int32."),
    (op("random_uniform", (2,), 0, 1, 1, "int32"), T,
     "[random_uniform] `dtype` is int32: it must be float32 or float64."),
    # construction
    (op("constant", None), T, "[constant] got None where a tensor or an array is needed."),
    (op("constant", [[1.0], [1.0, 2.0]]), V, None),
    (op("constant", ones(*[1] * 9)), V, "[constant] the array has 9 axes: at most 8 are supported."),
    (op("reshape", 1.0, [1] * 9), V, "[shape] more than 8 axes are not supported."),
    (op("constant", np.array([2**64 - 1], "uint64")), OVERFLOW,
     "[constant] the array has the entry 18446744073709551615: it must fit int64."),
    (op("constant", np.ma.masked_array(ones(2), [0, 1])), T,
     "[constant] masked arrays are not supported: pass .filled(...) and the mask as sample weights."),
    (op("constant", np.array(["a"])), T, None),
    (op("reshape", 1.0, (1.5,)), T, "[shape] (1.5,) must be a sequence of integers."),
    (op("placeholder", (2, None)), V,
     "[placeholder] `shape` is (2, None): only the first axis may be unknown, and none negative."),
    (op("broadcast_to", 1.0, (2**40, 2**40)), OVERFLOW, "[shape] (1099511627776, 1099511627776) has too many entries."),
    # tensors and variables
    (lambda: t(3)[3], INDEX, "[getitem] index 3 is out of range for axis 0 with 3 entries."),
    (lambda: t(3)[-4], INDEX, "[getitem] index -4 is out of range for axis 0 with 3 entries."),
    (lambda: t(3)[0, 0], INDEX, "[getitem] the index has 2 entries but the tensor has shape (3,)."),
    (lambda: t(3, 3)[..., 0, ...], INDEX, "[getitem] the index has more than one `...`."),
    (lambda: t(3)[np.array([0.5])], T, "[getitem] an index array is float64: it must be int32, int64 or bool."),
    (lambda: t(3)[np.array([True, False])], INDEX,
     "[getitem] the mask has shape (2,) but the tensor has shape (3,): the mask must match its first axes."),
    (lambda: t(3, 3)[np.array([0]), 0], T,
     "[getitem] an index tuple may hold integers, slices, None and `...`: use take() or one_hot() for index arrays."),
    (lambda: symbolic(3)[1:], V, "[getitem] axis 0 of this symbolic tensor is unknown: it can only be taken whole."),
    (lambda: t(3)["a"], T,
     "[getitem] the index is 'a': it must be an integer, a slice, None, `...`, or an array of integers or "
     "bools."),
    (lambda: dg.constant(2**63), OVERFLOW, "[constant] 9223372036854775808 does not fit a 64-bit integer."),
    (
        lambda: _core.random_uniform((-1,), 0.0, 1.0, 0),
        V,
        "[random_uniform] `shape` has the entry -1 on axis 0: no entry may be negative.",
    ),
    (lambda: repr(dg.Tensor.__new__(dg.Tensor)), T,
     "[tensor] this object was made without its constructor: use dg.constant or dg.Variable."),
    (lambda: list(dg.constant(1.0)), T, "[iter] the tensor is a scalar: it cannot be iterated over."),
    (lambda: list(symbolic(3)), T, "[iter] the first axis of this symbolic tensor is unknown."),
    (lambda: [1, 2][dg.constant(1.0)], T,
     "[index] only an integer scalar is an index; this tensor is float32 of shape ()."),
    (op("pad", ones(2), 1), T, "[pad] `pad_width` is 1: it must hold one pair per axis."),
    (op("pad", ones(2), [1, 2]), T, "[pad] `pad_width` holds 1: it must hold one pair per axis."),
    (lambda: dg.ops.pad(symbolic(3), [(1, 0), (0, 0)]), V,
     "[pad] axis 0 of this symbolic tensor is unknown: it cannot be padded."),
    (lambda: _core.optimizer_step("sgd", [], 0.1, (0.9, 0), dg.Variable(0)), T,
     "[sgd] `iterations` must be an int64 scalar."),
    (lambda: dg.constant(1) + 2**40, OVERFLOW, "[constant] 1099511627776 does not fit int32."),
    (lambda: len(dg.constant(1.0)), T, "[len] the tensor is a scalar: it has no length."),
    (lambda: len(symbolic(3)), T, "[len] the first axis of this symbolic tensor is unknown."),
    (lambda: float(t(2)), T, "[float] the tensor has shape (2,): only a tensor with one entry is a Python number."),
    (lambda: bool(t(2)), T, "[bool] the tensor has shape (2,): only a tensor with one entry is a Python number."),
    (lambda: t(2).__array__(copy=False), V, "[__array__] a tensor is always copied: use copy=None or copy=True."),
    (lambda: symbolic(3).numpy(), _core.SymbolicError,
     "[tensor] this tensor of shape (None, 3) is symbolic and has no values: in vmap it stands for one example of a "
     "batch, so select with dg.ops.where; in a model, call the model or layer on data, and keep no tensor of the call "
     "that makes the weights."),
    (lambda: _core.one_hot([0], 2**50), MemoryError,
     "[tensor] a tensor of shape (1, 1125899906842624) and dtype float32 takes 4503600 GB: there is not so much "
     "memory."),
    (too_large_a_jacobian, MemoryError,
     "[GradientTape.jacobian] the Jacobian of a target of shape (8388608,) takes 281475 GB, and its computation more "
     "memory than there is: take it of parts of the target, or its products with vectors by dg.vjp and dg.jvp."),
    (lambda: t(2).z, A,
     "[Tensor.z] this tensor has no pre-activation: only the output of a dense layer or an activation has one."),
    (lambda: dg.Variable(ones(2), name="v").assign(ones(3)), V,
     "[Variable.assign] `value` has shape (3,) but variable 'v' has shape (2,): the shapes must be equal."),
    (lambda: dg.Variable(ones(2), name="v").assign_add(1.0), V,
     "[Variable.assign] `value` has shape () but variable 'v' has shape (2,): the shapes must be equal."),
    # optimizers
    (update(w=dg.Variable([1, 2], name="w")), T, "[sgd] variable 'w' is int32: it must be float32 or float64."),
    (update(grad=ones(3)), V, "[sgd] the gradient has shape (3,) but variable 'w' has shape (2,): they must be equal."),
    (update(slots=2), V, "[sgd] got 2 slots: it takes 0 to 1."),
    (update("adam", slots=1, hyper=(0.9, 0.9, 1e-7)), V, "[adam] got 1 slots: it takes 2 to 3."),
    (update("adam", slots=2), V, "[adam] got 2 hyperparameters: it takes 3."),
    (update(slots=1, slot=ones(3)), V,
     "[sgd] slot 's0' has shape (3,) and dtype float32 but variable 'w' has (2,) and float32: "
     "they must be equal."),
    (update("lamb"), V, None),
    (update("nadam", slots=2, hyper=(0.9, 0.9, 1e-7)), T, "[nadam] `shared` must be a float scalar."),
    (lambda: _core.optimizer_step("sgd", [], t(2), (0.9, 0), dg.Variable(0, dtype="int64")), V,
     "[optimizer_step] `learning_rate` has shape (2,): it must be one number."),
    (update(options={"accumulation_steps": 0}), V, "[sgd] `accumulation_steps` is 0: it must be at least 1."),
    (update(options={"accumulation_steps": 2}), V,
     "[sgd] got 0 accumulators for 1 variables: there must be one each."),
    (update(options={"clip": "all"}), V, None),
    (lambda: _core.global_norm(t(2)), T,
     "[global_norm] `t_list` is a densegrad._core.Tensor: it must be a list of tensors."),
    (lambda: _core.schedule("exponential_decay", 1, [0.1]), V,
     "[exponential_decay] got 1 numbers: it takes one for each of its arguments."),
    (lambda: _core.schedule("piecewise_constant_decay", 1, [0.1, 0.2]), V,
     "[piecewise_constant_decay] got 2 numbers: it takes one value more than boundaries."),
    # tapes
    (entered_twice, V, "[GradientTape] the tape is still recording: it cannot be entered again before it is left."),
    (lambda: dg.GradientTape()._exit(), V,
     "[GradientTape] the tape is not recording: enter it first with `with tape:`."),
    (lambda: dg.GradientTape().gradient(t(), t()), R,
     "[GradientTape.gradient] the tape was never entered: record the computation inside `with tape:` first."),
    (taped(lambda tape, x, y: [tape.gradient(y, x) for _ in range(2)]), R,
     "[GradientTape.gradient] a non-persistent tape gives "
     "one set of gradients only: create it with persistent=True, or ask for all sources in one call."),
    (taped(lambda tape, x, y: tape.gradient(y, x, output_gradients=ones(3))), V,
     "[GradientTape.gradient] `output_gradients` 0 has shape (3,) but its target has shape (2,): they must be equal."),
    (taped(lambda tape, x, y: tape.gradient(y, [x, 1.0])), T,
     "[GradientTape.gradient] `sources` holds a value of type float: it "
     "must hold tensors, variables or layers; plain values are not recorded."),
    (taped(lambda tape, x, y: tape.gradient([y, ones(2)], x)), T,
     "[GradientTape.gradient] `target` holds a value of type ndarray: "
     "it must be a tensor, or hold tensors in lists, tuples and dicts."),
    (taped(lambda tape, x, y: tape.gradient(None, x)), T,
     "[GradientTape.gradient] `target` is None: it must be a tensor or a structure of tensors."),
    (taped(lambda tape, x, y: tape.gradient(y, x, unconnected_gradients="all")), V,
     "[GradientTape.gradient] `unconnected_gradients` is 'all': it must be 'none' or 'zero'."),
    (taped(lambda tape, x, y: tape.gradient(y, dg.layers.Dense(2, name="d"))), V,
     "[GradientTape.gradient] layer 'd' was called 0 "
     "times on this tape: a layer as a source must have been called exactly once; pass the output tensor that "
     "you mean."),
    (taped(lambda tape, x, y: tape.batch_jacobian(y, x)), V,
     "[GradientTape.batch_jacobian] `target` has shape (2,) and `source` has shape (2,): both must have at least 2 "
     "axes, and the same first one."),
    (taped(lambda tape, x, y: tape.batch_jacobian(y, [x])), T,
     "[GradientTape.batch_jacobian] `source` is a structure: it must be one tensor."),
    (taped(lambda tape, x, y: tape.jacobian([y], x)), T,
     "[GradientTape.jacobian] `target` holds a value of type list: it must be one tensor."),
    (taped(lambda tape, x, y: [tape.jacobian(y, x) for _ in range(2)]), R,
     "[GradientTape.jacobian] a non-persistent tape gives "
     "one set of gradients only: create it with persistent=True, or ask for all sources in one call."),
    (pair_as_source, V, "[GradientTape.gradient] layer 'pair' returned several tensors: pass the one that you mean."),
    (lambda: dg.GradientTape().watch(t(2)), R,
     "[GradientTape.watch] the tape is not recording: call watch inside `with tape:`."),
    (lambda: dg.GradientTape().watch(1.0), T, None),
    (lambda: dg.GradientTape().reset(), V,
     "[GradientTape.reset] the tape is not recording: call reset inside `with tape:`."),
    (lambda: dg.GradientTape().stop_recording().__enter__(), R,
     "[GradientTape.stop_recording] the tape is not recording: enter it first."),
    (custom(1.0, 2.0), V,
     "[custom_gradient] the gradient function returned 2 gradients but the function has 1 arguments and variables: it "
     "must return one for each."),
    (custom(ones(3)), V,
     "[custom_gradient] gradient 0 has shape (3,) but the argument has shape (2,): they must be equal."),
    (lambda: dg.custom_gradient(lambda x: x)(1.0), T,
     "[custom_gradient] the function must return a pair (y, grad) with a callable grad."),
    (lambda: dg.set_num_threads(0), V, "[set_num_threads] `n` is 0: it must be an integer from 1 to 64."),
    (lambda: dg.set_num_threads(1.5), T, "[set_num_threads] `n` is 1.5: it must be an integer from 1 to 64."),
]  # fmt: skip
