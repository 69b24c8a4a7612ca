// What the driver's suites share: a seeded generator, tensors from it, and checks that throw a Failure.
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

#include "core/pool.h"
#include "ops/ops.h"
#include "tape/tape.h"

namespace densegrad::driver {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The number of checks that held, for the closing line.
inline long long checks = 0;

template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (condition) {
    ++checks;
    return;
  }
  std::ostringstream text;
  text.precision(17);
  (text << ... << parts);
  throw Failure(text.str());
}

// `action` throws exactly E, and its text contains `part`.
template <class E>
void require_throw(const char* what, const std::function<void()>& action, const std::string& part) {
  try {
    action();
  } catch (const std::exception& e) {
    require(typeid(e) == typeid(E), what, ": threw ", typeid(e).name(), " (", e.what(), "), not ", typeid(E).name());
    require(std::string(e.what()).find(part) != std::string::npos, what, ": the text '", e.what(), "' lacks '", part,
            "'");
    return;
  }
  require(false, what, ": nothing was thrown");
}

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}
  double uniform(double lo, double hi) {  // the standard's own distributions differ between libraries
    return lo + (hi - lo) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }
  index_t below(index_t n) { return static_cast<index_t>(engine_() % static_cast<std::uint64_t>(n)); }
  template <class T>
  T pick(std::initializer_list<T> items) {
    return items.begin()[below(static_cast<index_t>(items.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

template <class F>
Tensor tensor_of(DType dtype, const Shape& shape, F&& entry) {
  Tensor t(dtype, shape);
  visit_any(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < t.size(); ++i) t.mutable_data<T>()[i] = static_cast<T>(entry(i));
  });
  return t;
}

inline Tensor uniform(Rng& rng, const Shape& shape, double lo = -1, double hi = 1, DType dtype = DType::float64) {
  return tensor_of(dtype, shape, [&](index_t) { return rng.uniform(lo, hi); });
}
// Away from 0, where abs, relu and max with 0 have kinks.
inline Tensor nonzero(Rng& rng, const Shape& shape) {
  return tensor_of(DType::float64, shape, [&](index_t) { return rng.uniform(0.2, 1.2) * (rng.below(2) ? 1 : -1); });
}
inline Tensor integers(Rng& rng, const Shape& shape, index_t below, DType dtype = DType::int64) {
  return tensor_of(dtype, shape, [&](index_t) { return rng.below(below); });
}

inline std::vector<double> values_of(const Tensor& t) {
  std::vector<double> out;
  visit_any(t.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < t.size(); ++i) out.push_back(static_cast<double>(t.data<T>()[i]));
  });
  return out;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.size() * item_size(a.dtype()))) == 0;
}

inline double largest(const Tensor& t) {
  double m = 0;
  for (double v : values_of(t)) m = std::fmax(m, std::fabs(v));
  return m;
}

// |a - b| <= tolerance · (1 + the largest entry of b), entry by entry; equal shapes; NaN only where the other is.
inline void require_close(const std::string& what, const Tensor& a, const Tensor& b, double tolerance) {
  require(a.defined() == b.defined(), what, ": only one of the two is defined");
  if (!a.defined()) return;
  require(a.shape() == b.shape(), what, ": shape ", a.shape(), " is not ", b.shape());
  const std::vector<double> x = values_of(a), y = values_of(b);
  const double bound = tolerance * (1 + largest(b));
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) && std::isnan(y[i])) continue;
    require(std::fabs(x[i] - y[i]) <= bound, what, ": entry ", i, " is ", x[i], ", expected ", y[i], " within ", bound);
  }
}

// A primitive of the registry.
inline const Primitive& primitive(const std::string& name) {
  for (const Primitive* p : all_primitives())
    if (name == p->name) return *p;
  throw Failure("there is no primitive '" + name + "'");
}

// A primitive on some inputs.
struct PrimitiveCase {
  std::string name;
  Tensors inputs;
  Params params = {};
  std::vector<std::size_t> wanted = {};  // the inputs to differentiate by
  // For the fused losses: the prediction at `inputs[1]` is this activation of the input at `z`.
  int fused = -1;
  std::size_t z = 0;
};
std::vector<PrimitiveCase> primitive_cases(Rng& rng);
std::string describe(const PrimitiveCase& c);
Tensors evaluate(const PrimitiveCase& c, Tensors inputs, bool fine);  // or its decomposition

// An activation with its defaults, and a half where there is none.
inline ActivationParams params_of(Activation activation) {
  ActivationParams params = with_defaults(activation);
  for (double& value : params.values)
    if (std::isnan(value)) value = 0.5;
  return params;
}

// ---- Gradients against central differences ------------------------------------------------------------------------------

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

// Sum of the entries of f(x) with fixed weights: a scalar that sees every entry.
Function weighted_sum(Rng& rng, const Function& f, const std::vector<Tensor>& x);

// Compares the k-th derivative of the scalar function f along random directions with the central difference of the
// (k-1)-th, k = 1..orders, by nested tapes in float64. Returns false if the differences are inconclusive (a kink nearby).
bool check_derivatives(Rng& rng, const std::string& what, const Function& f, const std::vector<Tensor>& x, int orders);

// Gradients of the sum of f(x) with respect to all x.
std::vector<Tensor> gradients(const Function& f, const std::vector<Tensor>& x);

// ---- Suites -------------------------------------------------------------------------------------------------------------

void test_primitives(Rng& rng);
void test_networks(Rng& rng);
void test_state(Rng& rng);
void test_errors(Rng& rng);
void test_memory_and_threads(Rng& rng);
void test_pool(Rng& rng);
void test_products(Rng& rng);
void test_registers(Rng& rng);
void test_programs(Rng& rng);

// Calls of malloc so far, but those by the BLAS; always 0 where they are not counted.
long long allocations();
bool counts_allocations();

// Puts back the number of threads.
class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

// A step of a random network: loss and all gradients. `fine`: dense and loss replaced by their decompositions.
struct Network {
  std::vector<Activation> activations;
  std::vector<Tensor> tensors;  // x, then kernel and (unless undefined) bias per layer
  Tensor y_true;
  LossOptions options{Loss::mean_squared_error};
  bool positive = false;  // the loss wants probabilities that the last activation does not give

  Tensor forward(const std::vector<Tensor>& t, bool fine) const;
  std::vector<Tensor> step(bool fine) const;
  Network as(DType dtype) const;
  std::string describe() const;
};
Network random_network(Rng& rng, index_t max_rows, index_t max_width);

}  // namespace densegrad::driver
