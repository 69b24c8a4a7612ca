// Registers of an instruction set, for what a compiler does not find by itself. fused: whether there is Vector<T>, which
// needs a fused multiply-add.
#pragma once

#include <type_traits>

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

// load and store take all lanes, or the first of them: some(n), 0 < n < lanes. A NaN on either side wins a maximum.
template <class T>
struct Vector;

#if defined(__AVX512F__)

constexpr bool fused = true;

// All lanes: gcc 12 warns of the undefined register behind some intrinsics without a mask.
template <class T>
constexpr auto every = static_cast<std::conditional_t<sizeof(T) == 4, __mmask16, __mmask8>>(-1);

// The bits of the root instruction, in half its time: the estimate, a step to some 28 bits, and a last one whose error is
// far below half a unit (tests/cpp/registers.cpp). All from 2^64 x, as the last remainder is 2^-48 of it.
inline __m512 square_root(__m512 x) {
  if (__builtin_expect(_mm512_cmp_ps_mask(x, _mm512_set1_ps(0x1p63f), _CMP_NLT_UQ), 0))
    return _mm512_maskz_sqrt_ps(every<float>, x);
  const __m512 half = _mm512_set1_ps(0.5f), scale = _mm512_set1_ps(0x1p64f);
  const __m512 y = _mm512_mul_ps(x, scale);
  // Not infinite for 0, and near enough for the least number above it.
  const __m512 estimate = _mm512_maskz_rsqrt14_ps(every<float>, _mm512_fmadd_ps(x, scale, _mm512_set1_ps(0x1p-110f)));
  const __m512 g = _mm512_mul_ps(y, estimate), h = _mm512_mul_ps(half, estimate);  // near sqrt(y) and 1 / (2 sqrt(y))
  const __m512 r = _mm512_fnmadd_ps(g, h, half);
  const __m512 near = _mm512_fmadd_ps(g, r, g), slope = _mm512_fmadd_ps(h, r, h);
  const __m512 root = _mm512_fmadd_ps(_mm512_fnmadd_ps(near, near, y), slope, near);
  return _mm512_mul_ps(root, _mm512_set1_ps(0x1p-32f));
}

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
  static Type sqrt(Type x) { return square_root(x); }
  static Type sqrt_instruction(Type x) { return _mm512_maskz_sqrt_ps(every<float>, x); }
  static Type maximum(Type a, Type b) {
    return _mm512_mask_mov_ps(_mm512_maskz_max_ps(every<float>, a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
  }
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
  static Type sqrt(Type x) { return sqrt_instruction(x); }
  static Type sqrt_instruction(Type x) { return _mm512_maskz_sqrt_pd(every<double>, x); }
  static Type maximum(Type a, Type b) {
    return _mm512_mask_mov_pd(_mm512_maskz_max_pd(every<double>, a, b), _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q), a);
  }
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
  static Type sqrt(Type x) { return sqrt_instruction(x); }
  static Type sqrt_instruction(Type x) { return _mm256_sqrt_ps(x); }
  static Type maximum(Type a, Type b) {
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  }
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
  static Type sqrt(Type x) { return sqrt_instruction(x); }
  static Type sqrt_instruction(Type x) { return _mm256_sqrt_pd(x); }
  static Type maximum(Type a, Type b) {
    return _mm256_blendv_pd(_mm256_max_pd(a, b), a, _mm256_cmp_pd(a, a, _CMP_UNORD_Q));
  }
};

#else

constexpr bool fused = false;

#endif

}  // namespace
}  // namespace densegrad
