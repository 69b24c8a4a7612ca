// Sum and maximum of one row, given as a function of the index, in an order that depends on its length alone.
#pragma once

#include "formulas/enums.h"

namespace densegrad::formulas {
namespace {

// 128 bytes of partial results for every instruction set: the same bits everywhere, and enough independent additions
// to hide their latency.
template <class T>
constexpr index_t lane_count = 128 / static_cast<index_t>(sizeof(T));

// A block is summed by lanes, blocks are summed pairwise: the error of a long sum grows as log n.
template <class T>
constexpr index_t block_length = 16 * lane_count<T>;

// The sum of n <= block_length entries.
template <class T>
T sum_of_block(index_t n, const T* x) {
  constexpr index_t lanes = lane_count<T>;
  if (n < lanes) {
    T sum = 0;
    for (index_t i = 0; i < n; ++i) sum += x[i];
    return sum;
  }
  T sums[lanes];
  for (index_t k = 0; k < lanes; ++k) sums[k] = x[k];
  index_t i = lanes;
  for (; i + lanes <= n; i += lanes) {
    for (index_t k = 0; k < lanes; ++k) sums[k] += x[i + k];
  }
  for (index_t k = 0; i + k < n; ++k) sums[k] += x[i + k];
  for (index_t width = lanes / 2; width > 0; width /= 2) {
    for (index_t k = 0; k < width; ++k) sums[k] += sums[k + width];
  }
  return sums[0];
}

// Where a sum over n > block_length entries is halved.
template <class T>
constexpr index_t half_of(index_t n) {
  constexpr index_t block = block_length<T>;
  return (n / 2 + block - 1) / block * block;
}

template <class T>
T sum_of(index_t n, const T* x) {
  if (n <= block_length<T>) return sum_of_block(n, x);
  const index_t half = half_of<T>(n);
  const T left = sum_of(half, x);
  return left + sum_of(n - half, x + half);
}

// f(first) + ... + f(first + n - 1), in the same order.
template <class T, class F>
T sum_of_values(index_t n, const F& f, index_t first = 0) {
  if (n <= block_length<T>) {
    T x[block_length<T>];
    for (index_t i = 0; i < n; ++i) x[i] = f(first + i);
    return sum_of_block(n, x);
  }
  const index_t half = half_of<T>(n);
  const T left = sum_of_values<T>(half, f, first);
  return left + sum_of_values<T>(n - half, f, first + half);
}

// The larger of two, `best` if they are equal; a NaN wins.
template <class T>
inline T larger(T best, T x) {
  return x > best || x != x ? x : best;
}

// The largest of n >= 1 entries; a NaN wins.
template <class T>
T max_of(index_t n, const T* x) {
  constexpr index_t lanes = lane_count<T>;
  T best = x[0];
  index_t i = 0;
  if (n >= lanes) {
    T bests[lanes];
    for (index_t k = 0; k < lanes; ++k) bests[k] = x[k];
    for (i = lanes; i + lanes <= n; i += lanes) {
      for (index_t k = 0; k < lanes; ++k) bests[k] = larger(bests[k], x[i + k]);
    }
    for (index_t width = lanes / 2; width > 0; width /= 2) {
      for (index_t k = 0; k < width; ++k) bests[k] = larger(bests[k], bests[k + width]);
    }
    best = bests[0];
  }
  for (; i < n; ++i) best = larger(best, x[i]);
  return best;
}

}  // namespace
}  // namespace densegrad::formulas
