// What the losses are made of; how an entry is written is said in formulas/losses.h.
#pragma once

#include <array>

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
  const double* o;
};

// Rows of a loss whose head is softmax, in another form than LossForm::values. t, labels, p and z are the first row's. The
// entries of t, p, z and a gradient lie row by row, or by columns of `group` entries.
template <class T>
struct SoftmaxRows {
  bool by_columns;
  index_t rows, n;
  const T* t;             // null for a sparse loss
  const index_t* labels;  // only for a sparse loss
  const T* p;             // only for gradients
  const T* z;             // only for values, as are
  const T *m, *log_sum;   // max z and log sum exp(z - m) of each row
  const double* o;

  // f(at), where at(r, j) is the place of an entry.
  template <class F>
  void visit_layout(const F& f) const {
    if (by_columns) return f([](index_t r, index_t j) { return j * group + r; });
    f([n_ = n](index_t r, index_t j) { return r * n_ + j; });
  }
  // f(r, place of the entry) for all entries, in the order in which they lie.
  template <class F>
  void for_entries(const F& f) const {
    if (by_columns) {
      for (index_t j = 0; j < n; ++j) {
        for (index_t r = 0; r < rows; ++r) f(r, j * group + r);
      }
    } else {
      for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < n; ++j) f(r, r * n + j);
      }
    }
  }
};

constexpr LossParameter label_smoothing_parameter{"label_smoothing", 0.0, 0, 1};

// What most entries say.
struct LossEntry {
  static constexpr Activation head = Activation::count;
  static constexpr bool rereads(LossForm) { return false; }
  static constexpr bool has_logits = false;
  static constexpr bool broadcasts = true;
  static constexpr bool sparse = false;
  static constexpr bool elementwise = false;
  static constexpr bool hinge_labels = false;
  static constexpr LossParameter label_factor{nullptr, 1.0, 0, unlimited};
  static constexpr std::array<LossParameter, 0> parameters{};
};

template <LossForm value>
struct FormTag {
  static constexpr LossForm form = value;
};

// f(FormTag<form>{}) for a form known at run time, of those that the entry has.
template <class Entry, class F>
constexpr auto visit_form(LossForm form, F&& f) {
  if constexpr (Entry::has_logits) {
    if (form == LossForm::logits) return f(FormTag<LossForm::logits>{});
  }
  if constexpr (Entry::head != Activation::count) {
    if (form == LossForm::fused) return f(FormTag<LossForm::fused>{});
  }
  return f(FormTag<LossForm::values>{});
}

constexpr double epsilon = 1e-7;  // Keras' backend epsilon

// t' = t (1 - s) + s / classes; t itself, to the bit, for s = 0.
template <class V>
inline V smoothed(V t, V keep, V share) {
  return t * keep + share;
}

// A mean (or sum) over the columns of Entry::value<form>(t', p, z, o), with the derivative Entry::slope<form>.
template <class Entry>
struct ElementwiseLoss : LossEntry {
  static constexpr bool elementwise = true;
  static constexpr bool mean = true;
  static constexpr int smoothing_classes = 0;  // what divides the label smoothing, then the first parameter

  // The value and the slope at entry j of the row, as functions of j.
  template <LossForm form, class T>
  static auto value_at(const LossRow<T>& row) {
    return at<form>(row, [o = row.o](T t, T p, T z) { return Entry::template value<form>(t, p, z, o); });
  }
  template <LossForm form, class T>
  static auto slope_at(const LossRow<T>& row) {
    return at<form>(row, [o = row.o](T t, T p, T z) { return Entry::template slope<form>(t, p, z, o); });
  }

  template <LossForm form, class T>
  static T value_row(const LossRow<T>& row) {
    const T sum = sum_of_values<T>(row.n, value_at<form>(row));
    return Entry::mean ? sum / T(row.n) : sum;
  }
  template <LossForm form, class T>
  static void grad_row(const LossRow<T>& row, T scale, T* d) {
    const auto slope = slope_at<form>(row);
    const T scale_per_entry = Entry::mean ? scale / T(row.n) : scale;
    for (index_t j = 0; j < row.n; ++j) d[j] = scale_per_entry * slope(j);
  }

  template <class V>
  static V values(LossForm form, V t, V p, V z, const double* o, double cols) {
    return visit_form<Entry>(form, [&](auto tag) -> V {
      constexpr LossForm f = decltype(tag)::form;
      const V sum = row_sum(Entry::template value<f>(target_of(t, o), p, f == LossForm::fused ? z : p, o));
      return Entry::mean ? sum / V(cols) : sum;
    });
  }

  template <class V>
  static V grad(LossForm form, V t, V p, V z, const double* o, double cols) {
    return visit_form<Entry>(form, [&](auto tag) -> V {
      constexpr LossForm f = decltype(tag)::form;
      const V slope = Entry::template slope<f>(target_of(t, o), p, f == LossForm::fused ? z : p, o);
      return Entry::mean ? slope / V(cols) : slope;
    });
  }

  template <class V>
  static V output_grad(V t, V p, const double* o, double cols) {
    return Entry::output_slope(target_of(t, o), p) / V(cols);
  }

 private:
  template <LossForm form, class T, class F>
  static auto at(const LossRow<T>& row, F f) {
    const T s = Entry::smoothing_classes ? static_cast<T>(row.o[0]) : T(0);
    const T keep = T(1) - s;
    const T share = Entry::smoothing_classes ? s / T(Entry::smoothing_classes) : T(0);
    const T* t = row.t;
    const T* p = row.p;
    const T* z = form == LossForm::fused ? row.z : row.p;
    return [=](index_t j) { return f(smoothed(t[j], keep, share), p[j], z[j]); };
  }

  template <class V>
  static V target_of(V t, const double* o) {
    if (Entry::smoothing_classes == 0 || o[0] == 0) return t;
    return smoothed(t, V(1.0 - o[0]), V(o[0] / Entry::smoothing_classes));
  }
};

}  // namespace
}  // namespace densegrad::formulas
