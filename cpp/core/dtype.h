// The element types of a Tensor. Floats carry gradients; integers and bools are labels, indices and masks.
#pragma once

#include <cstdint>
#include <ostream>

#include "core/error.h"

namespace densegrad {

enum class DType : std::uint8_t { boolean, int32, int64, float32, float64 };

constexpr bool is_float(DType d) { return d == DType::float32 || d == DType::float64; }

constexpr std::int64_t item_size(DType d) {
  switch (d) {
    case DType::boolean: return 1;
    case DType::int32:
    case DType::float32: return 4;
    case DType::int64:
    case DType::float64: return 8;
  }
  return 0;
}

constexpr const char* dtype_name(DType d) {
  switch (d) {
    case DType::boolean: return "bool";
    case DType::int32: return "int32";
    case DType::int64: return "int64";
    case DType::float32: return "float32";
    case DType::float64: return "float64";
  }
  return "?";
}

inline std::ostream& operator<<(std::ostream& out, DType d) { return out << dtype_name(d); }

template <class T>
inline constexpr DType dtype_of = DType::float32;
template <>
inline constexpr DType dtype_of<bool> = DType::boolean;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::int32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::int64;
template <>
inline constexpr DType dtype_of<double> = DType::float64;

template <class T>
struct Type {
  using type = T;
};

// Calls f(Type<T>{}) with the C++ type of `d`.
template <class F>
decltype(auto) visit_float(DType d, F&& f) {
  if (d == DType::float64) return f(Type<double>{});
  return f(Type<float>{});
}

template <class F>
decltype(auto) visit_number(DType d, F&& f) {
  switch (d) {
    case DType::int32: return f(Type<std::int32_t>{});
    case DType::int64: return f(Type<std::int64_t>{});
    case DType::float64: return f(Type<double>{});
    default: return f(Type<float>{});
  }
}

template <class F>
decltype(auto) visit_any(DType d, F&& f) {
  if (d == DType::boolean) return f(Type<bool>{});
  return visit_number(d, std::forward<F>(f));
}

}  // namespace densegrad
