// Activations y = act(z) and their backward step dz = act'(z)^T dy. To add one: a struct here, its place in
// `Activations`, and the enum value in formulas/enums.h.
//
// V is float, double or a graph handle. On a graph handle a formula is also differentiated further, so every branch
// must be right together with its derivatives, at the seam too.
//
// An entry says:
//   name      the Keras name
//   rowwise   false: forward and grad act on one entry. true: on a whole row (V must be a handle with row_sum and
//             row_max), and forward_row / grad_row are the loops over one row of memory
//   needs_z   whether grad reads z; where it does not, z may be anything
#pragma once

#include "formulas/enums.h"
#include "formulas/list.h"
#include "formulas/rows.h"
#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

// y = z; dz = dy. Source: Keras `linear`.
struct Linear {
  static constexpr const char* name = "linear";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return z;
  }
  template <class V>
  static V grad(V, V, V dy) {
    return dy;
  }
};

// y = 1 / (1 + exp(-z)); dz = dy y (1 - y). For every real z, without overflow: exp only sees -|z|.
// y(-inf) = 0, y(inf) = 1, NaN stays NaN. Error below 2 ULP, if that of exp is at most 0.52. Where y rounds to 1 (from
// z = 17 in float32, 37 in float64) dz is 0, as in Keras. Source: Keras `sigmoid`.
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    const auto positive = z >= V(0);
    const V e = exp(where(positive, -z, z));  // not -abs(z), whose derivative at 0 is 0
    const V y = where(positive, V(1), e) / (V(1) + e);
    return where(z < V(-1.9), e - e * y, y);  // the same number; for a small e its rounding errors are e times smaller
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy * y * (V(1) - y);
  }
};

// y = max(z, 0); dz = dy where y > 0, else 0: relu'(0) = 0, and exactly 0 for an infinite dy too.
// NaN stays NaN both ways (Keras: gradient 0). Source: Keras `relu`.
struct Relu {
  static constexpr const char* name = "relu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return where(z <= V(0), V(0), z);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return where(y > V(0), dy, y * V(0));  // y is 0 or NaN here
  }
};

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
  static void forward_row(index_t n, const T* z, T* y) {
    if (n == 0) return;
    const T m = max_of(n, z);
    for (index_t j = 0; j < n; ++j) y[j] = exp(z[j] - m);
    const T sum = sum_of(n, y);
    for (index_t j = 0; j < n; ++j) y[j] /= sum;
  }
  // dz may be dy.
  template <class T>
  static void grad_row(index_t n, const T* y, const T*, const T* dy, T* dz) {
    const T dot = sum_of_values<T>(n, [y, dy](index_t j) { return dy[j] * y[j]; });
    for (index_t j = 0; j < n; ++j) dz[j] = y[j] * (dy[j] - dot);
  }
};

using Activations = List<Linear, Sigmoid, Relu, Softmax>;
static_assert(Activations::size == size_of<Activation>(), "one entry per enum value, in its order");

// f(Entry{}) for an activation known at run time.
template <class F>
constexpr auto visit(Activation activation, F&& f) {
  return visit_entry(Activations{}, static_cast<int>(activation), f);
}

}  // namespace
}  // namespace densegrad::formulas
