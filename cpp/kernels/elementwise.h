// Loops over entries: unary, binary, compare, where, clip, bias_add.
#pragma once

#include <utility>

#include "formulas/gamma.h"
#include "formulas/inverse_erf.h"
#include "formulas/list.h"
#include "kernels/loop.h"
#include "kernels/pack.h"

namespace densegrad {
namespace {

// The entry of each Unary: the function of its name.
template <Unary op>
struct UnaryEntry {
  static constexpr const char* name = unary_names[static_cast<int>(op)];
  template <class T>
  static T apply(T x) {
    switch (op) {
#define DENSEGRAD_CASE(name) \
  case Unary::name: return formulas::name(x);
      DENSEGRAD_UNARIES(DENSEGRAD_CASE)
#undef DENSEGRAD_CASE
      default: return x;
    }
  }
};
template <int... I>
formulas::List<UnaryEntry<static_cast<Unary>(I)>...> unary_entries(std::integer_sequence<int, I...>);
using Unaries = decltype(unary_entries(std::make_integer_sequence<int, size_of<Unary>()>{}));

// Entries of Binary.
struct Add {
  static constexpr const char* name = "add";
  template <class T>
  static T apply(T a, T b) {
    return a + b;
  }
};
struct Subtract {
  static constexpr const char* name = "subtract";
  template <class T>
  static T apply(T a, T b) {
    return a - b;
  }
};
struct Multiply {
  static constexpr const char* name = "multiply";
  template <class T>
  static T apply(T a, T b) {
    return a * b;
  }
};
struct Divide {
  static constexpr const char* name = "divide";
  template <class T>
  static T apply(T a, T b) {
    return a / b;
  }
};
struct Power {
  static constexpr const char* name = "power";
  template <class T>
  static T apply(T a, T b) {
    return formulas::pow(a, b);
  }
};
struct Maximum {
  static constexpr const char* name = "maximum";
  template <class T>
  static T apply(T a, T b) {
    return formulas::maximum(a, b);
  }
};
struct Minimum {
  static constexpr const char* name = "minimum";
  template <class T>
  static T apply(T a, T b) {
    return formulas::minimum(a, b);
  }
};
struct FloorDivide {
  static constexpr const char* name = "floor_divide";
  template <class T>
  static T apply(T a, T b) {
    return formulas::floor(a / b);
  }
};
struct Mod {
  static constexpr const char* name = "mod";
  template <class T>
  static T apply(T a, T b) {
    return formulas::mod(a, b);
  }
};
struct Arctan2 {
  static constexpr const char* name = "arctan2";
  template <class T>
  static T apply(T a, T b) {
    return formulas::arctan2(a, b);
  }
};
struct Polygamma {
  static constexpr const char* name = "polygamma";
  template <class T>
  static T apply(T a, T b) {
    return formulas::polygamma(a, b);
  }
};
using Binaries =
    formulas::List<Add, Subtract, Multiply, Divide, Power, Maximum, Minimum, FloorDivide, Mod, Arctan2, Polygamma>;
static_assert(Binaries::size == size_of<Binary>(), "one entry per enum value, in its order");

// Entries of Compare. All but not_equal are false where a NaN takes part.
struct Greater {
  static constexpr const char* name = "greater";
  template <class T>
  static bool apply(T a, T b) {
    return a > b;
  }
};
struct GreaterEqual {
  static constexpr const char* name = "greater_equal";
  template <class T>
  static bool apply(T a, T b) {
    return a >= b;
  }
};
struct Less {
  static constexpr const char* name = "less";
  template <class T>
  static bool apply(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  static constexpr const char* name = "less_equal";
  template <class T>
  static bool apply(T a, T b) {
    return a <= b;
  }
};
struct Equal {
  static constexpr const char* name = "equal";
  template <class T>
  static bool apply(T a, T b) {
    return a == b;
  }
};
struct NotEqual {
  static constexpr const char* name = "not_equal";
  template <class T>
  static bool apply(T a, T b) {
    return a != b;
  }
};
using Compares = formulas::List<Greater, GreaterEqual, Less, LessEqual, Equal, NotEqual>;
static_assert(Compares::size == size_of<Compare>(), "one entry per enum value, in its order");

template <class T, class Entry>
void unary(index_t n, const T* x, T* y) {
  if constexpr (fused && std::is_same_v<Entry, UnaryEntry<Unary::sqrt>>) {
    for_each_pack<T>(n, [x, y](auto pack, index_t i, auto... some) {
      sqrt(decltype(pack)::load(x + i, some...)).store(y + i, some...);
    });
  } else {
    fill(n, y, [x](index_t i) { return Entry::apply(x[i]); });
  }
}

// Binary and Compare: y is T or bool. A step of 0 repeats one value, which is loaded once.
template <class T, class Y, class Entry>
void binary(index_t n, const T* a, index_t a_step, const T* b, index_t b_step, Y* y) {
  if (n == 0) return;
  const T a_0 = a[0], b_0 = b[0];
  if (a_step != 0 && b_step != 0) {
    fill(n, y, [a, b](index_t i) { return Entry::apply(a[i], b[i]); });
  } else if (b_step != 0) {
    fill(n, y, [a_0, b](index_t i) { return Entry::apply(a_0, b[i]); });
  } else if (a_step != 0) {
    fill(n, y, [a, b_0](index_t i) { return Entry::apply(a[i], b_0); });
  } else {
    const Y value = Entry::apply(a_0, b_0);
    fill(n, y, [value](index_t) { return value; });
  }
}

template <class T>
void where(index_t n, const bool* c, index_t c_step, const T* a, index_t a_step, const T* b, index_t b_step, T* y) {
  if (n == 0) return;
  const T a_0 = a[0], b_0 = b[0];
  if (c_step == 0) {
    const T* x = c[0] ? a : b;
    if ((c[0] ? a_step : b_step) != 0) {
      fill(n, y, [x](index_t i) { return x[i]; });
    } else {
      const T value = x[0];
      fill(n, y, [value](index_t) { return value; });
    }
    return;
  }
  const auto* mask = reinterpret_cast<const unsigned char*>(c);  // gcc vectorises a choice by byte, not by bool
  const auto select = [=](auto a_at, auto b_at) {
    fill(n, y, [=](index_t i) {
      const T a_i = a_at(i), b_i = b_at(i);  // both are read: neither is a load under a condition, which stays scalar
      return mask[i] != 0 ? a_i : b_i;
    });
  };
  const auto a_first = [a_0](index_t) { return a_0; };
  const auto b_first = [b_0](index_t) { return b_0; };
  const auto a_each = [a](index_t i) { return a[i]; };
  const auto b_each = [b](index_t i) { return b[i]; };
  if (a_step != 0 && b_step != 0) {
    select(a_each, b_each);
  } else if (b_step != 0) {
    select(a_first, b_each);
  } else if (a_step != 0) {
    select(a_each, b_first);
  } else {
    select(a_first, b_first);
  }
}

template <class T>
void clip(index_t n, T lo, T hi, const T* x, T* y) {
  fill(n, y, [lo, hi, x](index_t i) { return formulas::clip(x[i], lo, hi); });
}

template <class T>
void bias_add(index_t rows, index_t cols, const T* b, T* z) {
  for (index_t r = 0; r < rows; ++r, z += cols) {
    fill(cols, z, [b, z](index_t c) { return z[c] + b[c]; });
  }
}

}  // namespace
}  // namespace densegrad
