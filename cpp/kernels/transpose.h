// Transposed copies of small matrices, square tiles at a time in registers.
#pragma once

#include <string.h>

#include <utility>

#include "kernels/loop.h"
#include "kernels/vector.h"

namespace densegrad {
namespace {

// One register of T, and the two halves of the entries of two registers in turn: a0 b0 a1 b1 ...
template <class T, class Lane>
struct Register {
  using Lanes = std::make_integer_sequence<int, lanes<T>>;
  typedef T Vector __attribute__((vector_size(register_bytes)));
  typedef Lane Indices __attribute__((vector_size(register_bytes)));

  template <int first, int... i>
  static Vector interleave(Vector a, Vector b, std::integer_sequence<int, i...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, (first + i / 2 + i % 2 * lanes<T>)...);
#else
    return __builtin_shuffle(a, b, Indices{Lane{first + i / 2 + i % 2 * lanes<T>}...});
#endif
  }
  static Vector lower(Vector a, Vector b) { return interleave<0>(a, b, Lanes()); }
  static Vector upper(Vector a, Vector b) { return interleave<lanes<T> / 2>(a, b, Lanes()); }
};

// y[c, r] = x[r, c] for a tile of `lanes` rows and columns: interleaving the rows of the two halves moves one bit of the
// row's number to the column's. The rows of x from `rows` on are zeros.
template <class R, class T>
inline void transpose_tile(const T* x, index_t x_row, T* y, index_t y_row, int rows = lanes<T>) {
  constexpr int n = lanes<T>;
  typename R::Vector a[n] = {}, b[n];
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) {
    if (i < rows) memcpy(&a[i], x + i * x_row, register_bytes);
  }
#pragma GCC unroll 4
  for (int done = 1; done < n; done *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) {
      b[2 * i] = R::lower(a[i], a[i + n / 2]);
      b[2 * i + 1] = R::upper(a[i], a[i + n / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) a[i] = b[i];
  }
  for (int i = 0; i < n; ++i) memcpy(y + i * y_row, &a[i], register_bytes);
}

template <class T>
using Tile = Register<T, std::conditional_t<sizeof(T) == 4, int, long long>>;

template <class T>
void transpose(index_t rows, index_t cols, const T* x, index_t x_row, T* y) {
  const index_t tiled_rows = rows - rows % lanes<T>, tiled_cols = cols - cols % lanes<T>;
  for (index_t r = 0; r < tiled_rows; r += lanes<T>) {
    for (index_t c = 0; c < tiled_cols; c += lanes<T>)
      transpose_tile<Tile<T>>(x + r * x_row + c, x_row, y + c * rows + r, rows);
  }
  for (index_t c = 0; c < cols; ++c) {
    for (index_t r = c < tiled_cols ? tiled_rows : 0; r < rows; ++r) y[c * rows + r] = x[r * x_row + c];
  }
}

}  // namespace
}  // namespace densegrad
