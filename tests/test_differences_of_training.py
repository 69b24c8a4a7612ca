"""The rows of docs/differences.md on layers, models, optimizers and what surrounds tensors."""

import densegrad as dg
import numpy as np
import pytest
from difference_rows import row

X, Y = np.arange(6, dtype="float32").reshape(2, 3), np.eye(2, 3, dtype="float32")


@row("`fit(shuffle=True)` after a seed is set")
def test_every_epoch_draws_a_new_permutation():
    """The rows that reach the model in two epochs are the same set in different orders, also after a seed."""
    seen = []

    class Spy(dg.layers.Layer):
        def call(self, x):
            if not x.is_symbolic:
                seen.append(x.numpy()[:, 0])
            return x * 1.0

    dg.set_random_seed(3)
    model = dg.Sequential([Spy(), dg.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    x = np.arange(16, dtype="float32").reshape(16, 1)
    model(x[:1])
    seen.clear()
    model.fit(x, x, batch_size=16, epochs=2, verbose=0)
    full = [rows for rows in seen if len(rows) == 16]
    assert len(full) == 2
    assert sorted(full[0]) == sorted(full[1]) == list(range(16))
    assert list(full[0]) != list(full[1])


@row("the logged loss of one output of several")
def test_losses_of_outputs_are_means_over_samples():
    """With equal weights of the outputs, their losses add up to the whole, with a short last batch too."""
    x = dg.Input((1,))
    model = dg.Model(x, [x * 2.0, x * 3.0])
    model.compile("sgd", loss="mse")
    values = np.arange(6, dtype="float32").reshape(6, 1)
    logs = model.evaluate(values, [values, values], batch_size=4, verbose=0, return_dict=True)
    first, second = model.output_names
    means = {"loss": 275 / 6, f"{first}_loss": 55 / 6, f"{second}_loss": 220 / 6}  # the squares add up to 55
    assert logs == {name: np.float32(mean) for name, mean in means.items()}


@row("nested Python lists as the input of a layer")
def test_nested_lists_are_layer_inputs():
    """A list of rows is the array of those rows."""
    layer = dg.layers.Dense(2)
    assert layer([[1.0, 2.0], [3.0, 4.0]]).shape == (2, 2)


@row("a learning-rate schedule that starts from an int")
def test_int_rates():
    schedules = dg.optimizers.schedules
    for step in range(5):
        assert float(schedules.CosineDecay(1, 4)(step)) == float(schedules.CosineDecay(1.0, 4)(step))
    assert schedules.PolynomialDecay(1, 4)(1).dtype == np.float32


@row("the name of Nadam's running product")
def test_nadam_names_its_product():
    optimizer = dg.optimizers.Nadam(0.1)
    optimizer.build([dg.Variable([1.0], name="v")])
    assert [v.path for v in optimizer.variables][-1] == "nadam/u_product"


@row("a callable learning rate, with weight decay")
def test_a_step_reads_the_learning_rate_once():
    """(1 - rate decay) w - rate gradient with one rate for both terms and for both variables."""
    rates = iter([0.25, 0.5])
    optimizer = dg.optimizers.SGD(lambda: next(rates), weight_decay=0.5)
    variables = [dg.Variable([1.0]), dg.Variable([2.0])]
    optimizer.apply([[1.0], [1.0]], variables)
    assert [float(v[0]) for v in variables] == [0.625, 1.5]
    assert list(rates) == [0.5]


@row("`compile(loss={...})` without the name of one of several outputs in a list")
def test_an_output_that_the_losses_do_not_name_has_none():
    x = dg.Input((1,))
    names = ("a", "b")
    model = dg.Model(x, [dg.layers.Dense(1, kernel_initializer="ones", name=name)(x) for name in names])
    model.compile("sgd", loss={"a": "mse"})
    ones = np.ones((2, 1), "float32")
    assert model.evaluate(ones, [3 * ones, 5 * ones], verbose=0) == 4


@row("`np.from_dlpack` of a tensor")
def test_dlpack_copies():
    tensor = dg.constant([1.0, 2.0])
    array = np.from_dlpack(tensor)
    array[0] = 5
    assert tensor.numpy().tolist() == [1, 2]


@row("the numbers of `tf.random`, of one seed")
def test_tf_random_draws_the_numbers_of_random():
    import densegrad.tf as tf

    for name in ("normal", "truncated_normal", "uniform"):
        mine, ours = (getattr(module, name)((3,), seed=7).numpy() for module in (tf.random, dg.random))
        np.testing.assert_array_equal(mine, ours)


@row("the config of a `Sequential` that its first call built")
def test_a_first_call_does_not_fix_the_batch():
    model = dg.Sequential([dg.layers.Dense(2)])
    model(np.ones((3, 4), "float32"))
    config = model.get_config()
    assert config["build_input_shape"] == (None, 4)
    assert [layer["class_name"] for layer in config["layers"]] == ["Dense"]
    assert dg.Sequential.from_config(config)(np.ones((5, 4), "float32")).shape == (5, 2)


@row("the loss that a `train_step` of one's own returns, without a metric of it")
def test_a_returned_loss_is_logged():
    class Mine(dg.Sequential):
        def train_step(self, data):
            return {"loss": dg.constant(3.0)}

    model = Mine([dg.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.fit(X, Y, verbose=0).history == {"loss": [3.0]}


@row("two metrics of one name in the list that `evaluate` returns")
def test_results_are_listed_once_for_each_name():
    model = dg.Sequential([dg.layers.Dense(3)])
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mae"])
    logs = model.evaluate(X, Y, sample_weight=np.ones(2), verbose=0, return_dict=True)
    assert model.evaluate(X, Y, sample_weight=np.ones(2), verbose=0) == [
        logs[name] for name in ("loss", "mae", "weighted_mae")
    ]


@row("a generator that is used up before the last epoch of `fit`")
def test_training_ends_with_its_generator():
    model = dg.Sequential([dg.layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="ran out of data before epoch 2 of 3"):
        assert model.fit(iter([(X, Y)]), epochs=3, verbose=0).epoch == [0]


@row("a value that leaves a `tf.function` or a compiled `train_step`: `float(t)`, `t.numpy()`, `if t > 0`")
def test_python_goes_on_where_a_value_leaves():
    calls = []

    class Mine(dg.Sequential):
        def train_step(self, data):
            calls.append(float(dg.ops.sum(data[0])))
            return super().train_step(data)

    model = Mine([dg.layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.warns(
        UserWarning, match="`Mine.train_step` runs as Python with these arguments: `float` takes a value"
    ):
        model.fit(X, Y, epochs=3, verbose=0)
    assert len(calls) == 3
    quiet = dg.tf.function(lambda t: t if t > 0 else -t)
    assert [float(quiet(dg.constant(v))) for v in (1.0, -2.0, 3.0)] == [1, 2, 3]


@row("a recorded function that is called while a tape is open around it")
def test_python_runs_under_a_tape():
    calls = []
    cube = dg.function(lambda t: (calls.append(1), t * t * t)[1])
    x = dg.constant(2.0)
    cube(x), cube(x)
    with dg.GradientTape() as tape:
        tape.watch(x)
        y = cube(x)
    assert float(tape.gradient(y, x)) == 12 and len(calls) == 2


@row("a `tf.Variable` as an attribute of a Keras layer or model")
def test_variables_as_attributes_are_trained():
    class Line(dg.Model):
        def __init__(self):
            super().__init__()
            self.slope = dg.tf.Variable(2.0)

        def call(self, x):
            return self.slope * x

    model = Line()
    model.compile("sgd", "mse")
    model.fit(X, 0 * X, verbose=0)
    assert [w is model.slope for w in model.trainable_variables] == [True] and float(model.slope) < 2


@row("the squared gradients of `Adam` and its kind, for rows that `tf.gather` took twice")
def test_rows_taken_twice_have_one_gradient():
    table = dg.Variable(np.ones((3, 2)))
    with dg.GradientTape() as tape:
        y = dg.ops.sum(dg.tf.gather(table, [0, 0, 1]) * np.array([[1.0], [2.0], [1.0]]))
    dg.optimizers.Adam(0.1, epsilon=0.0).apply([tape.gradient(y, table)[:2]], [part := dg.Variable(np.ones((2, 2)))])
    np.testing.assert_allclose(part, 0.9, rtol=1e-6)  # Keras: 1 - 0.1 * (1 + 2) / sqrt(1 + 4) in the first row


@row("setting `trainable` of a layer to the value that it has")
def test_setting_trainable_sets_the_layers_inside():
    inner = dg.layers.Dense(2)
    model = dg.Sequential([dg.Input((3,)), inner])
    inner.trainable = False
    model.trainable = True
    assert inner.trainable and len(model.trainable_variables) == 2


@row("`compiled_metrics.update_state` in a `train_step` for Keras 2")
def test_older_steps_update_the_metrics_alone():
    class Own(dg.Sequential):
        def train_step(self, data):
            x, y = data
            pred = self(x)
            self.compiled_metrics.update_state(y, pred)
            loss = self.compiled_loss(y, pred)
            return {m.name: m.result() for m in self.metrics if m.name != "loss"} | {"loss": loss}

    model = Own([dg.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.float32([[2.0], [4.0]])
    logs = model.fit(x, 0 * x, verbose=0).history
    assert logs == {"loss": [10.0], "mae": [3.0]}
