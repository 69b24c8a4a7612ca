// The names that kernels, primitives and formulas share.
#pragma once

#include <array>
#include <cstdint>

namespace densegrad {

using index_t = std::int64_t;

// The position of a name in these enums is its index in the tables below.
//
// One list is the enum, the names and the kernels of the unary operations, which are the functions of scalar.h, gamma.h
// and inverse_erf.h.
#define DENSEGRAD_UNARIES(X) \
  X(negative)                \
  X(square)                  \
  X(sqrt)                    \
  X(exp)                     \
  X(expm1)                   \
  X(log)                     \
  X(log1p)                   \
  X(abs)                     \
  X(sign)                    \
  X(sin)                     \
  X(cos)                     \
  X(tan)                     \
  X(arcsin)                  \
  X(arccos)                  \
  X(arctan)                  \
  X(sinh)                    \
  X(cosh)                    \
  X(tanh)                    \
  X(arcsinh)                 \
  X(arccosh)                 \
  X(arctanh)                 \
  X(erf)                     \
  X(erfc)                    \
  X(erfinv)                  \
  X(erfcinv)                 \
  X(lgamma)                  \
  X(digamma)                 \
  X(floor)                   \
  X(ceil)                    \
  X(round)
#define DENSEGRAD_ENUMERATOR(name) name,
#define DENSEGRAD_NAME(name) #name,
enum class Unary : int { DENSEGRAD_UNARIES(DENSEGRAD_ENUMERATOR) count };
constexpr const char* unary_names[] = {DENSEGRAD_UNARIES(DENSEGRAD_NAME)};
#undef DENSEGRAD_ENUMERATOR
#undef DENSEGRAD_NAME
enum class Binary : int {
  add,
  subtract,
  multiply,
  divide,
  power,
  maximum,
  minimum,
  floor_divide,
  mod,
  arctan2,
  polygamma,
  count
};
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
enum class Optimizer : int { sgd, adam, rmsprop, adagrad, adadelta, adamax, nadam, lion, ftrl, count };

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
