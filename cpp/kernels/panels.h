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

// Terms, columns and tiles that are copied at a time.
template <class T>
constexpr index_t block_terms = 1536 / sizeof(T);
constexpr index_t block_columns = 512;
constexpr index_t block_tiles = 8;
static_assert(block_terms<float> * (block_columns + block_tiles * tile_step) * sizeof(float) <= panel_product_bytes);

// Lines are rows of A or columns of B, and a strip is a few neighbours of them: strip s has those from begin[s] on.
constexpr index_t most_strips = block_columns / 16;
struct Strips {
  index_t count, begin[most_strips + 1];
};

// Copies of strips, one after the other: for each of `terms` the entries of the lines side by side, `step` for each term,
// with zeros behind the last line. In x, terms lie term_step apart and lines line_step; one of the two is 1.
template <int step, class T>
void copy_strips(index_t terms, const Strips& strips, const T* x, index_t term_step, index_t line_step, T* to) {
  using V = Vector<T>;
  constexpr int n = lanes<T>;
  const auto lines_from = [&](index_t s, int first) {
    return static_cast<int>(std::clamp<index_t>(strips.begin[s + 1] - strips.begin[s] - first, 0, n));
  };
  if (line_step == 1) {  // in the order in which x lies in memory
    for (index_t p = 0; p < terms; ++p) {
      for (index_t s = 0; s < strips.count; ++s) {
        const T* from = x + p * term_step + strips.begin[s];
#pragma GCC unroll 2
        for (int first = 0; first < step; first += n)
          V::store(to + (s * terms + p) * step + first, V::load(from + first, V::some(lines_from(s, first))));
      }
    }
    return;
  }
  for (index_t s = 0; s < strips.count; ++s, to += terms * step) {
    for (int first = 0; first < step; first += n) {
      const int lines = lines_from(s, first);
      const T* from = x + (strips.begin[s] + first) * line_step;
      index_t p = 0;
      for (; p + n <= terms; p += n) transpose_tile<Tile<T>>(from + p, line_step, to + p * step + first, step, lines);
      for (; p < terms; ++p) {
        for (int i = 0; i < n; ++i) to[p * step + first + i] = i < lines ? from[i * line_step + p] : T(0);
      }
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
void block_product(const ProductArgs<T>& p, const T* panels, T* memory, bool from_c) {
  constexpr index_t width = panel_width<T>;
  static constexpr auto products = tile_products<T>(std::make_integer_sequence<int, most_tile_rows>());
  const index_t tiles = (p.m + most_tile_rows - 1) / most_tile_rows;
  for (index_t t = 0; t < tiles; t += block_tiles) {
    Strips rows{std::min(block_tiles, tiles - t), {}};
    for (index_t s = 0; s <= rows.count; ++s) rows.begin[s] = part_begin(p.m, tiles, t + s);
    copy_strips<tile_step>(p.k, rows, p.a, p.a_col, p.a_row, memory);
    for (index_t s = 0; s < rows.count; ++s) {
      const index_t i = rows.begin[s];
      for (index_t j = 0; j < p.n; j += width) {
        const index_t cols = std::min(width, p.n - j), across = (cols + lanes<T> - 1) / lanes<T>;
        const TileEnd<T> end{from_c, p.bias ? p.bias + j : nullptr,
                             Vector<T>::some(static_cast<int>(cols - (across - 1) * lanes<T>))};
        products[across - 1][rows.begin[s + 1] - i - 1](p.k, memory + s * p.k * tile_step, panels + j * p.k,
                                                        p.c + i * p.c_row + j, p.c_row, end);
      }
    }
  }
}

template <class T>
void panel_product(const ProductArgs<T>& p, std::byte* memory) {
  if constexpr (register_bytes == 64) {
    T* tiles = reinterpret_cast<T*>(memory);
    T* panels = tiles + block_tiles * tile_step * block_terms<T>;
    // Whole registers of terms, so that the copies have no loose ends but one.
    const index_t registers = (p.k + lanes<T> - 1) / lanes<T>;
    const index_t blocks = (p.k + block_terms<T> - 1) / block_terms<T>;
    for (index_t j = 0; j < p.n; j += block_columns) {
      const index_t n = std::min(block_columns, p.n - j);
      Strips columns{(n + panel_width<T> - 1) / panel_width<T>, {}};
      for (index_t s = 0; s <= columns.count; ++s) columns.begin[s] = std::min(n, s * panel_width<T>);
      for (index_t block = 0; block < blocks; ++block) {
        const index_t first = part_begin(registers, blocks, block) * lanes<T>;
        const index_t next = std::min(p.k, part_begin(registers, blocks, block + 1) * lanes<T>);
        ProductArgs<T> part = p;
        part.n = n;
        part.k = next - first;
        part.a += first * p.a_col;
        part.b += first * p.b_row + j * p.b_col;
        part.c += j;
        part.bias = p.bias && next == p.k ? p.bias + j : nullptr;
        copy_strips<panel_width<T>>(part.k, columns, part.b, p.b_row, p.b_col, panels);
        block_product(part, panels, tiles, block > 0);
      }
    }
  }
}

}  // namespace
}  // namespace densegrad
