// Activations of a whole row. See activations.h for what an entry is.
#pragma once

#include "formulas/rows.h"
#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

// y_j = exp(z_j - m) / sum_k exp(z_k - m), m = max z; dz = y (dy - sum_k dy_k y_k), over the last axis.
// -inf entries get 0. A row with +inf or NaN, or of -inf only, becomes NaN. Source: Keras `softmax`.
struct Softmax {
  static constexpr const char* name = "softmax";
  static constexpr bool rowwise = true;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    const V e = exp(z - row_max(z));
    return e / row_sum(e);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return y * (dy - row_sum(dy * y));
  }

  // y may be z.
  template <class T>
  static void forward_rows(index_t rows, index_t n, const T* z, T* y) {
    softmax_of_rows(rows, n, z, y);
  }
  // dz may be dy.
  template <class T>
  static void grad_row(index_t n, const T* y, const T*, const T* dy, T* dz) {
    const T dot = sum_of_values<T>(n, [y, dy](index_t j) { return dy[j] * y[j]; });
    for (index_t j = 0; j < n; ++j) dz[j] = y[j] * (dy[j] - dot);
  }
};

// y_j = z_j - m - log sum_k exp(z_k - m), m = max z; dz = dy - exp(y) sum_k dy_k, over the last axis.
// -inf entries stay. A row with +inf or NaN, or of -inf only, becomes NaN. Source: Keras `log_softmax`.
struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  static constexpr bool rowwise = true;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    const V shifted = z - row_max(z);
    return shifted - log(row_sum(exp(shifted)));
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy - exp(y) * row_sum(dy);
  }
  template <class V>
  static V tangent(V y, V, V t) {
    return t - row_sum(exp(y) * t);
  }

  // y may be z.
  template <class T>
  static void forward_rows(index_t rows, index_t n, const T* z, T* y) {
    if (n == 0) return;
    for (index_t r = 0; r < rows; ++r, z += n, y += n) {
      T m, log_sum;
      log_sums_of_rows(1, n, z, &m, &log_sum);
      for (index_t j = 0; j < n; ++j) y[j] = (z[j] - m) - log_sum;
    }
  }
  // dz may be dy.
  template <class T>
  static void grad_row(index_t n, const T* y, const T*, const T* dy, T* dz) {
    const T sum = sum_of(n, dy);
    for (index_t j = 0; j < n; ++j) dz[j] = dy[j] - exp(y[j]) * sum;
  }
};

}  // namespace
}  // namespace densegrad::formulas
