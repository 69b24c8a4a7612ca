// Loops over the entries of formulas/activations.h.
#pragma once

#include "formulas/activations.h"
#include "kernels/loop.h"

namespace densegrad {
namespace {

template <class T, class Entry>
void activation(const ActivationValues& values, index_t rows, index_t cols, const T* z, T* y) {
  formulas::with<Entry>(values, [=](auto formula) {
    if constexpr (Entry::rowwise) {
      formula.forward_rows(rows, cols, z, y);
    } else {
      fill(rows * cols, y, [=](index_t i) { return formula.forward(z[i]); });
    }
  });
}

template <class T, class Entry>
void activation_grad(const ActivationValues& values, index_t rows, index_t cols, const T* y, const T* z, const T* dy,
                     T* dz) {
  formulas::with<Entry>(values, [=](auto formula) {
    if constexpr (Entry::rowwise) {
      for (index_t r = 0; r < rows; ++r) {
        const index_t at = r * cols;
        formula.grad_row(cols, y + at, formula.needs_z ? z + at : nullptr, dy + at, dz + at);
      }
    } else if constexpr (formula.needs_z) {
      fill(rows * cols, dz, [=](index_t i) { return formula.grad(y[i], z[i], dy[i]); });
    } else {
      fill(rows * cols, dz, [=](index_t i) { return formula.grad(y[i], T(0), dy[i]); });
    }
  });
}

}  // namespace
}  // namespace densegrad
