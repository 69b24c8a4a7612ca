// NumPy's broadcasting: the common shape, and a walk over it in runs on which every operand steps by 0 or 1.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/pool.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace densegrad {

// Two tensors of one operation must have one dtype.
inline void same_dtype(const char* tag, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    fail<TypeError>("[", tag, "] `x1` is ", a.dtype(), " but `x2` is ", b.dtype(),
                    ": two tensors must have one dtype; convert one with cast(x, dtype).");
  }
}

// One axis of two shapes; an unknown extent meets 1 or itself as itself, and a known one as that one.
inline bool broadcast_axis(index_t a, index_t b, index_t& out) {
  if (a == b || b == 1) {
    out = a;
  } else if (a == 1 || a == unknown) {
    out = b;
  } else if (b == unknown) {
    out = a;
  } else {
    return false;
  }
  return true;
}

inline bool broadcasts(const Shape& a, const Shape& b) {
  index_t d = 0;
  for (int i = 1; i <= a.rank() && i <= b.rank(); ++i)
    if (!broadcast_axis(a[a.rank() - i], b[b.rank() - i], d)) return false;
  return true;
}

inline Shape broadcast_shapes(const char* tag, const Shape& a, const Shape& b, const char* name_a = "x1",
                              const char* name_b = "x2") {
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    index_t d = 0;
    if (!broadcast_axis(ia < 0 ? 1 : a[ia], ib < 0 ? 1 : b[ib], d)) {
      fail("[", tag, "] `", name_a, "` has shape ", a, " but `", name_b, "` has shape ", b,
           ": axes are aligned from the last one, and each pair must be equal or contain a 1.");
    }
    out.push_back(d);
  }
  return out;
}

// Calls run(n, offsets, steps, out_offset) for N operands of the given shapes, broadcast to `out`; on several threads at
// once if there are more than `grain` entries, in pieces that the shapes decide.
template <std::size_t N, class F>
void for_each_run(const Shape& out, const std::array<const Shape*, N>& shapes, F&& run, index_t grain = light_grain) {
  struct Axis {
    index_t extent;
    std::array<index_t, N> stride;
  };
  std::array<Axis, max_rank> axes;
  int rank = 0;  // axes are collected from the innermost outwards, and merged where all operands allow it
  std::array<index_t, N> size;
  size.fill(1);
  index_t total = 1;
  for (int i = out.rank() - 1; i >= 0; --i) {
    if (out[i] == 1) continue;
    total *= out[i];
    Axis axis{out[i], {}};
    for (std::size_t k = 0; k < N; ++k) {
      const int ik = i - (out.rank() - shapes[k]->rank());
      const index_t d = ik < 0 ? 1 : (*shapes[k])[ik];
      axis.stride[k] = d == 1 ? 0 : size[k];
      size[k] *= d;
    }
    bool merge = rank > 0;
    if (merge) {
      const Axis& last = axes[static_cast<std::size_t>(rank - 1)];
      for (std::size_t k = 0; k < N; ++k) merge = merge && axis.stride[k] == last.stride[k] * last.extent;
    }
    if (merge) {
      axes[static_cast<std::size_t>(rank - 1)].extent *= out[i];
    } else {
      axes[static_cast<std::size_t>(rank++)] = axis;
    }
  }
  if (total == 0) return;
  std::array<index_t, N> steps{};
  index_t n = 1;
  if (rank > 0) {
    n = axes[0].extent;
    steps = axes[0].stride;
  }
  if (n == total) {
    for_pieces(n, grain, [&](index_t first, index_t count) {
      std::array<index_t, N> offsets;
      for (std::size_t k = 0; k < N; ++k) offsets[k] = first * steps[k];
      run(count, offsets, steps, first);
    });
    return;
  }
  for_pieces(total / n, std::max<index_t>(1, grain / n), [&](index_t first, index_t count) {
    std::array<index_t, N> offsets{};
    std::array<index_t, max_rank> at{};
    for (int i = 1; i < rank; ++i) {
      const std::size_t a = static_cast<std::size_t>(i);
      index_t runs = 1;  // from one position on this axis to the next
      for (std::size_t b = 1; b < a; ++b) runs *= axes[b].extent;
      at[a] = first / runs % axes[a].extent;
      for (std::size_t k = 0; k < N; ++k) offsets[k] += at[a] * axes[a].stride[k];
    }
    for (index_t done = first; done < first + count; ++done) {
      run(n, offsets, steps, done * n);
      for (int i = 1; i < rank; ++i) {
        const std::size_t a = static_cast<std::size_t>(i);
        for (std::size_t k = 0; k < N; ++k) offsets[k] += axes[a].stride[k];
        if (++at[a] < axes[a].extent) break;
        for (std::size_t k = 0; k < N; ++k) offsets[k] -= axes[a].stride[k] * axes[a].extent;
        at[a] = 0;
      }
    }
  });
}

}  // namespace densegrad
