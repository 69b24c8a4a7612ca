// Loops over the entries of formulas/activations.h.
#pragma once

#include "formulas/activations.h"
#include "kernels/loop.h"

namespace densegrad {
namespace {

template <class T, class Entry>
void activation(index_t rows, index_t cols, const T* z, T* y) {
  if constexpr (Entry::rowwise) {
    for (index_t r = 0; r < rows; ++r) Entry::forward_row(cols, z + r * cols, y + r * cols);
  } else {
    fill(rows * cols, y, [z](index_t i) { return Entry::forward(z[i]); });
  }
}

template <class T, class Entry>
void activation_grad(index_t rows, index_t cols, const T* y, const T* z, const T* dy, T* dz) {
  if constexpr (Entry::rowwise) {
    for (index_t r = 0; r < rows; ++r, y += cols, dy += cols, dz += cols) {
      Entry::grad_row(cols, y, z, dy, dz);
      if constexpr (Entry::needs_z) z += cols;  // else it may be null
    }
  } else if constexpr (Entry::needs_z) {
    fill(rows * cols, dz, [=](index_t i) { return Entry::grad(y[i], z[i], dy[i]); });
  } else {
    fill(rows * cols, dz, [=](index_t i) { return Entry::grad(y[i], T(0), dy[i]); });
  }
}

}  // namespace
}  // namespace densegrad
