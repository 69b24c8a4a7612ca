// Primitives with integer indices: take, its adjoint scatter_add, one_hot, and argsort.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/batch.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

void check_index_type(const char* tag, const Tensor& indices) {
  if (indices.dtype() != DType::int32 && indices.dtype() != DType::int64) {
    fail<TypeError>("[", tag, "] `indices` is ", indices.dtype(), ": it must be int32 or int64.");
  }
}

void check_indices(const char* tag, const Tensor& indices, index_t n) {
  check_index_type(tag, indices);
  if (!indices.has_storage() || n == unknown) return;
  visit_number(indices.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < indices.size(); ++i) {
      const auto v = static_cast<index_t>(indices.data<T>()[i]);
      if (v < 0 || v >= n)
        fail<std::out_of_range>("[", tag, "] `indices` contains ", v, ": it must be in [0, ", n, ").");
    }
  });
}

template <class F>
void each_index(const Tensor& indices, F&& f) {
  visit_number(indices.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < indices.size(); ++i) f(i, static_cast<index_t>(indices.data<T>()[i]));
  });
}

// take(x, indices): rows of axis 0, y[i...] = x[indices[i...]].
void take_shapes(const Tensors& in, const Params&, Specs& out) {
  const Tensor &x = in[0], &indices = in[1];
  if (x.rank() == 0) fail("[take] `x` is a scalar: it must have at least one axis.");
  check_index_type("take", indices);
  Shape shape = indices.shape();
  for (int i = 1; i < x.rank(); ++i) shape.push_back(x.dim(i));
  out.push_back({x.dtype(), shape});
}

void take_check(const Tensors& in, const Params&) { check_indices("take", in[1], in[0].dim(0)); }

void take_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor& x = in[0];
  const auto row = static_cast<std::size_t>(x.shape().count(1, x.rank()) * item_size(x.dtype()));
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(out[0].raw());
  each_index(in[1], [&](index_t i, index_t v) {
    std::memcpy(to + static_cast<std::size_t>(i) * row, from + static_cast<std::size_t>(v) * row, row);
  });
}

bool take_vjp(VjpContext& c) {
  const Tensor& x = c.inputs[0];
  c.dx[0] = scatter_add(Tensor::full(c.dy[0].dtype(), x.shape(), 0), c.inputs[1], c.dy[0]);
  return true;
}

// Rows of every example as rows of one table: index v of example b is row b n + v.
struct RowsOfBatch {
  Tensor x, indices;
  RowsOfBatch(const VmapContext& c, const Tensor& x_, const Tensor& indices_, index_t n) {
    check_indices(c.primitive.name, indices_, n);
    Shape rows{c.batch * n};
    for (int i = 2; i < x_.rank(); ++i) rows.push_back(x_.dim(i));
    x = reshape(x_, rows);
    Shape column{c.batch};
    for (int i = 1; i < indices_.rank(); ++i) column.push_back(1);
    Tensor first(DType::int64, column);
    for (index_t b = 0; b < c.batch; ++b) first.mutable_data<index_t>()[b] = b * n;
    indices = add(cast(indices_, DType::int64), first);
  }
};

void take_vmap(VmapContext& c) {
  const Tensor &x = c.inputs[0], &indices = c.inputs[1];
  if (!c.batched[0]) {
    c.outputs = {take(x, indices, 0)};
  } else if (!c.batched[1]) {
    c.outputs = {take(x, indices, 1)};
  } else {
    const RowsOfBatch rows(c, x, indices, x.dim(1));
    c.outputs = {take(rows.x, rows.indices, 0)};
  }
}

const Primitive take_primitive{.name = "take",
                               .saved_inputs = save(1),
                               .shapes = take_shapes,
                               .check = take_check,
                               .eval = take_eval,
                               .vjp = take_vjp,
                               .jvp = linear_jvp,
                               .vmap = take_vmap};

// scatter_add(x, indices, updates): a copy of x with updates added to its rows; equal indices add up, in order.
void scatter_shapes(const Tensors& in, const Params&, Specs& out) {
  const Tensor &x = in[0], &indices = in[1], &updates = in[2];
  if (x.rank() == 0) fail("[scatter_add] `x` is a scalar: it must have at least one axis.");
  check_index_type("scatter_add", indices);
  Shape expected = indices.shape();
  for (int i = 1; i < x.rank(); ++i) expected.push_back(x.dim(i));
  if (!(updates.shape() == expected)) {
    fail("[scatter_add] `updates` has shape ", updates.shape(), ": for `x` of shape ", x.shape(),
         " and `indices` of shape ", indices.shape(), " it must be ", expected, ".");
  }
  if (x.dtype() != updates.dtype() || x.dtype() == DType::boolean) {
    fail<TypeError>("[scatter_add] `x` is ", x.dtype(), " and `updates` is ", updates.dtype(),
                    ": both must have one number type.");
  }
  out.push_back({x.dtype(), x.shape()});
}

void scatter_check(const Tensors& in, const Params&) { check_indices("scatter_add", in[1], in[0].dim(0)); }

void scatter_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor& x = in[0];
  const index_t row = x.shape().count(1, x.rank());
  std::memcpy(out[0].raw(), x.raw(), static_cast<std::size_t>(x.size() * item_size(x.dtype())));
  visit_number(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = in[2].data<T>();
    T* to = out[0].mutable_data<T>();
    each_index(in[1], [&](index_t i, index_t v) {
      for (index_t k = 0; k < row; ++k) to[v * row + k] = static_cast<T>(to[v * row + k] + from[i * row + k]);
    });
  });
}

bool scatter_vjp(VjpContext& c) {
  if (c.wanted[0]) c.dx[0] = c.dy[0];
  if (c.wanted[2]) c.dx[2] = take(c.dy[0], c.inputs[1], 0);
  return true;
}

void scatter_vmap(VmapContext& c) {
  const Tensor x = repeated(c, 0);
  const RowsOfBatch rows(c, x, repeated(c, 1), x.dim(1));
  c.outputs = {reshape(scatter_add(rows.x, rows.indices, repeated(c, 2)), x.shape())};
}

const Primitive scatter_primitive{.name = "scatter_add",
                                  .saved_inputs = save(1),
                                  .shapes = scatter_shapes,
                                  .check = scatter_check,
                                  .eval = scatter_eval,
                                  .vjp = scatter_vjp,
                                  .jvp = linear_jvp,
                                  .vmap = scatter_vmap};

// one_hot: 1 where the class is the index; an index outside [0, classes) gives a row of zeros, as in Keras.
void one_hot_shapes(const Tensors& in, const Params& params, Specs& out) {
  const auto& p = std::get<OneHotParams>(params);
  if (in[0].dtype() != DType::int32 && in[0].dtype() != DType::int64) {
    fail<TypeError>("[one_hot] `indices` is ", in[0].dtype(), ": it must be int32 or int64.");
  }
  if (p.classes < 0) fail("[one_hot] `num_classes` is ", p.classes, ": it must not be negative.");
  Shape shape = in[0].shape();
  shape.push_back(p.classes);
  out.push_back({p.dtype, shape});
}

void one_hot_eval(const Tensors& in, const Params& params, Tensors& out) {
  const auto& p = std::get<OneHotParams>(params);
  std::memset(out[0].raw(), 0, static_cast<std::size_t>(out[0].size() * item_size(p.dtype)));
  visit_any(p.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    T* y = out[0].mutable_data<T>();
    each_index(in[0], [&](index_t i, index_t v) {
      if (v >= 0 && v < p.classes) y[i * p.classes + v] = T(1);
    });
  });
}

const Primitive one_hot_primitive{
    .name = "one_hot", .shapes = one_hot_shapes, .eval = one_hot_eval, .vmap = same_vmap, .differentiable = false};

// argsort: the indices that sort the last axis in ascending order; equal entries keep their order, NaN goes last.
void argsort_shapes(const Tensors& in, const Params&, Specs& out) {
  if (in[0].rank() == 0) fail("[argsort] `x` is a scalar: it must have at least one axis.");
  out.push_back({DType::int64, in[0].shape()});
}

void argsort_eval(const Tensors& in, const Params&, Tensors& out) {
  const index_t n = in[0].shape().back();
  visit_any(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T* x = in[0].data<T>();
    auto* y = out[0].mutable_data<index_t>();
    const auto before = [&x](index_t a, index_t b) {
      if constexpr (std::is_floating_point_v<T>) {
        return x[a] < x[b] || (x[a] == x[a] && x[b] != x[b]);
      } else {
        return x[a] < x[b];
      }
    };
    for (index_t done = 0; done < in[0].size(); done += n, x += n, y += n) {
      std::iota(y, y + n, index_t(0));
      std::stable_sort(y, y + n, before);
    }
  });
}

const Primitive argsort_primitive{
    .name = "argsort", .shapes = argsort_shapes, .eval = argsort_eval, .vmap = same_vmap, .differentiable = false};

}  // namespace

Tensor take(const Tensor& x, const Tensor& indices, index_t axis) {
  if (x.rank() == 0) fail("[take] `x` is a scalar: it must have at least one axis.");
  const int a = normalize_axis("take", axis, x.rank());
  if (a == 0) return run1(take_primitive, {x, indices});
  // The axis goes first, the rows are taken, and the axes of the indices go back to its place.
  Shape first{a};
  for (int i = 0; i < x.rank(); ++i)
    if (i != a) first.push_back(i);
  const Tensor rows = run1(take_primitive, {transpose(x, first), indices});
  const int k = indices.rank();
  Shape back;
  for (int i = 0; i < a; ++i) back.push_back(k + i);
  for (int i = 0; i < k; ++i) back.push_back(i);
  for (int i = a; i < x.rank() - 1; ++i) back.push_back(k + i);
  return transpose(rows, back);
}

Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return run1(scatter_primitive, {x, indices, updates});
}

Tensor true_rows(const Tensor& mask) {
  index_t count = 0;
  for (index_t k = 0; k < mask.size(); ++k) count += mask.data<bool>()[k];
  Tensor rows(DType::int64, {count});
  index_t at = 0;
  for (index_t k = 0; k < mask.size(); ++k)
    if (mask.data<bool>()[k]) rows.mutable_data<index_t>()[at++] = k;
  return rows;
}

Tensor one_hot(const Tensor& indices, index_t classes, DType dtype) {
  return run1(one_hot_primitive, {indices}, OneHotParams{classes, dtype});
}

Tensor argsort(const Tensor& x) { return run1(argsort_primitive, {x}); }

std::vector<const Primitive*> indexing_primitives() {
  return {&take_primitive, &scatter_primitive, &one_hot_primitive, &argsort_primitive};
}

}  // namespace densegrad
