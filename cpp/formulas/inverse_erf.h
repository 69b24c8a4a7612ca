// The inverse of the error function, for float (by way of double) and double.
#pragma once

#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

// y > 0 with erf(y) = p and erfc(y) = q, of which p + q = 1: the smaller one is solved for, so that all its digits count.
// From Winitzki's approximation by steps of Newton's method, for erf by Halley's term better, for log erfc, which is
// nearly -y^2. Four make the start's 0.5 % (1 % in the far tail) less than a rounding.
inline double inverse_erf(double p, double q) {
  constexpr double a = 0.147, pi = 3.14159265358979, half_sqrt_pi = 0.88622692545275801;
  const double l = p < 0.5 ? ::log1p(-p * p) : ::log(q) + ::log1p(p);
  const double b = 2 / (pi * a) + 0.5 * l;
  double y = minimum(::sqrt(::sqrt(b * b - l / a) - b), 27.0);  // erfc(28) is 0
  for (int step = 0; step < 4; ++step) {
    const double root = ::exp(0.5 * y * y);  // its square may overflow
    if (p < 0.5) {
      const double newton = (::erf(y) - p) * half_sqrt_pi * root * root;
      y -= newton / (1 + y * newton);
    } else {
      const double tail = ::erfc(y);
      y += ::log(tail / q) * (tail * half_sqrt_pi * root * root);
    }
  }
  return y;
}

// y with erf(y) = x: infinite at -1 and 1, NaN beyond.
inline double erfinv(double x) {
  const double p = ::fabs(x);
  if (p == 0) return x;
  if (!(p < 1)) return p == 1 ? ::copysign(HUGE_VAL, x) : ::nan("");
  return ::copysign(inverse_erf(p, 1 - p), x);
}
inline float erfinv(float x) { return static_cast<float>(erfinv(static_cast<double>(x))); }

// y with erfc(y) = x: infinite at 0 and 2, NaN beyond.
inline double erfcinv(double x) {
  if (!(x > 0 && x < 2)) return x == 0 ? HUGE_VAL : x == 2 ? -HUGE_VAL : ::nan("");
  if (x == 1) return 0;
  return x < 1 ? inverse_erf(1 - x, x) : -inverse_erf(x - 1, 2 - x);
}
inline float erfcinv(float x) { return static_cast<float>(erfcinv(static_cast<double>(x))); }

}  // namespace
}  // namespace densegrad::formulas
