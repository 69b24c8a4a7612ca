// Loops over the entries of formulas/losses.h.
#pragma once

#include "formulas/losses.h"
#include "kernels/loop.h"

namespace densegrad {
namespace {

template <class Entry, class T>
formulas::LossRow<T> loss_row(const LossArgs<T>& args, index_t r) {
  const index_t offset = r * args.cols;
  const bool fused = args.form == LossForm::fused;
  return {args.cols,
          Entry::sparse ? nullptr : args.y_true + offset,
          Entry::sparse ? args.labels[r] : 0,
          args.y_pred + offset,
          fused ? args.z + offset : nullptr,
          args.parameters,
          T(0),
          T(0)};
}

// The values of rows of a softmax from its logits.
template <class T, class Entry, LossForm form>
void softmax_loss(const LossArgs<T>& args, T* values) {
  if (args.cols == 0) return fill(args.rows, values, [](index_t) { return T(0); });
  formulas::for_groups(args.rows, [&](index_t first, index_t count) {
    const index_t n = args.cols, at = first * n;
    T m[formulas::group], log_sum[formulas::group];
    if constexpr (form == LossForm::fused) {
      // exp(z - m) is 1 where p is largest: there p is the inverse of the sum.
      formulas::max_of_rows(count, n, args.z + at, m);
      formulas::max_of_rows(count, n, args.y_pred + at, log_sum);
      for (index_t r = 0; r < count; ++r) log_sum[r] = -formulas::log(log_sum[r]);
    } else {
      formulas::log_sums_of_rows(count, n, args.y_pred + at, m, log_sum);
    }
    for (index_t r = 0; r < count; ++r) {
      auto row = loss_row<Entry>(args, first + r);
      row.m = m[r];
      row.log_sum = log_sum[r];
      values[first + r] = Entry::template value_row<form>(row);
    }
  });
}

// A single column of an elementwise loss is one loop over entries instead of a short one per row.
template <class T, class Entry>
void loss(const LossArgs<T>& args, T* values) {
  formulas::visit_form<Entry>(args.form, [&](auto tag) {
    constexpr LossForm form = decltype(tag)::form;
    if constexpr (Entry::elementwise) {
      if (args.cols == 1) return fill(args.rows, values, Entry::template value_at<form>(loss_row<Entry>(args, 0)));
    }
    if constexpr (Entry::head == Activation::softmax && form != LossForm::values) {
      softmax_loss<T, Entry, form>(args, values);
    } else {
      for (index_t r = 0; r < args.rows; ++r) values[r] = Entry::template value_row<form>(loss_row<Entry>(args, r));
    }
  });
}

template <class T, class Entry>
void loss_grad(const LossArgs<T>& args, const T* row_scale, index_t row_scale_step, T* d) {
  formulas::visit_form<Entry>(args.form, [&](auto tag) {
    constexpr LossForm form = decltype(tag)::form;
    if constexpr (Entry::elementwise) {
      if (args.cols == 1) {
        const auto slope = Entry::template slope_at<form>(loss_row<Entry>(args, 0));
        if (row_scale_step != 0) return fill(args.rows, d, [=](index_t r) { return row_scale[r] * slope(r); });
        const T scale = args.rows > 0 ? row_scale[0] : T(0);
        return fill(args.rows, d, [=](index_t r) { return scale * slope(r); });
      }
    }
    LossArgs<T> given = args;
    if constexpr (Entry::head == Activation::softmax && form == LossForm::logits) {
      formulas::softmax_of_rows(args.rows, args.cols, args.y_pred, d);
      given.y_pred = d;
    }
    for (index_t r = 0; r < args.rows; ++r) {
      Entry::template grad_row<form>(loss_row<Entry>(given, r), row_scale[r * row_scale_step], d + r * args.cols);
    }
  });
}

}  // namespace
}  // namespace densegrad
