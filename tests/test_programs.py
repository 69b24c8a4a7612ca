"""Programs: what was recorded once gives the same bits as Python, and what cannot be recorded is named."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref

import densegrad as dg
import numpy as np
import pytest
from replaying import bits, replayed, run_twice
from rows import generator
from tables import ROWS

DIFFERENTIABLE = [row for row in ROWS if row.wrt]


def narrow(inputs, dtype):
    """The inputs in the dtype under test, integers and bools as they are."""
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in map(np.asarray, inputs)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_row_gives_the_bits_of_python(row, dtype, seed):
    for shapes in row.shapes:
        first, second = (narrow(row.draw(generator(seed, row, shapes, k), shapes), dtype) for k in range(2))
        tensors = [[dg.constant(x) for x in inputs] for inputs in (first, second)]
        assert bits(replayed(row.call, *tensors)) == bits(row.call(*tensors[1])), shapes


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_the_gradient_of_every_row_gives_the_bits_of_python(row, dtype, seed):
    def gradient(*inputs):
        sources = [inputs[i] for i in row.wrt]
        with dg.GradientTape() as tape:
            tape.watch(sources)
            y = row.call(*inputs)
            total = dg.ops.sum(y * y)
        return tape.gradient(total, sources)

    shapes = row.shapes[row.example]
    first, second = (narrow(row.draw(generator(seed, row, shapes, k), shapes), dtype) for k in range(2))
    tensors = [[dg.constant(x) for x in inputs] for inputs in (first, second)]
    assert bits(replayed(gradient, *tensors)) == bits(gradient(*tensors[1]))


def test_classes_on_another_axis():
    rng = np.random.default_rng(0)
    loss_fn = dg.losses.CategoricalCrossentropy(from_logits=True, axis=1)

    def gradient(t, z):
        with dg.GradientTape() as tape:
            tape.watch(z)
            loss = loss_fn(t, z)
        return 2 * tape.gradient(loss, z)

    run_twice(gradient, rng.random((2, 2, 3, 4)).astype(np.float32))


# ---- Training steps --------------------------------------------------------------------------------------------------

OPTIONS = [
    {},
    {"clipnorm": 0.1},
    {"clipvalue": 0.01},
    {"global_clipnorm": 0.1},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "clipnorm": 0.1, "weight_decay": 0.1},
    {"gradient_accumulation_steps": 3, "clipvalue": 0.01, "loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 2, "global_clipnorm": 0.1, "use_ema": True, "ema_overwrite_frequency": 2},
]
OPTIMIZERS = ["SGD", "Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Lion", "Ftrl"]


def trainer(optimizer, dtype, head="softmax", dropout=0.0):
    """A step on a small net, and all variables that it changes."""
    dg.set_random_seed(3)
    layers = [dg.layers.Dense(5, activation="tanh", dtype=dtype), dg.layers.Dropout(dropout, seed=4, dtype=dtype)]
    model = dg.Sequential([dg.Input((4,), dtype=dtype), *layers, dg.layers.Dense(3, activation=head, dtype=dtype)])
    loss_fn = dg.losses.SparseCategoricalCrossentropy(dtype=dtype)

    def step(x, y, weights):
        with dg.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True), weights)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, model.trainable_variables), model.trainable_variables)
        return loss

    return step, lambda: model.variables + optimizer.variables


def assert_same_training(make, dtype, dropout=0.0, steps=7):
    """Losses, weights, slots and seeds after every step are those of Python."""
    rng = np.random.default_rng(5)
    batches = [(rng.normal(size=(6, 4)).astype(dtype), rng.integers(0, 3, 6), rng.random(6).astype(dtype))]
    batches += [(b[0] * 2, b[1][::-1].copy(), b[2]) for b in batches]
    (eager, its), (compiled, mine) = (trainer(make(), dtype, dropout=dropout) for _ in range(2))
    compiled = dg.function(compiled)
    for k in range(steps):
        batch = batches[k % 2]
        assert bits(eager(*batch)) == bits(compiled(*batch)), k
        assert bits([v.numpy() for v in its()]) == bits([v.numpy() for v in mine()]), k
    assert len(compiled.programs) == 1 and not compiled.refusals, compiled.refusals


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_gives_the_bits_of_python(name, options, dtype):
    assert_same_training(lambda: getattr(dg.optimizers, name)(0.01, **options), dtype)


def test_dropout_draws_anew_at_every_step():
    assert_same_training(lambda: dg.optimizers.SGD(0.1), "float32", dropout=0.5)


@pytest.mark.parametrize("schedule", ["ExponentialDecay", "CosineDecay", "PolynomialDecay", "InverseTimeDecay"])
def test_schedules_go_on(schedule):
    arguments = {"ExponentialDecay": (0.1, 3, 0.5), "InverseTimeDecay": (0.1, 3, 0.5)}.get(schedule, (0.1, 5))
    assert_same_training(lambda: dg.optimizers.Adam(getattr(dg.optimizers.schedules, schedule)(*arguments)), "float64")


def test_an_optimizer_of_ones_own_is_recorded():
    class Plain(dg.optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.momenta = self.add_optimizer_variables(variables, "momentum")

        def update_step(self, gradient, variable, learning_rate):
            m = self.momenta[self._get_variable_index(variable)]
            m.assign(0.9 * m + gradient)
            variable.assign_sub(dg.ops.cast(learning_rate, variable.dtype) * m)

    assert_same_training(lambda: Plain(0.1, weight_decay=0.01), "float32")


def test_the_learning_rate_is_read_at_every_call():
    optimizer, v = dg.optimizers.SGD(1.0), dg.Variable(10.0)
    step = dg.function(lambda g: optimizer.apply([g], [v]))
    one = dg.constant(1.0)
    step(one), step(one)
    optimizer.learning_rate = 4.0
    step(one)
    assert float(v) == 4.0 and len(step.programs) == 1


# ---- Values before and after assignments -----------------------------------------------------------------------------


def test_old_values_of_variables_stay_what_they_were():
    def make():
        v = dg.Variable([1.0, 2.0])

        def step(x):
            before, view = v.value, dg.ops.reshape(v, (2, 1))
            with dg.GradientTape(persistent=True) as tape:
                y = dg.ops.sum(v * v * x)
                v.assign(v * 3.0)
                z = dg.ops.sum(v * x)
            late = tape.gradient(y, v)
            v.assign_add(x)
            return before, view, y, z, late, v.value, tape.gradient(z, v)

        return step

    eager, compiled = make(), dg.function(make())
    for k in range(4):
        x = np.float32([k, 1.0])
        assert bits(eager(dg.constant(x))) == bits(compiled(x)), k
    assert len(compiled.programs) == 1


def test_results_own_their_memory():
    @dg.function
    def f(x):
        y = x * 2
        return {"double": y, "flat": dg.ops.reshape(y, (-1,)), "same": x, "constant": dg.ops.ones((2,))}

    x = np.float32([[1, 2]])
    f(x)
    first = f(x)
    before = bits(first)
    x[:] = 9
    second = f(x)
    assert bits(first) == before and bits(second) != before
    f.programs[0].poison()
    del f
    gc.collect()
    assert bits(first) == before


def test_arguments_are_not_written_and_not_kept():
    v = dg.Variable([0.0, 0.0])
    f = dg.function(lambda x: v.assign(x) + x)
    x = np.float32([1, 2])
    x.setflags(write=False)
    f(x), f(x)
    dead = weakref.ref(x)
    del x
    gc.collect()
    assert dead() is None and v.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("layout", ["strided", "Fortran", "big-endian", "unaligned", "float16"])
def test_other_layouts_are_copied(layout):
    f = dg.function(lambda x: x * 2.0)
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    spread = np.zeros((3, 8), np.float32)
    spread[:, ::2] = x
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(3, 4)
    other = {"strided": spread[:, ::2], "Fortran": np.asfortranarray(x), "big-endian": x.astype(">f4"),
             "unaligned": unaligned, "float16": x.astype(np.float16)}[layout]  # fmt: skip
    f(x)
    assert bits(f(other)) == bits(f(x)) == bits(dg.constant(x * 2))
    assert len(f.programs) == 1


# ---- Signatures ------------------------------------------------------------------------------------------------------


def test_a_signature_is_dtypes_shapes_numbers_and_objects():
    calls = []

    @dg.function
    def f(x, scale=1.0, *, power=1, extra=None):
        calls.append((scale, power, extra))
        y = x * scale if extra is None else x * scale + extra["b"]
        return y**power

    x = np.ones(3, np.float32)
    for _ in range(2):
        assert f(x).numpy().tolist() == [1, 1, 1]
        assert f(x, 2.0).numpy().tolist() == [2, 2, 2]
        assert f(x, 2.0, power=2).numpy().tolist() == [4, 4, 4]
        assert f(x, extra={"b": x}).numpy().tolist() == [2, 2, 2]
        assert f(x.astype("float64")).dtype == "float64"
        assert f(np.ones((2, 2), np.float32)).shape == (2, 2)
        assert f(dg.constant(x), -0.0).numpy().tobytes() != f(x, 0.0).numpy().tobytes()
    assert len(calls) == len(f.programs) == 8


def test_methods_are_recorded_per_object():
    class Counter:
        def __init__(self, start):
            self.count = dg.Variable(start)

        @dg.function
        def add(self, x):
            """Add x."""
            self.count.assign_add(x)
            return self.count.value

    a, b = Counter(0.0), Counter(100.0)
    one = dg.constant(1.0)
    assert [float(a.add(one)), float(b.add(one)), float(a.add(one)), float(b.add(one))] == [1, 101, 2, 102]
    assert Counter.add.__doc__ == "Add x." and Counter.add.__name__ == "add"


def test_structures_come_back_as_they_were_returned():
    v = dg.Variable(1.0)

    @dg.function
    def f(x):
        return {"pair": (x, [x + 1, None]), "number": 3, "variable": v}

    for _ in range(2):
        found = f(dg.constant(1.0))
        assert list(found) == ["pair", "number", "variable"]
        assert isinstance(found["pair"], tuple) and found["pair"][1][1] is None
        assert found["number"] == 3 and found["variable"] is v


def test_more_signatures_than_are_kept():
    f = dg.function(lambda x, n: x + n)
    for n in range(100):
        assert float(f(dg.constant(1.0), n)) == n + 1
    assert len(f.programs) == 64
    assert float(f(dg.constant(1.0), 0)) == 1


# ---- What cannot be replayed -----------------------------------------------------------------------------------------

ESCAPES = {
    "bool": lambda x: x if x > 0 else -x,
    "float": lambda x: x * float(x),
    "numpy": lambda x: dg.constant(x.numpy() * 2),
    "__array__": lambda x: dg.constant(np.asarray(x) * 2),
    "item": lambda x: x * x.item(),
}


@pytest.mark.parametrize("what", ESCAPES)
def test_a_value_that_leaves_is_named_and_python_goes_on(what):
    f = dg.function(ESCAPES[what])
    with pytest.warns(UserWarning, match="runs as Python with these arguments"):
        f(dg.constant(3.0))
    (reason,) = f.refusals
    assert f"`{what}` takes a value out of the function" in reason and __file__ in reason
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (-2.0, 5.0):
            assert bits(f(dg.constant(value))) == bits(ESCAPES[what](dg.constant(value)))
    assert f.programs == []


def test_values_of_constants_may_leave():
    scale = dg.constant(2.0)
    f = dg.function(lambda x: x * float(scale))
    assert [float(f(dg.constant(v))) for v in (1.0, 3.0)] == [2, 6] and len(f.programs) == 1


def test_what_is_computed_from_constants_is_one():
    table = dg.constant([1, 2, 3])
    f = dg.function(lambda x: dg.ops.reshape(x, (int(table[0] * 1), int(table[2]))) + dg.random.uniform((3,), seed=1))
    zero, two = (f(dg.constant([v, v, v])) for v in (0.0, 2.0))
    assert (two.numpy() == zero.numpy() + np.float32(2)).all() and len(f.programs) == 1
    assert "add ((1, 3), (3,)) -> (1, 3)" in f.programs[0].describe() and f.programs[0].instructions == 1


def test_variables_are_made_once():
    made = []

    @dg.function
    def lazily(x):
        if not made:
            made.append(dg.Variable(10.0))
        made[0].assign_add(x)
        return made[0].value

    assert [float(lazily(dg.constant(1.0))) for _ in range(4)] == [11, 12, 13, 14]
    assert len(made) == len(lazily.programs) == 1

    def anew(x):
        total = dg.Variable(0.0)
        for _ in range(3):
            total.assign_add(x)
        return total.value

    f = dg.function(anew)
    with pytest.warns(UserWarning, match="it makes variables at every call; make them once, outside"):
        assert [float(f(dg.constant(v))) for v in (1.0, 2.0, 3.0)] == [3, 6, 9]
    assert f.programs == []


def test_errors_pass_and_change_nothing():
    v = dg.Variable([1.0, 2.0, 3.0])

    @dg.function
    def f(x, i):
        y = dg.ops.take(v, i, 0)
        v.assign_add(x)
        return y

    x = np.ones(3, np.float32)
    f(x, np.array([0, 2]))
    for _ in range(2):
        with pytest.raises(IndexError, match=r"\[take\] `indices` contains 3"):
            f(x, np.array([0, 3]))
        assert v.numpy().tolist() == [2, 3, 4]
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        f(np.ones(2, np.float32), np.array([0, 1]))
    assert f(x, np.array([0, 1])).numpy().tolist() == [2, 3]


def test_labels_are_checked_at_every_run():
    step, _ = trainer(dg.optimizers.SGD(0.1), "float32")
    step = dg.function(step)
    x, w = np.ones((2, 4), np.float32), np.ones(2, np.float32)
    step(x, np.array([0, 1]), w)
    with pytest.raises(ValueError, match="contains the label 3"):
        step(x, np.array([0, 3]), w)
    step(x, np.array([2, 1]), w)
    assert len(step.programs) == 1


def test_under_a_tape_and_inside_of_others_python_runs():
    @dg.function
    def square(x):
        return x * x

    @dg.function
    def outer(x):
        return square(x) + dg.vmap(square)(dg.ops.stack([x, x]))[0]

    x = dg.constant(3.0)
    assert [float(square(x)), float(outer(x)), float(outer(dg.constant(2.0)))] == [9, 18, 8]
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = square(x)
    assert float(tape.gradient(y, x)) == 6
    assert len(outer.programs) == 1


def test_second_order_and_custom_gradients_are_recorded():
    @dg.custom_gradient
    def cube(x):
        return x**3, lambda dy: 3 * x**2 * dy

    def f(x):
        return dg.ops.stack([dg.grad(dg.grad(cube))(x), dg.grad(lambda t: cube(t) * t)(x)])

    assert bits(replayed(f, [dg.constant(2.0)], [dg.constant(5.0)])) == bits(f(dg.constant(5.0)))


def test_draws_without_a_seed_move_on():
    dg.set_random_seed(8)
    f = dg.function(lambda x: x + dg.random.uniform((3,)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {bits(f(dg.constant(0.0)))[0][2] for _ in range(4)}
    assert len(found) == 4


# ---- Life and threads ------------------------------------------------------------------------------------------------


def test_threads_take_turns():
    v = dg.Variable(np.zeros(50_000, np.float32))
    f = dg.function(lambda x: v.assign_add(x))
    x = np.ones(50_000, np.float32)
    f(x)
    threads = [threading.Thread(target=lambda: [f(x) for _ in range(50)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (v.numpy() == 201).all()


def test_functions_are_collected():
    class Owner:
        def __init__(self):
            self.step = dg.function(lambda x: self.scale * x)
            self.scale = dg.Variable(2.0)

    owner = Owner()
    owner.step(dg.constant(1.0)), owner.step(dg.constant(1.0))
    dead = weakref.ref(owner)
    del owner
    gc.collect()
    assert dead() is None


def test_function_takes_a_function():
    with pytest.raises(TypeError, match=r"\[function\] `func` is a int: it must be callable"):
        dg.function(3)
    assert float(dg.function(reduce_retracing=True)(lambda x: x + 1)(dg.constant(1.0))) == 2


def test_a_program_describes_itself():
    f = dg.function(lambda x: dg.ops.matmul(x, x) + 1.0)
    f(np.ones((2, 2), np.float32))
    text = f.programs[0].describe()
    assert "2 instructions, arena of" in text and "matmul ((2, 2), (2, 2)) -> (2, 2)" in text


@pytest.mark.parametrize("rows", [0, 1, 70])
@pytest.mark.parametrize("columns", [1, 3, 15, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loss_and_its_gradient_are_one_step(dtype, columns, rows):
    rng = np.random.default_rng(rows + columns)
    z = dg.constant(rng.standard_normal((rows, columns)).astype(dtype) * 10)
    y = dg.constant(rng.integers(0, columns, rows))
    loss_fn = dg.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")

    def step(z, of_loss):
        with dg.GradientTape() as tape:
            tape.watch(z)
            loss = loss_fn(y, z * 1.0)
            target = of_loss(loss)
        return loss, target, tape.gradient(target, z)

    for of_loss, joint in ((lambda loss: loss * 2.0, True), (lambda loss: loss * loss, False)):
        f = dg.function(lambda z, of_loss=of_loss: step(z, of_loss))
        f(z)
        assert bits(f(z)) == bits(step(z, of_loss))
        assert ("loss_and_grad" in f.programs[0].describe()) is joint, "a gradient that waits for the loss comes later"


@pytest.mark.parametrize("rows", [0, 1, 600, 100_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_squares_are_summed_without_memory_for_them(dtype, rows):
    def norms(x):
        return dg.ops.sum(x * x), dg.ops.sum(dg.ops.square(x)), dg.ops.sum(x * x, axis=0), x * x, dg.ops.sum(x * 2.0)

    x = dg.constant(np.random.default_rng(rows).standard_normal((rows, 3)).astype(dtype))
    f = dg.function(norms)
    f(x)
    assert bits(f(x)) == bits(norms(x))
    assert f.programs[0].describe().count("sum_of_squares") == 2, "the columns' squares are asked for"
