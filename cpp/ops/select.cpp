// Elementwise primitives that choose or convert: where, clip, cast.
#include <limits>

#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace densegrad {

namespace {

void where_shapes(const Tensors& in, const Params&, Specs& out) {
  if (in[0].dtype() != DType::boolean) {
    fail<TypeError>("[where] `condition` is ", in[0].dtype(), ": it must be bool; compare it with something first.");
  }
  same_dtype("where", in[1], in[2]);
  const Shape values = broadcast_shapes("where", in[1].shape(), in[2].shape());
  out.push_back({in[1].dtype(), broadcast_shapes("where", in[0].shape(), values)});
}

void where_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor &m = in[0], &a = in[1], &b = in[2], &y = out[0];
  visit_any(a.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const bool* pm = m.data<bool>();
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* py = y.mutable_data<T>();
    for_each_run<3>(y.shape(), {&m.shape(), &a.shape(), &b.shape()}, [&](index_t n, auto& at, auto& step, index_t to) {
      if constexpr (std::is_floating_point_v<T>) {
        kernels_for<T>().where(n, pm + at[0], step[0], pa + at[1], step[1], pb + at[2], step[2], py + to);
      } else {
        for (index_t i = 0; i < n; ++i)
          py[to + i] = pm[at[0] + i * step[0]] ? pa[at[1] + i * step[1]] : pb[at[2] + i * step[2]];
      }
    });
  });
}

bool where_vjp(VjpContext& c) {
  const Tensor zero = constant_like(c.dy[0], 0);
  if (c.wanted[1]) c.dx[1] = sum_to(where(c.inputs[0], c.dy[0], zero), c.inputs[1].shape());
  if (c.wanted[2]) c.dx[2] = sum_to(where(c.inputs[0], zero, c.dy[0]), c.inputs[2].shape());
  return true;
}

void clip_shapes(const Tensors& in, const Params&, Specs& out) {
  if (!is_float(in[0].dtype())) fail<TypeError>("[clip] `x` is ", in[0].dtype(), ": it must be float32 or float64.");
  out.push_back({in[0].dtype(), in[0].shape()});
}

void clip_eval(const Tensors& in, const Params& params, Tensors& out) {
  const auto& p = std::get<ClipParams>(params);
  visit_float(in[0].dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    kernels_for<T>().clip(in[0].size(), static_cast<T>(p.lo), static_cast<T>(p.hi), in[0].data<T>(),
                          out[0].mutable_data<T>());
  });
}

bool clip_vjp(VjpContext& c) {
  // Keras' choice: 1 on the closed interval, 0 outside and for NaN.
  const auto& p = std::get<ClipParams>(c.params);
  const Tensor &x = c.inputs[0], &g = c.dy[0];
  const Tensor zero = constant_like(g, 0);
  const Tensor above = where(compare(Compare::greater_equal, x, constant_like(x, p.lo)), g, zero);
  c.dx[0] = where(compare(Compare::less_equal, x, constant_like(x, p.hi)), above, zero);
  return true;
}

void cast_shapes(const Tensors& in, const Params& params, Specs& out) {
  out.push_back({std::get<CastParams>(params).dtype, in[0].shape()});
}

template <class From, class To>
To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Out of range or NaN is undefined in C++; NumPy on x86 gives the smallest integer.
    const auto low = static_cast<From>(std::numeric_limits<To>::min());
    return x >= low && x < -low ? static_cast<To>(x) : std::numeric_limits<To>::min();
  } else {
    return static_cast<To>(x);
  }
}

void cast_eval(const Tensors& in, const Params&, Tensors& out) {
  visit_any(in[0].dtype(), [&](auto from) {
    visit_any(out[0].dtype(), [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      const From* x = in[0].data<From>();
      To* y = out[0].mutable_data<To>();
      for_pieces(in[0].size(), light_grain, [=](index_t first, index_t count) {
        for (index_t i = first; i < first + count; ++i) y[i] = convert<From, To>(x[i]);
      });
    });
  });
}

bool cast_vjp(VjpContext& c) {
  if (is_float(c.inputs[0].dtype())) c.dx[0] = cast(c.dy[0], c.inputs[0].dtype());
  return true;
}

const Primitive where_primitive{.name = "where",
                                .saved_inputs = save(0),
                                .shapes = where_shapes,
                                .eval = where_eval,
                                .vjp = where_vjp,
                                .jvp = linear_jvp,
                                .vmap = broadcasting_vmap};
const Primitive clip_primitive{.name = "clip",
                               .saved_inputs = save(0),
                               .shapes = clip_shapes,
                               .eval = clip_eval,
                               .vjp = clip_vjp,
                               .jvp = entrywise_jvp,
                               .vmap = same_vmap,
                               .in_place = 0};
const Primitive cast_primitive{
    .name = "cast", .shapes = cast_shapes, .eval = cast_eval, .vjp = cast_vjp, .jvp = linear_jvp, .vmap = same_vmap};

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return run1(where_primitive, {condition, a, b});
}
Tensor clip(const Tensor& x, double lo, double hi) { return run1(clip_primitive, {x}, ClipParams{lo, hi}); }
Tensor cast(const Tensor& x, DType dtype) {
  return x.dtype() == dtype ? x : run1(cast_primitive, {x}, CastParams{dtype});
}

std::vector<const Primitive*> select_primitives() { return {&where_primitive, &clip_primitive, &cast_primitive}; }

}  // namespace densegrad
