// Loops over the entries of formulas/losses.h.
#pragma once

#include "formulas/losses.h"
#include "kernels/loop.h"

namespace densegrad {
namespace {

template <class Entry, class T>
formulas::LossRow<T> loss_row(const LossArgs<T>& args, index_t r) {
  const index_t offset = r * args.cols;
  return {args.cols,
          Entry::sparse ? nullptr : args.y_true + offset,
          Entry::sparse ? args.labels[r] : 0,
          args.y_pred + offset,
          args.form == LossForm::fused ? args.z + offset : nullptr,
          args.parameters};
}

// Whether the rows go through softmax_values and softmax_grads.
template <class Entry>
constexpr bool from_logits(LossForm form) {
  return Entry::head == Activation::softmax && form != LossForm::values;
}

// f(rows, the first of them) for rows of the logits of a softmax, a group at a time.
template <class Entry, class T, class F>
void for_softmax_rows(const LossArgs<T>& args, const F& f) {
  const T* z = args.form == LossForm::fused ? args.z : args.y_pred;
  formulas::for_groups(args.rows, [&](index_t first, index_t count) {
    const index_t at = first * args.cols;
    f(formulas::SoftmaxRows<T>{false, count, args.cols, Entry::sparse ? nullptr : args.y_true + at,
                               Entry::sparse ? args.labels + first : nullptr, args.y_pred + at, z + at, nullptr,
                               nullptr, args.parameters},
      first);
  });
}

template <class T, class Entry, LossForm form>
void softmax_loss(const LossArgs<T>& args, T* values) {
  if (args.cols == 0) return fill(args.rows, values, [](index_t) { return T(0); });
  for_softmax_rows<Entry>(args, [values](formulas::SoftmaxRows<T> some, index_t first) {
    T m[formulas::group], log_sum[formulas::group];
    if constexpr (form == LossForm::fused) {
      // exp(z - m) is 1 where p is largest: there p is the inverse of the sum.
      formulas::max_of_rows(some.rows, some.n, some.z, m);
      formulas::max_of_rows(some.rows, some.n, some.p, log_sum);
      for (index_t r = 0; r < some.rows; ++r) log_sum[r] = -formulas::log(log_sum[r]);
    } else {
      formulas::log_sums_of_rows(some.rows, some.n, some.z, m, log_sum);
    }
    some.m = m;
    some.log_sum = log_sum;
    Entry::softmax_values(some, values + first);
  });
}

// The sum over a few columns of an elementwise loss is taken for a group of rows at once.
template <class T, class Entry, LossForm form>
void narrow_loss(const LossArgs<T>& args, T* values) {
  const index_t n = args.cols;
  const auto value = Entry::template value_at<form>(loss_row<Entry>(args, 0));
  formulas::sums_of_rows(args.rows, n, values, [=](index_t r, index_t j) { return value(r * n + j); });
  if (Entry::mean) fill(args.rows, values, [=](index_t r) { return values[r] / T(n); });
}

template <class T, class Entry>
void loss(const LossArgs<T>& args, T* values) {
  formulas::visit_form<Entry>(args.form, [&](auto tag) {
    constexpr LossForm form = decltype(tag)::form;
    if constexpr (Entry::elementwise) {
      if (args.cols <= formulas::narrow) return narrow_loss<T, Entry, form>(args, values);
    }
    if constexpr (from_logits<Entry>(form)) {
      softmax_loss<T, Entry, form>(args, values);
    } else {
      for (index_t r = 0; r < args.rows; ++r) values[r] = Entry::template value_row<form>(loss_row<Entry>(args, r));
    }
  });
}

// Values and gradients of short rows of logits from the same exponentials, by columns. d may be the logits.
template <class T, class Entry>
void softmax_loss_and_grad(const LossArgs<T>& args, const T* row_scale, index_t row_scale_step, T* d, T* values) {
  for_softmax_rows<Entry>(args, [=](formulas::SoftmaxRows<T> some, index_t first) {
    formulas::NarrowRows<T> of(some.rows, some.n, some.z);
    T log_sum[formulas::group], t[formulas::narrow * formulas::group];
    for (index_t r = 0; r < some.rows; ++r) log_sum[r] = formulas::log(of.sum[r]);
    if (some.t) formulas::to_columns(some.rows, some.n, some.t, t);
    some = {true, some.rows, some.n, t, some.labels, of.e, of.z, of.m, log_sum, some.o};
    Entry::softmax_values(some, values + first);
    of.divide();
    Entry::softmax_grads(some, row_scale + first * row_scale_step, row_scale_step, of.e);
    formulas::from_columns(some.rows, some.n, of.e, d + first * some.n);
  });
}

// A single column of an elementwise loss is one loop over entries instead of a short one per row. `values` may be null.
template <class T, class Entry>
void loss_grad(const LossArgs<T>& args, const T* row_scale, index_t row_scale_step, T* d, T* values) {
  formulas::visit_form<Entry>(args.form, [&](auto tag) {
    constexpr LossForm form = decltype(tag)::form;
    if constexpr (form == LossForm::logits && from_logits<Entry>(form)) {
      if (values && args.cols > 0 && args.cols <= formulas::narrow) {
        return softmax_loss_and_grad<T, Entry>(args, row_scale, row_scale_step, d, values);
      }
    }
    if (values) loss<T, Entry>(args, values);
    if constexpr (Entry::elementwise) {
      if (args.cols == 1) {
        const auto slope = Entry::template slope_at<form>(loss_row<Entry>(args, 0));
        if (row_scale_step != 0) return fill(args.rows, d, [=](index_t r) { return row_scale[r] * slope(r); });
        const T scale = args.rows > 0 ? row_scale[0] : T(0);
        return fill(args.rows, d, [=](index_t r) { return scale * slope(r); });
      }
    }
    if constexpr (from_logits<Entry>(form)) {
      LossArgs<T> given = args;
      if constexpr (form == LossForm::logits) {
        formulas::softmax_of_rows(args.rows, args.cols, args.y_pred, d);
        given.y_pred = d;
      }
      for_softmax_rows<Entry>(given, [=](const formulas::SoftmaxRows<T>& some, index_t first) {
        Entry::softmax_grads(some, row_scale + first * row_scale_step, row_scale_step, d + first * some.n);
      });
    } else {
      for (index_t r = 0; r < args.rows; ++r) {
        Entry::template grad_row<form>(loss_row<Entry>(args, r), row_scale[r * row_scale_step], d + r * args.cols);
      }
    }
  });
}

}  // namespace
}  // namespace densegrad
