// Graph: the value type that turns a formula into recorded primitives. A formula is a template on its value type; with
// float or double it computes, with Graph it is a decomposition.
#pragma once

#include "ops/ops.h"

namespace densegrad {

class Graph {
 public:
  Graph(double constant) : constant_(constant) {}  // implicit, so that V(2) and 2.0 read alike in a formula
  Graph(Tensor tensor) : tensor_(std::move(tensor)), dtype_(tensor_.dtype()) {}
  // A comparison of numbers of `dtype`: what is selected by it has that dtype.
  Graph(Tensor mask, DType dtype) : tensor_(std::move(mask)), dtype_(dtype) {}

  bool is_constant() const { return !tensor_.defined(); }
  double constant() const { return constant_; }
  const Tensor& tensor() const { return tensor_; }
  DType dtype() const { return dtype_; }
  Tensor as(DType dtype) const { return is_constant() ? Tensor::scalar(dtype, constant_) : tensor_; }

 private:
  Tensor tensor_;
  double constant_ = 0;
  DType dtype_ = DType::float32;  // of a constant: that of what it meets
};

namespace graph_detail {
inline DType common(const Graph& a, const Graph& b) { return a.is_constant() ? b.dtype() : a.dtype(); }
inline Graph apply(Binary op, const Graph& a, const Graph& b) {
  const DType dtype = common(a, b);
  return binary(op, a.as(dtype), b.as(dtype));
}
inline Graph apply(Compare op, const Graph& a, const Graph& b) {
  const DType dtype = common(a, b);
  return {compare(op, a.as(dtype), b.as(dtype)), dtype};
}
}  // namespace graph_detail

// Two constants are folded in double; that is exact for what formulas write (1 - eps, 1 - s).
inline Graph operator+(const Graph& a, const Graph& b) {
  if (a.is_constant() && b.is_constant()) return a.constant() + b.constant();
  return graph_detail::apply(Binary::add, a, b);
}
inline Graph operator-(const Graph& a, const Graph& b) {
  if (a.is_constant() && b.is_constant()) return a.constant() - b.constant();
  return graph_detail::apply(Binary::subtract, a, b);
}
inline Graph operator*(const Graph& a, const Graph& b) {
  if (a.is_constant() && b.is_constant()) return a.constant() * b.constant();
  return graph_detail::apply(Binary::multiply, a, b);
}
inline Graph operator/(const Graph& a, const Graph& b) {
  if (a.is_constant() && b.is_constant()) return a.constant() / b.constant();
  return graph_detail::apply(Binary::divide, a, b);
}
inline Graph operator-(const Graph& a) { return a.is_constant() ? Graph(-a.constant()) : Graph(negative(a.tensor())); }
inline Graph operator>(const Graph& a, const Graph& b) { return graph_detail::apply(Compare::greater, a, b); }
inline Graph operator>=(const Graph& a, const Graph& b) { return graph_detail::apply(Compare::greater_equal, a, b); }
inline Graph operator<(const Graph& a, const Graph& b) { return graph_detail::apply(Compare::less, a, b); }
inline Graph operator<=(const Graph& a, const Graph& b) { return graph_detail::apply(Compare::less_equal, a, b); }
inline Graph operator==(const Graph& a, const Graph& b) { return graph_detail::apply(Compare::equal, a, b); }

inline Graph exp(const Graph& x) { return unary(Unary::exp, x.tensor()); }
inline Graph expm1(const Graph& x) { return unary(Unary::expm1, x.tensor()); }
inline Graph log(const Graph& x) { return unary(Unary::log, x.tensor()); }
inline Graph log1p(const Graph& x) { return unary(Unary::log1p, x.tensor()); }
inline Graph abs(const Graph& x) { return unary(Unary::abs, x.tensor()); }
inline Graph sign(const Graph& x) { return unary(Unary::sign, x.tensor()); }
inline Graph sqrt(const Graph& x) { return unary(Unary::sqrt, x.tensor()); }
inline Graph square(const Graph& x) { return unary(Unary::square, x.tensor()); }
inline Graph sin(const Graph& x) { return unary(Unary::sin, x.tensor()); }
inline Graph cos(const Graph& x) { return unary(Unary::cos, x.tensor()); }
inline Graph tanh(const Graph& x) { return unary(Unary::tanh, x.tensor()); }
inline Graph erf(const Graph& x) { return unary(Unary::erf, x.tensor()); }
inline Graph erfc(const Graph& x) { return unary(Unary::erfc, x.tensor()); }
inline Graph pow(const Graph& x, const Graph& y) { return graph_detail::apply(Binary::power, x, y); }
inline Graph maximum(const Graph& a, const Graph& b) { return graph_detail::apply(Binary::maximum, a, b); }
inline Graph minimum(const Graph& a, const Graph& b) { return graph_detail::apply(Binary::minimum, a, b); }
inline Graph clip(const Graph& x, const Graph& lo, const Graph& hi) {
  return densegrad::clip(x.tensor(), lo.constant(), hi.constant());
}
inline Graph where(const Graph& mask, const Graph& a, const Graph& b) {
  return densegrad::where(mask.tensor(), a.as(mask.dtype()), b.as(mask.dtype()));
}
// Where two masks hold.
inline Graph both(const Graph& a, const Graph& b) {
  return {densegrad::where(a.tensor(), b.tensor(), a.tensor()), a.dtype()};
}
// What formulas/special.h computes with care for the last digits.
inline Graph normal_cdf(const Graph& x) { return Graph(0.5) * erfc(x * Graph(-0.70710678118654752)); }
inline Graph normal_density(const Graph& x) { return Graph(0.3989422804014327) * exp(square(x) * Graph(-0.5)); }
inline Graph minus_tanh(const Graph& x) { return x - tanh(x); }
// Over the last axis, kept as 1.
inline Graph row_sum(const Graph& x) { return sum(x.tensor(), Shape{-1}, true); }
// A shift for stability: it cancels in every formula, and so must its derivative.
inline Graph row_max(const Graph& x) { return stop_gradient(max(x.tensor(), Shape{-1}, true)); }
// The maximum itself; those that attain it share its derivative.
inline Graph row_largest(const Graph& x) { return max(x.tensor(), Shape{-1}, true); }

}  // namespace densegrad
