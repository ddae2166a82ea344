// A vector of floats in the compilers' own vector extension, as wide as the file's instruction set.
// Included by the kernel files only, which are compiled with their own target flags: everything
// here has internal linkage, and no standard header with inline functions is used, so that no
// function compiled for a newer CPU can be linked into code that runs on an older one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace npb::cpu {
namespace {

#if defined(__AVX512F__)
constexpr size_t kWidth = 16;
#elif defined(__AVX2__)
constexpr size_t kWidth = 8;
#else
constexpr size_t kWidth = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * kWidth)));
typedef int32_t IVec __attribute__((vector_size(4 * kWidth)));

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
/// All lanes x, in one instruction when x comes from memory ("zero + x" would first add: -0 becomes
/// 0).
inline Vec splat(float x) {
#if defined(__AVX512F__)
  return (Vec)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (Vec)_mm256_set1_ps(x);
#else
  return Vec{x, x, x, x};
#endif
}
inline Vec as_float(IVec v) { return (Vec)v; }
inline IVec as_int(Vec v) { return (IVec)v; }
#if defined(__AVX512F__)
inline Vec max(Vec a, Vec b) { return (Vec)_mm512_max_ps((__m512)a, (__m512)b); }
inline Vec min(Vec a, Vec b) { return (Vec)_mm512_min_ps((__m512)a, (__m512)b); }
#elif defined(__AVX2__)
inline Vec max(Vec a, Vec b) { return (Vec)_mm256_max_ps((__m256)a, (__m256)b); }
inline Vec min(Vec a, Vec b) { return (Vec)_mm256_min_ps((__m256)a, (__m256)b); }
#elif defined(__aarch64__)
inline Vec max(Vec a, Vec b) { return (Vec)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
inline Vec min(Vec a, Vec b) { return (Vec)vminq_f32((float32x4_t)a, (float32x4_t)b); }
#else
inline Vec max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec min(Vec a, Vec b) { return a < b ? a : b; }
#endif
inline Vec absolute(Vec v) { return as_float(as_int(v) & 0x7fffffff); }

inline float sum(Vec v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)v);
#else
  float lanes[kWidth];
  store(lanes, v);
  for (size_t half = kWidth / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
  }
  return lanes[0];
#endif
}
inline float largest(Vec v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps((__m512)v);
#else
  float lanes[kWidth];
  store(lanes, v);
  float best = lanes[0];
  for (size_t i = 1; i < kWidth; i++) best = lanes[i] > best ? lanes[i] : best;
  return best;
#endif
}

inline float min_of(float a, float b) { return a < b ? a : b; }
inline float scalar_sqrt(float x) { return __builtin_sqrtf(x); }

/// The first `n` (< kWidth) floats, the rest `fill`.
inline Vec load_part(const float* p, size_t n, float fill) {
  float lanes[kWidth];
  for (size_t i = 0; i < kWidth; i++) lanes[i] = i < n ? p[i] : fill;
  return load(lanes);
}
inline void store_part(float* p, Vec v, size_t n) {
  float lanes[kWidth];
  store(lanes, v);
  for (size_t i = 0; i < n; i++) p[i] = lanes[i];
}

inline float half_to_float(uint16_t half) {
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fffu) << 13;
  uint32_t bits;
  if (magnitude >= (0x7c00u << 13)) {
    bits = magnitude + (224u << 23);
  } else if (magnitude >= (0x0400u << 13)) {
    bits = magnitude + (112u << 23);
  } else {
    const float small = static_cast<float>(half & 0x3ffu) * 0x1p-24f;
    __builtin_memcpy(&bits, &small, 4);
  }
  bits |= static_cast<uint32_t>(half & 0x8000u) << 16;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

inline uint16_t float_to_half(float value) {
#if defined(__AVX512F__) || defined(__AVX2__)
  return static_cast<uint16_t>(_cvtss_sh(value, 0));
#elif defined(__aarch64__)
  const __fp16 half = static_cast<__fp16>(value);
  uint16_t bits;
  __builtin_memcpy(&bits, &half, 2);
  return bits;
#else
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude <
      0x38800000u) {  // subnormal halves are multiples of 2^-24, the spacing of [0.5, 1)
    float shifted;
    __builtin_memcpy(&shifted, &magnitude, 4);
    shifted += 0.5f;
    uint32_t rounded;
    __builtin_memcpy(&rounded, &shifted, 4);
    return static_cast<uint16_t>(sign | (rounded - 0x3f000000u));
  }
  return static_cast<uint16_t>(
      sign | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13));
#endif
}

inline Vec load_half(const uint16_t* p) {
#if defined(__AVX512F__)
  return (Vec)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__AVX2__)
  return (Vec)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__aarch64__)
  return (Vec)vcvt_f32_f16(vld1_f16(reinterpret_cast<const __fp16*>(p)));
#else
  float lanes[kWidth];
  for (size_t i = 0; i < kWidth; i++) lanes[i] = half_to_float(p[i]);
  return load(lanes);
#endif
}

/// Element access that one template serves for f32 and f16 storage.
inline Vec load_element(const float* p) { return load(p); }
inline Vec load_element(const uint16_t* p) { return load_half(p); }

/// e^x to about 2 units in the last place for x in [-87, 80]; outside it stays at the borders'
/// values.
inline Vec exp(Vec x) {
  x = max(x, splat(-87.0f));
  x = min(x, splat(80.0f));
#if defined(__AVX512F__)
  const Vec n = (Vec)_mm512_roundscale_ps((__m512)(x * 1.44269504f),
                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  const Vec magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
#endif
  Vec r = x - n * 0.693145752f;
  r = r - n * 1.42860677e-6f;
  Vec p = splat(1.0f / 720.0f);
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
#if defined(__AVX512F__)
  return (Vec)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  return as_float(as_int(p) + (as_int(shifted) << 23));
#endif
}

/// 2^x to about 1e-7 for x in [-126, 120]; below it stays at the border's value. The polynomial is
/// a least-maximum fit on [-0.5, 0.5].
inline Vec exp2(Vec x) {
  x = max(x, splat(-126.0f));
  const Vec magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec shifted = x + magic;
  const Vec r = x - (shifted - magic);
  Vec p = splat(0.00132765f);
  p = p * r + 0.00967554f;
  p = p * r + 0.05550713f;
  p = p * r + 0.2402212f;
  p = p * r + 0.69314697f;
  p = p * r + 1.00000007f;
  return as_float(as_int(p) + (as_int(shifted) << 23));
}

/// 1 / x for x in [1, 2^120], to about 1 unit in the last place; a division of a wide vector takes
/// longer than all the rest of a sigmoid.
inline Vec reciprocal(Vec x) {
#if defined(__AVX512F__)
  const Vec r = (Vec)_mm512_rcp14_ps((__m512)x);
  return r * (2.0f - x * r);
#else
  return 1.0f / x;
#endif
}

}  // namespace
}  // namespace npb::cpu
