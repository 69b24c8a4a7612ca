"""densegrad.tf: what is missing on purpose and says why, what changes nothing, and parts of variables and datasets."""

import importlib

import densegrad as dg
import densegrad.tf as tf
import numpy as np
import pytest
from densegrad.tf import keras

FILES = "Models are not written to files: keep the arrays of `model.get_weights()`, for instance by numpy.savez, and "
NETWORKS = "There are no pretrained models: build the model of layers, and give it weights with `set_weights`."
ABSENT = {
    "tf.compat": "Code of TensorFlow 1 is not taken: tf.GradientTape and tf.Variable are what there is.",
    "tf.summary": "Nothing is written for TensorBoard: `fit` returns a History, and callbacks.CSVLogger writes files.",
    "tf.Graph": "There are no graphs and sessions: operations run where they stand; tf.function records them.",
    "tf.saved_model": FILES,
    "tf.math.igamma": "There is no incomplete gamma or beta function.",
    "tf.math.special": "Of special functions there are those of tf.math.",
    "keras.models.load_model": FILES,
    "keras.layers.LSTM": "Layers that recur over time, or mask parts of it, are not here: this is about dense "
    "networks.",
    "keras.layers.Masking": "Layers that recur over time",
    "keras.optimizers.legacy": "The optimizers of Keras 3 are those of `tf.keras.optimizers` itself.",
    "keras.utils.plot_model": "Models are not drawn: `model.summary()` prints their layers.",
    "keras.utils.Progbar": "`fit` has a progress bar of its own; in a loop of yours, tqdm has one.",
    "keras.backend.gradients": "There is no graph: use tf.GradientTape for gradients, and tf.keras.Model(inputs, "
    "outputs) for parts of models.",
    "keras.backend.function": "There is no graph",
    "keras.backend.learning_phase": "There is no learning phase: pass training=True or False to the call.",
}


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_missing_on_purpose_says_why(name):
    *path, last = name.split(".")
    space = {"tf": tf, "keras": keras}[path[0]]
    for part in path[1:]:
        space = getattr(space, part)
    with pytest.raises(AttributeError) as info:
        getattr(space, last)
    label = ".".join(path).replace("keras", "tf.keras", 1)
    assert str(info.value).startswith(f"[{label}] has no `{last}`. {ABSENT[name]}")
    assert " It has " in str(info.value) and last not in dir(space)


def test_modules_of_pretrained_models_can_be_imported_and_have_nothing():
    for module in ("applications", "applications.vgg16", "applications.resnet50"):
        space = importlib.import_module(f"densegrad.tf.keras.{module}")
        with pytest.raises(AttributeError) as info:
            space.VGG16  # noqa: B018
        assert str(info.value) == f"[tf.keras.{module}] has no `VGG16`. {NETWORKS}"
    with pytest.raises(ImportError, match=r"^\[tf.keras.applications.vgg16\] has no `VGG16`. There are no pretrained"):
        from densegrad.tf.keras.applications.vgg16 import VGG16  # noqa: F401
    with pytest.raises(ImportError, match="Nothing is downloaded"):
        from densegrad.tf.keras.datasets import mnist  # noqa: F401


@pytest.mark.parametrize("name", ["save", "save_weights", "load_weights", "export"])
def test_models_say_what_to_use_in_place_of_files(name):
    model = dg.Sequential([dg.Input((3,)), dg.layers.Dense(2)])
    with pytest.raises(AttributeError) as info:
        getattr(model, name)
    assert str(info.value) == (
        f"'Sequential' object has no attribute '{name}'. {FILES}`model.to_json()`; `set_weights` and "
        "`models.model_from_json` take them back."
    )
    assert not hasattr(model, "saves")


def test_properties_keep_the_reasons_why_they_have_no_value():
    class Own(dg.Model):
        @property
        def broken(self):
            raise AttributeError("for this reason")

    with pytest.raises(AttributeError, match="^for this reason$"):
        Own().broken  # noqa: B018
    with pytest.raises(AttributeError, match="^'Own' object has no attribute 'other'$"):
        Own().other  # noqa: B018


def test_settings_that_change_nothing():
    tf.get_logger().setLevel("ERROR")
    tf.get_logger().setLevel("NOTSET")
    tf.autograph.set_verbosity(0)
    tf.config.optimizer.set_jit(True)
    tf.config.set_soft_device_placement(True)
    tf.config.experimental.set_synchronous_execution(True)
    tf.config.experimental_run_functions_eagerly(False)
    tf.debugging.enable_check_numerics()
    assert tf.config.list_logical_devices("GPU") == tf.config.get_visible_devices("GPU") == []
    assert tf.test.gpu_device_name() == "" and keras.__version__ == dg.__version__
    assert tf.autograph.experimental.do_not_convert(abs) is abs
    assert tf.autograph.experimental.do_not_convert()(abs) is abs
    options = tf.data.Options()
    options.experimental_optimization.map_parallelization = True
    options.deterministic = False
    assert options.experimental_optimization.map_parallelization and keras.backend.backend() == "tensorflow"
    with pytest.raises(AttributeError):
        options.__deepcopy__  # noqa: B018


def test_random_numbers_of_one_seed_are_the_same():
    for draw in (
        lambda seed: tf.random.stateless_truncated_normal([5], seed),
        lambda seed: tf.random.stateless_categorical([[0.0, 1.0, 0.5]], 9, seed),
    ):
        assert np.array_equal(draw([1, 2]), draw([1, 2])) and not np.array_equal(draw([1, 2]), draw([1, 3]))
    assert tf.random.get_global_generator().normal([2]).shape == (2,)


def test_more_assertions():
    x = tf.constant([[1.0, 2.0]])
    tf.debugging.assert_rank_at_least(x, 1)
    tf.debugging.assert_integer(tf.constant(1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="the rank is less: 2 and 3"):
        tf.debugging.assert_rank_at_least(x, 3)
    with pytest.raises(TypeError, match="x must hold integers: it is float32"):
        tf.debugging.assert_integer(x)


SCATTERS = {
    "scatter_max": [7.0, 2.0, 3.0],
    "scatter_min": [1.0, 2.0, 2.0],
    "scatter_mul": [35.0, 2.0, 6.0],
    "scatter_div": [1 / 35, 2.0, 1.5],
    "scatter_add": [13.0, 2.0, 5.0],
}


@pytest.mark.parametrize("name", SCATTERS)
@pytest.mark.parametrize("recorded", [False, True])
def test_scatters_of_variables(name, recorded, tensorflow=None):
    def run(variable):
        getattr(variable, name)(tf.IndexedSlices(tf.constant([5.0, 2.0, 7.0]), tf.constant([0, 2, 0])))
        return variable + 0.0

    variable = tf.Variable([1.0, 2.0, 3.0])
    result = (tf.function(run) if recorded else run)(variable)
    np.testing.assert_allclose(variable.numpy(), SCATTERS[name], rtol=2**-22)
    np.testing.assert_array_equal(result, variable)


def test_scatters_by_index_vectors():
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    assert variable.scatter_nd_max([[0, 1], [1, 0]], [9.0, 0.0]) is variable
    np.testing.assert_array_equal(variable, [[1, 9], [3, 4]])
    variable.scatter_nd_min([[1]], [[0.0, 5.0]])
    np.testing.assert_array_equal(variable, [[1, 9], [0, 4]])


def test_gradients_of_groups_and_places():
    """The largest entry gets the gradient, ties share it; of two candidates the first one."""
    x = tf.Variable([1.0, 3.0, 3.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        largest = tf.math.segment_max(x, [0, 1, 1, 2])
        product = tf.math.unsorted_segment_prod(x, [0, 1, 1, 0], 2)
        replaced = tf.tensor_scatter_nd_max(x, [[0], [1]], x[2:] - 0.5)
    np.testing.assert_array_equal(tape.gradient(largest, x), [1, 0.5, 0.5, 1])
    np.testing.assert_array_equal(tape.gradient(product, x), [2, 3, 3, 1])
    np.testing.assert_array_equal(tape.gradient(replaced, x), [0, 1, 2, 1])
    assert tf.math.unsorted_segment_max(tf.zeros((0, 2)), tf.zeros((0,), tf.int32), 2).shape == (2, 2)


def test_padded_batches_are_checked():
    ragged = tf.data.Dataset.from_generator(lambda: iter([[1], [1, 2, 3]]), tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError) as info:
        list(ragged.padded_batch(2, [2]))
    assert str(info.value) == (
        "[Dataset.padded_batch] `padded_shapes` has (2,) but an element has shape (3,): it must not be longer."
    )
    with pytest.raises(AttributeError, match=r"^\[tf.data.Dataset\] has no `padded`. Close: padded_batch"):
        ragged.padded  # noqa: B018


def test_datasets_of_several():
    ends = [tf.data.Dataset.range(1), tf.data.Dataset.range(5, 8)]
    choices = tf.data.Dataset.from_tensor_slices([0, 0, 1, 1])
    chosen = tf.data.Dataset.choose_from_datasets
    assert [int(i) for i in chosen(ends, choices)] == [0]
    assert [int(i) for i in chosen(ends, choices, stop_on_empty_dataset=False)] == [0, 5, 6]
    drawn = tf.data.Dataset.sample_from_datasets(ends, weights=[0.0, 1.0], seed=1)
    assert [int(i) for i in drawn] == [5, 6, 7]
    assert len(list(tf.data.Dataset.sample_from_datasets(ends, seed=1, stop_on_empty_dataset=True))) <= 4


def test_mistakes_of_windows_and_diagonals():
    for call, text in (
        (lambda: tf.nn.conv1d(np.ones((1, 4, 2), "f"), np.ones((2, 2), "f"), 1, "SAME"),
         "[tf.nn.conv1d] `filters` has shape (2, 2): it must have 3 axes, (length, channels, filters)."),
        (lambda: tf.nn.convolution(np.ones((1, 4, 2), "f"), np.ones((2, 2), "f")),
         "[tf.nn.convolution] `filters` has 2 axes: it must have 3 or 4, (sizes, channels, filters)."),
        (lambda: tf.nn.max_pool1d(np.ones((1, 4, 2), "f"), 2, 2, "SAME", "NHWC"),
         "[tf.nn.max_pool1d] `data_format` is 'NHWC': it must be 'NWC' or 'NCW'."),
        (lambda: tf.linalg.tensor_diag_part(np.ones((2, 3), "f")),
         "[tf.linalg.tensor_diag_part] `input` has shape (2, 3): it must be a shape twice over."),
        (lambda: tf.math.invert_permutation([1, 1]),
         "[tf.math.invert_permutation] `x` is [1 1]: it must be a vector of the numbers 0, 1, ..., each once."),
    ):  # fmt: skip
        with pytest.raises(tf.errors.InvalidArgumentError) as info:
            call()
        assert str(info.value) == text


def test_older_steps():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1, kernel_regularizer="l2")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                pred = self(x, training=True)
                loss = self.compiled_loss(y, pred, regularization_losses=self.losses)
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            self.compiled_metrics.update_state(y, pred)
            return {"loss": loss} | {m.name: m.result() for m in self.compiled_metrics.metrics}

    x, y = np.ones((4, 3), "f"), np.zeros((4, 1), "f")
    own, plain = Own(), keras.Sequential([keras.layers.Dense(1, kernel_regularizer="l2")])
    histories = []
    for model in (own, plain):
        model.build((None, 3)) if model is plain else model(x)
        model.set_weights([np.ones((3, 1)), np.zeros(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        histories.append(model.fit(x, y, epochs=3, verbose=0).history)
    assert histories[0]["loss"] == histories[1]["loss"] and histories[0]["mae"] == histories[1]["mae"]
    bare = keras.Sequential([keras.layers.Dense(1)])
    bare.compile("sgd", "mse")
    bare.compiled_metrics.update_state(y, y)


def test_settings_of_keras():
    keras.config.enable_traceback_filtering()
    keras.config.disable_traceback_filtering()
    assert keras.config.backend() == "tensorflow" and keras.config.image_data_format() == "channels_last"
    assert isinstance(keras.Input((3,)), keras.KerasTensor)


def test_sequences_are_padded_on_a_known_side():
    with pytest.raises(ValueError, match=r"^\[pad_sequences\] `padding` is 'left': it must be 'pre' or 'post'.$"):
        keras.utils.pad_sequences([[1]], padding="left")


def test_singular_vectors_are_not_computed():
    with pytest.raises(ValueError, match=r"^\[tf.linalg.svd\] `compute_uv` is True: only singular values"):
        tf.linalg.svd(np.eye(2))
    with pytest.raises(ValueError, match=r"^\[svdvals\] `a` has shape \(2,\): it must have at least 2 axes"):
        tf.linalg.svd([1.0, 2.0], compute_uv=False)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("ids", [[1, 0, 2], [-1, 0, 0]])
def test_segments_are_in_order(name, ids):
    with pytest.raises(
        ValueError, match=r"^\[tf.math.segment_\*\] `segment_ids` must be whole numbers from 0 on in asc"
    ):
        getattr(tf.math, f"segment_{name}")(tf.ones((3, 2)), ids)
    with pytest.raises(IndexError, match=r"`indices` contains 3: it must be in \[0, 3\)"):
        tf.math.unsorted_segment_sum(tf.ones((3, 2)), [0, 3, 1], 3)
