// Eigenvalues and eigenvectors of the symmetric matrices in the last two axes, by Jacobi's rotations: in float64 whatever
// the dtype is, row by row until nothing is left beside the diagonal.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "ops/batch.h"
#include "ops/matrices.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

// a = v diag(a) v^T, of which only the diagonal of a is left.
class Rotations {
 public:
  // Reads the lower triangle.
  template <class T>
  Rotations(index_t m, const T* lower) : m_(m), a_(static_cast<std::size_t>(m * m)), v_(a_.size()) {
    for (index_t i = 0; i < m; ++i) {
      for (index_t k = 0; k <= i; ++k) a(i, k) = a(k, i) = static_cast<double>(lower[i * m + k]);
      v(i, i) = 1;
    }
    // Convergence is quadratic: a handful of rounds. What is not finite never ends.
    for (int round = 0; round < 60 && sweep(); ++round) {
    }
  }

  template <class T>
  void write(T* values, T* vectors) {
    std::vector<index_t> order(static_cast<std::size_t>(m_));
    std::iota(order.begin(), order.end(), index_t{0});
    std::stable_sort(order.begin(), order.end(), [&](index_t i, index_t k) { return a(i, i) < a(k, k); });
    for (index_t k = 0; k < m_; ++k) {
      const index_t from = order[static_cast<std::size_t>(k)];
      values[k] = static_cast<T>(a(from, from));
      for (index_t i = 0; i < m_; ++i) vectors[i * m_ + k] = static_cast<T>(v(i, from));
    }
  }

 private:
  double& a(index_t i, index_t k) { return a_[static_cast<std::size_t>(i * m_ + k)]; }
  double& v(index_t i, index_t k) { return v_[static_cast<std::size_t>(i * m_ + k)]; }

  // Whether there was something to rotate.
  bool sweep() {
    bool rotated = false;
    for (index_t p = 0; p < m_; ++p)
      for (index_t q = p + 1; q < m_; ++q) rotated = rotate(p, q) || rotated;
    return rotated;
  }

  // Makes a(p, q) zero.
  bool rotate(index_t p, index_t q) {
    const double off = a(p, q);
    if (std::abs(a(p, p)) + std::abs(off) == std::abs(a(p, p)) &&
        std::abs(a(q, q)) + std::abs(off) == std::abs(a(q, q)))
      return false;
    const double theta = (a(q, q) - a(p, p)) / (2 * off);
    const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
    const double c = 1 / std::hypot(t, 1.0), s = t * c;
    a(p, p) -= t * off;
    a(q, q) += t * off;
    a(p, q) = a(q, p) = 0;
    for (index_t k = 0; k < m_; ++k) {
      if (k != p && k != q) {
        turn(c, s, a(k, p), a(k, q));
        a(p, k) = a(k, p);
        a(q, k) = a(k, q);
      }
      turn(c, s, v(k, p), v(k, q));
    }
    return true;
  }
  static void turn(double c, double s, double& x, double& y) {
    const double before = x;
    x = c * before - s * y;
    y = s * before + c * y;
  }

  index_t m_;
  std::vector<double> a_, v_;
};

void eigh_shapes(const Tensors& in, const Params&, Specs& out) {
  require_square("eigh", in[0]);
  Shape values = leading(in[0].shape());
  values.push_back(in[0].shape().back());
  out.push_back({in[0].dtype(), values});
  out.push_back({in[0].dtype(), in[0].shape()});
}

void eigh_eval(const Tensors& in, const Params&, Tensors& out) {
  const index_t m = in[0].shape().back(), count = leading(in[0].shape()).count();
  visit_float(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < count; ++i) {
      Rotations(m, in[0].data<T>() + i * m * m)
          .write(out[0].mutable_data<T>() + i * m, out[1].mutable_data<T>() + i * m * m);
    }
  });
}

Tensor as_row(const Tensor& values) {
  Shape shape = values.shape();
  shape.push_back(shape.back());
  shape[shape.rank() - 2] = 1;
  return reshape(values, shape);
}

// 1 / (w_k - w_i) at (i, k); 0 on the diagonal, and for equal eigenvalues.
Tensor inverse_gaps(const Tensor& values) {
  const Tensor row = as_row(values), gaps = subtract(row, transposed(row)), zero = constant_like(row, 0);
  const Tensor none = compare(Compare::equal, gaps, zero), one = constant_like(row, 1);
  return where(none, zero, divide(one, where(none, one, gaps)));
}

// w, v of a: da = v (diag(dw) + gaps * v^T dv) v^T.
bool eigh_vjp(VjpContext& c) {
  const Tensor &w = c.outputs[0], &v = c.outputs[1];
  Tensor da;
  if (c.dy[0].defined()) da = matmul(multiply(v, as_row(c.dy[0])), v, false, true);
  if (c.dy[1].defined()) {
    const Tensor inner = multiply(inverse_gaps(w), matmul(v, c.dy[1], true, false));
    const Tensor moved = symmetric(matmul(matmul(v, inner), v, false, true));
    da = da.defined() ? add(da, moved) : moved;
  }
  c.dx[0] = da;
  return true;
}

bool eigh_jvp(JvpContext& c) {
  const Tensor &w = c.outputs[0], &v = c.outputs[1];
  const Tensor turned = matmul(matmul(v, symmetric(c.tangents[0]), true, false), v);
  const Tensor diagonal = multiply(turned, eye(w.dtype(), w.shape().back()));
  c.out_tangents = {sum(diagonal, Shape{-1}), matmul(v, multiply(inverse_gaps(w), turned))};
  return true;
}

const Primitive eigh_primitive{.name = "eigh",
                               .saved_outputs = save(0) | save(1),
                               .shapes = eigh_shapes,
                               .eval = eigh_eval,
                               .vjp = eigh_vjp,
                               .jvp = eigh_jvp,
                               .vmap = same_vmap};

}  // namespace

Tensors eigh(const Tensor& a) { return run(eigh_primitive, {a}); }

std::vector<const Primitive*> eigen_primitives() { return {&eigh_primitive}; }

}  // namespace densegrad
