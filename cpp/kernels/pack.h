// A register as a number, for formulas that say what they do once for any type. Only where `fused`.
#pragma once

#include "formulas/enums.h"
#include "kernels/vector.h"

namespace densegrad {
namespace {

// How it takes roots. The bits are the same: what differs is which units of the processor are busy.
enum class Root { estimate, instruction };

template <class T, Root root>
struct Pack {
  using V = Vector<T>;
  typename V::Type x;

  Pack() = default;
  explicit Pack(typename V::Type all) : x(all) {}
  Pack(T each) : x(V::all(each)) {}  // implicit, as a number meets numbers
  static Pack load(const T* from) { return Pack(V::load(from)); }
  static Pack load(const T* from, typename V::Some some) { return Pack(V::load(from, some)); }
  void store(T* to) const { V::store(to, x); }
  void store(T* to, typename V::Some some) const { V::store(to, x, some); }

  friend Pack operator+(Pack a, Pack b) { return Pack(a.x + b.x); }
  friend Pack operator-(Pack a, Pack b) { return Pack(a.x - b.x); }
  friend Pack operator*(Pack a, Pack b) { return Pack(a.x * b.x); }
  friend Pack operator/(Pack a, Pack b) { return Pack(a.x / b.x); }
  friend Pack operator-(Pack a) { return Pack(-a.x); }
  Pack& operator+=(Pack b) { return *this = *this + b; }
  Pack& operator-=(Pack b) { return *this = *this - b; }
  friend Pack sqrt(Pack a) { return Pack(root == Root::estimate ? V::sqrt(a.x) : V::sqrt_instruction(a.x)); }
  friend Pack maximum(Pack a, Pack b) { return Pack(V::maximum(a.x, b.x)); }
};

// f(pack, i) for each full register of n entries, then f(pack, i, some) for what is left; `pack` tells the type. Every other
// one takes its roots from the divider, which else would wait for the multipliers.
template <class T, class F>
inline void for_each_pack(index_t n, const F& f) {
  constexpr Pack<T, Root::estimate> even{};
  constexpr Pack<T, Root::instruction> odd{};
  index_t i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    f(even, i);
    f(odd, i + lanes<T>);
  }
  if (i + lanes<T> <= n) {
    f(even, i);
    i += lanes<T>;
  }
  if (i < n) f(even, i, Vector<T>::some(static_cast<int>(n - i)));
}

}  // namespace
}  // namespace densegrad
