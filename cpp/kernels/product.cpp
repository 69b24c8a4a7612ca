// The product that primitives use: which kernel computes it, and in which parts.
#include <algorithm>

#include "core/pool.h"
#include "core/workspace.h"
#include "kernels/gemm.h"

namespace densegrad {
namespace {

static_assert(panel_product_bytes <= workspace_bytes);

index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }

// OpenBLAS multiplies without packing up to this many multiply-adds (on AVX-512, unless B is transposed), which is up to
// 1.5 times as fast.
constexpr index_t small_product = 1'000'000;

// Fewer rows or terms per call than this waste the calls themselves.
constexpr index_t least_lines = 64;

// The longest sum over the batch. Longer gains nothing: reading and writing C once per block is lost in the products.
constexpr index_t most_block = 1024;

// With B transposed, OpenBLAS needs up to 2.5 times as long for a small product as for a copy of B and the product with
// that, unless the product has but a few rows.
constexpr index_t most_copied = 64 * 64, least_rows_for_copy = 8;

// Where one kernel's call ends and the next begins has to follow from the shape alone, or bits would depend on the number
// of threads and on eager or compiled execution: a BLAS sums in another order for other sizes. Threads may decide who
// computes a panel, never where it starts.

// The panels of C: the longer side is cut into `count` parts, between whole tiles.
struct Panels {
  bool by_columns;
  index_t length, count, tile;

  index_t begin(index_t number) const {
    return std::min(length, ceil_div(ceil_div(length, tile) * number, count) * tile);
  }
};

// Cutting one side packs the other operand once more per panel, so the longer side is cut, and in lengths that keep this
// to some 5 % of a BLAS' time (256 lines: 10 %, worth it where there would be fewer than four panels to share). Their
// number is even, for two or four threads; a product of some 100 us makes two.
Panels packed_panels(index_t tile, index_t m, index_t n, index_t work_per_line) {
  const index_t longer = std::max(m, n), lines = longer >= 4 * 512 ? 512 : 256;
  index_t count = 1;
  if (longer >= 2 * lines) {
    count = ceil_div(longer / lines, 2) * 2;
  } else if (longer >= 2 * least_lines && longer >= 8 * small_product / work_per_line) {
    count = 2;
  }
  return {n > m, longer, count, tile};
}

index_t work_per_line(index_t m, index_t n, index_t k) {
  return std::max<index_t>(1, std::min(m, n)) * std::max<index_t>(1, k);
}

Panels blas_panels(Transpose b_op, index_t m, index_t n, index_t k) {
  constexpr index_t tile = 16;  // the largest of a BLAS kernel
  const index_t work = work_per_line(m, n, k), longer = std::max(m, n);
  if (b_op == Transpose::no && work <= small_product / least_lines)
    return {n > m, longer, ceil_div(longer, small_product / work / tile * tile), tile};
  return packed_panels(tile, m, n, work);
}

// Rows of the batch in one partial sum of a weight gradient (m, n) = xᵀ·dz by the BLAS; the sums are added in ascending
// order, and the last may be shorter. A power of two that does not depend on the batch, so a program may hold a tile of
// the batch at a time and still sum as eager execution does. The bias gradient is summed in the blocks of its kernel.
index_t sum_block(index_t m, index_t n) {
  index_t block = most_block;
  while (block >= least_lines && m * n > small_product / block) block /= 2;
  return block >= least_lines ? block : most_block;
}

// Whether our kernel for long sides takes less time than the BLAS: where there is enough of C to pay for the copies.
// Measured with AVX-512, the only instruction set that has it.
bool is_for_panels(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k) {
  if (k < 32) return false;
  if (a_op == Transpose::no && b_op == Transpose::yes) return n * k > most_copied && m * n >= 1400;
  constexpr index_t enough = 128 * 128;
  return n * k >= enough && (a_op == Transpose::yes ? m >= 128 && m * n >= enough : m >= 64);
}

// f(i, rows, j, cols) for each panel of C.
template <class F>
void for_panels(const Panels& cut, index_t m, index_t n, index_t k, const F& f) {
  const auto panel = [&](index_t number) {
    const index_t begin = cut.begin(number), lines = cut.begin(number + 1) - begin;
    if (cut.by_columns) {
      f(index_t(0), m, begin, lines);
    } else {
      f(begin, lines, index_t(0), n);
    }
  };
  if (products_per_task(m, n, k) == 1) return parallel_for(cut.count, panel);
  for (index_t number = 0; number < cut.count; ++number) panel(number);
}

// op(A)·op(B) + bias; C is contiguous if there is a bias.
template <class T>
void product(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k, const T* a, index_t lda, const T* b,
             index_t ldb, const T* bias, T* c, index_t ldc) {
  if (m == 0 || n == 0) return;
  const Kernels<T>& kernels = kernels_for<T>();
  if (b_op == Transpose::yes && m >= least_rows_for_copy && n * k <= most_copied) {
    alignas(64) T copy[most_copied];
    kernels.transpose(n, k, b, ldb, copy);
    return product(a_op, Transpose::no, m, n, k, a, lda, copy, n, bias, c, ldc);
  }
  const bool a_trans = a_op == Transpose::yes, b_trans = b_op == Transpose::yes;
  const index_t a_row = a_trans ? 1 : lda, a_col = a_trans ? lda : 1;
  const index_t b_row = b_trans ? 1 : ldb, b_col = b_trans ? ldb : 1;
  if (m <= least_lines && n <= least_lines && k <= least_lines) {  // one panel and one block, whatever the rules are
    gemm(a_op, b_op, m, n, k, a, lda, b, ldb, T(0), c, ldc);
  } else if (kernels.panel_product && is_for_panels(a_op, b_op, m, n, k)) {
    const Panels cut = packed_panels(32, m, n, work_per_line(m, n, k));
    for_panels(cut, m, n, k, [&](index_t i, index_t rows, index_t j, index_t cols) {
      kernels.panel_product({rows, cols, k, a + i * a_row, a_row, a_col, b + j * b_col, b_row, b_col, c + i * ldc + j,
                             ldc, bias ? bias + j : nullptr},
                            workspace());
    });
    return;
  } else {
    const index_t block = a_trans ? std::min(k, sum_block(m, n)) : k;
    const Panels cut = blas_panels(b_op, m, n, block);
    if (cut.count > 1) open_blas();  // by the caller: the pool's threads only compute
    // One panel of C with all of its sum, so that sums keep their order and need no scratch.
    for_panels(cut, m, n, k, [&](index_t i, index_t rows, index_t j, index_t cols) {
      index_t p = 0;
      do {  // at least once: k == 0 clears C
        gemm(a_op, b_op, rows, cols, std::min(block, k - p), a + i * a_row + p * a_col, lda, b + p * b_row + j * b_col,
             ldb, p == 0 ? T(0) : T(1), c + i * ldc + j, ldc);
        p += block;
      } while (p < k);
    });
  }
  if (bias) kernels.bias_add(m, n, bias, c);
}

}  // namespace

index_t products_per_task(index_t m, index_t n, index_t k) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return std::max<index_t>(1, static_cast<index_t>(static_cast<double>(small_product) / std::max(work, 1.0)));
}

template <class T>
void product(Transpose a_op, Transpose b_op, index_t m, index_t n, index_t k, const T* a, index_t lda, const T* b,
             index_t ldb, T* c, index_t ldc) {
  product<T>(a_op, b_op, m, n, k, a, lda, b, ldb, nullptr, c, ldc);
}

template <class T>
void product_plus_bias(index_t m, index_t n, index_t k, const T* a, const T* b, const T* bias, T* c) {
  if (products_per_task(m, n, k) > 1 && kernels_for<T>().product({m, n, k, a, k, 1, b, n, 1, c, n, bias})) return;
  product(Transpose::no, Transpose::no, m, n, k, a, k, b, n, bias, c, n);
}

template void product(Transpose, Transpose, index_t, index_t, index_t, const float*, index_t, const float*, index_t,
                      float*, index_t);
template void product(Transpose, Transpose, index_t, index_t, index_t, const double*, index_t, const double*, index_t,
                      double*, index_t);
template void product_plus_bias(index_t, index_t, index_t, const float*, const float*, const float*, float*);
template void product_plus_bias(index_t, index_t, index_t, const double*, const double*, const double*, double*);

}  // namespace densegrad
