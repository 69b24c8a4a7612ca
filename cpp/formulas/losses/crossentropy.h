// Cross-entropies and the Kullback-Leibler divergence.
#pragma once

#include "formulas/losses/frame.h"

namespace densegrad::formulas {
namespace {

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
  static constexpr bool has_logits = true;
  static constexpr bool broadcasts = false;
  static constexpr int smoothing_classes = 2;
  static constexpr std::array parameters{label_smoothing_parameter};

  template <LossForm form, class V>
  static V value(V t, V p, V z, const double*) {
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
  static V slope(V t, V p, V z, const double*) {
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
struct CategoricalCrossentropy : LossEntry {
  static constexpr const char* name = "categorical_crossentropy";
  static constexpr const char* formula =
      "-sum over the axis of t log q with q = p / sum p clipped to [1e-7, 1 - 1e-7], in nats";
  static constexpr Activation head = Activation::softmax;
  static constexpr bool has_logits = true;
  static constexpr bool broadcasts = false;
  static constexpr std::array parameters{label_smoothing_parameter};
  static constexpr bool rereads(LossForm form) { return form == LossForm::values; }

  template <LossForm, class T>
  static T value_row(const LossRow<T>& row) {
    const index_t n = row.n;
    if (n == 0) return T(0);
    const T s = static_cast<T>(row.o[0]), keep = T(1) - s, share = s / T(n);
    const T* t = row.t;
    const T* p = row.p;
    const T total = sum_of(n, p);
    return sum_of_values<T>(n, [=](index_t j) {
      return smoothed(t[j], keep, share) * -log(clip(p[j] / total, T(epsilon), T(1 - epsilon)));
    });
  }
  template <class T>
  static void softmax_values(const SoftmaxRows<T>& all, T* values) {
    const index_t n = all.n;
    const T s = static_cast<T>(all.o[0]), keep = T(1) - s, share = s / T(n);
    const T *t = all.t, *z = all.z, *m = all.m, *log_sum = all.log_sum;
    all.visit_layout([&](auto at) {
      sums_of_rows(all.rows, n, values, [=](index_t r, index_t j) {
        return weighted(smoothed(t[at(r, j)], keep, share), log_sum[r] - (z[at(r, j)] - m[r]));
      });
    });
  }

  template <LossForm, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const index_t n = row.n;
    if (n == 0) return;
    const T s = static_cast<T>(row.o[0]), keep = T(1) - s, share = s / T(n);
    const T* t = row.t;
    const T* p = row.p;
    const T lo = T(epsilon), hi = T(1 - epsilon);
    const T total = sum_of(n, p);
    for (index_t j = 0; j < n; ++j) {
      const T q = p[j] / total;
      d[j] = -smoothed(t[j], keep, share) / clip(q, lo, hi) * inside(q, lo, hi);
    }
    const T dot = sum_of_values<T>(n, [d, p, total](index_t j) { return d[j] * (p[j] / total); });
    for (index_t j = 0; j < n; ++j) d[j] = scale * ((d[j] - dot) / total);
  }
  template <class T>
  static void softmax_grads(const SoftmaxRows<T>& all, const T* scale, index_t scale_step, T* d) {
    const index_t n = all.n;
    const T s = static_cast<T>(all.o[0]), keep = T(1) - s, share = s / T(n);
    const T *t = all.t, *p = all.p;
    T mass[group];
    all.visit_layout([&](auto at) {
      sums_of_rows(all.rows, n, mass, [=](index_t r, index_t j) { return smoothed(t[at(r, j)], keep, share); });
    });
    all.for_entries([=, &mass](index_t r, index_t i) {
      d[i] = scale[r * scale_step] * (p[i] * mass[r] - smoothed(t[i], keep, share));
    });
  }

  template <class V>
  static V values(LossForm form, V t, V p, V z, const double* o, double cols) {
    const V target = target_of(t, o[0], cols);
    if (form == LossForm::values) {
      return row_sum(target * -log(clip(p / row_sum(p), V(epsilon), V(1 - epsilon))));
    }
    return row_sum(weighted(target, -log_softmax(form == LossForm::fused ? z : p)));
  }

  template <class V>
  static V grad(LossForm form, V t, V p, V, const double* o, double cols) {
    const V target = target_of(t, o[0], cols);
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
  static V output_grad(V t, V p, const double* o, double cols) {
    const V target = target_of(t, o[0], cols);
    return row_sum(target) / row_sum(p) - ratio(target, p);
  }

 private:
  template <class V>
  static V target_of(V t, double label_smoothing, double cols) {
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
struct SparseCategoricalCrossentropy : LossEntry {
  static constexpr const char* name = "sparse_categorical_crossentropy";
  static constexpr const char* formula =
      "log sum_j c_j - log c_k for the label k, with c = p clipped to [1e-7, 1 - 1e-7], in nats";
  static constexpr Activation head = Activation::softmax;
  static constexpr bool has_logits = true;
  static constexpr bool broadcasts = false;
  static constexpr bool sparse = true;

  template <LossForm, class T>
  static T value_row(const LossRow<T>& row) {
    const T* p = row.p;
    const T lo = T(epsilon), hi = T(1 - epsilon);
    const T total = sum_of_values<T>(row.n, [=](index_t j) { return clip(p[j], lo, hi); });
    return log(total) - log(clip(p[row.label], lo, hi));
  }
  template <class T>
  static void softmax_values(const SoftmaxRows<T>& all, T* values) {
    all.visit_layout([&](auto at) {
      for (index_t r = 0; r < all.rows; ++r) values[r] = all.log_sum[r] - (all.z[at(r, all.labels[r])] - all.m[r]);
    });
  }

  template <LossForm, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const index_t n = row.n, k = row.label;
    const T* p = row.p;
    const T lo = T(epsilon), hi = T(1 - epsilon);
    const T inverse = T(1) / sum_of_values<T>(n, [=](index_t j) { return clip(p[j], lo, hi); });
    const T p_k = p[k];
    for (index_t j = 0; j < n; ++j) d[j] = scale * (inverse * inside(p[j], lo, hi));
    d[k] = scale * ((inverse - T(1) / clip(p_k, lo, hi)) * inside(p_k, lo, hi));
  }
  template <class T>
  static void softmax_grads(const SoftmaxRows<T>& all, const T* scale, index_t scale_step, T* d) {
    const T* p = all.p;
    T at_label[group];  // p may be d
    all.visit_layout([&](auto at) {
      for (index_t r = 0; r < all.rows; ++r) at_label[r] = scale[r * scale_step] * (p[at(r, all.labels[r])] - T(1));
    });
    all.for_entries([=](index_t r, index_t i) { d[i] = scale[r * scale_step] * p[i]; });
    all.visit_layout([&](auto at) {
      for (index_t r = 0; r < all.rows; ++r) d[at(r, all.labels[r])] = at_label[r];
    });
  }

  template <class V>
  static V values(LossForm form, V t, V p, V z, const double*, double) {
    if (form == LossForm::values) {
      const V c = clip(p, V(epsilon), V(1 - epsilon));
      return log(row_sum(c)) - row_sum(t * log(c));
    }
    return row_sum(weighted(t, -log_softmax(form == LossForm::fused ? z : p)));
  }

  template <class V>
  static V grad(LossForm form, V t, V p, V, const double*, double) {
    if (form == LossForm::values) {
      const V lo = V(epsilon), hi = V(1 - epsilon);
      const V c = clip(p, lo, hi);
      return (V(1) / row_sum(c) - t / c) * inside(p, lo, hi);
    }
    return (form == LossForm::fused ? p : Softmax::forward(p)) - t;
  }
  template <class V>
  static V output_grad(V t, V p, const double*, double cols) {
    constexpr double no_smoothing[] = {0.0};
    return CategoricalCrossentropy::output_grad(t, p, no_smoothing, cols);
  }
};

// t' and p' are t and p clipped to [eps, 1]; value = sum_j t'_j log(t'_j / p'_j); gradient -t' / p' where p is in
// [eps, 1], ends included, 0 outside. Source: Keras `kl_divergence`.
struct KLDivergence : ElementwiseLoss<KLDivergence> {
  static constexpr const char* name = "kl_divergence";
  static constexpr const char* formula =
      "sum over the last axis of t log(t / p) with t = y_true and p = y_pred clipped to [1e-7, 1], in nats";
  static constexpr bool mean = false;

  template <LossForm, class V>
  static V value(V t, V p, V, const double*) {
    const V lo = V(epsilon), hi = V(1);
    const V c = clip(t, lo, hi);
    return c * log(c / clip(p, lo, hi));
  }
  template <LossForm, class V>
  static V slope(V t, V p, V, const double*) {
    const V lo = V(epsilon), hi = V(1);
    return -clip(t, lo, hi) / clip(p, lo, hi) * inside(p, lo, hi);
  }
};

}  // namespace
}  // namespace densegrad::formulas
