// Elementwise comparisons, which have no derivative.
#include <type_traits>

#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Compare>() {
  static const std::vector<const char*> names{"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"};
  return names;
}

namespace {

template <class T>
bool plain_compare(Compare op, T a, T b) {
  switch (op) {
    case Compare::greater: return a > b;
    case Compare::greater_equal: return a >= b;
    case Compare::less: return a < b;
    case Compare::less_equal: return a <= b;
    case Compare::equal: return a == b;
    default: return a != b;
  }
}

template <Compare op>
void compare_shapes(const Tensors& in, const Params&, Specs& out) {
  same_dtype(names_of<Compare>()[static_cast<std::size_t>(op)], in[0], in[1]);
  out.push_back({DType::boolean,
                 broadcast_shapes(names_of<Compare>()[static_cast<std::size_t>(op)], in[0].shape(), in[1].shape())});
}

template <Compare op>
void compare_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor &a = in[0], &b = in[1], &y = out[0];
  visit_any(a.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T *pa = a.data<T>(), *pb = b.data<T>();
    bool* py = y.mutable_data<bool>();
    for_each_run<2>(y.shape(), {&a.shape(), &b.shape()}, [&](index_t n, auto& at, auto& step, index_t to) {
      if constexpr (std::is_floating_point_v<T>) {
        kernels_for<T>().compare[static_cast<int>(op)](n, pa + at[0], step[0], pb + at[1], step[1], py + to);
      } else {
        for (index_t i = 0; i < n; ++i)
          py[to + i] = plain_compare<T>(op, pa[at[0] + i * step[0]], pb[at[1] + i * step[1]]);
      }
    });
  });
}

template <Compare op>
const Primitive& compare_primitive() {
  static const Primitive p{.name = names_of<Compare>()[static_cast<std::size_t>(op)],
                           .shapes = compare_shapes<op>,
                           .eval = compare_eval<op>,
                           .vmap = broadcasting_vmap,
                           .differentiable = false};
  return p;
}

template <int... I>
std::vector<const Primitive*> primitives_of(std::integer_sequence<int, I...>) {
  return {&compare_primitive<static_cast<Compare>(I)>()...};
}

}  // namespace

std::vector<const Primitive*> compare_primitives() {
  return primitives_of(std::make_integer_sequence<int, size_of<Compare>()>{});
}

Tensor compare(Compare op, const Tensor& a, const Tensor& b) {
  static const auto table = compare_primitives();
  return run1(*table[static_cast<std::size_t>(op)], {a, b});
}

}  // namespace densegrad
