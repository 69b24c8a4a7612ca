// Reductions (sum, max, logsumexp, argmax), and broadcast_to with its adjoint sum_to.
#include <cstring>
#include <limits>

#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

bool reduces(const Shape& axes, int axis) {
  for (index_t a : axes)
    if (a == axis) return true;
  return false;
}

// The shape after a reduction, with or without the axes of length 1.
Shape reduced_shape(const Shape& shape, const Shape& axes, bool keepdims) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!reduces(axes, i)) {
      out.push_back(shape[i]);
    } else if (keepdims) {
      out.push_back(1);
    }
  }
  return out;
}

Shape normalize_axes(const char* tag, const std::optional<Shape>& axes, int rank) {
  Shape all;
  std::array<bool, max_rank> used{};
  if (!axes) {
    for (int i = 0; i < rank; ++i) all.push_back(i);
    return all;
  }
  for (index_t axis : *axes) {
    const int i = normalize_axis(tag, axis, rank);
    if (used[static_cast<std::size_t>(i)])
      fail("[", tag, "] `axis` names axis ", i, " twice: each axis may occur once.");
    used[static_cast<std::size_t>(i)] = true;
  }
  for (int i = 0; i < rank; ++i)
    if (used[static_cast<std::size_t>(i)]) all.push_back(i);
  return all;
}

// ---- Kernels for every number type -----------------------------------------------------------------------------------

enum class Kind { sum, max, logsumexp };

template <Kind kind, class T>
void reduce_middle(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  if constexpr (std::is_floating_point_v<T>) {
    if constexpr (kind == Kind::sum) kernels_for<T>().sum(outer, n, inner, x, y);
    if constexpr (kind == Kind::max) kernels_for<T>().max(outer, n, inner, x, y);
    if constexpr (kind == Kind::logsumexp) kernels_for<T>().logsumexp(outer, n, inner, x, y);
  } else {
    using U = std::make_unsigned_t<T>;
    for (index_t o = 0; o < outer; ++o) {
      for (index_t i = 0; i < inner; ++i) {
        T r = kind == Kind::sum ? T(0) : std::numeric_limits<T>::min();
        for (index_t k = 0; k < n; ++k) {
          const T v = x[(o * n + k) * inner + i];
          r = kind == Kind::sum ? static_cast<T>(static_cast<U>(r) + static_cast<U>(v)) : (v > r ? v : r);
        }
        y[o * inner + i] = r;
      }
    }
  }
}

// Reduces `axes` one run of neighbours at a time, from the last one: sums, maxima and logsumexps compose.
template <Kind kind, class T>
void reduce_axes(const Tensor& x, const Shape& axes, const Tensor& y) {
  int end = axes.rank();
  if (end == 0) {
    std::memcpy(y.raw(), x.raw(), static_cast<std::size_t>(x.size()) * sizeof(T));
    return;
  }
  if (end == 1) {  // what nearly all are
    const Shape& s = x.shape();
    const int axis = static_cast<int>(axes[0]);
    reduce_middle<kind, T>(s.count(0, axis), s[axis], s.count(axis + 1, s.rank()), x.data<T>(), y.mutable_data<T>());
    return;
  }
  Tensor from = x;
  Shape shape = x.shape();
  while (end > 0) {
    int begin = end - 1;
    while (begin > 0 && axes[begin - 1] == axes[begin] - 1) --begin;
    const int first = static_cast<int>(axes[begin]), last = static_cast<int>(axes[end - 1]) + 1;
    const index_t outer = shape.count(0, first), n = shape.count(first, last), inner = shape.count(last, shape.rank());
    for (int i = first; i < last; ++i) shape[i] = 1;
    const Tensor to = begin == 0 ? y : Tensor(x.dtype(), shape);
    reduce_middle<kind, T>(outer, n, inner, from.data<T>(), to.template mutable_data<T>());
    from = to;
    end = begin;
  }
}

template <Kind kind>
constexpr const char* kind_name() {
  return kind == Kind::sum ? "sum" : kind == Kind::max ? "max" : "logsumexp";
}

template <Kind kind>
void reduce_shapes(const Tensors& in, const Params& params, Specs& out) {
  const auto& p = std::get<AxesParams>(params);
  const Tensor& x = in[0];
  if (x.dtype() == DType::boolean || (kind == Kind::logsumexp && !is_float(x.dtype()))) {
    fail<TypeError>("[", kind_name<kind>(), "] `x` is ", x.dtype(), ": it must be ",
                    kind == Kind::logsumexp ? "float32 or float64" : "a number", "; convert it with cast(x, dtype).");
  }
  const Shape shape = reduced_shape(x.shape(), p.axes, p.keepdims);
  if (kind != Kind::sum && shape.is_known() && shape.count() > 0) {
    for (index_t axis : p.axes) {
      if (x.dim(static_cast<int>(axis)) == 0) {
        fail("[", kind_name<kind>(), "] `x` has shape ", x.shape(), ": axis ", axis, " is empty and has no ",
             kind_name<kind>(), ".");
      }
    }
  }
  out.push_back({x.dtype(), shape});
}

template <Kind kind>
void reduce_eval(const Tensors& in, const Params& params, Tensors& out) {
  const auto& p = std::get<AxesParams>(params);
  visit_number(in[0].dtype(),
               [&](auto type) { reduce_axes<kind, typename decltype(type)::type>(in[0], p.axes, out[0]); });
}

// A tensor of the reduced shape with the reduced axes put back as 1; a scalar broadcasts without them.
Tensor with_kept_axes(const Tensor& t, const Shape& full, const AxesParams& p) {
  return p.keepdims || t.rank() == 0 ? t : reshape(t, reduced_shape(full, p.axes, true));
}

bool sum_vjp(VjpContext& c) {
  const auto& p = std::get<AxesParams>(c.params);
  const Shape& shape = c.inputs[0].shape();
  c.dx[0] = broadcast_to(with_kept_axes(c.dy[0], shape, p), shape);
  return true;
}

bool max_vjp(VjpContext& c) {
  // Ties share equally (Keras' choice); a NaN maximum has no tie, and 0/0 carries the NaN on.
  const auto& p = std::get<AxesParams>(c.params);
  const Tensor& x = c.inputs[0];
  const Tensor y = with_kept_axes(c.outputs[0], x.shape(), p);
  const Tensor tie = cast(compare(Compare::equal, x, y), x.dtype());
  const Tensor share = divide(with_kept_axes(c.dy[0], x.shape(), p), sum(tie, p.axes, true));
  c.dx[0] = multiply(tie, share);
  return true;
}

bool logsumexp_vjp(VjpContext& c) {
  const auto& p = std::get<AxesParams>(c.params);
  const Tensor& x = c.inputs[0];
  const Tensor y = with_kept_axes(c.outputs[0], x.shape(), p);
  c.dx[0] = multiply(with_kept_axes(c.dy[0], x.shape(), p), unary(Unary::exp, subtract(x, y)));
  return true;
}

bool max_jvp(JvpContext& c) {
  const auto& p = std::get<AxesParams>(c.params);
  const Tensor& x = c.inputs[0];
  const Tensor tie = cast(compare(Compare::equal, x, with_kept_axes(c.outputs[0], x.shape(), p)), x.dtype());
  const Tensor total = sum(multiply(tie, c.tangents[0]), p.axes, p.keepdims);
  c.out_tangents = {divide(total, sum(tie, p.axes, p.keepdims))};
  return true;
}

bool logsumexp_jvp(JvpContext& c) {
  const auto& p = std::get<AxesParams>(c.params);
  const Tensor& x = c.inputs[0];
  const Tensor share = unary(Unary::exp, subtract(x, with_kept_axes(c.outputs[0], x.shape(), p)));
  c.out_tangents = {sum(multiply(c.tangents[0], share), p.axes, p.keepdims)};
  return true;
}

void reduce_vmap(VmapContext& c) {
  const auto& p = std::get<AxesParams>(c.params);
  c.outputs = run(c.primitive, c.inputs, AxesParams{behind_batch(p.axes), p.keepdims});
}

void sum_of_squares_eval(const Tensors& in, const Params&, Tensors& out) {
  visit_float(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    kernels_for<T>().sum_of_squares(in[0].size(), in[0].data<T>(), out[0].mutable_data<T>());
  });
}

const Primitive sum_of_squares_primitive{.name = "sum_of_squares", .eval = sum_of_squares_eval};

const Primitive sum_primitive{.name = "sum",
                              .shapes = reduce_shapes<Kind::sum>,
                              .eval = reduce_eval<Kind::sum>,
                              .vjp = sum_vjp,
                              .jvp = linear_jvp,
                              .vmap = reduce_vmap};
const Primitive max_primitive{.name = "max",
                              .saved_inputs = save(0),
                              .saved_outputs = save(0),
                              .shapes = reduce_shapes<Kind::max>,
                              .eval = reduce_eval<Kind::max>,
                              .vjp = max_vjp,
                              .jvp = max_jvp,
                              .vmap = reduce_vmap};
const Primitive logsumexp_primitive{.name = "logsumexp",
                                    .saved_inputs = save(0),
                                    .saved_outputs = save(0),
                                    .shapes = reduce_shapes<Kind::logsumexp>,
                                    .eval = reduce_eval<Kind::logsumexp>,
                                    .vjp = logsumexp_vjp,
                                    .jvp = logsumexp_jvp,
                                    .vmap = reduce_vmap};

// ---- argmax ----------------------------------------------------------------------------------------------------------

void argmax_shapes(const Tensors& in, const Params& params, Specs& out) {
  const int axis = std::get<AxisParams>(params).axis;
  if (in[0].dim(axis) == 0) fail("[argmax] `x` has shape ", in[0].shape(), ": axis ", axis, " is empty.");
  out.push_back({DType::int64, reduced_shape(in[0].shape(), Shape{axis}, false)});
}

// The first of the largest, as the kernels of floats do.
template <class T>
void argmax_of_integers(index_t outer, index_t n, index_t inner, const T* x, index_t* places) {
  for (index_t i = 0; i < outer * inner; ++i) {
    const T* column = x + i / inner * n * inner + i % inner;
    places[i] = 0;
    for (index_t k = 1; k < n; ++k)
      if (column[k * inner] > column[places[i] * inner]) places[i] = k;
  }
}

void argmax_eval(const Tensors& in, const Params& params, Tensors& out) {
  const int axis = std::get<AxisParams>(params).axis;
  const Tensor& x = in[0];
  const Shape& s = x.shape();
  const index_t outer = s.count(0, axis), n = s[axis], inner = s.count(axis + 1, s.rank());
  visit_any(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    auto* places = out[0].mutable_data<index_t>();
    if constexpr (std::is_floating_point_v<T>) {
      kernels_for<T>().argmax(outer, n, inner, x.data<T>(), places);
    } else {
      argmax_of_integers(outer, n, inner, x.data<T>(), places);
    }
  });
}

void argmax_vmap(VmapContext& c) {
  c.outputs = run(c.primitive, c.inputs, AxisParams{std::get<AxisParams>(c.params).axis + 1});
}

const Primitive argmax_primitive{
    .name = "argmax", .shapes = argmax_shapes, .eval = argmax_eval, .vmap = argmax_vmap, .differentiable = false};

// ---- broadcast_to, sum_to --------------------------------------------------------------------------------------------

void check_broadcasts(const char* tag, const Shape& small, const Shape& large) {
  bool fits = small.rank() <= large.rank();
  for (int i = 0; fits && i < small.rank(); ++i) {
    const index_t s = small[i], l = large[i + large.rank() - small.rank()];
    fits = s == l || s == 1 || s == unknown || l == unknown;
  }
  if (!fits) fail("[", tag, "] shape ", small, " does not broadcast to ", large, ": each axis must be equal or 1.");
}

void broadcast_shapes_rule(const Tensors& in, const Params& params, Specs& out) {
  const Shape& shape = std::get<ShapeParams>(params).shape;
  check_broadcasts("broadcast_to", in[0].shape(), shape);
  out.push_back({in[0].dtype(), shape});
}

void broadcast_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor &x = in[0], &y = out[0];
  visit_any(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T* px = x.data<T>();
    T* py = y.mutable_data<T>();
    for_each_run<1>(y.shape(), {&x.shape()}, [&](index_t n, auto& at, auto& step, index_t to) {
      if (step[0] == 1) {
        std::memcpy(py + to, px + at[0], static_cast<std::size_t>(n) * sizeof(T));
      } else {
        for (index_t i = 0; i < n; ++i) py[to + i] = px[at[0]];
      }
    });
  });
}

bool broadcast_vjp(VjpContext& c) {
  c.dx[0] = sum_to(c.dy[0], c.inputs[0].shape());
  return true;
}

void sum_to_shapes(const Tensors& in, const Params& params, Specs& out) {
  const Shape& shape = std::get<ShapeParams>(params).shape;
  check_broadcasts("sum_to", shape, in[0].shape());
  out.push_back({in[0].dtype(), shape});
}

void sum_to_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor &x = in[0], &y = out[0];
  Shape axes;
  const int lead = x.rank() - y.rank();
  for (int i = 0; i < x.rank(); ++i)
    if (i < lead || (y.dim(i - lead) == 1 && x.dim(i) != 1)) axes.push_back(i);
  visit_number(x.dtype(), [&](auto type) { reduce_axes<Kind::sum, typename decltype(type)::type>(x, axes, y); });
}

bool sum_to_vjp(VjpContext& c) {
  c.dx[0] = broadcast_to(c.dy[0], c.inputs[0].shape());
  return true;
}

void broadcast_vmap(VmapContext& c) {
  const Shape& shape = std::get<ShapeParams>(c.params).shape;
  c.outputs = {broadcast_to(lifted(c, 0, shape.rank()), with_batch(c.batch, shape))};
}

void sum_to_vmap(VmapContext& c) {
  // The axes that the example loses are summed one by one; what remains is a matter of shape.
  const Shape& shape = std::get<ShapeParams>(c.params).shape;
  const Tensor& x = c.inputs[0];
  const int lead = c.rank(0) - shape.rank();
  Shape axes;
  for (int i = 0; i < c.rank(0); ++i)
    if (i < lead || (shape[i - lead] == 1 && x.dim(i + 1) != 1)) axes.push_back(i + 1);
  c.outputs = {reshape(sum(x, axes), with_batch(c.batch, shape))};
}

const Primitive broadcast_primitive{.name = "broadcast_to",
                                    .shapes = broadcast_shapes_rule,
                                    .eval = broadcast_eval,
                                    .vjp = broadcast_vjp,
                                    .jvp = linear_jvp,
                                    .vmap = broadcast_vmap};
const Primitive sum_to_primitive{.name = "sum_to",
                                 .shapes = sum_to_shapes,
                                 .eval = sum_to_eval,
                                 .vjp = sum_to_vjp,
                                 .jvp = linear_jvp,
                                 .vmap = sum_to_vmap};

Tensor reduce(const Primitive& p, const Tensor& x, const std::optional<Shape>& axes, bool keepdims) {
  return run1(p, {x}, AxesParams{normalize_axes(p.name, axes, x.rank()), keepdims});
}

}  // namespace

const Primitive* sum_of_squares(const Primitive& sum, const Params& params, const Tensor& x) {
  const bool all = &sum == &sum_primitive && x.rank() > 0 && std::get<AxesParams>(params).axes.rank() == x.rank();
  return all && is_float(x.dtype()) ? &sum_of_squares_primitive : nullptr;
}

Tensor sum(const Tensor& x, std::optional<Shape> axes, bool keepdims) {
  return reduce(sum_primitive, x, axes, keepdims);
}
Tensor max(const Tensor& x, std::optional<Shape> axes, bool keepdims) {
  return reduce(max_primitive, x, axes, keepdims);
}
Tensor logsumexp(const Tensor& x, std::optional<Shape> axes, bool keepdims) {
  return reduce(logsumexp_primitive, x, axes, keepdims);
}

Tensor mean(const Tensor& x, std::optional<Shape> axes, bool keepdims) {
  if (!is_float(x.dtype())) {
    fail<TypeError>("[mean] `x` is ", x.dtype(), ": it must be float32 or float64; convert it with cast(x, dtype).");
  }
  const Tensor total = sum(x, axes, keepdims);
  index_t n = 1;
  for (index_t axis : normalize_axes("mean", axes, x.rank())) {
    const index_t d = x.dim(static_cast<int>(axis));
    n = n == unknown || d == unknown ? unknown : n * d;
  }
  return divide(total, constant_like(x, static_cast<double>(n)));
}

Tensor argmax(const Tensor& x, index_t axis) {
  return run1(argmax_primitive, {x}, AxisParams{normalize_axis("argmax", axis, x.rank())});
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : run1(broadcast_primitive, {x}, ShapeParams{shape});
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : run1(sum_to_primitive, {x}, ShapeParams{shape});
}

std::vector<const Primitive*> reduce_primitives() {
  return {&sum_primitive,    &max_primitive,       &logsumexp_primitive,
          &argmax_primitive, &broadcast_primitive, &sum_to_primitive};
}

}  // namespace densegrad
