// Losses: the value of a row (before sample weights and reduction) and its gradient. To add one: a struct here, its
// place in `Losses`, and the enum value in formulas/enums.h.
//
// t is y_true, p is y_pred, z the logits, s the label smoothing, K the number of columns. The form says what there is:
//   values   p holds predictions or probabilities; the gradient is d value / d p
//   logits   p holds logits, and so z = p;         the gradient is d value / d z
//   fused    p is the softmax (sigmoid) of z;      the value comes from z, the gradient is d value / d z
//
// An entry says:
//   name           the Keras name
//   formula        the value in words, for documentation
//   head           the activation that it fuses with: its output carries z, and the form is then `fused`
//   broadcasts     whether y_true and y_pred may have different shapes, as Keras lets them
//   sparse         whether memory holds one class label per row instead of t (graph handles always hold the one-hot t)
//   elementwise    whether it is a mean over columns of a formula of one entry
//   value_row<form>(row), grad_row<form>(row, scale, d)   one row of memory; grad_row writes scale * gradient
//   values(form, t, p, z, s, K), grad(form, t, p, z, s, K)   the same on graph handles (rows, K), with row_sum and
//                  row_max; values has shape (rows, 1)
//   output_grad(t, p, s, K)   for a head: the derivative of the fused value by p alone, unclipped; a term with t = 0 is 0
// An elementwise loss derives these from its formula (ElementwiseLoss); a loss whose columns depend on each other has
// the loop and the graph version side by side.
#pragma once

#include "formulas/activations.h"
#include "formulas/enums.h"
#include "formulas/list.h"
#include "formulas/rows.h"
#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

template <class T>
struct LossRow {
  index_t n;
  const T* t;     // null for a sparse loss
  index_t label;  // only for a sparse loss
  const T* p;
  const T* z;  // only LossForm::fused
  T label_smoothing;
};

template <LossForm value>
struct FormTag {
  static constexpr LossForm form = value;
};

// f(FormTag<form>{}) for a form known at run time.
template <class F>
constexpr auto visit(LossForm form, F&& f) {
  if (form == LossForm::logits) return f(FormTag<LossForm::logits>{});
  if (form == LossForm::fused) return f(FormTag<LossForm::fused>{});
  return f(FormTag<LossForm::values>{});
}

constexpr double epsilon = 1e-7;  // Keras' backend epsilon

// t' = t (1 - s) + s / classes; t itself, to the bit, for s = 0.
template <class V>
inline V smoothed(V t, V keep, V share) {
  return t * keep + share;
}

// A mean over the columns of Entry::value<form>(t', p, z), with the derivative Entry::slope<form>(t', p, z).
// Entry::smoothing_classes is what divides the label smoothing, 0 for a loss that ignores it.
template <class Entry>
struct ElementwiseLoss {
  static constexpr bool sparse = false;
  static constexpr bool elementwise = true;

  // The value and the slope at entry j of the row, as functions of j.
  template <LossForm form, class T>
  static auto value_at(const LossRow<T>& row) {
    return at<form>(row, [](T t, T p, T z) { return Entry::template value<form>(t, p, z); });
  }
  template <LossForm form, class T>
  static auto slope_at(const LossRow<T>& row) {
    return at<form>(row, [](T t, T p, T z) { return Entry::template slope<form>(t, p, z); });
  }

  template <LossForm form, class T>
  static T value_row(const LossRow<T>& row) {
    return sum_of_values<T>(row.n, value_at<form>(row)) / T(row.n);
  }
  template <LossForm form, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const auto slope = slope_at<form>(row);
    const T scale_per_entry = scale / T(row.n);
    for (index_t j = 0; j < row.n; ++j) d[j] = scale_per_entry * slope(j);
  }

  template <class V>
  static V values(LossForm form, V t, V p, V z, double label_smoothing, double cols) {
    return visit(form, [&](auto tag) -> V {
      constexpr LossForm f = decltype(tag)::form;
      const V target = smoothed_target(t, label_smoothing);
      return row_sum(Entry::template value<f>(target, p, f == LossForm::fused ? z : p)) / V(cols);
    });
  }

  template <class V>
  static V grad(LossForm form, V t, V p, V z, double label_smoothing, double cols) {
    return visit(form, [&](auto tag) -> V {
      constexpr LossForm f = decltype(tag)::form;
      const V target = smoothed_target(t, label_smoothing);
      return Entry::template slope<f>(target, p, f == LossForm::fused ? z : p) / V(cols);
    });
  }

  template <class V>
  static V output_grad(V t, V p, double label_smoothing, double cols) {
    return Entry::output_slope(smoothed_target(t, label_smoothing), p) / V(cols);
  }

 private:
  template <LossForm form, class T, class F>
  static auto at(const LossRow<T>& row, F f) {
    const T keep = Entry::smoothing_classes ? T(1) - row.label_smoothing : T(1);
    const T share = Entry::smoothing_classes ? row.label_smoothing / T(Entry::smoothing_classes) : T(0);
    const T* t = row.t;
    const T* p = row.p;
    const T* z = form == LossForm::fused ? row.z : row.p;
    return [=](index_t j) { return f(smoothed(t[j], keep, share), p[j], z[j]); };
  }

  template <class V>
  static V smoothed_target(V t, double label_smoothing) {
    if (Entry::smoothing_classes == 0 || label_smoothing == 0) return t;
    return smoothed(t, V(1.0 - label_smoothing), V(label_smoothing / Entry::smoothing_classes));
  }
};

// value = mean_j (p_j - t_j)^2; gradient 2 (p - t) / K. The form makes no difference; no label smoothing.
// Source: Keras `mean_squared_error`.
struct MeanSquaredError : ElementwiseLoss<MeanSquaredError> {
  static constexpr const char* name = "mean_squared_error";
  static constexpr const char* formula = "mean over the last axis of (y_pred - y_true)^2";
  static constexpr Activation head = Activation::count;
  static constexpr bool broadcasts = true;
  static constexpr int smoothing_classes = 0;

  template <LossForm, class V>
  static V value(V t, V p, V) {
    return square(p - t);
  }
  template <LossForm, class V>
  static V slope(V t, V p, V) {
    return V(2) * (p - t);
  }
};

// t' = t (1 - s) + s / 2.
// values: c = clip(p, eps, 1 - eps), value = -mean_j (t' log c + (1 - t') log(1 - c)); gradient
//         (-t'/c + (1 - t')/(1 - c)) / K on [eps, 1 - eps], ends included, 0 outside.
// logits: value = mean_j (max(z, 0) - z t' + log1p(exp(-|z|))); gradient (sigmoid(z) - t') / K. z = +-inf gives the
//         limit.
// fused:  the value of the logits; gradient (p - t') / K.
// NaN reaches the result in every form. Source: Keras `binary_crossentropy`.
struct BinaryCrossentropy : ElementwiseLoss<BinaryCrossentropy> {
  static constexpr const char* name = "binary_crossentropy";
  static constexpr const char* formula =
      "-mean over the axis of t log p + (1 - t) log(1 - p) with p clipped to [1e-7, 1 - 1e-7], in nats";
  static constexpr Activation head = Activation::sigmoid;
  static constexpr bool broadcasts = false;
  static constexpr int smoothing_classes = 2;

  template <LossForm form, class V>
  static V value(V t, V p, V z) {
    if constexpr (form == LossForm::values) {
      const V c = clip(p, V(epsilon), V(1 - epsilon));
      return -(t * log(c) + (V(1) - t) * log(V(1) - c));
    } else {
      // max(z, 0) - z t is (1 - t) z or -t z: the same numbers with less cancellation, and without inf - inf.
      const auto positive = z >= V(0);
      const V weight = where(positive, V(1), V(0)) - t;
      return weighted(weight, z) + log1p(exp(where(positive, -z, z)));
    }
  }
  template <LossForm form, class V>
  static V slope(V t, V p, V z) {
    if constexpr (form == LossForm::values) {
      const V lo = V(epsilon), hi = V(1 - epsilon);
      const V c = clip(p, lo, hi);
      return ((V(1) - t) / (V(1) - c) - t / c) * inside(p, lo, hi);
    } else if constexpr (form == LossForm::logits) {
      return Sigmoid::forward(z) - t;
    } else {
      return p - t;
    }
  }
  template <class V>
  static V output_slope(V t, V p) {
    return ratio(V(1) - t, V(1) - p) - ratio(t, p);
  }
};

// sum_j exp(z_j - m) and m = max z of a row: what softmax cross-entropies are made of.
template <class T>
struct ShiftedSum {
  T m, sum;
};
template <class T>
inline ShiftedSum<T> shifted_sum(index_t n, const T* z) {
  const T m = max_of(n, z);
  return {m, sum_of_values<T>(n, [z, m](index_t j) { return exp(z[j] - m); })};
}

// log softmax(z) over the last axis.
template <class V>
inline V log_softmax(V z) {
  const V shifted = z - row_max(z);
  return shifted - log(row_sum(exp(shifted)));
}

// t' = t (1 - s) + s / K.
// values: q = p / sum p, c = clip(q, eps, 1 - eps), value = -sum_j t'_j log c_j; its exact gradient
//         (e_j - sum_k e_k q_k) / sum p with e = -t'/c on [eps, 1 - eps], ends included, 0 outside.
// logits: value = -sum_j t'_j log_softmax(z)_j; gradient softmax(z) sum(t') - t' (Keras takes sum(t') as 1).
// fused:  the value of the logits; gradient p sum(t') - t'.
// A term with t' = 0 is 0, also for z = -inf; NaN, and a row of z with +inf or of -inf only, give NaN, as does a row of
// p with sum 0. Source: Keras `categorical_crossentropy`.
struct CategoricalCrossentropy {
  static constexpr const char* name = "categorical_crossentropy";
  static constexpr const char* formula =
      "-sum over the axis of t log q with q = p / sum p clipped to [1e-7, 1 - 1e-7], in nats";
  static constexpr Activation head = Activation::softmax;
  static constexpr bool broadcasts = false;
  static constexpr bool sparse = false;
  static constexpr bool elementwise = false;

  template <LossForm form, class T>
  static T value_row(const LossRow<T>& row) {
    const index_t n = row.n;
    if (n == 0) return T(0);
    const T keep = T(1) - row.label_smoothing, share = row.label_smoothing / T(n);
    const T* t = row.t;
    if constexpr (form == LossForm::values) {
      const T* p = row.p;
      const T total = sum_of(n, p);
      return sum_of_values<T>(n, [=](index_t j) {
        return smoothed(t[j], keep, share) * -log(clip(p[j] / total, T(epsilon), T(1 - epsilon)));
      });
    } else {
      const T* z = form == LossForm::fused ? row.z : row.p;
      const auto [m, sum] = shifted_sum(n, z);
      const T log_sum = log(sum), shift = m;
      return sum_of_values<T>(
          n, [=](index_t j) { return weighted(smoothed(t[j], keep, share), log_sum - (z[j] - shift)); });
    }
  }

  template <LossForm form, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const index_t n = row.n;
    if (n == 0) return;
    const T keep = T(1) - row.label_smoothing, share = row.label_smoothing / T(n);
    const T* t = row.t;
    const T* p = row.p;
    if constexpr (form == LossForm::values) {
      const T lo = T(epsilon), hi = T(1 - epsilon);
      const T total = sum_of(n, p);
      for (index_t j = 0; j < n; ++j) {
        const T q = p[j] / total;
        d[j] = -smoothed(t[j], keep, share) / clip(q, lo, hi) * inside(q, lo, hi);
      }
      const T dot = sum_of_values<T>(n, [d, p, total](index_t j) { return d[j] * (p[j] / total); });
      for (index_t j = 0; j < n; ++j) d[j] = scale * ((d[j] - dot) / total);
    } else {
      const T mass = sum_of_values<T>(n, [=](index_t j) { return smoothed(t[j], keep, share); });
      if constexpr (form == LossForm::logits) {
        Softmax::forward_row(n, p, d);
        p = d;
      }
      for (index_t j = 0; j < n; ++j) d[j] = scale * (p[j] * mass - smoothed(t[j], keep, share));
    }
  }

  template <class V>
  static V values(LossForm form, V t, V p, V z, double label_smoothing, double cols) {
    const V target = smoothed_target(t, label_smoothing, cols);
    if (form == LossForm::values) {
      return row_sum(target * -log(clip(p / row_sum(p), V(epsilon), V(1 - epsilon))));
    }
    return row_sum(weighted(target, -log_softmax(form == LossForm::fused ? z : p)));
  }

  template <class V>
  static V grad(LossForm form, V t, V p, V, double label_smoothing, double cols) {
    const V target = smoothed_target(t, label_smoothing, cols);
    if (form == LossForm::values) {
      const V lo = V(epsilon), hi = V(1 - epsilon);
      const V total = row_sum(p);
      const V q = p / total;
      const V e = -target / clip(q, lo, hi) * inside(q, lo, hi);
      return (e - row_sum(e * q)) / total;
    }
    return (form == LossForm::fused ? p : Softmax::forward(p)) * row_sum(target) - target;
  }

  template <class V>
  static V output_grad(V t, V p, double label_smoothing, double cols) {
    const V target = smoothed_target(t, label_smoothing, cols);
    return row_sum(target) / row_sum(p) - ratio(target, p);
  }

 private:
  template <class V>
  static V smoothed_target(V t, double label_smoothing, double cols) {
    if (label_smoothing == 0) return t;
    return smoothed(t, V(1.0 - label_smoothing), V(label_smoothing / cols));
  }
};

// k is the label of the row, in [0, K); label smoothing is ignored.
// values: c = clip(p, eps, 1 - eps), value = log(sum_j c_j) - log c_k; gradient 1 / sum c - [j = k] / c_k where p_j is
//         in [eps, 1 - eps], ends included, 0 outside.
// logits: value = -log_softmax(z)_k; gradient softmax(z) - onehot(k).
// fused:  the value of the logits; gradient p - onehot(k).
// Edges as for categorical_crossentropy. Source: Keras `sparse_categorical_crossentropy`.
struct SparseCategoricalCrossentropy {
  static constexpr const char* name = "sparse_categorical_crossentropy";
  static constexpr const char* formula =
      "log sum_j c_j - log c_k for the label k, with c = p clipped to [1e-7, 1 - 1e-7], in nats";
  static constexpr Activation head = Activation::softmax;
  static constexpr bool broadcasts = false;
  static constexpr bool sparse = true;
  static constexpr bool elementwise = false;

  template <LossForm form, class T>
  static T value_row(const LossRow<T>& row) {
    const index_t n = row.n, k = row.label;
    if constexpr (form == LossForm::values) {
      const T* p = row.p;
      const T lo = T(epsilon), hi = T(1 - epsilon);
      return log(sum_of_values<T>(n, [=](index_t j) { return clip(p[j], lo, hi); })) - log(clip(p[k], lo, hi));
    } else {
      const T* z = form == LossForm::fused ? row.z : row.p;
      const auto [m, sum] = shifted_sum(n, z);
      return log(sum) - (z[k] - m);
    }
  }

  template <LossForm form, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const index_t n = row.n, k = row.label;
    const T* p = row.p;
    if constexpr (form == LossForm::values) {
      const T lo = T(epsilon), hi = T(1 - epsilon);
      const T inverse = T(1) / sum_of_values<T>(n, [=](index_t j) { return clip(p[j], lo, hi); });
      for (index_t j = 0; j < n; ++j) d[j] = scale * (inverse * inside(p[j], lo, hi));
      d[k] = scale * ((inverse - T(1) / clip(p[k], lo, hi)) * inside(p[k], lo, hi));
    } else {
      if constexpr (form == LossForm::logits) {
        Softmax::forward_row(n, p, d);
        p = d;
      }
      const T p_k = p[k];
      for (index_t j = 0; j < n; ++j) d[j] = scale * p[j];
      d[k] = scale * (p_k - T(1));
    }
  }

  template <class V>
  static V values(LossForm form, V t, V p, V z, double, double) {
    if (form == LossForm::values) {
      const V c = clip(p, V(epsilon), V(1 - epsilon));
      return log(row_sum(c)) - row_sum(t * log(c));
    }
    return row_sum(weighted(t, -log_softmax(form == LossForm::fused ? z : p)));
  }

  template <class V>
  static V grad(LossForm form, V t, V p, V, double, double) {
    if (form == LossForm::values) {
      const V lo = V(epsilon), hi = V(1 - epsilon);
      const V c = clip(p, lo, hi);
      return (V(1) / row_sum(c) - t / c) * inside(p, lo, hi);
    }
    return (form == LossForm::fused ? p : Softmax::forward(p)) - t;
  }
  template <class V>
  static V output_grad(V t, V p, double, double cols) {
    return CategoricalCrossentropy::output_grad(t, p, 0, cols);
  }
};

using Losses = List<MeanSquaredError, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy>;
static_assert(Losses::size == size_of<Loss>(), "one entry per enum value, in its order");

// f(Entry{}) for a loss known at run time.
template <class F>
constexpr auto visit(Loss loss, F&& f) {
  return visit_entry(Losses{}, static_cast<int>(loss), f);
}

}  // namespace
}  // namespace densegrad::formulas
