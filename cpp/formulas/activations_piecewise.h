// Activations that are put together from pieces. At a kink the derivative is Keras'. See activations.h for what an entry is.
#pragma once

#include "formulas/parameters.h"
#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

// 0 for a finite y, NaN for NaN: what a flat piece sends back.
template <class V>
inline V flat(V y) {
  return where(y == y, V(0), y);
}

// y = z for z > 0, alpha (exp z - 1) for z <= 0; dz = dy for y > 0, else dy (y + alpha). At 0 it is alpha.
// A negative alpha makes y > 0 on both sides, so that z must tell. Source: Keras `elu`; Clevert et al. 2016.
template <bool from_z>
struct EluOf {
  static constexpr bool needs_z = from_z;
  double alpha;

  template <class V>
  V forward(V z) const {
    const auto positive = z > V(0);
    return where(positive, z, V(alpha) * expm1(where(positive, V(0), z)));
  }
  template <class V>
  V grad(V y, V z, V dy) const {
    const V side = from_z ? z : y;
    return where(side > V(0), dy, dy * (y + V(alpha)));
  }
};
struct Elu {
  static constexpr const char* name = "elu";
  static constexpr bool rowwise = false;
  static constexpr Parameter parameters[] = {{"alpha", 1}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return values[0] >= 0 ? f(EluOf<false>{values[0]}) : f(EluOf<true>{values[0]});
  }
};

// y = scale z for z > 0, scale alpha (exp z - 1) for z <= 0; at 0 the derivative is scale. Source: Keras `selu`; Klambauer
// et al. 2017.
struct Selu {
  static constexpr const char* name = "selu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;
  static constexpr double scale = 1.0507009873554805, scale_alpha = 1.7580993408473769;

  template <class V>
  static V forward(V z) {
    const auto positive = z > V(0);
    return where(positive, V(scale) * z, V(scale_alpha) * expm1(where(positive, V(0), z)));
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return where(y >= V(0), V(scale) * dy, dy * (y + V(scale_alpha)));
  }
};

// y = z for z > 0, alpha (exp(z / alpha) - 1) for z <= 0; dz = dy for y > 0, else dy (1 + y / alpha). At 0 it is 1
// (Keras: 2, the sum of both pieces). Source: Keras `celu`; Barron 2017.
struct Celu {
  static constexpr const char* name = "celu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;
  static constexpr Parameter parameters[] = {{"alpha", 1, Domain::nonzero}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return f(Celu{values[0]});
  }

  double alpha = 1;

  template <class V>
  V forward(V z) const {
    const auto positive = z > V(0);
    return where(positive, z, V(alpha) * expm1(where(positive, V(0), z) / V(alpha)));
  }
  template <class V>
  V grad(V y, V, V dy) const {
    return where(y > V(0), dy, dy * (V(1) + y / V(alpha)));
  }
};

// y = min(max(z, 0), 6); dz = dy for 0 < y < 6. Source: Keras `relu6`.
struct Relu6 {
  static constexpr const char* name = "relu6";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return where(z <= V(0), V(0), where(z >= V(6), V(6), z));
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return where(both(y > V(0), y < V(6)), dy, flat(y));
  }
};

// y = z for z > 0, slope z for z <= 0; dz = dy or slope dy. Source: Keras `leaky_relu`.
template <bool from_z>
struct LeakyReluOf {
  static constexpr bool needs_z = from_z;
  double slope;

  template <class V>
  V forward(V z) const {
    return where(z > V(0), z, V(slope) * z);
  }
  template <class V>
  V grad(V y, V z, V dy) const {
    const V side = from_z ? z : y;
    return where(side > V(0), dy, where(side <= V(0), V(slope) * dy, y));
  }
};
struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr bool rowwise = false;
  static constexpr Parameter parameters[] = {{"negative_slope", 0.2}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return values[0] > 0 ? f(LeakyReluOf<false>{values[0]}) : f(LeakyReluOf<true>{values[0]});
  }
};

// y = min(z, most) for z > threshold, slope (z - threshold) below. With a limit, also what is above the threshold is at
// least 0. dz = dy above the threshold inside the limits, ends included, unless they are relu6's; slope dy below; 0 at the
// threshold.
struct BoundedRelu {
  static constexpr bool needs_z = true;
  double slope, most, threshold;

  template <class V>
  V forward(V z) const {
    const V below = slope == 0 ? V(0) : V(slope) * (z - V(threshold));
    return where(z > V(threshold), clip(z, V(least()), V(most)), where(z <= V(threshold), below, z));
  }
  template <class V>
  V grad(V, V z, V dy) const {
    const auto under = most == 6 && threshold == 0 ? z < V(most) : z <= V(most);
    const auto passes = both(z > V(threshold), both(z >= V(least()), under));
    const V below = slope == 0 ? V(0) : V(slope) * dy;
    return where(passes, dy, where(z < V(threshold), below, flat(z)));
  }

 private:
  double least() const { return most == unlimited ? -unlimited : 0; }
};

// y = max(z, 0); dz = dy where y > 0, else 0: relu'(0) = 0, and exactly 0 for an infinite dy too.
// NaN stays NaN both ways (Keras: gradient 0). Parameters make it one of the above. Source: Keras `relu`.
struct Relu {
  static constexpr const char* name = "relu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;
  static constexpr Parameter parameters[] = {
      {"negative_slope", 0}, {"max_value", unlimited, Domain::nonnegative}, {"threshold", 0}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    const auto [slope, most, threshold] = values;
    if (threshold == 0 && most == unlimited) return slope == 0 ? f(Relu{}) : LeakyRelu::with({slope}, f);
    if (threshold == 0 && most == 6 && slope == 0) return f(Relu6{});
    return f(BoundedRelu{slope, most, threshold});
  }

  template <class V>
  static V forward(V z) {
    return where(z <= V(0), V(0), z);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return where(y > V(0), dy, flat(y));
  }
};

// y = min(max(z + 3, 0), 6) / 6; dz = dy / 6 for 0 < y < 1. Source: Keras `hard_sigmoid`.
struct HardSigmoid {
  static constexpr const char* name = "hard_sigmoid";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;

  template <class V>
  static V forward(V z) {
    return Relu6::forward(z + V(3)) / V(6);
  }
  template <class V>
  static V grad(V y, V, V dy) {
    return where(both(y > V(0), y < V(1)), dy / V(6), flat(y));
  }
};

// y = z h, h = hard_sigmoid(z); dz = dy (h + z h'). y(-inf) = 0 (Keras: NaN). Source: Keras `hard_silu`.
struct HardSilu {
  static constexpr const char* name = "hard_silu";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    return weighted(HardSigmoid::forward(z), z);
  }
  template <class V>
  static V grad(V, V z, V dy) {
    const V h = HardSigmoid::forward(z);
    return where(both(h > V(0), h < V(1)), dy * (h + z / V(6)), where(h >= V(1), dy, flat(h)));
  }
};

// y = min(max(z, -1), 1); dz = dy for -1 <= z <= 1. Source: Keras `hard_tanh`.
struct HardTanh {
  static constexpr const char* name = "hard_tanh";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    return clip(z, V(-1), V(1));
  }
  template <class V>
  static V grad(V y, V z, V dy) {
    return where(both(z >= V(-1), z <= V(1)), dy, flat(y));
  }
};

// y = z - t for z > t, z + t for z < -t, else 0; dz = dy where y is not 0. Source: Keras `soft_shrink`.
struct SoftShrink {
  static constexpr const char* name = "soft_shrink";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = false;
  static constexpr Parameter parameters[] = {{"threshold", 0.5}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return f(SoftShrink{values[0]});
  }

  double t = 0;

  template <class V>
  V forward(V z) const {
    return where(z > V(t), z - V(t), where(z < V(-t), z + V(t), flat(z)));
  }
  template <class V>
  V grad(V y, V, V dy) const {
    return where(y > V(0), dy, where(y < V(0), dy, flat(y)));
  }
};

// y = z for |z| > t, else 0; dz = dy or 0. Source: Keras `hard_shrink`.
struct HardShrink {
  static constexpr const char* name = "hard_shrink";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;
  static constexpr Parameter parameters[] = {{"threshold", 0.5}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return f(HardShrink{values[0]});
  }

  double t = 0;

  template <class V>
  V forward(V z) const {
    return where(abs(z) > V(t), z, flat(z));
  }
  template <class V>
  V grad(V, V z, V dy) const {
    return where(abs(z) > V(t), dy, flat(z));
  }
};

// y = z for z > t, else a value; dz = dy or 0. Source: Keras `threshold`.
struct Threshold {
  static constexpr const char* name = "threshold";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;
  static constexpr Parameter parameters[] = {{"threshold", required}, {"default_value", required}};

  template <class F>
  static constexpr auto with(const ActivationValues& values, const F& f) {
    return f(Threshold{values[0], values[1]});
  }

  double t = 0, value = 0;

  template <class V>
  V forward(V z) const {
    return where(z > V(t), z, where(z <= V(t), V(value), z));
  }
  template <class V>
  V grad(V, V z, V dy) const {
    return where(z > V(t), dy, where(z <= V(t), V(0), z));
  }
};

// y = 0 for z <= -1, (z + 1)^2 / 4 for -1 < z < 1, z for z >= 1; at 1 the derivative is 1. Source: Keras `sparse_plus`.
struct SparsePlus {
  static constexpr const char* name = "sparse_plus";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    const V inner = clip(z, V(-1), V(1));
    return where(z <= V(-1), V(0), where(z < V(1), V(0.25) * square(inner + V(1)), z));
  }
  template <class V>
  static V grad(V, V z, V dy) {
    return where(z <= V(-1), V(0), where(z < V(1), dy * (V(0.5) * (z + V(1))), where(z >= V(1), dy, z)));
  }
};

// y = min(max((z + 1) / 2, 0), 1); dz = dy / 2 for -1 < z < 1. Source: Keras `sparse_sigmoid`.
struct SparseSigmoid {
  static constexpr const char* name = "sparse_sigmoid";
  static constexpr bool rowwise = false;
  static constexpr bool needs_z = true;

  template <class V>
  static V forward(V z) {
    return where(z <= V(-1), V(0), where(z >= V(1), V(1), V(0.5) * (z + V(1))));
  }
  template <class V>
  static V grad(V y, V z, V dy) {
    return where(both(z > V(-1), z < V(1)), V(0.5) * dy, flat(y));
  }
};

}  // namespace
}  // namespace densegrad::formulas
