// Losses of numbers and vectors.
#pragma once

#include "formulas/losses/frame.h"

namespace densegrad::formulas {
namespace {

// value = mean_j (p_j - t_j)^2; gradient 2 (p - t) / K.
// Source: Keras `mean_squared_error`.
struct MeanSquaredError : ElementwiseLoss<MeanSquaredError> {
  static constexpr const char* name = "mean_squared_error";
  static constexpr const char* formula = "mean over the last axis of (y_pred - y_true)^2";

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    return square(p - t);
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    return V(2) * (p - t);
  }
};

// value = mean_j |p_j - t_j|; gradient sign(p - t) / K, 0 where p = t. Source: Keras `mean_absolute_error`.
struct MeanAbsoluteError : ElementwiseLoss<MeanAbsoluteError> {
  static constexpr const char* name = "mean_absolute_error";
  static constexpr const char* formula = "mean over the last axis of |y_pred - y_true|";

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    return abs(p - t);
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    return sign(p - t);
  }
};

// value = 100 mean_j |p_j - t_j| / max(|t_j|, eps); gradient 100 sign(p - t) / max(|t|, eps) / K, 0 where p = t.
// Source: Keras `mean_absolute_percentage_error`.
struct MeanAbsolutePercentageError : ElementwiseLoss<MeanAbsolutePercentageError> {
  static constexpr const char* name = "mean_absolute_percentage_error";
  static constexpr const char* formula =
      "100 times the mean over the last axis of |y_pred - y_true| / max(|y_true|, 1e-7), in percent";

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    return V(100) * (abs(p - t) / maximum(abs(t), V(epsilon)));
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    return V(100) * (sign(p - t) / maximum(abs(t), V(epsilon)));
  }
};

// value = mean_j (log1p(max(p_j, eps)) - log1p(max(t_j, eps)))^2; gradient 2 (log1p(p) - log1p(max(t, eps))) / (1 + p) / K
// where p >= eps, 0 below. Source: Keras `mean_squared_logarithmic_error`.
struct MeanSquaredLogarithmicError : ElementwiseLoss<MeanSquaredLogarithmicError> {
  static constexpr const char* name = "mean_squared_logarithmic_error";
  static constexpr const char* formula =
      "mean over the last axis of (log(1 + p) - log(1 + t))^2 with p = max(y_pred, 1e-7), t = max(y_true, 1e-7)";
  static constexpr double least = 1e-7f;  // Keras' epsilon is a float32 here, for any dtype

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    return square(difference(t, p));
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    return V(2) * difference(t, p) / (V(1) + maximum(p, V(least))) * inside(p, V(least), V(unlimited));
  }

 private:
  template <class V>
  static V difference(V t, V p) {
    return log1p(maximum(p, V(least))) - log1p(maximum(t, V(least)));
  }
};

// e = p - t, c = clip(e, -delta, delta); value = mean_j c_j (e_j - c_j / 2), that is e^2 / 2 for |e| <= delta and
// delta |e| - delta^2 / 2 beyond; gradient c / K, also for an infinite e (Keras: NaN). Source: Keras `huber`.
struct Huber : ElementwiseLoss<Huber> {
  static constexpr const char* name = "huber";
  static constexpr const char* formula =
      "mean over the last axis of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, for e = y_pred - y_true";
  static constexpr std::array parameters{LossParameter{"delta", 1.0, 0, unlimited}};

  template <LossForm, class V>
  static V value(V t, V p, V, const double* o) {
    const V e = p - t;
    const V c = clip(e, V(-o[0]), V(o[0]));
    return c * (e - c / V(2));
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double* o) {
    return clip(p - t, V(-o[0]), V(o[0]));
  }
};

// e = p - t; value = mean_j log cosh e_j, up to 1 as -log(1 - tanh(e)^2) / 2, which cancels nothing near 0 (Keras'
// e + softplus(-2 e) - log 2 does); gradient tanh(e) / K. Source: Keras `log_cosh`.
struct LogCosh : ElementwiseLoss<LogCosh> {
  static constexpr const char* name = "log_cosh";
  static constexpr const char* formula = "mean over the last axis of log(cosh(y_pred - y_true))";
  static constexpr double log_2 = 0.69314718055994530942;

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    const V e = p - t;
    const V size = abs(e);
    const auto near = size < V(1);
    const V by_tanh = V(-0.5) * log1p(-square(tanh(where(near, e, V(0)))));
    return where(near, by_tanh, size + log1p(exp(V(-2) * size)) - V(log_2));
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    return tanh(p - t);
  }
};

// value = mean_j (p_j - t_j log(p_j + eps)); gradient (1 - t / (p + eps)) / K, also where p < -eps and the value is NaN.
// Source: Keras `poisson`.
struct Poisson : ElementwiseLoss<Poisson> {
  static constexpr const char* name = "poisson";
  static constexpr const char* formula = "mean over the last axis of y_pred - y_true log(y_pred + 1e-7), in nats";

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    return p - t * log(p + V(epsilon));
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    return V(1) - t / (p + V(epsilon));
  }
};

// |x| = max(sqrt(sum_j x_j^2), eps); value = -sum_j t_j p_j / (|t| |p|), so 0 for a zero vector; gradient
// -(t / |t| + value p / |p|) / |p|, without the second term where |p| = eps is the floor.
// Source: Keras `cosine_similarity`.
struct CosineSimilarity : LossEntry {
  static constexpr const char* name = "cosine_similarity";
  static constexpr const char* formula =
      "-sum over the axis of y_true y_pred / (|y_true| |y_pred|) with Euclidean lengths of at least 1e-7";
  static constexpr bool broadcasts = false;
  static constexpr double least = epsilon * epsilon;

  template <LossForm, class T>
  static T value_row(const LossRow<T>& row) {
    return -dot_of(row, length(squares(row.n, row.t)), length(squares(row.n, row.p)));
  }
  template <LossForm, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const T* t = row.t;
    const T* p = row.p;
    const T total = squares(row.n, p), t_length = length(squares(row.n, t)), p_length = length(total);
    const T along = total < T(least) ? T(0) : dot_of(row, t_length, p_length);
    for (index_t j = 0; j < row.n; ++j) d[j] = scale * ((along * (p[j] / p_length) - t[j] / t_length) / p_length);
  }

  template <class V>
  static V values(LossForm, V t, V p, V, const double*, double) {
    return -row_sum(t / length(row_sum(square(t))) * (p / length(row_sum(square(p)))));
  }
  template <class V>
  static V grad(LossForm, V t, V p, V, const double*, double) {
    const V total = row_sum(square(p));
    const V t_unit = t / length(row_sum(square(t))), p_unit = p / length(total);
    const V along = where(total < V(least), V(0), row_sum(t_unit * p_unit));
    return (along * p_unit - t_unit) / length(total);
  }

 private:
  template <class V>
  static V length(V squares) {
    return sqrt(maximum(squares, V(least)));
  }
  template <class T>
  static T squares(index_t n, const T* x) {
    return sum_of_values<T>(n, [x](index_t j) { return x[j] * x[j]; });
  }
  template <class T>
  static T dot_of(const LossRow<T>& row, T t_length, T p_length) {
    const T* t = row.t;
    const T* p = row.p;
    return sum_of_values<T>(row.n, [=](index_t j) { return t[j] / t_length * (p[j] / p_length); });
  }
};

}  // namespace
}  // namespace densegrad::formulas
