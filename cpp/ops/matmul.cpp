// Matrix products with broadcast leading axes.
#include "kernels/gemm.h"
#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

Shape leading(const Shape& s) { return Shape(s.begin(), s.end() - 2); }

// Rows and columns of op(x).
std::pair<index_t, index_t> extents(const Shape& s, bool transpose) {
  const index_t r = s[s.rank() - 2], c = s[s.rank() - 1];
  return transpose ? std::pair{c, r} : std::pair{r, c};
}

void matmul_shapes(const Tensors& in, const Params& params, Specs& out) {
  const auto& p = std::get<MatmulParams>(params);
  const Tensor &a = in[0], &b = in[1];
  if (a.dtype() != b.dtype() || !is_float(a.dtype())) {
    fail<TypeError>("[matmul] `x1` is ", a.dtype(), " and `x2` is ", b.dtype(),
                    ": both must be float32 or both float64; convert with cast(x, dtype).");
  }
  const auto [m, k] = extents(a.shape(), p.transpose_a);
  const auto [k2, n] = extents(b.shape(), p.transpose_b);
  if (k != k2 && k != unknown && k2 != unknown) {
    fail("[matmul] `x1` has shape ", a.shape(), p.transpose_a ? " (transposed)" : "", " but `x2` has shape ", b.shape(),
         p.transpose_b ? " (transposed)" : "", ": ", k, " columns cannot meet ", k2, " rows.");
  }
  Shape shape = broadcast_shapes("matmul", leading(a.shape()), leading(b.shape()));
  shape.push_back(m);
  shape.push_back(n);
  out.push_back({a.dtype(), shape});
}

void matmul_eval(const Tensors& in, const Params& params, Tensors& out) {
  const auto& p = std::get<MatmulParams>(params);
  const Tensor &a = in[0], &b = in[1], &y = out[0];
  const auto [m, k] = extents(a.shape(), p.transpose_a);
  const index_t n = y.shape().back();
  const index_t lda = a.shape().back(), ldb = b.shape().back();
  const Transpose ta = p.transpose_a ? Transpose::yes : Transpose::no;
  const Transpose tb = p.transpose_b ? Transpose::yes : Transpose::no;
  visit_float(a.dtype(), [&, m = m, k = k](auto type) {
    using T = typename decltype(type)::type;
    if (y.rank() == 2) {
      product<T>(ta, tb, m, n, k, a.data<T>(), lda, b.data<T>(), ldb, y.mutable_data<T>(), n);
      return;
    }
    const Shape batch_a = leading(a.shape()), batch_b = leading(b.shape());
    if (batch_b.count() == 1 && !p.transpose_a) {  // one matrix on the right: the rows of all products on the left
      product<T>(ta, tb, leading(y.shape()).count() * m, n, k, a.data<T>(), lda, b.data<T>(), ldb, y.mutable_data<T>(),
                 n);
      return;
    }
    const auto one = [&](index_t ia, index_t ib, index_t iy) {
      product<T>(ta, tb, m, n, k, a.data<T>() + ia * m * k, lda, b.data<T>() + ib * k * n, ldb,
                 y.mutable_data<T>() + iy * m * n, n);
    };
    const auto run = [&](index_t count, auto& at, auto& step, index_t to) {
      for (index_t i = 0; i < count; ++i) one(at[0] + i * step[0], at[1] + i * step[1], to + i);
    };
    for_each_run<2>(leading(y.shape()), {&batch_a, &batch_b}, run, products_per_task(m, n, k));
  });
}

bool matmul_vjp(VjpContext& c) {
  // y = A·B: dA = dy·Bᵀ, dB = Aᵀ·dy; with a transposed operand, the transpose of that.
  const auto& p = std::get<MatmulParams>(c.params);
  const Tensor &a = c.inputs[0], &b = c.inputs[1], &dy = c.dy[0];
  if (c.wanted[0]) {
    const Tensor da = p.transpose_a ? matmul(b, dy, p.transpose_b, true) : matmul(dy, b, false, !p.transpose_b);
    c.dx[0] = sum_to(da, a.shape());
  }
  if (c.wanted[1]) {
    const Tensor db = p.transpose_b ? matmul(dy, a, true, p.transpose_a) : matmul(a, dy, !p.transpose_a, false);
    c.dx[1] = sum_to(db, b.shape());
  }
  return true;
}

bool matmul_jvp(JvpContext& c) {
  const auto& p = std::get<MatmulParams>(c.params);
  const Tensor &ta = c.tangents[0], &tb = c.tangents[1];
  Tensor sum;
  if (ta.defined()) sum = matmul(ta, c.inputs[1], p.transpose_a, p.transpose_b);
  if (tb.defined()) {
    const Tensor from_b = matmul(c.inputs[0], tb, p.transpose_a, p.transpose_b);
    sum = sum.defined() ? add(sum, from_b) : from_b;
  }
  c.out_tangents = {sum};
  return true;
}

const Primitive matmul_primitive{.name = "matmul",
                                 .saved_inputs = save_all,
                                 .shapes = matmul_shapes,
                                 .eval = matmul_eval,
                                 .vjp = matmul_vjp,
                                 .jvp = matmul_jvp,
                                 .vmap = broadcasting_vmap};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  if (a.rank() == 0 || b.rank() == 0) {
    fail("[matmul] `x1` has shape ", a.shape(), " and `x2` has shape ", b.shape(), ": scalars have no matrix product.");
  }
  if (a.rank() >= 2 && b.rank() >= 2) return run1(matmul_primitive, {a, b}, MatmulParams{transpose_a, transpose_b});
  // A vector is a row on the left and a column on the right, and its axis leaves the result (NumPy's rule).
  const Tensor a2 = a.rank() == 1 ? reshape(a, {1, a.dim(0)}) : a;
  const Tensor b2 = b.rank() == 1 ? reshape(b, {b.dim(0), 1}) : b;
  const Tensor y = matmul(a2, b2, a.rank() > 1 && transpose_a, b.rank() > 1 && transpose_b);
  Shape shape = leading(y.shape());
  if (a.rank() > 1) shape.push_back(y.dim(y.rank() - 2));
  if (b.rank() > 1) shape.push_back(y.dim(y.rank() - 1));
  return reshape(y, shape);
}

std::vector<const Primitive*> matmul_primitives() { return {&matmul_primitive}; }

}  // namespace densegrad
