// Products with long sides, on copies in the order in which they are read: as much of B as stays in the second cache, in
// panels of a few registers' width, and one tile of A at a time in the first. An entry of C is one chain of fused
// multiply-adds in the order of k, from 0 or from what C holds, so its bits follow from no size, tile or thread.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/transpose.h"
#include "kernels/vector.h"

namespace densegrad {
namespace {

constexpr int panel_registers = 2;
template <class T>
constexpr int panel_width = panel_registers* lanes<T>;

// Rows of a tile: their 28 sums, two registers of B and one of A fill the 32 registers. And how far apart the terms of a
// copied tile are.
constexpr int most_tile_rows = 14, tile_step = 16;

// Terms and columns that are copied at a time.
template <class T>
constexpr index_t block_terms = 1536 / sizeof(T);
constexpr index_t block_columns = 512;
static_assert(block_terms<float> * (block_columns + tile_step) * sizeof(float) <= panel_product_bytes);

// For each of `terms`, the entries of `lines` rows of A or columns of B side by side, those of the next term `step` further
// on. In x, terms lie term_step apart and lines line_step; one of the two is 1. Registers are written whole, with zeros
// behind the last line.
template <int step, class T>
void copy_lines(index_t terms, index_t lines, const T* x, index_t term_step, index_t line_step, T* to) {
  using V = Vector<T>;
  constexpr int n = lanes<T>;
  if (line_step == 1) {
    for (index_t first = 0; first < lines; first += n) {
      const auto some = V::some(static_cast<int>(std::min<index_t>(n, lines - first)));
      for (index_t p = 0; p < terms; ++p) V::store(to + p * step + first, V::load(x + p * term_step + first, some));
    }
    return;
  }
  for (index_t first = 0; first < lines; first += n) {
    const int some = static_cast<int>(std::min<index_t>(n, lines - first));
    const T* from = x + first * line_step;
    index_t p = 0;
    for (; p + n <= terms; p += n) transpose_tile<Tile<T>>(from + p, line_step, to + p * step + first, step, some);
    for (; p < terms; ++p) {
      for (int i = 0; i < n; ++i) to[p * step + first + i] = i < some ? from[i * line_step + p] : T(0);
    }
  }
}

// What becomes of the sums of a tile.
template <class T>
struct TileEnd {
  bool from_c;                    // they began in C
  const T* bias;                  // added at the end, or null
  typename Vector<T>::Some some;  // lanes of the last register
};

// rows x (across registers) of C from copies of A and B.
template <int rows, int across, class T>
[[gnu::noinline]] void tile_product(index_t terms, const T* a, const T* b, T* c, index_t c_row, const TileEnd<T>& end) {
  using V = Vector<T>;
  constexpr int n = lanes<T>, last = across - 1;
  typename V::Type sums[rows][across];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int s = 0; s < across; ++s) sums[r][s] = V::all(T(0));
    if (end.from_c) {
#pragma GCC unroll 2
      for (int s = 0; s < last; ++s) sums[r][s] = V::load(c + r * c_row + s * n);
      sums[r][last] = V::load(c + r * c_row + last * n, end.some);
    }
  }
#pragma GCC unroll 2
  for (index_t p = 0; p < terms; ++p) {
    typename V::Type b_p[across];
#pragma GCC unroll 2
    for (int s = 0; s < across; ++s) b_p[s] = V::load(b + p * panel_width<T> + s * n);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const auto a_p = V::all(a[p * tile_step + r]);
#pragma GCC unroll 2
      for (int s = 0; s < across; ++s) sums[r][s] = V::multiply_add(a_p, b_p[s], sums[r][s]);
    }
  }
#pragma GCC unroll 2
  for (int s = 0; s < across; ++s) {
    const auto bias = !end.bias   ? V::all(T(0))
                      : s == last ? V::load(end.bias + s * n, end.some)
                                  : V::load(end.bias + s * n);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const auto sum = end.bias ? V::add(sums[r][s], bias) : sums[r][s];
      if (s == last) {
        V::store(c + r * c_row + s * n, sum, end.some);
      } else {
        V::store(c + r * c_row + s * n, sum);
      }
    }
  }
}

template <class T>
using TileProduct = void (*)(index_t, const T*, const T*, T*, index_t, const TileEnd<T>&);

// By across - 1 and rows - 1.
template <class T, int... r>
constexpr std::array<std::array<TileProduct<T>, most_tile_rows>, panel_registers> tile_products(
    std::integer_sequence<int, r...>) {
  return {{{tile_product<r + 1, 1, T>...}, {tile_product<r + 1, 2, T>...}}};
}

// The start of a part where `size` is cut into `parts` of nearly one length.
inline index_t part_begin(index_t size, index_t parts, index_t part) { return size * part / parts; }

// C from the terms and columns of one block, of which B holds a copy.
template <class T>
void block_product(const ProductArgs<T>& p, const T* panels, T* tile, bool from_c) {
  constexpr index_t width = panel_width<T>;
  static constexpr auto products = tile_products<T>(std::make_integer_sequence<int, most_tile_rows>());
  const index_t tiles = (p.m + most_tile_rows - 1) / most_tile_rows;
  for (index_t t = 0; t < tiles; ++t) {
    const index_t i = part_begin(p.m, tiles, t), rows = part_begin(p.m, tiles, t + 1) - i;
    copy_lines<tile_step>(p.k, rows, p.a + i * p.a_row, p.a_col, p.a_row, tile);
    for (index_t j = 0; j < p.n; j += width) {
      const index_t cols = std::min(width, p.n - j), across = (cols + lanes<T> - 1) / lanes<T>;
      const TileEnd<T> end{from_c, p.bias ? p.bias + j : nullptr,
                           Vector<T>::some(static_cast<int>(cols - (across - 1) * lanes<T>))};
      products[across - 1][rows - 1](p.k, tile, panels + j * p.k, p.c + i * p.c_row + j, p.c_row, end);
    }
  }
}

template <class T>
void panel_product(const ProductArgs<T>& p, std::byte* memory) {
  if constexpr (register_bytes == 64) {
    T* tile = reinterpret_cast<T*>(memory);
    T* panels = tile + tile_step * block_terms<T>;
    // Whole registers of terms, so that the copies have no loose ends but one.
    const index_t registers = (p.k + lanes<T> - 1) / lanes<T>;
    const index_t blocks = (p.k + block_terms<T> - 1) / block_terms<T>;
    for (index_t j = 0; j < p.n; j += block_columns) {
      for (index_t block = 0; block < blocks; ++block) {
        const index_t first = part_begin(registers, blocks, block) * lanes<T>;
        const index_t next = std::min(p.k, part_begin(registers, blocks, block + 1) * lanes<T>);
        ProductArgs<T> part = p;
        part.n = std::min(block_columns, p.n - j);
        part.k = next - first;
        part.a += first * p.a_col;
        part.b += first * p.b_row + j * p.b_col;
        part.c += j;
        part.bias = p.bias && next == p.k ? p.bias + j : nullptr;
        for (index_t at = 0; at < part.n; at += panel_width<T>) {
          copy_lines<panel_width<T>>(part.k, std::min<index_t>(panel_width<T>, part.n - at), part.b + at * p.b_col,
                                     p.b_row, p.b_col, panels + at * part.k);
        }
        block_product(part, panels, tile, block > 0);
      }
    }
  }
}

}  // namespace
}  // namespace densegrad
