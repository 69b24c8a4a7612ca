// Clipping by norms, composed of primitives: differentiable to any order, the norm included.
// A definition stands here once, for tensors and for the options of optimizers. Source: TensorFlow's functions.
#include "ops/ops.h"

namespace densegrad {

Tensor clip_by_norm(const Tensor& t, const Tensor& clip_norm, std::optional<Shape> axes) {
  const Tensor zero = constant_like(t, 0);
  const Tensor squares = sum(multiply(t, t), std::move(axes), true);
  // The root is taken of a number that is never 0: its derivative there is infinite, and 0 times that is NaN.
  const Tensor positive = compare(Compare::greater, squares, zero);
  const Tensor root = unary(Unary::sqrt, where(positive, squares, constant_like(t, 1)));
  const Tensor norm = where(positive, root, squares);
  return divide(multiply(t, clip_norm), binary(Binary::maximum, norm, clip_norm));
}

Tensor global_norm(const std::vector<Tensor>& list) {
  Tensor squares;
  for (const Tensor& t : list) {
    const Tensor own = sum(multiply(t, t));
    squares = squares.defined() ? add(squares, cast(own, squares.dtype())) : own;
  }
  return squares.defined() ? unary(Unary::sqrt, squares) : Tensor::scalar(DType::float32, 0);
}

Tensor global_norm_scale(const Tensor& norm, const Tensor& clip_norm, const Tensor& inverse) {
  const Tensor finite = multiply(clip_norm, binary(Binary::minimum, divide(constant_like(norm, 1), norm), inverse));
  return add(finite, subtract(norm, norm));  // NaN for an infinite norm
}

}  // namespace densegrad
