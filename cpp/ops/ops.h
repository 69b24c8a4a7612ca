// The functions that the bindings and the rules call: arguments are checked, broadcast and handed to `run`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "kernels/table.h"
#include "ops/primitive.h"

namespace densegrad {

// Elementwise, with NumPy's broadcasting. Two tensors must have one dtype.
Tensor unary(Unary op, const Tensor& x);
Tensor binary(Binary op, const Tensor& a, const Tensor& b);
Tensor compare(Compare op, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor clip(const Tensor& x, double lo, double hi);
Tensor cast(const Tensor& x, DType dtype);

inline Tensor add(const Tensor& a, const Tensor& b) { return binary(Binary::add, a, b); }
inline Tensor subtract(const Tensor& a, const Tensor& b) { return binary(Binary::subtract, a, b); }
inline Tensor multiply(const Tensor& a, const Tensor& b) { return binary(Binary::multiply, a, b); }
inline Tensor divide(const Tensor& a, const Tensor& b) { return binary(Binary::divide, a, b); }
inline Tensor negative(const Tensor& x) { return unary(Unary::negative, x); }
// A number in the dtype of `like`.
inline Tensor constant_like(const Tensor& like, double value) { return Tensor::scalar(like.dtype(), value); }

// Reductions. No axes: all of them.
Tensor sum(const Tensor& x, std::optional<Shape> axes = {}, bool keepdims = false);
// The primitive that from x does what this one does from the squares of x; null where it is not the sum of all of them.
const Primitive* sum_of_squares(const Primitive& sum, const Params& params, const Tensor& x);
Tensor mean(const Tensor& x, std::optional<Shape> axes = {}, bool keepdims = false);
Tensor max(const Tensor& x, std::optional<Shape> axes = {}, bool keepdims = false);
Tensor logsumexp(const Tensor& x, std::optional<Shape> axes = {}, bool keepdims = false);
Tensor argmax(const Tensor& x, index_t axis);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
Tensor sum_to(const Tensor& x, const Shape& shape);  // the adjoint of broadcast_to

// Data movement.
Tensor reshape(const Tensor& x, const Shape& shape);  // one -1 is inferred
Tensor identity(const Tensor& x);
Tensor stop_gradient(const Tensor& x);
Tensor transpose(const Tensor& x, const Shape& axes);
Tensor move_axis_last(const Tensor& x, int axis);
Tensor move_axis_back(const Tensor& x, int axis);  // its inverse
Tensor concatenate(const std::vector<Tensor>& xs, index_t axis);
Tensor slice(const Tensor& x, const SliceParams& slices);  // extent: entries taken per axis
Tensor place(const Tensor& x, const SliceParams& slices);  // zeros of `extent` with x at the slice: its adjoint
Tensor pad(const Tensor& x,
           const std::vector<std::pair<index_t, index_t>>& widths);  // zeros before and after, per axis
Tensor take(const Tensor& x, const Tensor& indices, index_t axis);
Tensor true_rows(const Tensor& mask);  // the flat indices of its true entries
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates);  // rows of axis 0
Tensor one_hot(const Tensor& indices, index_t classes, DType dtype);
Tensor argsort(const Tensor& x);  // of the last axis

// Keras' stateless random numbers for `seed`, int64 (2,): the seed and the number of the draw.
Tensor random(const Tensor& seed, const RandomParams& params);

// Products. Leading axes broadcast.
Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false);

// Linear algebra on the matrices in the last two axes.
Tensor solve(const Tensor& a, const Tensor& b, bool transpose_a = false);  // x with op(a) x = b; leading axes broadcast
Tensor inv(const Tensor& a);
Tensor det(const Tensor& a);
Tensors slogdet(const Tensor& a);  // the sign of the determinant, the logarithm of its absolute value
Tensor cholesky(const Tensor& a);
Tensors eigh(const Tensor& a);  // eigenvalues in ascending order, eigenvectors in columns; reads the lower triangle

// The parameters of an activation: with their defaults, by name, and whether they are in their domains (else it fails).
const ActivationParams& with_defaults(Activation activation);
struct ActivationParameter {
  const char* name;
  double value;  // the default: NaN if there is none, infinite for no limit
  bool is_flag;
};
std::vector<ActivationParameter> activation_parameters(Activation activation);
void check_parameters(const ActivationParams& params);

// Layers. `bias` may be undefined. The result knows its pre-activation.
Tensor dense(const Tensor& x, const Tensor& w, const Tensor& b, const ActivationParams& params);
Tensor activation(const ActivationParams& params, const Tensor& x, index_t axis);
Tensor activation_grad(const ActivationParams& params, const Tensor& y, const Tensor& z, const Tensor& dy);
inline Tensor dense(const Tensor& x, const Tensor& w, const Tensor& b, Activation activation) {
  return dense(x, w, b, with_defaults(activation));
}
inline Tensor activation(Activation activation, const Tensor& x, index_t axis) {
  return densegrad::activation(with_defaults(activation), x, axis);
}
inline Tensor activation_grad(Activation activation, const Tensor& y, const Tensor& z, const Tensor& dy) {
  return activation_grad(with_defaults(activation), y, z, dy);
}

struct DenseGrads {
  Tensor dx, dw, db;
};
// The gradients of z = x·w + b from dz; computes what is wanted.
DenseGrads dense_vjp(const Tensor& x, const Tensor& w, const Tensor& dz, bool want_dx, bool want_dw, bool want_db);

// Losses.
bool is_sparse(Loss loss);  // y_true holds class labels
bool has_logits(Loss loss);
const char* formula_of(Loss loss);                        // in words
std::span<const LossParameter> parameters_of(Loss loss);  // in its order
const LossParameter& label_factor_of(Loss loss);          // without a name: it has none
std::string range_of(const LossParameter& parameter);
void check_parameter(const char* tag, const LossParameter& parameter, double value);
bool is_rowwise(Activation activation);
enum class Reduction { none, sum, mean, mean_with_sample_weight };
struct LossOptions {
  Loss loss;
  bool from_logits;
  index_t axis;
  Reduction reduction;
  LossParameters parameters;  // Keras' defaults at first
  Tensor label_factor;        // undefined: Keras' default

  LossOptions(Loss loss, bool from_logits = false, index_t axis = -1, Reduction reduction = Reduction::mean);
};
Shape without_axis(const Shape& shape, int axis);
// Raises for a label that is no class. Labels may have any number type; what is not an integer counts as its integer part,
// as in Keras.
void check_labels(const char* tag, const Tensor& labels, index_t classes);
// Keras' rule for ranks that differ by one: a trailing 1 is dropped from the longer, unless the shorter has one axis and
// is extended instead.
void align_ranks(Tensor& a, Tensor& b);
// Values times weights (may be undefined), reduced.
Tensor reduce_values(Tensor values, Tensor sample_weight, Reduction reduction);
// The primitive: aligned y_true and y_pred (and z and the y_pred that was passed, for LossForm::fused) to values.
Tensor loss_values(const Tensors& inputs, const LossParams& params);
// The primitive that does what these two do: from the inputs of `grad` the gradient and the values. Null for others.
const Primitive* loss_with_grad(const Primitive& loss, const Primitive& grad);
Tensor loss(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight, const LossOptions& options);

// Clipping. clip_norm t / max(|t|, clip_norm), the norm over `axes`; `clip_norm` is a tensor of t's dtype.
Tensor clip_by_norm(const Tensor& t, const Tensor& clip_norm, std::optional<Shape> axes = {});
Tensor global_norm(const std::vector<Tensor>& list);  // the root of the sum of all squares; 0 for no tensors
// clip_norm min(1 / norm, inverse) with inverse = 1 / clip_norm: what clip_by_global_norm multiplies with. NaN for an
// infinite norm.
Tensor global_norm_scale(const Tensor& norm, const Tensor& clip_norm, const Tensor& inverse);

// Learning rates for step counts, in `dtype`; `hyper` has the order that formulas/schedules.h declares.
Tensor schedule(Schedule name, const Tensor& step, const std::vector<double>& hyper, DType dtype);

// A custom derivative: outputs with a new identity whose gradient is the callback's.
std::vector<Tensor> record_custom(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                                  std::unique_ptr<Callback> callback);
// The same for outputs that have an identity of their own already, and what the callback of such a node returns.
void rerecord_custom(const Tensors& inputs, const Tensors& outputs, std::unique_ptr<Callback> callback);
std::vector<Tensor> custom_gradients(const Node& node, const Tensors& dy);

// Names of the enum entries, in order.
template <class E>
const std::vector<const char*>& names_of();

}  // namespace densegrad
