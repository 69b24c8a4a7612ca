// Optimizer steps, one entry of w at a time. To add one: a struct here, its place in `Optimizers`, and the enum value
// in formulas/enums.h.
//
// All arithmetic is in the type of w, in Keras' order of operations, so that results are Keras' bit for bit. That includes
// one quirk: a factor that Keras casts to the type of w has been a float32 tensor before (`cast_factor`).
//
// An entry says:
//   name, hyper_names        the Keras names; UpdateArgs::hyper has this order
//   slot_names               UpdateArgs::slots has this order
//   min_slots                fewer than slot_names where the last ones are optional; the count chooses the variant
//   Step<T>(learning_rate, hyper, step)   what is the same for every entry of w; step is iterations + 1
//   update<slot_count>(step, g, w, slots)   w and the slots of one entry, in place
#pragma once

#include "formulas/enums.h"
#include "formulas/list.h"
#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

template <class T>
T cast_factor(double x) {
  return static_cast<T>(static_cast<float>(x));
}

// No slot: w -= lr g. With m: m = mu m - lr g, then w += m, or w += mu m - lr g with nesterov (0 or 1).
// Source: Keras `SGD`.
struct Sgd {
  static constexpr const char* name = "sgd";
  static constexpr const char* hyper_names[] = {"momentum", "nesterov"};
  static constexpr const char* slot_names[] = {"momentum"};
  static constexpr int min_slots = 0;

  template <class T>
  struct Step {
    T learning_rate, momentum;
    bool nesterov;

    Step(T lr, const double* hyper, index_t)
        : learning_rate(lr), momentum(cast_factor<T>(hyper[0])), nesterov(hyper[1] != 0) {}
  };

  template <int slot_count, class T>
  static void update(const Step<T>& step, T g, T& w, T* slots) {
    const T descent = g * step.learning_rate;
    if constexpr (slot_count == 0) {
      w -= descent;
    } else {
      const T m = slots[0] * step.momentum - descent;
      slots[0] = m;
      w += step.nesterov ? m * step.momentum - descent : m;
    }
  }
};

// m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); w -= m alpha / (sqrt(v) + epsilon) with
// alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t). With a third slot (amsgrad), v_hat = max(v_hat, v) replaces v there.
// epsilon is outside the root and not bias-corrected. 1 - beta is computed in double and rounded once.
// Source: Keras `Adam`.
struct Adam {
  static constexpr const char* name = "adam";
  static constexpr const char* hyper_names[] = {"beta_1", "beta_2", "epsilon"};
  static constexpr const char* slot_names[] = {"momentum", "velocity", "velocity_hat"};
  static constexpr int min_slots = 2;

  template <class T>
  struct Step {
    T one_minus_beta_1, one_minus_beta_2, epsilon, alpha;

    Step(T lr, const double* hyper, index_t step)
        : one_minus_beta_1(static_cast<T>(1 - hyper[0])),
          one_minus_beta_2(static_cast<T>(1 - hyper[1])),
          epsilon(static_cast<T>(hyper[2])) {
      const T beta_1_power = pow(cast_factor<T>(hyper[0]), static_cast<T>(step));
      const T beta_2_power = pow(cast_factor<T>(hyper[1]), static_cast<T>(step));
      alpha = lr * sqrt(T(1) - beta_2_power) / (T(1) - beta_1_power);
    }
  };

  template <int slot_count, class T>
  static void update(const Step<T>& step, T g, T& w, T* slots) {
    const T m = slots[0] + (g - slots[0]) * step.one_minus_beta_1;
    T v = slots[1] + (square(g) - slots[1]) * step.one_minus_beta_2;
    slots[0] = m;
    slots[1] = v;
    if constexpr (slot_count == 3) {
      v = maximum(slots[2], v);
      slots[2] = v;
    }
    w -= m * step.alpha / (sqrt(v) + step.epsilon);
  }
};

using Optimizers = List<Sgd, Adam>;
static_assert(Optimizers::size == size_of<Optimizer>(), "one entry per enum value, in its order");

template <class Entry>
constexpr int max_slots = static_cast<int>(sizeof(Entry::slot_names) / sizeof(Entry::slot_names[0]));
template <class Entry>
constexpr int hyper_count = static_cast<int>(sizeof(Entry::hyper_names) / sizeof(Entry::hyper_names[0]));

// f(Entry{}) for an optimizer known at run time.
template <class F>
constexpr auto visit(Optimizer optimizer, F&& f) {
  return visit_entry(Optimizers{}, static_cast<int>(optimizer), f);
}

}  // namespace
}  // namespace densegrad::formulas
