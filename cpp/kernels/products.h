// Products with a small right side: what is left of a BLAS' speed there goes into its call and its packing.
#pragma once

#include "kernels/transpose.h"
#include "kernels/vector.h"

namespace densegrad {
namespace {

// Rows of a tile of C that is `across` registers wide: as many as hide the latency of the multiply-adds (4 cycles, two in
// each) and fit the registers (32 with AVX-512, else 16). What they leave goes to smaller tiles.
constexpr int tile_rows(int across) {
  if (register_bytes == 64) return 16 / (across == 3 ? 2 : across);
  return 12 / across;
}

// rows x (across registers) of C; the last register is `some` lanes wide if `partial`.
template <int rows, int across, bool partial, class T>
inline void product_tile(const ProductArgs<T>& p, index_t i, index_t j, typename Vector<T>::Some some) {
  using V = Vector<T>;
  constexpr int n = lanes<T>;
  const T* a = p.a + i * p.a_row;
  const T* b = p.b + j;
  typename V::Type c[rows][across], b_k[across];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int s = 0; s < across; ++s) c[r][s] = V::all(T(0));
  }
  for (index_t k = 0; k < p.k; ++k, a += p.a_col, b += p.b_row) {
#pragma GCC unroll 4
    for (int s = 0; s < across; ++s)
      b_k[s] = partial && s == across - 1 ? V::load(b + s * n, some) : V::load(b + s * n);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const auto a_rk = V::all(a[r * p.a_row]);
#pragma GCC unroll 4
      for (int s = 0; s < across; ++s) c[r][s] = V::multiply_add(a_rk, b_k[s], c[r][s]);
    }
  }
  T* to = p.c + i * p.c_row + j;
#pragma GCC unroll 4
  for (int s = 0; s < across; ++s) {
    const bool short_of_lanes = partial && s == across - 1;
    if (p.bias) {
      const T* bias = p.bias + j + s * n;
      const auto added = short_of_lanes ? V::load(bias, some) : V::load(bias);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) c[r][s] = V::add(c[r][s], added);
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      if (short_of_lanes) {
        V::store(to + r * p.c_row + s * n, c[r][s], some);
      } else {
        V::store(to + r * p.c_row + s * n, c[r][s]);
      }
    }
  }
}

// The last rows, fewer than a whole tile has.
template <int rows, int across, bool partial, class T>
inline void last_rows(const ProductArgs<T>& p, index_t i, index_t j, typename Vector<T>::Some some) {
  if constexpr (rows > 0) {
    if (p.m - i == rows) return product_tile<rows, across, partial>(p, i, j, some);
    last_rows<rows - 1, across, partial>(p, i, j, some);
  }
}

// The columns from j on that make `across` registers, the last of them partly filled if `partial`.
template <int across, bool partial, class T>
[[gnu::noinline]] void product_columns(const ProductArgs<T>& p, index_t j) {
  const int last = static_cast<int>((p.n - j) % lanes<T>);
  const auto some = Vector<T>::some(last);
  constexpr int rows = tile_rows(across);
  index_t i = 0;
  for (; i + rows <= p.m; i += rows) product_tile<rows, across, partial>(p, i, j, some);
  last_rows<rows - 1, across, partial>(p, i, j, some);
}

constexpr int most_across = 4;

template <int across, class T>
void last_columns(const ProductArgs<T>& p, index_t j) {
  const index_t left = p.n - j;
  if (left == across * lanes<T>) return product_columns<across, false>(p, j);
  if (left > (across - 1) * lanes<T>) return product_columns<across, true>(p, j);
  if constexpr (across > 1) last_columns<across - 1>(p, j);
}

template <class T>
void wide_product(const ProductArgs<T>& p) {
  constexpr index_t width = most_across * lanes<T>;
  index_t j = 0;
  for (; j + width < p.n; j += width) product_columns<most_across, false>(p, j);
  last_columns<most_across>(p, j);
}

// A few columns would leave most lanes idle: C^T = B^T A^T, some rows of A at a time.
template <class T>
void narrow_product(const ProductArgs<T>& p) {
  constexpr index_t block = 64;
  T a_t[block * block], c_t[lanes<T> / 2 * block];
  for (index_t i = 0; i < p.m; i += block) {
    const index_t m = p.m - i < block ? p.m - i : block;
    const T* a = p.a + i * p.a_row;
    ProductArgs<T> swapped{p.n, m, p.k, p.b, 1, p.b_row, a, p.a_col, 1, c_t, m, nullptr};
    if (p.a_row != 1) {
      transpose(m, p.k, a, p.a_row, a_t);
      swapped.b = a_t;
      swapped.b_row = m;
    }
    wide_product(swapped);
    for (index_t j = 0; j < p.n; ++j) {
      const T bias = p.bias ? p.bias[j] : T(0);
      T* c = p.c + i * p.c_row + j;
      for (index_t r = 0; r < m; ++r) c[r * p.c_row] = c_t[j * m + r] + bias;
    }
  }
}

// A few rows of A, and B transposed: sums over k by lanes, which are folded for as many columns at once as there are lanes.
template <class T>
void dot_product(const ProductArgs<T>& p) {
  using V = Vector<T>;
  using R = Tile<T>;
  constexpr int n = lanes<T>;
  const index_t whole = p.k - p.k % n;
  const auto rest = V::some(static_cast<int>(p.k % n));
  for (index_t j = 0; j < p.n; j += n) {
    const T* b[n];
    for (int c = 0; c < n; ++c) b[c] = p.b + (j + c < p.n ? j + c : p.n - 1) * p.b_col;
    for (index_t i = 0; i < p.m; ++i) {
      const T* a = p.a + i * p.a_row;
      typename R::Vector sums[n] = {};
      const auto add = [&](index_t k, auto... some) {
        const auto a_k = V::load(a + k, some...);
#pragma GCC unroll 16
        for (int c = 0; c < n; ++c) sums[c] = V::multiply_add(a_k, V::load(b[c] + k, some...), sums[c]);
      };
      for (index_t k = 0; k < whole; k += n) add(k);
      if (whole < p.k) add(whole, rest);
#pragma GCC unroll 4
      for (int half = n / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (int c = 0; c < half; ++c) sums[c] = R::lower(sums[c], sums[c + half]) + R::upper(sums[c], sums[c + half]);
      }
      const auto some = V::some(static_cast<int>(p.n - j < n ? p.n - j : n));
      V::store(p.c + i * p.c_row + j, p.bias ? V::add(sums[0], V::load(p.bias + j, some)) : sums[0], some);
    }
  }
}

// Whether a product of this kind is for these kernels.
template <class T>
bool product(const ProductArgs<T>& p) {
  if constexpr (fused) {
    constexpr index_t most_columns = 64, most_entries = 64 * 64, most_rows_of_dots = 7;
    if (p.n * p.k > most_entries) return false;
    if (p.b_col != 1) {
      if (p.m > most_rows_of_dots || p.a_col != 1) return false;
      dot_product(p);
      return true;
    }
    if (p.n > most_columns) return false;
    const bool narrow = p.n < lanes<T> / 2 && p.m > lanes<T>;
    if (narrow && p.k > most_columns) return false;
    narrow ? narrow_product(p) : wide_product(p);
    return true;
  }
  return false;
}

}  // namespace
}  // namespace densegrad
