// A register as a number, for formulas that say what they do once for any type. Only where `fused`.
#pragma once

#include "formulas/enums.h"
#include "kernels/vector.h"

namespace densegrad {
namespace {

template <class T>
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
  friend Pack sqrt(Pack a) { return Pack(V::sqrt(a.x)); }
  friend Pack maximum(Pack a, Pack b) { return Pack(V::maximum(a.x, b.x)); }
};

// f(i) for each full register of n entries, then f(i, some) for what is left.
template <class T, class F>
inline void for_each_pack(index_t n, const F& f) {
  index_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i);
  if (i < n) f(i, Vector<T>::some(static_cast<int>(n - i)));
}

}  // namespace
}  // namespace densegrad
