// Sum and maximum of one row, given as a function of the index, in an order that depends on its length alone.
#pragma once

#include <limits>

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

// Short rows, which would not fill a vector each, are taken `group` at a time, column by column: n <= narrow.
constexpr index_t narrow = 15, group = 64;
static_assert(narrow < lane_count<double>, "sum_of adds them from the first entry to the last");

// sums[r] = f(r, 0) + ... + f(r, n - 1) for each row, with the bits that sum_of_values has.
template <class T, class F>
inline void sums_of_rows(index_t rows, index_t n, T* sums, const F& f) {
  if (n > narrow) {
    for (index_t r = 0; r < rows; ++r) sums[r] = sum_of_values<T>(n, [&f, r](index_t j) { return f(r, j); });
    return;
  }
  for (index_t r = 0; r < rows; ++r) sums[r] = T(0);
  for (index_t j = 0; j < n; ++j) {
    for (index_t r = 0; r < rows; ++r) sums[r] += f(r, j);
  }
}

// m[r] = the largest entry of each row of n > 0.
template <class T>
void max_of_rows(index_t rows, index_t n, const T* z, T* m) {
  if (n > narrow) {
    for (index_t r = 0; r < rows; ++r) m[r] = max_of(n, z + r * n);
    return;
  }
  for (index_t r = 0; r < rows; ++r) m[r] = z[r * n];
  for (index_t j = 1; j < n; ++j) {
    for (index_t r = 0; r < rows; ++r) m[r] = larger(m[r], z[r * n + j]);
  }
}

// y = the columns of x, `group` entries each, for `rows` <= group rows of n entries.
template <class T>
void to_columns(index_t rows, index_t n, const T* x, T* y) {
  for (index_t j = 0; j < n; ++j) {
    for (index_t r = 0; r < rows; ++r) y[j * group + r] = x[r * n + j];
  }
}
template <class T>
void from_columns(index_t rows, index_t n, const T* x, T* y) {
  for (index_t j = 0; j < n; ++j) {
    for (index_t r = 0; r < rows; ++r) y[r * n + j] = x[j * group + r];
  }
}

// Of `rows` <= group rows: the maximum m, e = exp(z - m) and its sum, with the bits that sum_of has. z and e by columns.
template <class T>
struct NarrowRows {
  index_t rows, n;
  T m[group], sum[group], z[narrow * group], e[narrow * group];

  NarrowRows(index_t row_count, index_t cols, const T* logits) : rows(row_count), n(cols) {
    to_columns(rows, n, logits, z);
    for (index_t r = 0; r < rows; ++r) m[r] = -std::numeric_limits<T>::infinity();
    for (index_t j = 0; j < n; ++j) {
      for (index_t r = 0; r < rows; ++r) m[r] = larger(m[r], z[j * group + r]);
    }
    for (index_t r = 0; r < rows; ++r) sum[r] = T(0);
    for (index_t j = 0; j < n; ++j) {
      T* e_j = e + j * group;
      for (index_t r = 0; r < rows; ++r) e_j[r] = z[j * group + r] - m[r];
      for (index_t r = 0; r < rows; ++r) e_j[r] = exp(e_j[r]);
      for (index_t r = 0; r < rows; ++r) sum[r] += e_j[r];
    }
  }
  // e becomes the softmax.
  void divide() {
    for (index_t j = 0; j < n; ++j) {
      for (index_t r = 0; r < rows; ++r) e[j * group + r] /= sum[r];
    }
  }
};

// f(first row, rows) for all rows, a group at a time.
template <class F>
inline void for_groups(index_t rows, const F& f) {
  for (index_t first = 0; first < rows; first += group) f(first, rows - first < group ? rows - first : group);
}

// y = softmax(z), row by row. y may be z.
template <class T>
void softmax_of_rows(index_t rows, index_t n, const T* z, T* y) {
  if (n == 0) return;
  if (n <= narrow) {
    for_groups(rows, [=](index_t first, index_t count) {
      NarrowRows<T> some(count, n, z + first * n);
      some.divide();
      from_columns(count, n, some.e, y + first * n);
    });
    return;
  }
  for (index_t r = 0; r < rows; ++r, z += n, y += n) {
    const T m = max_of(n, z);
    for (index_t j = 0; j < n; ++j) y[j] = exp(z[j] - m);
    const T sum = sum_of(n, y);
    for (index_t j = 0; j < n; ++j) y[j] /= sum;
  }
}

// m[r] = max z and log_sum[r] = log sum exp(z - m), of each of at most `group` rows of n > 0 entries.
template <class T>
void log_sums_of_rows(index_t rows, index_t n, const T* z, T* m, T* log_sum) {
  if (n <= narrow) {
    const NarrowRows<T> some(rows, n, z);
    for (index_t r = 0; r < rows; ++r) m[r] = some.m[r];
    for (index_t r = 0; r < rows; ++r) log_sum[r] = some.sum[r];
  } else {
    max_of_rows(rows, n, z, m);
    for (index_t r = 0; r < rows; ++r) {
      log_sum[r] = sum_of_exp(n, z + r * n, m[r]);
    }
  }
  for (index_t r = 0; r < rows; ++r) log_sum[r] = log(log_sum[r]);
}

}  // namespace
}  // namespace densegrad::formulas
