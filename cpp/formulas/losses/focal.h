// Cross-entropies that weigh samples by how far off they are.
#pragma once

#include "formulas/losses/crossentropy.h"

namespace densegrad::formulas {
namespace {

// x^e and its derivative by x for a constant e >= 0: exact where pow(x, y) has no derivative, at 0^0.
template <class V>
inline V raised(V x, double e) {
  return e == 0 ? V(1) : e == 1 ? x : e == 2 ? square(x) : pow(x, V(e));
}
template <class V>
inline V raised_slope(V x, double e) {
  return e == 0 ? V(0) : e == 1 ? V(1) : e == 2 ? V(2) * x : V(e) * pow(x, V(e - 1));
}

// r = t' (1 - p) + (1 - t') p with t' = t (1 - s) + s / 2, B the values form of binary_crossentropy before its mean, and
// w = t' alpha + (1 - t') (1 - alpha), or 1 without class balancing.
// values: value = mean_j w r^gamma B; gradient w (gamma r^(gamma - 1) (1 - 2 t') B + r^gamma B') / K.
// logits: p = sigmoid(z) and 1 - p = sigmoid(-z), B the logits form at z clipped to where p is in [eps, 1 - eps]:
//         gradient w (gamma r^(gamma - 1) (1 - 2 t') p (1 - p) B + r^gamma ((1 - t') p - t' (1 - p))) / K, its last term
//         only there. Keras' numbers, without the digits that 1 - p and the logarithms lose at large logits.
// Source: Keras `binary_focal_crossentropy`.
struct BinaryFocalCrossentropy : ElementwiseLoss<BinaryFocalCrossentropy> {
  static constexpr const char* name = "binary_focal_crossentropy";
  static constexpr const char* formula =
      "mean over the axis of (t (1 - p) + (1 - t) p)^gamma times the binary cross-entropy of t and p, in nats";
  static constexpr bool has_logits = true;
  static constexpr bool broadcasts = false;
  static constexpr int smoothing_classes = 2;
  static constexpr std::array parameters{label_smoothing_parameter, LossParameter{"gamma", 2.0, 0, unlimited},
                                         LossParameter{"alpha", 0.25, 0, 1},
                                         LossParameter{"apply_class_balancing", 0.0, 0, 1, LossParameter::flag}};

  template <LossForm form, class V>
  static V value(V t, V y, V, const double* o) {
    return balance(t, o) * (raised(miss<form>(t, y), o[1]) * entropy<form>(t, y, o));
  }
  template <LossForm form, class V>
  static V slope(V t, V y, V, const double* o) {
    const V r = miss<form>(t, y), bend = raised_slope(r, o[1]);
    const V turn = (V(1) - V(2) * t) * entropy<form>(t, y, o);
    if constexpr (form == LossForm::logits) {
      const V p = Sigmoid::forward(y), q = Sigmoid::forward(-y);
      const V by_entropy = ((V(1) - t) * p - t * q) * inside(y, V(-largest_logit), V(largest_logit));
      return balance(t, o) * (weighted(p * q, bend) * turn + raised(r, o[1]) * by_entropy);
    } else {
      return balance(t, o) * (bend * turn + raised(r, o[1]) * BinaryCrossentropy::slope<form>(t, y, y, o));
    }
  }

 private:
  static constexpr double largest_logit = 16.118095550958316;  // log((1 - eps) / eps)

  template <LossForm form, class V>
  static V entropy(V t, V y, const double* o) {
    const V z = form == LossForm::logits ? clip(y, V(-largest_logit), V(largest_logit)) : y;
    return BinaryCrossentropy::value<form>(t, z, z, o);
  }
  template <LossForm form, class V>
  static V miss(V t, V y) {
    if constexpr (form == LossForm::logits) return t * Sigmoid::forward(-y) + (V(1) - t) * Sigmoid::forward(y);
    return t * (V(1) - y) + (V(1) - t) * y;
  }
  template <class V>
  static V balance(V t, const double* o) {
    if (o[3] == 0) return V(1);
    return t * V(o[2]) + (V(1) - t) * (V(1) - V(o[2]));
  }
};

// t holds labels after smoothing and times alpha. q = p / sum p, c = clip(q, eps, 1 - eps).
// values: value = -sum_j t_j (1 - c_j)^gamma log c_j; gradient (e_j - sum_k e_k q_k) / sum p with
//         e = t (gamma (1 - c)^(gamma - 1) log c - (1 - c)^gamma / c) on [eps, 1 - eps], ends included, 0 outside.
// logits: p = softmax(z); gradient p_j (e_j - sum_k e_k p_k).
// Source: Keras `categorical_focal_crossentropy`.
struct CategoricalFocalCrossentropy : LossEntry {
  static constexpr const char* name = "categorical_focal_crossentropy";
  static constexpr const char* formula =
      "-sum over the axis of alpha t (1 - q)^gamma log q with q = p / sum p clipped to [1e-7, 1 - 1e-7], in nats";
  static constexpr bool has_logits = true;
  static constexpr bool broadcasts = false;
  static constexpr LossParameter label_factor{"alpha", 0.25, 0, unlimited};
  static constexpr std::array parameters{label_smoothing_parameter, LossParameter{"gamma", 2.0, 0, unlimited}};
  static constexpr bool rereads(LossForm) { return true; }

  template <LossForm form, class T>
  static T value_row(const LossRow<T>& row) {
    const T* t = row.t;
    const T* y = row.p;
    const double gamma = row.o[1];
    return with_probability<form>(row, [=](T shift, T total) {
      return sum_of_values<T>(row.n, [=](index_t j) {
        return t[j] * value_of(clip(probability<form>(y[j], shift) / total, T(epsilon), T(1 - epsilon)), gamma);
      });
    });
  }

  template <LossForm form, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const T* t = row.t;
    const T* y = row.p;
    const double gamma = row.o[1];
    with_probability<form>(row, [=](T shift, T total) {
      const auto q = [=](index_t j) { return probability<form>(y[j], shift) / total; };
      for (index_t j = 0; j < row.n; ++j) d[j] = t[j] * slope_of(q(j), gamma);
      const T dot = sum_of_values<T>(row.n, [=](index_t j) { return d[j] * q(j); });
      for (index_t j = 0; j < row.n; ++j) {
        const T towards = d[j] - dot;
        d[j] = scale * (form == LossForm::logits ? q(j) * towards : towards / total);
      }
      return T(0);
    });
  }

  template <class V>
  static V values(LossForm form, V t, V y, V, const double* o, double) {
    const V p = form == LossForm::logits ? Softmax::forward(y) : y;
    return row_sum(t * value_of(clip(p / row_sum(p), V(epsilon), V(1 - epsilon)), o[1]));
  }
  template <class V>
  static V grad(LossForm form, V t, V y, V, const double* o, double) {
    const V p = form == LossForm::logits ? Softmax::forward(y) : y;
    const V total = row_sum(p), q = p / total;
    const V e = t * slope_of(q, o[1]);
    const V towards = e - row_sum(e * q);
    return form == LossForm::logits ? q * towards : towards / total;
  }

 private:
  // -(1 - c)^gamma log c, and its derivative by q.
  template <class V>
  static V value_of(V c, double gamma) {
    return raised(V(1) - c, gamma) * -log(c);
  }
  template <class V>
  static V slope_of(V q, double gamma) {
    const V lo = V(epsilon), hi = V(1 - epsilon);
    const V c = clip(q, lo, hi);
    return (raised_slope(V(1) - c, gamma) * log(c) - raised(V(1) - c, gamma) / c) * inside(q, lo, hi);
  }

  // f(shift, total), so that q_j = probability(y_j, shift) / total.
  template <LossForm form, class T, class F>
  static T with_probability(const LossRow<T>& row, F f) {
    if (row.n == 0) return T(0);
    if constexpr (form == LossForm::logits) {
      const T m = max_of(row.n, row.p);
      return f(m, sum_of_exp(row.n, row.p, m));
    }
    return f(T(0), sum_of(row.n, row.p));
  }
  template <LossForm form, class T>
  static T probability(T y, T shift) {
    return form == LossForm::logits ? exp(y - shift) : y;
  }
};

// k is the label of the row, p_k = y_pred at k; value = (1 - p_k^q) / q; gradient -p_k^(q - 1) at k, 0 elsewhere.
// A NaN anywhere in the row reaches value and gradient. Source: Keras `categorical_generalized_cross_entropy`.
struct CategoricalGeneralizedCrossEntropy : LossEntry {
  static constexpr const char* name = "categorical_generalized_cross_entropy";
  static constexpr const char* formula = "(1 - p^q) / q for the probability p of the label, y_pred at y_true";
  static constexpr bool sparse = true;
  static constexpr std::array parameters{LossParameter{"q", 0.5, 0, 1, LossParameter::open_interval}};

  template <LossForm, class T>
  static T value_row(const LossRow<T>& row) {
    return (T(1) - pow(chosen(row), static_cast<T>(row.o[0]))) / static_cast<T>(row.o[0]);
  }
  template <LossForm, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const T slope = -pow(chosen(row), static_cast<T>(row.o[0] - 1));
    for (index_t j = 0; j < row.n; ++j) d[j] = scale * weighted(j == row.label ? T(1) : T(0), slope);
  }

  template <class V>
  static V values(LossForm, V t, V p, V, const double* o, double) {
    return (V(1) - pow(row_sum(weighted(t, p)), V(o[0]))) / V(o[0]);
  }
  template <class V>
  static V grad(LossForm, V t, V p, V, const double* o, double) {
    return -weighted(t, pow(row_sum(weighted(t, p)), V(o[0] - 1)));
  }

 private:
  template <class T>
  static T chosen(const LossRow<T>& row) {
    const T* p = row.p;
    const index_t k = row.label;
    return sum_of_values<T>(row.n, [p, k](index_t j) { return weighted(j == k ? T(1) : T(0), p[j]); });
  }
};

}  // namespace
}  // namespace densegrad::formulas
