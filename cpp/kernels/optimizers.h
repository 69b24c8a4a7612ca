// Loops over the entries of formulas/optimizers.h.
#pragma once

#include "formulas/optimizers.h"
#include "kernels/loop.h"

namespace densegrad {
namespace {

// What is left of a moment once it is subnormal: nothing. The moments of a unit whose gradient has become 0 would stay
// there for good, and arithmetic on such numbers takes 50 times as long. (TensorFlow flushes all of them.)
template <class T>
T without_subnormals(T x) {
  constexpr T smallest = sizeof(T) == 4 ? T(1.17549435e-38) : T(2.2250738585072014e-308);
  return formulas::abs(x) < smallest ? T(0) : x;
}

template <int slot_count, class T, class Entry>
void update_part(const typename Entry::template Step<T>& step, const UpdatePart<T>& part) {
  T* w = part.w;
  const T* grad = part.grad;
  T* slots[slot_count + 1];  // + 1: an array has at least one entry
  for (int k = 0; k < slot_count; ++k) slots[k] = part.slots[static_cast<std::size_t>(k)];
  DENSEGRAD_INDEPENDENT
  for (index_t i = 0; i < part.n; ++i) {
    T w_i = w[i];
    T slots_i[slot_count + 1];
    for (int k = 0; k < slot_count; ++k) slots_i[k] = slots[k][i];
    Entry::template update<slot_count>(step, grad[i], w_i, slots_i);
    for (int k = 0; k < slot_count; ++k) slots[k][i] = without_subnormals(slots_i[k]);
    w[i] = w_i;
  }
}

template <int slot_count, class T, class Entry>
void update_with(const UpdateArgs<T>& args) {
  const typename Entry::template Step<T> step(args.learning_rate, args.hyper, args.step, args.shared);
  for (std::size_t k = 0; k < args.part_count; ++k) update_part<slot_count, T, Entry>(step, args.parts[k]);
}

// The variant for the number of slots given, which the caller has checked.
template <class T, class Entry, int slot_count = Entry::min_slots>
void update(const UpdateArgs<T>& args) {
  if constexpr (slot_count < formulas::max_slots<Entry>) {
    if (args.slot_count > slot_count) return update<T, Entry, slot_count + 1>(args);
  }
  update_with<slot_count, T, Entry>(args);
}

template <class T>
void decay(index_t n, T weight_decay, T learning_rate, T* w) {
  DENSEGRAD_INDEPENDENT
  for (index_t i = 0; i < n; ++i) formulas::decay(weight_decay, learning_rate, w[i]);
}

template <class T>
void move_average(index_t n, T momentum, const T* w, T* average) {
  DENSEGRAD_INDEPENDENT
  for (index_t i = 0; i < n; ++i) formulas::move_average(momentum, w[i], average[i]);
}

}  // namespace
}  // namespace densegrad
