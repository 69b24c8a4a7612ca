// Smooth activations. See activations.h for what an entry is.
#pragma once

#include "formulas/parameters.h"
#include "formulas/scalar.h"
#include "formulas/special.h"

namespace densegrad::formulas {
namespace {

// y = z; dz = dy. Source: Keras `linear`.
struct Linear {
  static constexpr const char* name = "linear";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return z;
  }
  template <class V>
  static V grad(V, V, V dy) {
    return dy;
  }
};

// y = 1 / (1 + exp(-z)); dz = dy y (1 - y). For every real z, without overflow: exp only sees -|z|.
// y(-inf) = 0, y(inf) = 1, NaN stays NaN. Error below 2 ULP, if that of exp is at most 0.52. Where y rounds to 1 (from
// z = 17 in float32, 37 in float64) dz is 0, as in Keras. Source: Keras `sigmoid`.
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    const auto positive = z >= V(0);
    const V e = exp(where(positive, -z, z));  // not -abs(z), whose derivative at 0 is 0
    const V y = where(positive, V(1), e) / (V(1) + e);
    return where(z < V(-1.9), e - e * y, y);  // the same number; for a small e its rounding errors are e times smaller
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy * y * (V(1) - y);
  }
};

// y = tanh z; dz = dy (1 - y) (1 + y). Where y rounds to 1 (from z = 9.02 in float32, 19.1 in float64) dz is 0.
// Source: Keras `tanh`.
struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return tanh(z);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy * ((V(1) - y) * (V(1) + y));
  }
};

// y = exp z; dz = dy y. Source: Keras `exponential`.
struct Exponential {
  static constexpr const char* name = "exponential";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return exp(z);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy * y;
  }
};

// y = log(1 + exp z) = max(z, 0) + log1p(exp(-|z|)); dz = dy sigmoid(z), which is 1 - exp(-y), from y as exact as from z.
// Source: Keras `softplus`.
struct Softplus {
  static constexpr const char* name = "softplus";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    const auto positive = z >= V(0);
    return where(positive, z, V(0)) + log1p(exp(where(positive, -z, z)));  // not -abs(z), whose derivative at 0 is 0
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy * -expm1(-y);
  }
};

// y = log sigmoid(z) = -softplus(-z); dz = dy sigmoid(-z) = dy (1 - exp y). Source: Keras `log_sigmoid`.
struct LogSigmoid {
  static constexpr const char* name = "log_sigmoid";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return -Softplus::forward(-z);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return dy * -expm1(y);
  }
};

// y = z / (1 + |z|); dz = dy / (1 + |z|)^2, from z, since 1 - |y| has no correct digits for a large |z|.
// y(+-inf) = +-1 (Keras: NaN). Source: Keras `softsign`.
struct Softsign {
  static constexpr const char* name = "softsign";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    const V finite = clip(z, V(-largest), V(largest));
    return finite / (V(1) + abs(finite));
  }
  template <class V>
  static V grad(V, V z, V dy) {
    const V d = V(1) + abs(z);
    return dy / d / d;  // d d would overflow first
  }
};

// sigmoid(z) and sigmoid(-z), neither as a difference from 1.
template <class V>
struct Logistic {
  V up, down;
};
template <class V>
inline Logistic<V> logistic(V z) {
  const auto positive = z >= V(0);
  const V e = exp(where(positive, -z, z));
  const V large = V(1) / (V(1) + e), small = e * large;
  return {where(positive, large, small), where(positive, small, large)};
}

// y = z sigmoid(z); dz = dy s (1 + z (1 - s)), s = sigmoid(z). y(-inf) = 0, and the derivative is 0 and 1 at -inf and inf
// (Keras: NaN). Source: Keras `silu`.
struct Silu {
  static constexpr const char* name = "silu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    return weighted(Sigmoid::forward(z), z);
  }
  template <class V>
  static V grad(V, V z, V dy) {
    const Logistic<V> s = logistic(z);
    return dy * weighted(s.up, V(1) + weighted(s.down, z));
  }
};

// y = z P(z), P(z) = erfc(-z / sqrt 2) / 2 the normal distribution; dz = dy (P(z) + z p(z)), p its density.
// With `approximate`: y = z sigmoid(2 u), u = sqrt(2 / pi) (z + 0.044715 z^3), which is z (1 + tanh u) / 2.
// The limits at +-inf, as for silu. Source: Keras `gelu`; Hendrycks and Gimpel 2016.
struct GeluByTanh {
  static constexpr bool needs_z = true;
  static constexpr double slope = 1.5957691216057308, cubic = 0.044715;  // 2 sqrt(2 / pi)

  template <class V>
  static V argument(V z) {
    return z * (V(slope) + V(slope * cubic) * square(z));
  }
  template <class V>
  static V forward(V z) {
    return weighted(Sigmoid::forward(argument(z)), z);
  }
  template <class V>
  static V grad(V, V z, V dy) {
    const V bounded = clip(z, V(-100), V(100));  // the derivative is 0 or 1 from there on
    const Logistic<V> s = logistic(argument(bounded));
    const V rise = bounded * (V(slope) + V(3 * slope * cubic) * square(bounded));  // z d argument / dz
    return dy * (s.up * (V(1) + s.down * rise));
  }
};
struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;
  static constexpr Parameter parameters[] = {{"approximate", 0, Domain::flag}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return values[0] != 0 ? f(GeluByTanh{}) : f(Gelu{});
  }

  template <class V>
  static V forward(V z) {
    return weighted(normal_cdf(z), z);
  }
  template <class V>
  static V grad(V, V z, V dy) {
    return dy * (normal_cdf(z) + weighted(normal_density(z), z));
  }
};

// y = z t, t = tanh softplus(z); dz = dy (t + z t'). With e = exp(-|z|):
//   z >= 0:  t = (1 + 2e) / d,    t' = 4 e^2 (1 + e) / d^2,  d = 1 + 2e + 2e^2
//   z < 0:   t = (2e + e^2) / d,  t' = 4 e (1 + e) / d^2,    d = 2 + 2e + e^2
// where nothing cancels or overflows. The limits at +-inf, as for silu. Source: Keras `mish`; Misra 2019.
struct Mish {
  static constexpr const char* name = "mish";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  struct Gate {
    V t, slope;
  };
  template <class V>
  static Gate<V> gate(V z) {
    const auto positive = z >= V(0);
    const V e = exp(where(positive, -z, z));
    const V top = where(positive, V(1) + V(2) * e, e * (V(2) + e));
    const V d = top + where(positive, V(2) * e * e, V(2));
    return {top / d, V(4) * e * (V(1) + e) / d / d * where(positive, e, V(1))};
  }
  template <class V>
  static V forward(V z) {
    return weighted(gate(z).t, z);
  }
  template <class V>
  static V grad(V, V z, V dy) {
    const Gate<V> g = gate(z);
    return dy * (g.t + weighted(g.slope, z));
  }
};

// y = (z + r) / 2, r = sqrt(z^2 + b), for z < 0 as b / 2 / (r - z); dz = dy y / r, from y alone: dy / (1 + b / (4 y^2)).
// b = 0 is relu. Source: Keras `squareplus`; Barron 2021.
struct Squareplus {
  static constexpr const char* name = "squareplus";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;
  static constexpr Parameter parameters[] = {{"b", 4, Domain::nonnegative}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return f(Squareplus{values[0]});
  }

  double b = 4;

  template <class V>
  V forward(V z) const {
    const V a = where(z >= V(0), z, -z);
    const V bounded = clip(a, V(0), V(1e18));  // its square is finite in float32, and b no longer counts beside it
    const V r = where(a > V(1e18), a, sqrt(square(bounded) + V(b)));
    const V sum = V(0.5) * r + V(0.5) * a;
    return where(z >= V(0), sum, V(b / 4) / where(sum == V(0), V(1), sum));
  }
  template <class V>
  V grad(V y, V, V dy) const {
    const auto flat = y == V(0);
    return where(flat, V(0), dy / (V(1) + V(b / 4) / square(where(flat, V(1), y))));
  }
};

// y = z - tanh z; dz = dy tanh(z)^2. Source: Keras `tanh_shrink`.
struct TanhShrink {
  static constexpr const char* name = "tanh_shrink";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    return minus_tanh(z);
  }
  template <class V>
  static V grad(V, V z, V dy) {
    return dy * square(tanh(z));
  }
};

}  // namespace
}  // namespace densegrad::formulas
