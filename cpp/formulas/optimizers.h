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
//   Step<T>(learning_rate, hyper, step, shared)   what is the same for every entry of w; step is iterations + 1
//   update<slot_count>(step, g, w, slots)   w and the slots of one entry, in place; where they are of another type than
//                            the step (V), they may be a register of entries, Pack<T>
//   advance(shared, hyper, step)   only where the variables share a number (Nadam): its value in this step
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

    Step(T lr, const double* hyper, index_t, T)
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

    Step(T lr, const double* hyper, index_t step, T)
        : one_minus_beta_1(static_cast<T>(1 - hyper[0])),
          one_minus_beta_2(static_cast<T>(1 - hyper[1])),
          epsilon(static_cast<T>(hyper[2])) {
      const T beta_1_power = pow(cast_factor<T>(hyper[0]), static_cast<T>(step));
      const T beta_2_power = pow(cast_factor<T>(hyper[1]), static_cast<T>(step));
      alpha = lr * sqrt(T(1) - beta_2_power) / (T(1) - beta_1_power);
    }
  };

  template <int slot_count, class T, class V>
  static void update(const Step<T>& step, V g, V& w, V* slots) {
    const V m = slots[0] + (g - slots[0]) * step.one_minus_beta_1;
    V v = slots[1] + (square(g) - slots[1]) * step.one_minus_beta_2;
    slots[0] = m;
    slots[1] = v;
    if constexpr (slot_count == 3) {
      v = maximum(slots[2], v);
      slots[2] = v;
    }
    w -= m * step.alpha / (sqrt(v) + step.epsilon);
  }
};

// v = rho v + (1 - rho) g^2; d = v + epsilon, or v - a^2 + epsilon with a = rho a + (1 - rho) g if centered (0 or 1);
// u = lr g / sqrt(d): epsilon is inside the root. w -= u, or b = momentum b + u, w -= b.
// Slots: v; then b if there is momentum; then a if centered. Source: Keras `RMSprop`.
struct RmsProp {
  static constexpr const char* name = "rmsprop";
  static constexpr const char* hyper_names[] = {"rho", "momentum", "epsilon", "centered"};
  static constexpr const char* slot_names[] = {"velocity", "momentum", "average_gradient"};
  static constexpr int min_slots = 1;

  template <class T>
  struct Step {
    T learning_rate, rho, one_minus_rho, momentum, epsilon;
    bool centered;

    Step(T lr, const double* hyper, index_t, T)
        : learning_rate(lr),
          rho(static_cast<T>(hyper[0])),
          one_minus_rho(static_cast<T>(1 - hyper[0])),
          momentum(static_cast<T>(hyper[1])),
          epsilon(static_cast<T>(hyper[2])),
          centered(hyper[3] != 0) {}
  };

  template <int slot_count, class T, class V>
  static void update(const Step<T>& step, V g, V& w, V* slots) {
    const V v = step.rho * slots[0] + step.one_minus_rho * square(g);
    slots[0] = v;
    V d = v;
    if (slot_count == 3 || (slot_count == 2 && step.centered)) {
      V& average = slots[slot_count - 1];
      average = step.rho * average + step.one_minus_rho * g;
      d = v - square(average);
    }
    V move = step.learning_rate * g / sqrt(d + step.epsilon);
    if (slot_count == 3 || (slot_count == 2 && !step.centered)) {
      move = step.momentum * slots[1] + move;
      slots[1] = move;
    }
    w -= move;
  }
};

// a += g^2; w -= lr g / sqrt(a + epsilon). Source: Duchi et al. (2011), Keras `Adagrad`.
struct Adagrad {
  static constexpr const char* name = "adagrad";
  static constexpr const char* hyper_names[] = {"epsilon"};
  static constexpr const char* slot_names[] = {"accumulator"};
  static constexpr int min_slots = 1;

  template <class T>
  struct Step {
    T learning_rate, epsilon;

    Step(T lr, const double* hyper, index_t, T) : learning_rate(lr), epsilon(static_cast<T>(hyper[0])) {}
  };

  template <int slot_count, class T, class V>
  static void update(const Step<T>& step, V g, V& w, V* slots) {
    const V a = slots[0] + square(g);
    slots[0] = a;
    w -= step.learning_rate * g / sqrt(a + step.epsilon);
  }
};

// a = rho a + (1 - rho) g^2; u = -g sqrt(d + epsilon) / sqrt(a + epsilon); d = rho d + (1 - rho) u^2; w += lr u.
// Source: Zeiler (2012), Keras `Adadelta`.
struct Adadelta {
  static constexpr const char* name = "adadelta";
  static constexpr const char* hyper_names[] = {"rho", "epsilon"};
  static constexpr const char* slot_names[] = {"accumulated_grad", "accumulated_delta_var"};
  static constexpr int min_slots = 2;

  template <class T>
  struct Step {
    T learning_rate, rho, one_minus_rho, epsilon;

    Step(T lr, const double* hyper, index_t, T)
        : learning_rate(lr),
          rho(static_cast<T>(hyper[0])),
          one_minus_rho(static_cast<T>(1 - hyper[0])),
          epsilon(static_cast<T>(hyper[1])) {}
  };

  template <int slot_count, class T, class V>
  static void update(const Step<T>& step, V g, V& w, V* slots) {
    const V a = step.rho * slots[0] + step.one_minus_rho * square(g);
    const V u = -(sqrt(slots[1] + step.epsilon) * g / sqrt(a + step.epsilon));
    slots[0] = a;
    slots[1] = step.rho * slots[1] + step.one_minus_rho * square(u);
    w += step.learning_rate * u;
  }
};

// m as Adam; u = max(beta_2 u, |g|); w -= lr m / ((1 - beta_1^t)(u + epsilon)). Source: Keras `Adamax`.
struct Adamax {
  static constexpr const char* name = "adamax";
  static constexpr const char* hyper_names[] = {"beta_1", "beta_2", "epsilon"};
  static constexpr const char* slot_names[] = {"momentum", "norm"};
  static constexpr int min_slots = 2;

  template <class T>
  struct Step {
    T learning_rate, one_minus_beta_1, beta_2, epsilon, correction;

    Step(T lr, const double* hyper, index_t step, T)
        : learning_rate(lr),
          one_minus_beta_1(static_cast<T>(1 - hyper[0])),
          beta_2(static_cast<T>(hyper[1])),
          epsilon(static_cast<T>(hyper[2])),
          correction(T(1) - pow(cast_factor<T>(hyper[0]), static_cast<T>(step))) {}
  };

  template <int slot_count, class T>
  static void update(const Step<T>& step, T g, T& w, T* slots) {
    const T m = slots[0] + (g - slots[0]) * step.one_minus_beta_1;
    const T u = maximum(step.beta_2 * slots[1], abs(g));
    slots[0] = m;
    slots[1] = u;
    w -= step.learning_rate * m / (step.correction * (u + step.epsilon));
  }
};

// mu_t = beta_1 (1 - 0.96^t / 2); p = the product of mu_1 ... mu_t, shared by all variables; m and v as Adam;
// w -= lr (mu_(t+1) m / (1 - p mu_(t+1)) + (1 - mu_t) g / (1 - p)) / (sqrt(v / (1 - beta_2^t)) + epsilon).
// Source: Dozat (2016), Keras `Nadam`.
struct Nadam {
  static constexpr const char* name = "nadam";
  static constexpr const char* hyper_names[] = {"beta_1", "beta_2", "epsilon"};
  static constexpr const char* slot_names[] = {"momentum", "velocity"};
  static constexpr int min_slots = 2;

  template <class T>
  static T advance(T product, const double* hyper, index_t step) {
    return product * static_cast<T>(hyper[0]) * (T(1) - T(0.5) * pow(T(0.96), static_cast<T>(step)));
  }

  template <class T>
  struct Step {
    T learning_rate, one_minus_beta_1, one_minus_beta_2, epsilon, mu, next_mu, product, next_product, correction;

    Step(T lr, const double* hyper, index_t step, T shared)
        : learning_rate(lr), epsilon(static_cast<T>(hyper[2])), product(shared) {
      const T beta_1 = cast_factor<T>(hyper[0]), beta_2 = cast_factor<T>(hyper[1]), decay = cast_factor<T>(0.96);
      one_minus_beta_1 = T(1) - beta_1;
      one_minus_beta_2 = T(1) - beta_2;
      mu = beta_1 * (T(1) - T(0.5) * pow(decay, static_cast<T>(step)));
      next_mu = beta_1 * (T(1) - T(0.5) * pow(decay, static_cast<T>(step + 1)));
      next_product = product * next_mu;
      correction = T(1) - pow(beta_2, static_cast<T>(step));
    }
  };

  template <int slot_count, class T, class V>
  static void update(const Step<T>& step, V g, V& w, V* slots) {
    const V m = slots[0] + (g - slots[0]) * step.one_minus_beta_1;
    const V v = slots[1] + (square(g) - slots[1]) * step.one_minus_beta_2;
    slots[0] = m;
    slots[1] = v;
    const V m_hat = step.next_mu * m / (T(1) - step.next_product) + (T(1) - step.mu) * g / (T(1) - step.product);
    w -= m_hat * step.learning_rate / (sqrt(v / step.correction) + step.epsilon);
  }
};

// w -= lr sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g. Source: Chen et al. (2023), Keras `Lion`.
struct Lion {
  static constexpr const char* name = "lion";
  static constexpr const char* hyper_names[] = {"beta_1", "beta_2"};
  static constexpr const char* slot_names[] = {"momentum"};
  static constexpr int min_slots = 1;

  template <class T>
  struct Step {
    T learning_rate, beta_1, beta_2;

    Step(T lr, const double* hyper, index_t, T)
        : learning_rate(lr), beta_1(cast_factor<T>(hyper[0])), beta_2(cast_factor<T>(hyper[1])) {}
  };

  template <int slot_count, class T>
  static void update(const Step<T>& step, T g, T& w, T* slots) {
    w -= step.learning_rate * sign(slots[0] * step.beta_1 + g * (T(1) - step.beta_1));
    slots[0] = slots[0] * step.beta_2 + g * (T(1) - step.beta_2);
  }
};

// b = a + g^2; l += g + 2 shrinkage w - (b^p - a^p) w / lr; w = (clip(l, -l1, l1) - l) / (b^p / lr + 2 l2 + beta / lr);
// a = b. p is minus the power of the learning rate. Source: McMahan et al. (2013), Keras `Ftrl`.
struct Ftrl {
  static constexpr const char* name = "ftrl";
  static constexpr const char* hyper_names[] = {"learning_rate_power", "l1_regularization_strength",
                                                "l2_regularization_strength", "l2_shrinkage_regularization_strength",
                                                "beta"};
  static constexpr const char* slot_names[] = {"accumulator", "linear"};
  static constexpr int min_slots = 2;

  template <class T>
  struct Step {
    T learning_rate, exponent, l1, l2_twice, shrinkage_twice;

    Step(T lr, const double* hyper, index_t, T)
        : learning_rate(lr),
          exponent(static_cast<T>(-hyper[0])),
          l1(static_cast<T>(hyper[1])),
          l2_twice(T(2) * (static_cast<T>(hyper[2]) + static_cast<T>(hyper[4]) / (T(2) * lr))),
          shrinkage_twice(static_cast<T>(2 * hyper[3])) {}
  };

  template <int slot_count, class T>
  static void update(const Step<T>& step, T g, T& w, T* slots) {
    const T before = pow(slots[0], step.exponent);
    slots[0] += square(g);
    const T now = pow(slots[0], step.exponent);
    const T l = slots[1] + ((g + step.shrinkage_twice * w) - (now - before) / step.learning_rate * w);
    slots[1] = l;
    w = (clip(l, -step.l1, step.l1) - l) / (now / step.learning_rate + step.l2_twice);
  }
};

// Decoupled weight decay, before the update: w -= w wd lr. Source: Keras `Optimizer`, option `weight_decay`.
template <class T>
void decay(T weight_decay, T learning_rate, T& w) {
  w -= w * weight_decay * learning_rate;
}

// The moving average of w, after the update. Source: Keras `Optimizer`, option `use_ema`.
template <class T>
void move_average(T momentum, T w, T& average) {
  average = momentum * average + (T(1) - momentum) * w;
}

using Optimizers = List<Sgd, Adam, RmsProp, Adagrad, Adadelta, Adamax, Nadam, Lion, Ftrl>;
static_assert(Optimizers::size == size_of<Optimizer>(), "one entry per enum value, in its order");

template <class Entry>
constexpr int max_slots = static_cast<int>(sizeof(Entry::slot_names) / sizeof(Entry::slot_names[0]));
template <class Entry>
constexpr bool shares = requires(const double* hyper) {
  Entry::advance(0.0, hyper, index_t(1));
};
template <class Entry>
constexpr int hyper_count = static_cast<int>(sizeof(Entry::hyper_names) / sizeof(Entry::hyper_names[0]));

// f(Entry{}) for an optimizer known at run time.
template <class F>
constexpr auto visit(Optimizer optimizer, F&& f) {
  return visit_entry(Optimizers{}, static_cast<int>(optimizer), f);
}

}  // namespace
}  // namespace densegrad::formulas
