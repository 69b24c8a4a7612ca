"""What is known about Keras' tests on densegrad: which are run, which cannot apply, which fail and why."""

KERAS = "3.15.1"  # the version that the lists are for; with another one only the share is asserted
SHARE = 0.95  # of the applicable tests of these areas must pass
PROMISED = ("activations", "initializers", "losses", "optimizers", "regularizers")

MODULES = (
    "losses/losses_test",
    "losses/loss_test",
    "activations/activations_test",
    "optimizers/optimizer_test",
    "optimizers/sgd_test",
    "optimizers/adam_test",
    "optimizers/adamw_test",
    "optimizers/rmsprop_test",
    "optimizers/adagrad_test",
    "optimizers/adadelta_test",
    "optimizers/adamax_test",
    "optimizers/nadam_test",
    "optimizers/lion_test",
    "optimizers/ftrl_test",
    "optimizers/schedules/learning_rate_schedule_test",
    "initializers/initializer_test",
    "initializers/constant_initializers_test",
    "initializers/random_initializers_test",
    "regularizers/regularizers_test",
    "constraints/constraints_test",
    "metrics/metric_test",
    "metrics/accuracy_metrics_test",
    "metrics/confusion_metrics_test",
    "metrics/correlation_metrics_test",
    "metrics/f_score_metrics_test",
    "metrics/hinge_metrics_test",
    "metrics/probabilistic_metrics_test",
    "metrics/reduction_metrics_test",
    "metrics/regression_metrics_test",
    "layers/activations/activation_test",
    "layers/activations/elu_test",
    "layers/activations/leaky_relu_test",
    "layers/activations/prelu_test",
    "layers/activations/relu_test",
    "layers/activations/softmax_test",
    "layers/core/dense_test",
    "layers/merging/merging_test",
    "layers/regularization/activity_regularization_test",
    "layers/regularization/dropout_test",
    "layers/reshaping/flatten_test",
    "layers/reshaping/permute_test",
    "layers/reshaping/reshape_test",
    "models/functional_test",
    "models/model_test",
    "models/sequential_test",
    "callbacks/callback_test",
    "callbacks/csv_logger_test",
    "callbacks/early_stopping_test",
    "callbacks/lambda_callback_test",
    "callbacks/learning_rate_scheduler_test",
    "callbacks/model_checkpoint_test",
    "callbacks/monitor_callback_test",
    "callbacks/reduce_lr_on_plateau_test",
    "callbacks/terminate_on_nan_test",
)

# Areas whose classes are still being written: their outcomes are not asserted yet.
PENDING = (
    "callbacks",
    "models",
)

# Tests of what densegrad does not set out to do; each fails. Pattern: reason.
NOT_APPLICABLE = {
    "layers/core/dense_test::*quantiz*": "quantization",
    "layers/core/dense_test::*lora*": "low-rank adaptation",
    "layers/core/dense_test::*gptq*": "quantization",
    "layers/core/dense_test::*awq*": "quantization",
    "layers/core/dense_test::*int4*": "quantization",
    "callbacks/early_stopping_test::*": "EarlyStopping, which is not here",
    "layers/core/dense_test::*legacy_load_own_variables": "files of Keras 2",
    "layers/merging/merging_test::*correctness*": "masks",
    "layers/merging/merging_test::*test_errors_*": "masks",
    "losses/losses_test::*::test_dtype_arg": "half precision",
    "losses/loss_test::LossTest::test_dtype_arg": "half precision",
    "metrics/metric_test::MetricTest::test_dtype_arg": "half precision",
    "metrics/correlation_metrics_test::*test_pearson_config": "half precision",
    "models/model_test::*quantize*": "quantization",
    "optimizers/optimizer_test::*overwrite_with_gradient*": "the scales of 8-bit floats, which no gradient moves",
    "optimizers/optimizer_test::*weigth_decay9": "Ftrl, which is not here",
    "optimizers/optimizer_test::*weigth_decay10": "Adafactor, which is not here",
    "optimizers/optimizer_test::*test_pickleable_optimizers9": "Ftrl, which is not here",
    "optimizers/optimizer_test::*test_pickleable_optimizers10": "Adafactor, which is not here",
}

# Tests of what densegrad has that fail nevertheless. Pattern: reason.
FAILING = {
    "layers/core/dense_test::DenseTest::test_dense_errors": "deliberate: the message has both shapes",
    "layers/reshaping/flatten_test::*dynamic_dimension": "only the first axis may be unknown",
    "layers/reshaping/flatten_test::*dynamic_dimenstions": "only the first axis may be unknown",
    "layers/reshaping/reshape_test::*dynamic_dim_and_minus_one": "only the first axis may be unknown",
    "layers/reshaping/reshape_test::*sets_static_shape": "only the first axis may be unknown",
    "layers/reshaping/reshape_test::*model_fit*": "`fit` takes no `steps_per_epoch`",
    "losses/loss_test::LossTest::test_reduction": "deliberate: a loss without dtype on float64 predictions",
    "losses/loss_test::LossTest::test_sample_weight": "deliberate: a loss without dtype on float64 predictions",
    "losses/losses_test::CosineSimilarityTest::test_config": "deliberate: the config has `axis`, which Keras' forgets",
    "losses/losses_test::HuberLossTest::test_config": "deliberate: the config has `delta`, which Keras' forgets",
    "metrics/f_score_metrics_test::FBetaScoreTest::test_undefined_output_dim*": "arrays have shapes",
    "regularizers/*::test_orthogonal_regularizer_*_validation": "deliberate: the message has the name of the class",
    "optimizers/lion_test::LionTest::test_invalid_beta_1": "deliberate: the message has the range that holds, (0, 1]",
}

# Names of Keras that densegrad has not; a test that uses one is not applicable. Reason: names.
ABSENT = {
    "half precision": "dtype_policies",
    "layers that few use": "layers.Dot layers.ActivityRegularization",
    "shapes without a call": "backend.compute_output_spec",
    "masks": "backend.set_keras_mask backend.get_keras_mask layers.Masking",
    "quantization": "quantizers",
    "losses over sequences and sets": "losses.CTC losses.Dice losses.Tversky losses.Circle",
    "activations that are no function of one entry or a row's softmax": "activations.glu activations.sparsemax",
    "optimizers that few use": "optimizers.Ftrl",
    "signal processing": "initializers.STFT",
    "attention": "layers.MultiHeadAttention",
    "activations with weights": "layers.PReLU",
}
