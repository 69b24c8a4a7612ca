// What the element loops share.
#pragma once

#include "formulas/rows.h"
#include "formulas/scalar.h"
#include "kernels/table.h"

// Before a loop whose entries are independent even where output and input are the same memory (or fully apart): without
// it gcc takes its scalar fallback for y == z. It does not license any change of results.
#if defined(__clang__)
#define DENSEGRAD_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define DENSEGRAD_INDEPENDENT _Pragma("GCC ivdep")
#else
#define DENSEGRAD_INDEPENDENT
#endif

namespace densegrad {
namespace {

// y[i] = f(i)
template <class T, class F>
inline void fill(index_t n, T* y, const F& f) {
  DENSEGRAD_INDEPENDENT
  for (index_t i = 0; i < n; ++i) y[i] = f(i);
}

}  // namespace
}  // namespace densegrad
