// Loops over the entries of formulas/optimizers.h.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "formulas/optimizers.h"
#include "kernels/loop.h"
#include "kernels/pack.h"

namespace densegrad {
namespace {

// The processor's mode of arithmetic, and the bits of it with which subnormal arguments and results count as 0.
#if defined(__x86_64__)
using Mode = unsigned;
constexpr Mode flush_bits = 0x8040;
inline Mode get_mode() { return _mm_getcsr(); }
inline void set_mode(Mode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
using Mode = unsigned long;
constexpr Mode flush_bits = 1UL << 24;
inline Mode get_mode() {
  Mode mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_mode(Mode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
using Mode = int;
constexpr Mode flush_bits = 0;
inline Mode get_mode() { return 0; }
inline void set_mode(Mode) {}
#endif

// Calls f, which must not throw, with subnormal numbers counting as 0. The moments of a unit whose gradient has become 0
// would otherwise stay subnormal for good, and arithmetic on such numbers takes 50 times as long. (TensorFlow does the
// same in all of its kernels.) What was set before, flags included, comes back. f is a function that is not inlined: none
// of its arithmetic may move out of here.
template <class F>
inline void flushing_subnormals(const F& f) {
  const Mode before = get_mode();
  set_mode(before | flush_bits);
  f();
  set_mode(before);
}

template <class Entry, class T>
using StepOf = typename Entry::template Step<T>;

// Whether the formula takes registers of entries.
template <int slot_count, class T, class Entry>
constexpr bool takes_packs = [] {
  if constexpr (fused) {
    return requires(const StepOf<Entry, T>& step, Pack<T, Root::estimate> x) {
      Entry::template update<slot_count>(step, x, x, &x);
    };
  } else {
    return false;
  }
}();

template <int slot_count, class T, class Entry>
[[gnu::noinline]] void update_part(const StepOf<Entry, T>& common, const UpdatePart<T>& part) {
  const StepOf<Entry, T> step = common;  // a copy: nothing that is written can be part of it
  T* w = part.w;
  const T* grad = part.grad;
  T* slots[slot_count + 1];  // + 1: an array has at least one entry
  for (int k = 0; k < slot_count; ++k) slots[k] = part.slots[static_cast<std::size_t>(k)];
  if constexpr (takes_packs<slot_count, T, Entry>) {
    for_each_pack<T>(part.n, [&](auto pack, index_t i, auto... some) {
      using Pack = decltype(pack);
      Pack w_i = Pack::load(w + i, some...);
      Pack slots_i[slot_count + 1];
      for (int k = 0; k < slot_count; ++k) slots_i[k] = Pack::load(slots[k] + i, some...);
      Entry::template update<slot_count>(step, Pack::load(grad + i, some...), w_i, slots_i);
      for (int k = 0; k < slot_count; ++k) slots_i[k].store(slots[k] + i, some...);
      w_i.store(w + i, some...);
    });
  } else {
    DENSEGRAD_INDEPENDENT
    for (index_t i = 0; i < part.n; ++i) {
      T w_i = w[i];
      T slots_i[slot_count + 1];
      for (int k = 0; k < slot_count; ++k) slots_i[k] = slots[k][i];
      Entry::template update<slot_count>(step, grad[i], w_i, slots_i);
      for (int k = 0; k < slot_count; ++k) slots[k][i] = slots_i[k];
      w[i] = w_i;
    }
  }
}

template <class T, class Entry>
void prepare_update(const UpdateArgs<T>& args, PreparedUpdate<T>& prepared) {
  using Step = StepOf<Entry, T>;
  static_assert(sizeof(Step) <= sizeof prepared.numbers && std::is_trivially_copyable_v<Step>);
  const Step step(args.learning_rate, args.hyper, args.step, args.shared);
  __builtin_memcpy(prepared.numbers, &step, sizeof step);
}

// The variant for the number of slots given, which the caller has checked.
template <class T, class Entry, int variant = Entry::min_slots>
void update(const PreparedUpdate<T>& prepared, int slot_count, const UpdatePart<T>* parts, std::size_t part_count) {
  if constexpr (variant < formulas::max_slots<Entry>) {
    if (slot_count > variant) return update<T, Entry, variant + 1>(prepared, slot_count, parts, part_count);
  }
  const auto& step = *reinterpret_cast<const StepOf<Entry, T>*>(prepared.numbers);
  flushing_subnormals([&] {
    for (std::size_t k = 0; k < part_count; ++k) update_part<variant, T, Entry>(step, parts[k]);
  });
}

template <class T>
[[gnu::noinline]] void decay_all(index_t n, T weight_decay, T learning_rate, T* w) {
  DENSEGRAD_INDEPENDENT
  for (index_t i = 0; i < n; ++i) formulas::decay(weight_decay, learning_rate, w[i]);
}
template <class T>
void decay(index_t n, T weight_decay, T learning_rate, T* w) {
  flushing_subnormals([=] { decay_all(n, weight_decay, learning_rate, w); });
}

template <class T>
[[gnu::noinline]] void average_all(index_t n, T momentum, const T* w, T* average) {
  DENSEGRAD_INDEPENDENT
  for (index_t i = 0; i < n; ++i) formulas::move_average(momentum, w[i], average[i]);
}
template <class T>
void move_average(index_t n, T momentum, const T* w, T* average) {
  flushing_subnormals([=] { average_all(n, momentum, w, average); });
}

}  // namespace
}  // namespace densegrad
