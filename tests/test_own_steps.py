"""Steps, losses and metrics of one's own, as Keras runs them."""

from __future__ import annotations

import densegrad as dg
import numpy as np
import pytest
from densegrad import metrics
from training_cases import K, N, features, labels


def test_custom_loss_metric_and_step():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.d = dg.layers.Dense(K)
            self.steps = 0

        def call(self, x):
            return self.d(x)

        def train_step(self, batch):
            self.steps += 1
            super().train_step(batch)

    model = Mine()

    def distance(y_true, y_pred):
        return dg.losses.mean_squared_error(y_true, y_pred)

    model.compile(dg.optimizers.SGD(0.01), distance, metrics=[distance, metrics.MeanMetricWrapper(distance, "again")])
    history = model.fit(features(), labels("real"), epochs=2, verbose=0).history
    assert sorted(history) == ["again", "distance", "loss"] and model.steps == 4
    # Two means of the same positive values: each adds one rounding per value, and the quotient's.
    allowed = 2 * (len(features()) + 1) * 2.0**-24
    np.testing.assert_allclose(history["loss"], history["distance"], rtol=allowed)
    np.testing.assert_allclose(history["again"], history["distance"], rtol=1e-12)


def test_a_custom_train_step_in_keras_style():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.d = dg.layers.Dense(K)
            self.lengths = []

        def call(self, x, training=None):
            return self.d(x)

        def train_step(self, data):
            self.lengths.append(len(data))
            x, y = data[:2]
            with dg.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss, "half": loss / 2, "steps": len(self.lengths)}

        def test_step(self, data):
            x, y = data
            return {"loss": self.compute_loss(y=y, y_pred=self(x)), "more": np.float32(1)}

    model, x, y = Mine(), features(), labels("real")
    model.compile(dg.optimizers.SGD(0.1), "mse", run_eagerly=True)
    history = model.fit(x, y, batch_size=N, epochs=3, shuffle=False, validation_data=(x, y), verbose=0).history
    assert list(history) == ["half", "loss", "steps", "val_loss", "val_more"]
    assert history["half"] == [v / 2 for v in history["loss"]] and history["steps"] == [1.0, 2.0, 3.0]
    assert all(type(v) is float for values in history.values() for v in values)
    assert history["loss"][2] < history["loss"][0] and model.lengths == [2, 2, 2]
    assert history["val_loss"][:2] == history["loss"][1:]
    assert model.evaluate(x, y, batch_size=N, verbose=0) == [history["val_loss"][-1], 1.0]
    model.fit(x, y, sample_weight=np.ones(N), verbose=0)
    assert model.lengths[3:] == [3, 3]
    assert sorted(model.train_on_batch(x, y, return_dict=True)) == ["half", "loss", "steps"]


def test_a_custom_train_step_needs_no_loss():
    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.d = dg.layers.Dense(1)

        def call(self, x):
            return self.d(x)

        def train_step(self, x):
            with dg.GradientTape() as tape:
                loss = dg.ops.mean(dg.ops.square(self(x)))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    model = Mine()
    model.compile("sgd")
    history = model.fit(features(), epochs=3, verbose=0, shuffle=False).history["loss"]
    assert history[0] > history[2] > 0


class Adversaries(dg.Model):
    """Two networks that train each other: no `call`, two optimizers, metrics as attributes."""

    def __init__(self):
        super().__init__()
        self.generator = dg.Sequential([dg.layers.Input((2,)), dg.layers.Dense(6)])
        self.judge = dg.Sequential([dg.layers.Input((6,)), dg.layers.Dense(1)])
        self.judged = metrics.Mean(name="judged")
        self.more = {"fooled": [metrics.Mean(name="fooled")]}

    def compile(self, judge_optimizer, optimizer, loss_fn):
        super().compile()
        self.judge_optimizer, self.generator_optimizer, self.loss_fn = judge_optimizer, optimizer, loss_fn

    def train_step(self, real):
        noise = dg.ops.ones((real.shape[0], 2))
        both = dg.ops.concatenate([self.generator(noise), real], axis=0)
        truth = dg.ops.concatenate([dg.ops.ones((real.shape[0], 1)), dg.ops.zeros((real.shape[0], 1))], axis=0)
        with dg.GradientTape() as tape:
            loss = self.loss_fn(truth, self.judge(both))
        weights = self.judge.trainable_weights
        self.judge_optimizer.apply(tape.gradient(loss, weights), weights)
        self.judged.update_state(loss)
        with dg.GradientTape() as tape:
            loss = self.loss_fn(truth[-real.shape[0] :], self.judge(self.generator(noise)))
        weights = self.generator.trainable_weights
        self.generator_optimizer.apply(tape.gradient(loss, weights), weights)
        self.more["fooled"][0].update_state(loss)
        return {m.name: m.result() for m in self.metrics if m.name != "loss"}


def test_a_model_without_call_trains_by_its_own_step():
    model = Adversaries()
    sgd = dg.optimizers.SGD
    model.compile(sgd(0.1), sgd(0.1), loss_fn=dg.losses.BinaryCrossentropy(from_logits=True))
    assert model.metrics_names == ["loss", "judged", "fooled"]
    before = model.generator.get_weights()
    history = model.fit(features(), epochs=3, verbose=0).history
    assert sorted(history) == ["fooled", "judged"] and len(history["judged"]) == 3
    assert not np.array_equal(model.generator.get_weights()[0], before[0])
    assert int(model.judge_optimizer.iterations) == int(model.generator_optimizer.iterations) == 6
    with pytest.raises(NotImplementedError):
        model.predict(features(), verbose=0)


def test_metrics_are_those_of_the_model_and_its_layers_once_each():
    class Counting(dg.layers.Layer):
        def __init__(self):
            super().__init__()
            self.mean = metrics.Mean(name="inner")

        def call(self, x):
            self.mean.update_state(x)
            return x

    class Mine(dg.Model):
        def __init__(self):
            super().__init__()
            self.own = metrics.Mean(name="own")
            self.also = [self.own]
            self.count, self.d = Counting(), dg.layers.Dense(1)

        def call(self, x):
            return self.d(self.count(x))

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.own.update_state(y)
            return super().compute_metrics(x, y, y_pred, sample_weight)

    model, y = Mine(), labels("binary")
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.metrics_names == ["loss", "compile_metrics", "own", "inner"]
    logs = model.evaluate(features(), y, verbose=0, return_dict=True)
    assert list(logs) == ["inner", "loss", "mae", "own"]
    # Sums of zeros and ones are exact.
    assert logs["own"] == np.float32(y.mean(dtype=np.float64))
    assert set(model.get_metrics_result()) == set(logs)


def test_metrics_property_and_loops_over_it():
    class Mine(dg.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.tracked = metrics.Mean(name="mine")

        def train_step(self, data):
            x, y = data
            y_pred = self(x, training=True)
            self.tracked.update_state(self.compute_loss(x=x, y=y, y_pred=y_pred))
            return {m.name: m.result() for m in self.metrics}

        @property
        def metrics(self):
            return [self.tracked]

    inputs = dg.Input((6,))
    model = Mine(inputs, dg.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    first, second = model.fit(features(), labels("binary"), epochs=2, verbose=0, shuffle=False).history["mine"]
    assert first == second  # nothing is trained, and the mean starts anew


def test_a_metric_loop_of_published_steps():
    class Mine(dg.Model):
        def train_step(self, data):
            x, y = data
            with dg.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    def run(cls):
        dg.set_random_seed(0)
        inputs = dg.Input((6,))
        model = cls(inputs, dg.layers.Dense(1)(inputs))
        model.compile(dg.optimizers.SGD(0.1), "mse", metrics=["mae"])
        return model.fit(features(), labels("binary"), N, 3, 0, shuffle=False).history

    assert run(Mine) == run(dg.Model)


def test_steps_of_a_compiled_model_in_a_loop_of_ones_own():
    model = dg.Sequential([dg.layers.Dense(K)])
    model.compile(dg.optimizers.SGD(0.1), "mse", metrics=["mae"])
    logs = [model.train_step((features(), labels("real"))) for _ in range(2)]
    assert float(logs[1]["loss"]) < float(logs[0]["loss"]) and list(logs[0]) == ["loss", "mae"]
    model.reset_metrics()
    tested = model.test_step((features(), labels("real")))
    assert float(tested["loss"]) == float(model.compute_loss(None, labels("real"), model(features())))


class Heads(dg.Model):
    """Two outputs of one input, as a list, tuple or dict."""

    def __init__(self, kind, lib=dg):
        super().__init__()
        self.a, self.b, self.kind = lib.layers.Dense(1, name="a"), lib.layers.Dense(1, name="b"), kind

    def call(self, x):
        u, v = self.a(x), self.b(x)
        return {"list": [u, v], "tuple": (u, v), "dict": {"p": u, "q": v}}[self.kind]


@pytest.mark.parametrize("kind", ["list", "tuple", "dict"])
def test_predict_of_several_outputs(kind):
    model = Heads(kind)
    found, once = model.predict(features(), batch_size=7, verbose=0), model(features())
    assert type(found) is type(once)
    for a, b in zip(found.values() if kind == "dict" else found, once.values() if kind == "dict" else once):
        assert a.shape == (N, 1)
        # Batches of another size may add a product's terms in another order.
        np.testing.assert_allclose(a, b, rtol=0, atol=20 * 2.0**-24 * np.abs(features()).sum(axis=1).max())


def test_a_layer_alone_has_nothing_to_train():
    model = dg.Sequential([dg.layers.Activation("relu")])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning) as found:
        model.fit(features(), features(), N, verbose=0)
    assert str(found[0].message) == f"[train_step] `{model.name}` has no trainable weights: nothing changes."


def test_the_check_before_training_leaves_no_trace():
    class Counting(dg.Model):
        def __init__(self):
            super().__init__()
            self.calls = self.add_weight((), "zeros", trainable=False)
            self.d = dg.layers.Dense(1)

        def call(self, x):
            self.calls.assign(self.calls + 1)
            return self.d(x)

    model = Counting()
    model.compile("sgd", "mse")
    model.fit(features(), labels("binary"), 25, 2, 0)
    assert float(model.calls) == 4


@pytest.mark.parametrize(
    ("y", "options", "text"),
    [
        (
            [1, 2, 3],
            {"loss": "mse"},
            "[fit] `y` has 3 arrays: it must be a list or a dict with one for each output, 0, 1.",
        ),
        ([1, 2], {"loss": ["mse"]}, "[compile] `loss` has 1 entries: it must have one for each output, 0, 1."),
        (
            [1, 2],
            {"loss": "mse", "metrics": ["mae"]},
            "[compile] `metrics` has 1 entries: it must have one for each output, 0, 1.",
        ),
        ([1, 2], {"loss": "mse", "loss_weights": [1.0]}, None),
    ],
)
def test_errors_of_several_outputs(y, options, text):
    model = Heads("list")
    model.compile("sgd", **options)
    with pytest.raises(ValueError) as info:
        model.fit(features(), [labels("binary")] * len(y), verbose=0)
    assert text is None or str(info.value) == text
