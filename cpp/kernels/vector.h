// Registers of an instruction set, for what a compiler does not find by itself. fused: whether there is Vector<T>, which
// needs a fused multiply-add.
#pragma once

#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif

namespace densegrad {
namespace {

#if defined(__AVX512F__)
constexpr int register_bytes = 64;
#elif defined(__AVX__)
constexpr int register_bytes = 32;
#else
constexpr int register_bytes = 16;
#endif

template <class T>
constexpr int lanes = register_bytes / static_cast<int>(sizeof(T));

// load and store take all lanes, or the first of them: some(n), 0 < n < lanes.
template <class T>
struct Vector;

#if defined(__AVX512F__)

constexpr bool fused = true;

template <>
struct Vector<float> {
  using Type = __m512;
  using Some = __mmask16;
  static Some some(int n) { return static_cast<Some>((1u << n) - 1); }
  static Type all(float x) { return _mm512_set1_ps(x); }
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static Type load(const float* p, Some s) { return _mm512_maskz_loadu_ps(s, p); }
  static void store(float* p, Type x) { _mm512_storeu_ps(p, x); }
  static void store(float* p, Type x, Some s) { _mm512_mask_storeu_ps(p, s, x); }
  static Type add(Type a, Type b) { return _mm512_add_ps(a, b); }
  static Type multiply_add(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
};
template <>
struct Vector<double> {
  using Type = __m512d;
  using Some = __mmask8;
  static Some some(int n) { return static_cast<Some>((1u << n) - 1); }
  static Type all(double x) { return _mm512_set1_pd(x); }
  static Type load(const double* p) { return _mm512_loadu_pd(p); }
  static Type load(const double* p, Some s) { return _mm512_maskz_loadu_pd(s, p); }
  static void store(double* p, Type x) { _mm512_storeu_pd(p, x); }
  static void store(double* p, Type x, Some s) { _mm512_mask_storeu_pd(p, s, x); }
  static Type add(Type a, Type b) { return _mm512_add_pd(a, b); }
  static Type multiply_add(Type a, Type b, Type c) { return _mm512_fmadd_pd(a, b, c); }
};

#elif defined(__FMA__)

constexpr bool fused = true;

template <>
struct Vector<float> {
  using Type = __m256;
  using Some = __m256i;
  static Some some(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Type all(float x) { return _mm256_set1_ps(x); }
  static Type load(const float* p) { return _mm256_loadu_ps(p); }
  static Type load(const float* p, Some s) { return _mm256_maskload_ps(p, s); }
  static void store(float* p, Type x) { _mm256_storeu_ps(p, x); }
  static void store(float* p, Type x, Some s) { _mm256_maskstore_ps(p, s, x); }
  static Type add(Type a, Type b) { return _mm256_add_ps(a, b); }
  static Type multiply_add(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
};
template <>
struct Vector<double> {
  using Type = __m256d;
  using Some = __m256i;
  static Some some(int n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
  static Type all(double x) { return _mm256_set1_pd(x); }
  static Type load(const double* p) { return _mm256_loadu_pd(p); }
  static Type load(const double* p, Some s) { return _mm256_maskload_pd(p, s); }
  static void store(double* p, Type x) { _mm256_storeu_pd(p, x); }
  static void store(double* p, Type x, Some s) { _mm256_maskstore_pd(p, s, x); }
  static Type add(Type a, Type b) { return _mm256_add_pd(a, b); }
  static Type multiply_add(Type a, Type b, Type c) { return _mm256_fmadd_pd(a, b, c); }
};

#else

constexpr bool fused = false;

#endif

}  // namespace
}  // namespace densegrad
