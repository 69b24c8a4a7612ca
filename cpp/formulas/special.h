// Functions of formulas that need more care than a line of the vocabulary, for float and double. A graph handle has
// compositions under the same names.
#pragma once

#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

constexpr double sqrt_half = 0.70710678118654757;  // the double next to it, and what is missing
constexpr double sqrt_half_rest = -4.8336466567264567e-17;
constexpr double one_over_sqrt_two_pi = 0.3989422804014327;
constexpr double two_over_sqrt_pi = 1.1283791670955126;

// P(X <= z) = erfc(-z / sqrt 2) / 2 of a normal variable. Not (1 + erf(z / sqrt 2)) / 2, which has no correct digits for
// z < -8. Rounding z / sqrt 2 would cost z^2 ULP: float has the digits of double to spare, double takes the first two
// terms of the Taylor series at the rounded point.
inline double normal_cdf(double z_in) {
  const double z = clip(z_in, -40.0, 40.0);  // 0 and 1 from there on; an infinity would be NaN below
  const double x = -z * sqrt_half;
  const double rest = ::fma(-z, sqrt_half, -x) - z * sqrt_half_rest;
  return 0.5 * (erfc(x) - rest * two_over_sqrt_pi * exp(-x * x));
}
inline float normal_cdf(float z) { return static_cast<float>(0.5 * erfc(-sqrt_half * static_cast<double>(z))); }

// Its density exp(-z^2 / 2) / sqrt(2 pi). z^2 is taken exactly, for the same reason: z = a + b, a of 24 bits,
// z^2 = a^2 + (z + a) b.
inline double normal_density(double z_in) {
  const double z = clip(z_in, -40.0, 40.0);
  const double a = static_cast<double>(static_cast<float>(z));
  return one_over_sqrt_two_pi * (exp(-0.5 * a * a) * exp(-0.5 * (z + a) * (z - a)));
}
inline float normal_density(float z_in) {
  const double z = static_cast<double>(z_in);
  return static_cast<float>(one_over_sqrt_two_pi * exp(-0.5 * z * z));
}

// z - tanh z. Up to 1 by Lambert's fraction, tanh z = z / (1 + c), c = z^2 / (3 + z^2 / (5 + ...)), so that
// z - tanh z = z c / (1 + c) cancels nothing; the first term that is left out changes c by less than 1e-17 c.
template <class T>
inline T minus_tanh(T z) {
  if (!(abs(z) <= T(1))) return z - tanh(z);
  const T w = z * z;
  T c = 0;
  for (int k = 19; k >= 3; k -= 2) c = w / (T(k) + c);
  return z * (c / (T(1) + c));
}

}  // namespace
}  // namespace densegrad::formulas
