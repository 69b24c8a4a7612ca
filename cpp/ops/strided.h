// Copies between tensors whose entries are apart: slices, their adjoints, transposed axes.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "core/pool.h"
#include "core/shape.h"

namespace densegrad {

inline Shape row_strides(const Shape& shape) {
  Shape strides = shape;
  index_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

// Where the entries of a shape are: `from` and `to` are the strides of each axis. Axes that follow each other in both,
// and those of one entry, become one; not longer than a piece of the work for one thread.
struct Copy {
  Shape shape, from, to;

  Copy(const Shape& extents, const Shape& in, const Shape& out) {
    for (int a = 0; a < extents.rank(); ++a) {
      if (extents[a] == 1) continue;
      const int last = shape.rank() - 1;
      const bool follows = last >= 0 && from[last] == in[a] * extents[a] && to[last] == out[a] * extents[a];
      if (follows && shape[last] <= light_grain / std::max<index_t>(1, extents[a])) {
        shape[last] *= extents[a];
        from[last] = in[a];
        to[last] = out[a];
      } else {
        shape.push_back(extents[a]);
        from.push_back(in[a]);
        to.push_back(out[a]);
      }
    }
  }
};

// out[sum of index_a to_a] = in[sum of index_a from_a], for indices in `shape`. No two entries have one place.
template <class T>
void strided_copy(const Copy& copy, const T* in, T* out) {
  const Shape &shape = copy.shape, &from = copy.from, &to = copy.to;
  const int rank = shape.rank();
  const index_t total = shape.count();
  if (total == 0) return;
  const index_t n = rank ? shape.back() : 1, step = rank ? from.back() : 1, stride = rank ? to.back() : 1;
  for_pieces(total / n, std::max<index_t>(1, light_grain / n), [=, &shape, &from, &to](index_t first, index_t count) {
    std::array<index_t, max_rank> at{};
    const T* x = in;
    T* y = out;
    index_t rest = first;
    for (int a = rank - 2; a >= 0; --a) {
      const index_t i = at[static_cast<std::size_t>(a)] = rest % shape[a];
      x += i * from[a];
      y += i * to[a];
      rest /= shape[a];
    }
    for (index_t row = 0; row < count; ++row) {
      if (step == 1 && stride == 1) {
        std::memcpy(y, x, static_cast<std::size_t>(n) * sizeof(T));
      } else {
        for (index_t i = 0; i < n; ++i) y[i * stride] = x[i * step];
      }
      for (int a = rank - 2; a >= 0; --a) {
        x += from[a];
        y += to[a];
        if (++at[static_cast<std::size_t>(a)] < shape[a]) break;
        x -= from[a] * shape[a];
        y -= to[a] * shape[a];
        at[static_cast<std::size_t>(a)] = 0;
      }
    }
  });
}

}  // namespace densegrad
