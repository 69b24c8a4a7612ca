// Hinge losses.
#pragma once

#include "formulas/losses/frame.h"

namespace densegrad::formulas {
namespace {

// t is -1 or 1. m = 1 - t p; value = mean_j max(m_j, 0); gradient -t / K where m >= 0, else 0.
// Source: Keras `hinge`.
struct Hinge : ElementwiseLoss<Hinge> {
  static constexpr const char* name = "hinge";
  static constexpr const char* formula =
      "mean over the last axis of max(1 - y_true y_pred, 0); labels that are all 0 or 1 become -1 or 1";
  static constexpr bool hinge_labels = true;

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    return maximum(V(1) - t * p, V(0));
  }
  template <LossForm form, class V>
  static V slope(V t, V p, V z, const double* o) {
    return where(V(1) - t * p >= V(0), -t, V(0) * value<form>(t, p, z, o));  // the last is 0 or NaN
  }
};

// value = mean_j max(m_j, 0)^2 with m of the hinge; gradient -2 t max(m, 0) / K. Source: Keras `squared_hinge`.
struct SquaredHinge : ElementwiseLoss<SquaredHinge> {
  static constexpr const char* name = "squared_hinge";
  static constexpr const char* formula =
      "mean over the last axis of max(1 - y_true y_pred, 0)^2; labels that are all 0 or 1 become -1 or 1";
  static constexpr bool hinge_labels = true;

  template <LossForm form, class V>
  static V value(V t, V p, V z, const double* o) {
    return square(Hinge::value<form>(t, p, z, o));
  }
  template <LossForm form, class V>
  static V slope(V t, V p, V z, const double* o) {
    return V(-2) * t * Hinge::value<form>(t, p, z, o);
  }
};

// m = max_j (1 - t_j) p_j - sum_j t_j p_j + 1; value = max(m, 0); gradient u_j (1 - t_j) - t_j where m >= 0, else 0,
// with u_j shared by those that attain the maximum. Source: Keras `categorical_hinge`.
struct CategoricalHinge : LossEntry {
  static constexpr const char* name = "categorical_hinge";
  static constexpr const char* formula =
      "max(max over the last axis of (1 - y_true) y_pred - sum over it of y_true y_pred + 1, 0)";

  template <LossForm, class T>
  static T value_row(const LossRow<T>& row) {
    return row.n == 0 ? T(0) : maximum(wrong_of(row) - right_of(row) + T(1), T(0));
  }
  template <LossForm, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    if (row.n == 0) return;
    const T* t = row.t;
    const T* p = row.p;
    const T wrong = wrong_of(row), margin = wrong - right_of(row) + T(1);
    T ties = 0;
    for (index_t j = 0; j < row.n; ++j) ties += where((T(1) - t[j]) * p[j] == wrong, T(1), T(0));
    const T active = scale * where(margin >= T(0), T(1), T(0) * maximum(margin, T(0)));  // 0, 1 or NaN
    for (index_t j = 0; j < row.n; ++j) {
      const T share = where((T(1) - t[j]) * p[j] == wrong, T(1), T(0)) / ties;
      d[j] = active * (share * (T(1) - t[j]) - t[j]);
    }
  }

  template <class V>
  static V values(LossForm, V t, V p, V, const double*, double) {
    return maximum(row_largest((V(1) - t) * p) - row_sum(t * p) + V(1), V(0));
  }
  template <class V>
  static V grad(LossForm, V t, V p, V, const double*, double) {
    const V others = (V(1) - t) * p, wrong = row_largest(others);
    const V margin = wrong - row_sum(t * p) + V(1);
    const V tie = where(others == wrong, V(1), V(0));
    const V active = where(margin >= V(0), V(1), V(0) * maximum(margin, V(0)));
    return active * (tie / row_sum(tie) * (V(1) - t) - t);
  }

 private:
  template <class T>
  static T wrong_of(const LossRow<T>& row) {
    T best = (T(1) - row.t[0]) * row.p[0];
    for (index_t j = 1; j < row.n; ++j) best = larger(best, (T(1) - row.t[j]) * row.p[j]);
    return best;
  }
  template <class T>
  static T right_of(const LossRow<T>& row) {
    const T* t = row.t;
    const T* p = row.p;
    return sum_of_values<T>(row.n, [=](index_t j) { return t[j] * p[j]; });
  }
};

}  // namespace
}  // namespace densegrad::formulas
