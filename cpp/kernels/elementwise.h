// Loops over entries: unary, binary, compare, where, clip, bias_add.
#pragma once

#include "formulas/list.h"
#include "kernels/loop.h"

namespace densegrad {
namespace {

// Entries of Unary.
struct Negative {
  static constexpr const char* name = "negative";
  template <class T>
  static T apply(T x) {
    return -x;
  }
};
struct Square {
  static constexpr const char* name = "square";
  template <class T>
  static T apply(T x) {
    return x * x;
  }
};
struct Sqrt {
  static constexpr const char* name = "sqrt";
  template <class T>
  static T apply(T x) {
    return formulas::sqrt(x);
  }
};
struct Exp {
  static constexpr const char* name = "exp";
  template <class T>
  static T apply(T x) {
    return formulas::exp(x);
  }
};
struct Expm1 {
  static constexpr const char* name = "expm1";
  template <class T>
  static T apply(T x) {
    return formulas::expm1(x);
  }
};
struct Log {
  static constexpr const char* name = "log";
  template <class T>
  static T apply(T x) {
    return formulas::log(x);
  }
};
struct Log1p {
  static constexpr const char* name = "log1p";
  template <class T>
  static T apply(T x) {
    return formulas::log1p(x);
  }
};
struct Abs {
  static constexpr const char* name = "abs";
  template <class T>
  static T apply(T x) {
    return formulas::abs(x);
  }
};
struct Sign {
  static constexpr const char* name = "sign";
  template <class T>
  static T apply(T x) {
    return formulas::sign(x);
  }
};
struct Sin {
  static constexpr const char* name = "sin";
  template <class T>
  static T apply(T x) {
    return formulas::sin(x);
  }
};
struct Cos {
  static constexpr const char* name = "cos";
  template <class T>
  static T apply(T x) {
    return formulas::cos(x);
  }
};
struct Tanh {
  static constexpr const char* name = "tanh";
  template <class T>
  static T apply(T x) {
    return formulas::tanh(x);
  }
};
struct Erf {
  static constexpr const char* name = "erf";
  template <class T>
  static T apply(T x) {
    return formulas::erf(x);
  }
};
struct Erfc {
  static constexpr const char* name = "erfc";
  template <class T>
  static T apply(T x) {
    return formulas::erfc(x);
  }
};
struct Floor {
  static constexpr const char* name = "floor";
  template <class T>
  static T apply(T x) {
    return formulas::floor(x);
  }
};
struct Ceil {
  static constexpr const char* name = "ceil";
  template <class T>
  static T apply(T x) {
    return formulas::ceil(x);
  }
};
struct Round {
  static constexpr const char* name = "round";
  template <class T>
  static T apply(T x) {
    return formulas::round(x);
  }
};
using Unaries = formulas::List<Negative, Square, Sqrt, Exp, Expm1, Log, Log1p, Abs, Sign, Sin, Cos, Tanh, Erf, Erfc,
                               Floor, Ceil, Round>;
static_assert(Unaries::size == size_of<Unary>(), "one entry per enum value, in its order");

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
using Binaries = formulas::List<Add, Subtract, Multiply, Divide, Power, Maximum, Minimum>;
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
  fill(n, y, [x](index_t i) { return Entry::apply(x[i]); });
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
