// Reductions of x (outer, n, inner) over the middle axis. For inner > 1 the columns are taken side by side, a strip of
// them at a time, so that loads are contiguous and scratch fits the stack.
#pragma once

#include "kernels/loop.h"

namespace densegrad {
namespace {

constexpr index_t strip_width = 256;

inline index_t smaller(index_t a, index_t b) { return a < b ? a : b; }

// y[c] = sum over n rows of x[r * stride + c], c < width <= strip_width. Pairwise over blocks of rows, as sum_of.
template <class T>
void sum_rows(index_t n, index_t stride, index_t width, const T* x, T* y) {
  constexpr index_t block = 128;
  if (n > block) {
    const index_t half = (n / 2 + block - 1) / block * block;
    T right[strip_width];
    sum_rows(half, stride, width, x, y);
    sum_rows(n - half, stride, width, x + half * stride, right);
    for (index_t c = 0; c < width; ++c) y[c] += right[c];
    return;
  }
  index_t r = n % 4;
  if (r == 0) {
    fill(width, y, [](index_t) { return T(0); });
  } else if (r == 1) {
    fill(width, y, [=](index_t c) { return x[c]; });
  } else if (r == 2) {
    fill(width, y, [=](index_t c) { return x[c] + x[stride + c]; });
  } else {
    fill(width, y, [=](index_t c) { return (x[c] + x[stride + c]) + x[2 * stride + c]; });
  }
  for (; r < n; r += 4) {
    const T* x_0 = x + r * stride;
    const T* x_1 = x_0 + stride;
    const T* x_2 = x_1 + stride;
    const T* x_3 = x_2 + stride;
    fill(width, y, [=](index_t c) { return y[c] + ((x_0[c] + x_1[c]) + (x_2[c] + x_3[c])); });
  }
}

template <class T>
void sum_columns(index_t n, index_t inner, index_t width, const T* x, T* y) {
  for (index_t c = 0; c < width; c += strip_width) {
    sum_rows(n, inner, smaller(strip_width, width - c), x + c, y + c);
  }
}

template <class T>
void sum_of_squares(index_t n, const T* x, T* y) {
  y[0] = formulas::sum_of_values<T>(n, [x](index_t i) { return x[i] * x[i]; });
}

template <class T>
void sum(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  for (index_t o = 0; o < outer; ++o, x += n * inner, y += inner) {
    if (inner == 1) {
      y[0] = formulas::sum_of(n, x);
    } else {
      sum_columns(n, inner, inner, x, y);
    }
  }
}

template <class T>
void max(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  for (index_t o = 0; o < outer; ++o, x += n * inner, y += inner) {
    if (inner == 1) {
      y[0] = formulas::max_of(n, x);
      continue;
    }
    fill(inner, y, [x](index_t c) { return x[c]; });
    for (index_t r = 1; r < n; ++r) {
      const T* row = x + r * inner;
      fill(inner, y, [=](index_t c) { return formulas::larger(y[c], row[c]); });
    }
  }
}

template <class T>
void argmax(index_t outer, index_t n, index_t inner, const T* x, index_t* y) {
  for (index_t o = 0; o < outer; ++o, x += n * inner, y += inner) {
    for (index_t c = 0; c < inner; ++c) {
      T best = x[c];
      index_t at = 0;
      for (index_t r = 1; r < n; ++r) {
        const T value = x[r * inner + c];
        const bool better = (value > best) | ((value != value) & (best == best));
        best = better ? value : best;
        at = better ? r : at;
      }
      y[c] = at;
    }
  }
}

// log(sum exp(x)), shifted by the largest. Where that is infinite, so is the result, and there is nothing to shift.
template <class T>
inline T shift_for(T largest) {
  return largest - largest == T(0) || largest != largest ? largest : T(0);
}

template <class T>
void logsumexp(index_t outer, index_t n, index_t inner, const T* x, T* y) {
  for (index_t o = 0; o < outer; ++o, x += n * inner, y += inner) {
    if (inner == 1) {
      const T shift = shift_for(formulas::max_of(n, x));
      y[0] = shift + formulas::log(formulas::sum_of_exp(n, x, shift));
      continue;
    }
    for (index_t first = 0; first < inner; first += strip_width) {
      const index_t width = smaller(strip_width, inner - first);
      T shifts[strip_width], sums[strip_width];
      for (index_t c = 0; c < width; ++c) shifts[c] = x[first + c];
      for (index_t r = 1; r < n; ++r) {
        const T* row = x + r * inner + first;
        for (index_t c = 0; c < width; ++c) shifts[c] = formulas::larger(shifts[c], row[c]);
      }
      for (index_t c = 0; c < width; ++c) {
        shifts[c] = shift_for(shifts[c]);
        sums[c] = T(0);
      }
      for (index_t r = 0; r < n; ++r) {
        const T* row = x + r * inner + first;
        for (index_t c = 0; c < width; ++c) sums[c] += formulas::exp(row[c] - shifts[c]);
      }
      for (index_t c = 0; c < width; ++c) y[first + c] = shifts[c] + formulas::log(sums[c]);
    }
  }
}

}  // namespace
}  // namespace densegrad
