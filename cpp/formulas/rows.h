// Sum and maximum of one row, given as a function of the index, in an order that depends on its length alone.
#pragma once

#include "formulas/enums.h"
#include "formulas/scalar.h"

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

// The larger of two, `best` if they are equal; a NaN wins. (Without a branch, which nobody could predict.)
template <class T>
inline T larger(T best, T x) {
  return (x > best) | (x != x) ? x : best;
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

// The sum of exp(z[i] - shift).
template <class T>
inline T sum_of_exp(index_t n, const T* z, T shift) {
  return sum_of_values<T>(n, [z, shift](index_t i) { return exp(z[i] - shift); });
}

// Entries of the rows whose exponentials are taken in one loop: short rows alone would not fill a vector.
constexpr index_t together = 1024;

// y = softmax(z), row by row. y may be z.
template <class T>
void softmax_of_rows(index_t rows, index_t n, const T* z, T* y) {
  if (n == 0) return;
  const index_t most = n < together ? together / n : 1;
  for (index_t count; rows > 0; rows -= count, z += count * n, y += count * n) {
    count = rows < most ? rows : most;
    for (index_t r = 0; r < count; ++r) {
      const T* z_r = z + r * n;
      T* y_r = y + r * n;
      const T m = max_of(n, z_r);
      for (index_t j = 0; j < n; ++j) y_r[j] = z_r[j] - m;
    }
    for (index_t i = 0; i < count * n; ++i) y[i] = exp(y[i]);
    for (index_t r = 0; r < count; ++r) {
      T* y_r = y + r * n;
      const T sum = sum_of(n, y_r);
      for (index_t j = 0; j < n; ++j) y_r[j] /= sum;
    }
  }
}

// m[r] = max z and log_sum[r] = log sum exp(z - m), of each row of n > 0 entries.
template <class T>
void log_sums_of_rows(index_t rows, index_t n, const T* z, T* m, T* log_sum) {
  for (index_t r = 0; r < rows; ++r) m[r] = max_of(n, z + r * n);
  const index_t most = together / n;
  if (most < 2) {
    for (index_t r = 0; r < rows; ++r) log_sum[r] = sum_of_exp(n, z + r * n, m[r]);
  } else {
    for (index_t first = 0; first < rows; first += most) {
      const index_t count = rows - first < most ? rows - first : most;
      T e[together];
      for (index_t r = 0; r < count; ++r) {
        const T* z_r = z + (first + r) * n;
        const T shift = m[first + r];
        for (index_t j = 0; j < n; ++j) e[r * n + j] = z_r[j] - shift;
      }
      for (index_t i = 0; i < count * n; ++i) e[i] = exp(e[i]);
      for (index_t r = 0; r < count; ++r) log_sum[first + r] = sum_of(n, e + r * n);
    }
  }
  for (index_t r = 0; r < rows; ++r) log_sum[r] = log(log_sum[r]);
}

}  // namespace
}  // namespace densegrad::formulas
