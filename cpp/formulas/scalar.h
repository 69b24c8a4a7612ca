// The vocabulary of a formula, for float and double: negative exp expm1 log log1p abs sqrt square sin cos tan arcsin
// arccos arctan sinh cosh tanh arcsinh arccosh arctanh erf erfc floor ceil round pow mod arctan2 sign maximum minimum
// clip where.
// A graph handle brings its own overloads, found by its namespace.
//
// <math.h> and not <cmath>: the C functions live in libm, the C++ ones are inline and could be merged by the linker
// across instruction sets (see list.h).
#pragma once

#include <math.h>

#include "formulas/exp_log.h"

namespace densegrad::formulas {
namespace {

inline float exp(float x) { return exponential(x); }
inline double exp(double x) { return exponential(x); }
inline float expm1(float x) { return ::expm1f(x); }
inline double expm1(double x) { return ::expm1(x); }
inline float log(float x) { return logarithm(x); }
inline double log(double x) { return logarithm(x); }
inline float log1p(float x) { return logarithm_of_1_plus(x); }
inline double log1p(double x) { return logarithm_of_1_plus(x); }
inline float abs(float x) { return ::fabsf(x); }
inline double abs(double x) { return ::fabs(x); }
inline float sqrt(float x) { return ::sqrtf(x); }
inline double sqrt(double x) { return ::sqrt(x); }
inline float sin(float x) { return ::sinf(x); }
inline double sin(double x) { return ::sin(x); }
inline float cos(float x) { return ::cosf(x); }
inline double cos(double x) { return ::cos(x); }
inline float tan(float x) { return ::tanf(x); }
inline double tan(double x) { return ::tan(x); }
inline float arcsin(float x) { return ::asinf(x); }
inline double arcsin(double x) { return ::asin(x); }
inline float arccos(float x) { return ::acosf(x); }
inline double arccos(double x) { return ::acos(x); }
inline float arctan(float x) { return ::atanf(x); }
inline double arctan(double x) { return ::atan(x); }
inline float sinh(float x) { return ::sinhf(x); }
inline double sinh(double x) { return ::sinh(x); }
inline float cosh(float x) { return ::coshf(x); }
inline double cosh(double x) { return ::cosh(x); }
inline float tanh(float x) { return ::tanhf(x); }
inline double tanh(double x) { return ::tanh(x); }
inline float arcsinh(float x) { return ::asinhf(x); }
inline double arcsinh(double x) { return ::asinh(x); }
inline float arccosh(float x) { return ::acoshf(x); }
inline double arccosh(double x) { return ::acosh(x); }
inline float arctanh(float x) { return ::atanhf(x); }
inline double arctanh(double x) { return ::atanh(x); }
inline float erf(float x) { return ::erff(x); }
inline double erf(double x) { return ::erf(x); }
inline float erfc(float x) { return ::erfcf(x); }
inline double erfc(double x) { return ::erfc(x); }
inline float floor(float x) { return ::floorf(x); }
inline double floor(double x) { return ::floor(x); }
inline float ceil(float x) { return ::ceilf(x); }
inline double ceil(double x) { return ::ceil(x); }
// Halves go to the even neighbour.
inline float round(float x) { return ::nearbyintf(x); }
inline double round(double x) { return ::nearbyint(x); }
inline float pow(float x, float y) { return ::powf(x, y); }
inline double pow(double x, double y) { return ::pow(x, y); }
inline float arctan2(float y, float x) { return ::atan2f(y, x); }
inline double arctan2(double y, double x) { return ::atan2(y, x); }
inline float remainder_of_quotient(float x, float y) { return ::fmodf(x, y); }
inline double remainder_of_quotient(double x, double y) { return ::fmod(x, y); }

// The exact remainder of floor division, with the sign of y: x - floor(x / y) y has the rounding of a division.
template <class V>
inline V mod(V x, V y) {
  const V r = remainder_of_quotient(x, y);
  return r != V(0) && (r < V(0)) != (y < V(0)) ? r + y : r;
}

inline float where(bool mask, float a, float b) { return mask ? a : b; }
inline double where(bool mask, double a, double b) { return mask ? a : b; }

// -1, 0 or 1; NaN stays NaN.
template <class V>
inline V sign(V x) {
  return x > V(0) ? V(1) : x < V(0) ? V(-1) : x == V(0) ? V(0) : x;
}

inline bool both(bool a, bool b) { return a && b; }

template <class V>
inline V negative(V x) {
  return -x;
}

template <class V>
inline V square(V x) {
  return x * x;
}

// A NaN on either side wins.
inline float maximum(float a, float b) { return a > b || a != a ? a : b; }
inline double maximum(double a, double b) { return a > b || a != a ? a : b; }
inline float minimum(float a, float b) { return a < b || a != a ? a : b; }
inline double minimum(double a, double b) { return a < b || a != a ? a : b; }

// min(max(x, lo), hi); NaN stays NaN.
inline float clip(float x, float lo, float hi) {
  const float y = x < lo ? lo : x;
  return y > hi ? hi : y;
}
inline double clip(double x, double lo, double hi) {
  const double y = x < lo ? lo : x;
  return y > hi ? hi : y;
}

// The derivative of clip: 1 on [lo, hi] ends included, 0 outside. (1 for NaN: what it multiplies is NaN already.)
template <class V>
inline V inside(V x, V lo, V hi) {
  return where(x < lo, V(0), where(x > hi, V(0), V(1)));
}

constexpr double largest = 3.4028234663852886e38;  // of float: finite in both types

// weight * x, where weight 0 silences an infinite x but never a NaN. Not where(weight == 0, 0, weight * x): that has
// the wrong derivative by `weight` at 0, which is x.
template <class V>
inline V weighted(V weight, V x) {
  return weight * where(weight == V(0), clip(x, V(-largest), V(largest)), x);
}

// a / b with 0 / 0 = 0.
template <class V>
inline V ratio(V a, V b) {
  return a / where(both(a == V(0), b == V(0)), V(1), b);
}

}  // namespace
}  // namespace densegrad::formulas
