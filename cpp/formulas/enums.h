// The names that kernels, primitives and formulas share.
#pragma once

#include <array>
#include <cstdint>

namespace densegrad {

using index_t = std::int64_t;

// The position of a name in these enums is its index in the tables below.
enum class Unary : int {
  negative,
  square,
  sqrt,
  exp,
  expm1,
  log,
  log1p,
  abs,
  sign,
  sin,
  cos,
  tanh,
  erf,
  erfc,
  floor,
  ceil,
  round,
  count
};
enum class Binary : int { add, subtract, multiply, divide, power, maximum, minimum, count };
enum class Compare : int { greater, greater_equal, less, less_equal, equal, not_equal, count };
enum class Activation : int {
  linear,
  sigmoid,
  relu,
  softmax,
  tanh,
  exponential,
  softplus,
  log_sigmoid,
  softsign,
  silu,
  gelu,
  mish,
  squareplus,
  tanh_shrink,
  elu,
  selu,
  celu,
  leaky_relu,
  relu6,
  hard_sigmoid,
  hard_silu,
  hard_tanh,
  soft_shrink,
  hard_shrink,
  threshold,
  sparse_plus,
  sparse_sigmoid,
  log_softmax,
  count
};
enum class Loss : int {
  mean_squared_error,
  binary_crossentropy,
  categorical_crossentropy,
  sparse_categorical_crossentropy,
  mean_absolute_error,
  mean_absolute_percentage_error,
  mean_squared_logarithmic_error,
  huber,
  poisson,
  kl_divergence,
  cosine_similarity,
  hinge,
  squared_hinge,
  categorical_hinge,
  binary_focal_crossentropy,
  categorical_focal_crossentropy,
  categorical_generalized_cross_entropy,
  log_cosh,
  count
};
// A number that a loss may be given: its Keras name, Keras' default, and what it must be.
struct LossParameter {
  enum Range { interval, open_interval, flag };

  const char* name;
  double initial;
  double low, high;
  Range range = interval;
};
constexpr int max_loss_parameters = 4;
enum class Optimizer : int { sgd, adam, rmsprop, adagrad, adadelta, adamax, nadam, lion, count };

enum class Schedule : int {
  exponential_decay,
  inverse_time_decay,
  polynomial_decay,
  cosine_decay,
  cosine_decay_restarts,
  piecewise_constant_decay,
  count
};

// What an activation takes besides its input, in the order that its formula declares.
using ActivationValues = std::array<double, 3>;

// Which of a cross-entropy's formulas applies. `fused`: y_pred is the softmax (sigmoid) of z and the value comes from z.
enum class LossForm : int { values, logits, fused };

template <class E>
constexpr int size_of() {
  return static_cast<int>(E::count);
}

}  // namespace densegrad
