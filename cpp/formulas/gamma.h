// The logarithm of the gamma function and its derivatives, for float (by way of double) and double.
#pragma once

#include "formulas/scalar.h"

namespace densegrad::formulas {
namespace {

constexpr double pi = 3.1415926535897932;

// B_2, B_4, ...
constexpr int bernoulli_count = 9;
constexpr double bernoulli[bernoulli_count] = {1.0 / 6,         -1.0 / 30, 1.0 / 42,      -1.0 / 30,    5.0 / 66,
                                               -691.0 / 2730.0, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798};

// log |gamma(x)|. The C library's lgamma notes the sign in a variable of the process; this one has a place for it.
inline double lgamma(double x) {
  int sign_of_gamma;
  return ::lgamma_r(x, &sign_of_gamma);
}
inline float lgamma(float x) { return static_cast<float>(lgamma(static_cast<double>(x))); }

// Where a whole number is, up to 0: a pole. -infinity counts as one.
inline bool is_pole(double x) { return x <= 0 && ::floor(x) == x; }

// x less the nearest whole number: exact, however near that is.
inline double off_whole(double x) { return x - ::nearbyint(x); }

// psi(x) = (d/dx) log gamma(x); NaN at the poles. Up from x to x + n >= 10 by psi(x) = psi(x + 1) - 1 / x, there by
// Stirling's series, of which the first term left out is below 1e-17; below 0 by reflection.
inline double digamma(double x) {
  if (is_pole(x)) return ::nan("");
  if (x < 0) {
    return digamma(1 - x) - pi / ::tan(pi * off_whole(x));
  }
  double poles = 0;
  for (; x < 10; x += 1) poles += 1 / x;
  const double w = 1 / (x * x);
  double series = 0;
  for (int j = 8; j > 0; --j) series = w * (series + bernoulli[j - 1] / (2 * j));
  return log(x) - 0.5 / x - series - poles;
}
inline float digamma(float x) { return static_cast<float>(digamma(static_cast<double>(x))); }

// Hurwitz' zeta(s, q) = sum of (q + k)^-s over k = 0, 1, ..., for s = 2, 3, ... and q > 0: terms up to q + k >= s + 10,
// and Euler and Maclaurin's formula for the others. A term before that is less than half of the one before.
inline double zeta(double s, double q) {
  double total = 0;
  for (; q < s + 10; q += 1) {
    const double term = ::pow(q, -s);
    total += term;
    if (term <= 0x1p-60 * total) return total;
  }
  const double last = ::pow(q, -s);
  double factor = last * s / (2 * q);  // s (s + 1) ... (s + 2 j - 2) / (2 j)! times q to the power 1 - s - 2 j
  total += last * (q / (s - 1) + 0.5);
  for (int j = 1; j <= bernoulli_count; ++j) {
    total += bernoulli[j - 1] * factor;
    const double n = 2 * j;
    factor *= (s + n - 1) / ((n + 1) * q) * ((s + n) / ((n + 2) * q));
  }
  return total;
}

// psi^(n)(x), the derivative of digamma of order n = 0, 1, ...: (-1)^(n + 1) n! times the sum of (x + k)^-(n + 1). NaN for
// other n, and for even n at the poles. Below 0 the sum over all whole k, which only depends on the fraction of x, less
// those on the other side.
inline double polygamma(double n, double x) {
  if (n == 0) return digamma(x);
  if (!(n > 0 && ::floor(n) == n) || ::isinf(n) || x != x) return ::nan("");
  const double s = n + 1, factorial = ::tgamma(s);
  const bool odd = ::fmod(n, 2) != 0;
  if (is_pole(x)) return odd ? HUGE_VAL : ::nan("");
  double sum;
  if (::isinf(x)) {
    sum = 0;
  } else if (x > 0) {
    sum = zeta(s, x);
  } else {
    const double off = off_whole(x);  // the distances to the whole numbers below and above
    const double below = zeta(s, off > 0 ? off : 1 + off), above = zeta(s, off > 0 ? 1 - off : -off);
    sum = odd ? (below + above) - zeta(s, 1 - x) : (below - above) + zeta(s, 1 - x);
  }
  return odd ? factorial * sum : -(factorial * sum);
}
inline float polygamma(float n, float x) {
  return static_cast<float>(polygamma(static_cast<double>(n), static_cast<double>(x)));
}

}  // namespace
}  // namespace densegrad::formulas
