// exp, log and log1p by arithmetic alone, so that loops over them become vector loops: within 1.1 ULP, the same bits on
// every instruction set. Subnormal numbers are kept.
#pragma once

#include <stdint.h>

namespace densegrad::formulas {
namespace {

template <class T>
struct Layout;
template <>
struct Layout<float> {
  using Bits = uint32_t;
  static constexpr int digits = 23, bias = 127;
  static constexpr Bits sqrt_half = 0x3f3504f3;       // the bits of sqrt(1/2)
  static constexpr float round = 12582912.0f;         // 1.5 * 2^23: added to x, it leaves the nearest integer behind
  static constexpr float ln2_hi = 6.9314575195e-01f;  // times an exponent it is exact
  static constexpr float ln2_lo = 1.4286067653e-06f;
  static constexpr float smallest = 1.17549435e-38f;          // normal number
  static constexpr float exp_zero = -104, exp_infinite = 89;  // below and above, that is what exp is
  static constexpr int exp_terms = 7, log_terms = 5;
};
template <>
struct Layout<double> {
  using Bits = uint64_t;
  static constexpr int digits = 52, bias = 1023;
  static constexpr Bits sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr double round = 6755399441055744.0;
  static constexpr double ln2_hi = 6.93147180369123816490e-01;
  static constexpr double ln2_lo = 1.90821492927058770002e-10;
  static constexpr double smallest = 2.2250738585072014e-308;
  static constexpr double exp_zero = -746, exp_infinite = 710;
  static constexpr int exp_terms = 13, log_terms = 10;
};

template <class T>
inline typename Layout<T>::Bits bits_of(T x) {
  return __builtin_bit_cast(typename Layout<T>::Bits, x);
}
template <class T>
inline T of_bits(typename Layout<T>::Bits bits) {
  return __builtin_bit_cast(T, bits);
}

// 1 / k!
template <class T>
constexpr T inverse_factorial(int k) {
  double product = 1;
  for (int i = 2; i <= k; ++i) product *= i;
  return static_cast<T>(1 / product);
}

// 2^n for the exponent of a normal number, an integer in two's complement.
template <class T>
inline T power_of_two(typename Layout<T>::Bits n) {
  return of_bits<T>((n + Layout<T>::bias) << Layout<T>::digits);
}

// exp(x) = 2^n exp(r), |r| <= ln(2)/2 + rounding, and Taylor's polynomial for exp(r).
template <class T>
inline T exponential(T x) {
  using L = Layout<T>;
  T c = x < L::exp_zero ? L::exp_zero : x;  // NaN stays
  c = c > L::exp_infinite ? L::exp_infinite : c;
  const T shifted = c * T(1.4426950408889634) + L::round;  // holds n in its last bits
  const T n = shifted - L::round;
  const T r = (c - n * L::ln2_hi) - n * L::ln2_lo;
  T p = inverse_factorial<T>(L::exp_terms);
#pragma GCC unroll 16
  for (int k = L::exp_terms - 1; k >= 2; --k) p = p * r + inverse_factorial<T>(k);
  const T y = T(1) + (r + r * r * p);
  // In two factors, each of which is a normal number.
  const T halved = n * T(0.5) + L::round;
  const auto half = bits_of(halved) - bits_of(L::round);
  const auto rest = (bits_of(shifted) - bits_of(L::round)) - half;
  return y * power_of_two<T>(half) * power_of_two<T>(rest);
}

// log(x (1 + c) 2^-exponent_shift) for a normal x > 0 and a tiny c: x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), and
// log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R = 2 s^2 (1/3 + s^2/5 + s^4/7 + ...).
// Source: FreeBSD's e_log.c, with the series instead of a minimax polynomial.
template <class T>
inline T log_of_normal(T x, T c, T exponent_shift) {
  using L = Layout<T>;
  const auto one = bits_of(T(1));
  const auto bits = bits_of(x) + (one - L::sqrt_half);
  const T k = of_bits<T>((bits >> L::digits) + bits_of(L::round)) - (L::round + T(L::bias)) - exponent_shift;
  const auto fraction = (typename L::Bits(1) << L::digits) - 1;
  const T f = of_bits<T>((bits & fraction) + L::sqrt_half) - T(1);
  const T s = f / (T(2) + f);
  const T z = s * s;
  T p = T(2.0 / (2 * L::log_terms + 1));
#pragma GCC unroll 16
  for (int i = L::log_terms - 1; i >= 1; --i) p = p * z + T(2.0 / (2 * i + 1));
  const T half_square = T(0.5) * f * f;
  return s * (half_square + z * p) + (k * L::ln2_lo + c) - half_square + f + k * L::ln2_hi;
}

// y = log(x), but for what is not a number above 0.
template <class T>
inline T with_log_edges(T x, T y) {
  const T infinity = T(__builtin_inf());
  y = x == T(0) ? -infinity : y;
  y = x < T(0) ? T(__builtin_nan("")) : y;
  return x < infinity ? y : x;  // infinity and NaN are their own
}

template <class T>
inline T logarithm(T x) {
  const bool subnormal = x < Layout<T>::smallest;
  const T scale = static_cast<T>(typename Layout<T>::Bits(1) << (Layout<T>::digits + 1));
  const T y = log_of_normal(subnormal ? x * scale : x, T(0), subnormal ? T(Layout<T>::digits + 1) : T(0));
  return with_log_edges(x, y);
}

// 1 + x, rounded, and what that lost.
template <class T>
inline T logarithm_of_1_plus(T x) {
  const T u = T(1) + x;
  const T lost = u > T(2) ? T(1) - (u - x) : x - (u - T(1));
  const T y = with_log_edges(u, log_of_normal(u, lost / u, T(0)));
  return x == T(0) ? x : y;  // -0 too
}

}  // namespace
}  // namespace densegrad::formulas
