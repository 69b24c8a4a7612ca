// Linear systems, determinants and Cholesky factors of the matrices in the last two axes. Matrices are small and the loops
// plain: Gaussian elimination with row pivots, in an order that the shape decides.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/matrices.h"
#include "ops/ops.h"

namespace densegrad {

Shape leading(const Shape& s) { return Shape(s.begin(), s.end() - 2); }

void require_square(const char* tag, const Tensor& a) {
  if (!is_float(a.dtype())) {
    fail<TypeError>("[", tag, "] `a` is ", a.dtype(),
                    ": it must be float32 or float64; convert it with cast(x, dtype).");
  }
  if (a.rank() < 2 || a.dim(a.rank() - 1) != a.dim(a.rank() - 2)) {
    fail("[", tag, "] `a` has shape ", a.shape(), ": its last two axes must be equal, those of square matrices.");
  }
}

Tensor transposed(const Tensor& x) {
  Shape axes;
  for (int i = 0; i < x.rank(); ++i) axes.push_back(i);
  std::swap(axes[x.rank() - 1], axes[x.rank() - 2]);
  return transpose(x, axes);
}

Tensor eye(DType dtype, index_t m) {
  Tensor t = Tensor::full(dtype, {m, m}, 0);
  visit_float(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < m; ++i) t.mutable_data<T>()[i * (m + 1)] = T(1);
  });
  return t;
}
Tensor symmetric(const Tensor& x) { return multiply(add(x, transposed(x)), constant_like(x, 0.5)); }

namespace {

// P a = L U in place (L without its diagonal of ones); rows[i] is the row of a that stands at i. The sign is that of P.
template <class T>
struct Factors {
  index_t m;
  std::vector<T> lu;
  std::vector<index_t> rows;
  T sign = 1;

  Factors(index_t m_, const T* a, bool transpose) : m(m_), lu(a, a + m_ * m_), rows(static_cast<std::size_t>(m_)) {
    for (index_t i = 0; i < m; ++i) rows[static_cast<std::size_t>(i)] = i;
    for (index_t i = 0; transpose && i < m; ++i)
      for (index_t k = 0; k < i; ++k) std::swap(at(i, k), at(k, i));
    for (index_t k = 0; k < m; ++k) eliminate(k);
  }
  T& at(index_t i, index_t k) { return lu[static_cast<std::size_t>(i * m + k)]; }

  void eliminate(index_t k) {
    index_t pivot = k;
    for (index_t i = k + 1; i < m; ++i)
      if (std::abs(at(i, k)) > std::abs(at(pivot, k))) pivot = i;
    if (pivot != k) {
      std::swap_ranges(&at(k, 0), &at(k, 0) + m, &at(pivot, 0));
      std::swap(rows[static_cast<std::size_t>(k)], rows[static_cast<std::size_t>(pivot)]);
      sign = -sign;
    }
    if (at(k, k) == T(0)) return;  // what stands below is zero too
    for (index_t i = k + 1; i < m; ++i) {
      const T factor = at(i, k) /= at(k, k);
      for (index_t j = k + 1; j < m; ++j) at(i, j) -= factor * at(k, j);
    }
  }

  // x (m, n) with a x = b.
  void solve(index_t n, const T* b, T* x) {
    for (index_t i = 0; i < m; ++i) {
      std::copy_n(b + rows[static_cast<std::size_t>(i)] * n, n, x + i * n);
      for (index_t k = 0; k < i; ++k) subtract_row(n, at(i, k), x + k * n, x + i * n);
    }
    for (index_t i = m - 1; i >= 0; --i) {
      for (index_t k = i + 1; k < m; ++k) subtract_row(n, at(i, k), x + k * n, x + i * n);
      for (index_t j = 0; j < n; ++j) x[i * n + j] /= at(i, i);
    }
  }
  static void subtract_row(index_t n, T factor, const T* from, T* to) {
    for (index_t j = 0; j < n; ++j) to[j] -= factor * from[j];
  }
};

// ---- solve ----------------------------------------------------------------------------------------------------------

void solve_shapes(const Tensors& in, const Params&, Specs& out) {
  const Tensor &a = in[0], &b = in[1];
  require_square("solve", a);
  if (a.dtype() != b.dtype()) {
    fail<TypeError>("[solve] `a` is ", a.dtype(), " but `b` is ", b.dtype(),
                    ": two tensors must have one dtype; convert one with cast(x, dtype).");
  }
  if (b.rank() < 2 || b.dim(b.rank() - 2) != a.dim(a.rank() - 1)) {
    fail("[solve] `a` has shape ", a.shape(), " but `b` has shape ", b.shape(),
         ": they must be (..., m, m) and (..., m, n).");
  }
  Shape shape = broadcast_shapes("solve", leading(a.shape()), leading(b.shape()), "a", "b");
  shape.push_back(b.dim(b.rank() - 2));
  shape.push_back(b.dim(b.rank() - 1));
  out.push_back({a.dtype(), shape});
}

void solve_eval(const Tensors& in, const Params& params, Tensors& out) {
  const bool transpose = std::get<MatmulParams>(params).transpose_a;
  const Tensor &a = in[0], &b = in[1], &y = out[0];
  const index_t m = a.shape().back(), n = b.shape().back();
  const Shape batch_a = leading(a.shape()), batch_b = leading(b.shape());
  visit_float(a.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for_each_run<2>(leading(y.shape()), {&batch_a, &batch_b}, [&](index_t count, auto& at, auto& step, index_t to) {
      for (index_t i = 0; i < count; ++i) {
        Factors<T> factors(m, a.data<T>() + (at[0] + i * step[0]) * m * m, transpose);
        for (index_t k = 0; k < m; ++k)
          if (factors.at(k, k) == T(0)) fail("[solve] `a` is singular: it must be invertible.");
        factors.solve(n, b.data<T>() + (at[1] + i * step[1]) * m * n, y.mutable_data<T>() + (to + i) * m * n);
      }
    });
  });
}

// op(a) y = b: db = op(a)^-T dy, d op(a) = -db y^T.
bool solve_vjp(VjpContext& c) {
  const bool transpose = std::get<MatmulParams>(c.params).transpose_a;
  const Tensor &a = c.inputs[0], &y = c.outputs[0];
  const Tensor db = solve(a, c.dy[0], !transpose);
  if (c.wanted[0]) {
    const Tensor da = transpose ? matmul(y, db, false, true) : matmul(db, y, false, true);
    c.dx[0] = sum_to(negative(da), a.shape());
  }
  if (c.wanted[1]) c.dx[1] = sum_to(db, c.inputs[1].shape());
  return true;
}

bool solve_jvp(JvpContext& c) {
  const bool transpose = std::get<MatmulParams>(c.params).transpose_a;
  const Tensor &ta = c.tangents[0], &tb = c.tangents[1];
  Tensor right = tb;
  if (ta.defined()) {
    const Tensor moved = matmul(ta, c.outputs[0], transpose, false);
    right = tb.defined() ? subtract(tb, moved) : negative(moved);
  }
  c.out_tangents = {broadcast_to(solve(c.inputs[0], right, transpose), c.outputs[0].shape())};
  return true;
}

const Primitive solve_primitive{.name = "solve",
                                .saved_inputs = save(0),
                                .saved_outputs = save(0),
                                .shapes = solve_shapes,
                                .eval = solve_eval,
                                .vjp = solve_vjp,
                                .jvp = solve_jvp,
                                .vmap = broadcasting_vmap};

// ---- Determinants ---------------------------------------------------------------------------------------------------

template <class T, class F>
void each_factored(const Tensor& a, F&& f) {
  const index_t m = a.shape().back(), count = leading(a.shape()).count();
  for (index_t i = 0; i < count; ++i) f(i, Factors<T>(m, a.data<T>() + i * m * m, false));
}

// The derivative of log |det a|: a^-T; `scale` has one entry per matrix.
Tensor scaled_inverse(const Tensor& a, const Tensor& scale) {
  const Tensor inverse = solve(a, eye(a.dtype(), a.shape().back()), true);
  Shape column = scale.shape();
  column.push_back(1);
  column.push_back(1);
  return multiply(reshape(scale, column), inverse);
}
Tensor trace_of_product(const Tensor& a, const Tensor& b) { return sum(multiply(a, b), Shape{-2, -1}); }

void det_shapes(const Tensors& in, const Params&, Specs& out) {
  require_square("det", in[0]);
  out.push_back({in[0].dtype(), leading(in[0].shape())});
}
void det_eval(const Tensors& in, const Params&, Tensors& out) {
  visit_float(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    each_factored<T>(in[0], [&](index_t i, Factors<T> factors) {
      T product = factors.sign;
      for (index_t k = 0; k < factors.m; ++k) product *= factors.at(k, k);
      out[0].mutable_data<T>()[i] = product;
    });
  });
}
bool det_vjp(VjpContext& c) {
  c.dx[0] = scaled_inverse(c.inputs[0], multiply(c.dy[0], c.outputs[0]));
  return true;
}
bool det_jvp(JvpContext& c) {
  c.out_tangents = {trace_of_product(scaled_inverse(c.inputs[0], c.outputs[0]), c.tangents[0])};
  return true;
}

// The sign of the determinant, and the logarithm of its absolute value.
void slogdet_shapes(const Tensors& in, const Params&, Specs& out) {
  require_square("slogdet", in[0]);
  for (int i = 0; i < 2; ++i) out.push_back({in[0].dtype(), leading(in[0].shape())});
}
void slogdet_eval(const Tensors& in, const Params&, Tensors& out) {
  visit_float(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    each_factored<T>(in[0], [&](index_t i, Factors<T> factors) {
      T sign = factors.sign, logarithm = 0;
      for (index_t k = 0; k < factors.m; ++k) {
        const T pivot = factors.at(k, k);
        sign *= pivot == T(0) ? T(0) : pivot < T(0) ? T(-1) : T(1);
        logarithm += std::log(std::abs(pivot));
      }
      out[0].mutable_data<T>()[i] = sign;
      out[1].mutable_data<T>()[i] = logarithm;
    });
  });
}
bool slogdet_vjp(VjpContext& c) {
  if (c.dy[1].defined()) c.dx[0] = scaled_inverse(c.inputs[0], c.dy[1]);
  return true;
}
bool slogdet_jvp(JvpContext& c) {
  const Tensor one = Tensor::full(c.outputs[1].dtype(), c.outputs[1].shape(), 1);
  c.out_tangents = {Tensor(), trace_of_product(scaled_inverse(c.inputs[0], one), c.tangents[0])};
  return true;
}

const Primitive det_primitive{.name = "det",
                              .saved_inputs = save(0),
                              .saved_outputs = save(0),
                              .shapes = det_shapes,
                              .eval = det_eval,
                              .vjp = det_vjp,
                              .jvp = det_jvp,
                              .vmap = same_vmap};
const Primitive slogdet_primitive{.name = "slogdet",
                                  .saved_inputs = save(0),
                                  .shapes = slogdet_shapes,
                                  .eval = slogdet_eval,
                                  .vjp = slogdet_vjp,
                                  .jvp = slogdet_jvp,
                                  .vmap = same_vmap};

// ---- cholesky: the lower triangular L with L L^T = a; reads the lower triangle of a ----------------------------------

void cholesky_shapes(const Tensors& in, const Params&, Specs& out) {
  require_square("cholesky", in[0]);
  out.push_back({in[0].dtype(), in[0].shape()});
}
void cholesky_eval(const Tensors& in, const Params&, Tensors& out) {
  const index_t m = in[0].shape().back(), count = leading(in[0].shape()).count();
  visit_float(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < count; ++i) {
      const T* a = in[0].data<T>() + i * m * m;
      T* l = out[0].mutable_data<T>() + i * m * m;
      std::fill_n(l, m * m, T(0));
      for (index_t r = 0; r < m; ++r) {
        for (index_t c = 0; c <= r; ++c) {
          T rest = a[r * m + c];
          for (index_t k = 0; k < c; ++k) rest -= l[r * m + k] * l[c * m + k];
          if (r == c && !(rest > T(0)))
            fail("[cholesky] `a` is not positive definite: its pivot ", r, " is ", rest, ".");
          l[r * m + c] = r == c ? std::sqrt(rest) : rest / l[c * m + c];
        }
      }
    }
  });
}

// The lower triangle with half of its diagonal.
Tensor lower_half(const Tensor& x) {
  const index_t m = x.shape().back();
  Tensor mask = Tensor::full(x.dtype(), {m, m}, 0);
  visit_float(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t r = 0; r < m; ++r)
      for (index_t c = 0; c <= r; ++c) mask.mutable_data<T>()[r * m + c] = r == c ? T(0.5) : T(1);
  });
  return multiply(x, mask);
}

bool cholesky_vjp(VjpContext& c) {
  const Tensor& l = c.outputs[0];
  const Tensor left = solve(l, lower_half(matmul(l, c.dy[0], true, false)), true);
  c.dx[0] = symmetric(solve(l, transposed(left), true));
  return true;
}
bool cholesky_jvp(JvpContext& c) {
  const Tensor& l = c.outputs[0];
  const Tensor left = transposed(solve(l, symmetric(c.tangents[0]), false));
  c.out_tangents = {matmul(l, lower_half(solve(l, left, false)))};
  return true;
}

const Primitive cholesky_primitive{.name = "cholesky",
                                   .saved_outputs = save(0),
                                   .shapes = cholesky_shapes,
                                   .eval = cholesky_eval,
                                   .vjp = cholesky_vjp,
                                   .jvp = cholesky_jvp,
                                   .vmap = same_vmap};

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b, bool transpose_a) {
  return run1(solve_primitive, {a, b}, MatmulParams{transpose_a, false});
}
Tensor inv(const Tensor& a) {
  require_square("inv", a);
  return solve(a, eye(a.dtype(), a.shape().back()), false);
}
Tensor det(const Tensor& a) { return run1(det_primitive, {a}); }
Tensors slogdet(const Tensor& a) { return run(slogdet_primitive, {a}); }
Tensor cholesky(const Tensor& a) { return run1(cholesky_primitive, {a}); }

std::vector<const Primitive*> linalg_primitives() {
  return {&solve_primitive, &det_primitive, &slogdet_primitive, &cholesky_primitive};
}

}  // namespace densegrad
