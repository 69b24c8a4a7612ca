// Learning rates as functions of the number of steps before the update. To add one: a struct here, its place in
// `Schedules`, and the enum value in formulas/enums.h.
//
// The arithmetic is in T, in Keras' order of operations. A factor that Keras casts to the type of the rate has been a
// float32 tensor before (`cast_factor`).
//
// An entry says:
//   name, hyper_names        the Keras names; the numbers in `h` have this order
//   at<T>(step, h)           the rate; Piecewise also gets the count of numbers
#pragma once

#include "formulas/enums.h"
#include "formulas/list.h"
#include "formulas/optimizers.h"
#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

// lr rate^(step / decay_steps), the exponent rounded down if staircase. Source: Keras `ExponentialDecay`.
struct ExponentialDecay {
  static constexpr const char* name = "exponential_decay";
  static constexpr const char* hyper_names[] = {"initial_learning_rate", "decay_steps", "decay_rate", "staircase"};

  template <class T>
  static T at(T step, const double* h, int) {
    const T p = step / cast_factor<T>(h[1]);
    return static_cast<T>(h[0]) * pow(cast_factor<T>(h[2]), h[3] != 0 ? floor(p) : p);
  }
};

// lr / (1 + rate step / decay_steps), the quotient rounded down if staircase. Source: Keras `InverseTimeDecay`.
struct InverseTimeDecay {
  static constexpr const char* name = "inverse_time_decay";
  static constexpr const char* hyper_names[] = {"initial_learning_rate", "decay_steps", "decay_rate", "staircase"};

  template <class T>
  static T at(T step, const double* h, int) {
    const T p = step / cast_factor<T>(h[1]);
    return static_cast<T>(h[0]) / (T(1) + cast_factor<T>(h[2]) * (h[3] != 0 ? floor(p) : p));
  }
};

// (lr - end)(1 - min(step, n) / n)^power + end; with cycle, n grows to the next multiple of itself instead.
// Source: Keras `PolynomialDecay`.
struct PolynomialDecay {
  static constexpr const char* name = "polynomial_decay";
  static constexpr const char* hyper_names[] = {"initial_learning_rate", "decay_steps", "end_learning_rate", "power",
                                                "cycle"};

  template <class T>
  static T at(T step, const double* h, int) {
    const T end = cast_factor<T>(h[2]);
    T steps = cast_factor<T>(h[1]);
    if (h[4] != 0) {
      steps *= step == T(0) ? T(1) : ceil(step / steps);
    } else {
      step = minimum(step, steps);
    }
    return (static_cast<T>(h[0]) - end) * pow(T(1) - step / steps, cast_factor<T>(h[3])) + end;
  }
};

template <class T>
T half_cosine(T fraction) {
  return T(1) + cos(static_cast<T>(3.14159265358979323846) * fraction);
}

// Linear from lr to `warmup_target` over `warmup_steps`; then that (without warm-up: lr) times
// (1 - alpha)(1 + cos(pi min(step, n) / n)) / 2 + alpha. Source: Loshchilov and Hutter (2016), Keras `CosineDecay`.
struct CosineDecay {
  static constexpr const char* name = "cosine_decay";
  static constexpr const char* hyper_names[] = {"initial_learning_rate", "decay_steps", "alpha", "warms_up",
                                                "warmup_target",         "warmup_steps"};

  template <class T>
  static T at(T step, const double* h, int) {
    const T steps = cast_factor<T>(h[1]), warmup = h[3] != 0 ? cast_factor<T>(h[5]) : T(0);
    T rate = static_cast<T>(h[0]);
    step = minimum(step, steps + warmup);
    if (h[3] != 0) {
      const T target = cast_factor<T>(h[4]);
      if (step < warmup) return (target - rate) * (step / warmup) + rate;
      rate = target;
    }
    const T decayed = T(0.5) * half_cosine((step - warmup) / steps);
    return rate * (static_cast<T>(1 - h[2]) * decayed + static_cast<T>(h[2]));
  }
};

// The cosine starts again after n, n t_mul, n t_mul^2, ... steps, each time from m_mul times the height.
// Source: Loshchilov and Hutter (2016), Keras `CosineDecayRestarts`.
struct CosineDecayRestarts {
  static constexpr const char* name = "cosine_decay_restarts";
  static constexpr const char* hyper_names[] = {"initial_learning_rate", "first_decay_steps", "t_mul", "m_mul",
                                                "alpha"};

  template <class T>
  static T at(T step, const double* h, int) {
    const T t_mul = cast_factor<T>(h[2]), m_mul = cast_factor<T>(h[3]), alpha = cast_factor<T>(h[4]);
    T fraction = step / cast_factor<T>(h[1]), restarts;
    if (t_mul == T(1)) {
      restarts = floor(fraction);
      fraction -= restarts;
    } else {
      restarts = floor(log(T(1) - fraction * (T(1) - t_mul)) / log(t_mul));
      const T start = (T(1) - pow(t_mul, restarts)) / (T(1) - t_mul);
      fraction = (fraction - start) / pow(t_mul, restarts);
    }
    const T decayed = T(0.5) * pow(m_mul, restarts) * half_cosine(fraction);
    return static_cast<T>(h[0]) * ((T(1) - alpha) * decayed + alpha);
  }
};

// values[i] while step <= boundaries[i], then the last value. h: the boundaries, then one value more than those.
// Source: Keras `PiecewiseConstantDecay`.
struct PiecewiseConstantDecay {
  static constexpr const char* name = "piecewise_constant_decay";
  static constexpr const char* hyper_names[] = {"boundaries", "values"};

  template <class T>
  static T at(T step, const double* h, int count) {
    const int boundaries = count / 2;
    int i = 0;
    while (i < boundaries && !(step <= static_cast<T>(h[i]))) ++i;
    return static_cast<T>(h[boundaries + i]);
  }
};

using Schedules =
    List<ExponentialDecay, InverseTimeDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts, PiecewiseConstantDecay>;
static_assert(Schedules::size == size_of<Schedule>(), "one entry per enum value, in its order");

}  // namespace
}  // namespace densegrad::formulas
