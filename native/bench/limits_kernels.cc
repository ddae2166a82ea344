#include "bench/limits_kernels.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#include <immintrin.h>
#define NPB_TARGET(features) __attribute__((target(features)))
#elif defined(__aarch64__) || defined(_M_ARM64)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
// clang names a feature, gcc adds it to the architecture.
#if defined(__clang__)
#define NPB_TARGET(feature) __attribute__((target(feature)))
#else
#define NPB_TARGET(feature) __attribute__((target("+" feature)))
#endif
#endif

namespace npb {
namespace {

// Enough repetitions that the loop around a kernel doesn't show, few enough to stop in time.
constexpr int kRepeats = 4096;
constexpr int kScalarChains = 8;

/// Portable: the compiler's own idea of the widest instruction that every machine has.
uint64_t f32_portable(volatile float* sink) {
  float sums[kScalarChains * 4] = {};
  const float a = *sink + 0.5f, b = *sink + 0.25f;
  for (int i = 0; i < kRepeats; ++i) {
    for (float& sum : sums) sum = sum * a + b;
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  *sink = total * 0.0f;
  return uint64_t{2} * kRepeats * kScalarChains * 4;
}

uint64_t read_portable(const void* data, size_t bytes) {
  const uint64_t* words = static_cast<const uint64_t*>(data);
  uint64_t sums[8] = {};
  for (size_t i = 0; i < bytes / 8; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] ^= words[i + static_cast<size_t>(j)];
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total ^= sum;
  return total;
}

#if defined(__x86_64__) || defined(_M_X64)

// Independent chains: latency (4 or 5 cycles) × instructions per cycle (2), and some to spare.
constexpr int kChains = 12;

NPB_TARGET("avx512f") uint64_t f32_avx512(volatile float* sink) {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  const __m512 a = _mm512_set1_ps(*sink + 0.5f), b = _mm512_set1_ps(*sink + 0.25f);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = _mm512_fmadd_ps(a, b, sums[j]);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm512_add_ps(sums[0], sums[j]);
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, sums[0]);
  *sink = lanes[0] * 0.0f;
  return uint64_t{2} * 16 * kChains * kRepeats;
}

NPB_TARGET("avx2,fma") uint64_t f32_avx2(volatile float* sink) {
  __m256 sums[kChains];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  const __m256 a = _mm256_set1_ps(*sink + 0.5f), b = _mm256_set1_ps(*sink + 0.25f);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = _mm256_fmadd_ps(a, b, sums[j]);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm256_add_ps(sums[0], sums[j]);
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, sums[0]);
  *sink = lanes[0] * 0.0f;
  return uint64_t{2} * 8 * kChains * kRepeats;
}

NPB_TARGET("avx512f,avx512vnni") uint64_t int8_avx512vnni(volatile float* sink) {
  __m512i sums[kChains];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  const __m512i a = _mm512_set1_epi8(static_cast<char>(*sink + 3)), b = _mm512_set1_epi8(1);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = _mm512_dpbusd_epi32(sums[j], a, b);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm512_add_epi32(sums[0], sums[j]);
  alignas(64) int32_t lanes[16];
  _mm512_store_si512(lanes, sums[0]);
  *sink = static_cast<float>(lanes[0]) * 0.0f;
  return uint64_t{2} * 64 * kChains * kRepeats;
}

NPB_TARGET("avx2,avxvnni") uint64_t int8_avxvnni(volatile float* sink) {
  __m256i sums[kChains];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  const __m256i a = _mm256_set1_epi8(static_cast<char>(*sink + 3)), b = _mm256_set1_epi8(1);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = _mm256_dpbusd_avx_epi32(sums[j], a, b);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm256_add_epi32(sums[0], sums[j]);
  alignas(32) int32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums[0]);
  *sink = static_cast<float>(lanes[0]) * 0.0f;
  return uint64_t{2} * 32 * kChains * kRepeats;
}

NPB_TARGET("avx512f") uint64_t read_avx512(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  __m512i sums[8];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (size_t i = 0; i < bytes; i += 512) {
    for (size_t j = 0; j < 8; ++j) {
      sums[j] = _mm512_xor_si512(sums[j], _mm512_load_si512(at + i + 64 * j));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm512_xor_si512(sums[0], sums[j]);
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, sums[0]);
  return lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3] ^ lanes[4] ^ lanes[5] ^ lanes[6] ^ lanes[7];
}

NPB_TARGET("avx2") uint64_t read_avx2(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t i = 0; i < bytes; i += 256) {
    for (size_t j = 0; j < 8; ++j) {
      sums[j] = _mm256_xor_si256(
          sums[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(at + i + 32 * j)));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  alignas(32) uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums[0]);
  return lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3];
}

bool has_avxvnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__builtin_cpu_supports("avx2")) return false;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & (1u << 4)) != 0;
}

#elif defined(__aarch64__) || defined(_M_ARM64)

// 2 to 4 pipes with latency 4: 16 chains of the 32 registers.
constexpr int kChains = 16;

uint64_t f32_neon(volatile float* sink) {
  float32x4_t sums[kChains];
  for (float32x4_t& sum : sums) sum = vdupq_n_f32(0);
  const float32x4_t a = vdupq_n_f32(*sink + 0.5f), b = vdupq_n_f32(*sink + 0.25f);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = vfmaq_f32(sums[j], a, b);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = vaddq_f32(sums[0], sums[j]);
  *sink = vaddvq_f32(sums[0]) * 0.0f;
  return uint64_t{2} * 4 * kChains * kRepeats;
}

NPB_TARGET("dotprod") uint64_t int8_dotprod(volatile float* sink) {
  int32x4_t sums[kChains];
  for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
  const int8x16_t a = vdupq_n_s8(static_cast<int8_t>(*sink + 3)), b = vdupq_n_s8(1);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = vdotq_s32(sums[j], a, b);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = vaddq_s32(sums[0], sums[j]);
  *sink = static_cast<float>(vaddvq_s32(sums[0])) * 0.0f;
  return uint64_t{2} * 16 * kChains * kRepeats;
}

NPB_TARGET("i8mm") uint64_t int8_i8mm(volatile float* sink) {
  int32x4_t sums[kChains];
  for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
  const int8x16_t a = vdupq_n_s8(static_cast<int8_t>(*sink + 3)), b = vdupq_n_s8(1);
  for (int i = 0; i < kRepeats; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = vmmlaq_s32(sums[j], a, b);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = vaddq_s32(sums[0], sums[j]);
  *sink = static_cast<float>(vaddvq_s32(sums[0])) * 0.0f;
  return uint64_t{2} * 32 * kChains * kRepeats;
}

uint64_t read_neon(const void* data, size_t bytes) {
  const uint8_t* at = static_cast<const uint8_t*>(data);
  uint8x16_t sums[8];
  for (uint8x16_t& sum : sums) sum = vdupq_n_u8(0);
  for (size_t i = 0; i < bytes; i += 128) {
    for (size_t j = 0; j < 8; ++j) sums[j] = veorq_u8(sums[j], vld1q_u8(at + i + 16 * j));
  }
  for (int j = 1; j < 8; ++j) sums[0] = veorq_u8(sums[0], sums[j]);
  const uint64x2_t lanes = vreinterpretq_u64_u8(sums[0]);
  return vgetq_lane_u64(lanes, 0) ^ vgetq_lane_u64(lanes, 1);
}

#if defined(__linux__)
// Numbers of the arm64 ABI; older headers lack the names.
bool has_dotprod() { return (getauxval(AT_HWCAP) & (1ul << 20)) != 0; }
bool has_i8mm() { return (getauxval(AT_HWCAP2) & (1ul << 13)) != 0; }
#elif defined(_WIN32)
bool has_dotprod() { return IsProcessorFeaturePresent(43) != 0; }
bool has_i8mm() { return IsProcessorFeaturePresent(66) != 0; }
#else
bool has_dotprod() { return false; }
bool has_i8mm() { return false; }
#endif

#endif

}  // namespace

ArithmeticKernel f32_kernel() {
#if defined(__x86_64__) || defined(_M_X64)
  if (__builtin_cpu_supports("avx512f")) return {"avx512f", f32_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"avx2 fma", f32_avx2};
#elif defined(__aarch64__) || defined(_M_ARM64)
  return {"neon", f32_neon};
#endif
  return {"portable", f32_portable};
}

ArithmeticKernel int8_kernel() {
#if defined(__x86_64__) || defined(_M_X64)
  if (__builtin_cpu_supports("avx512vnni")) return {"avx512vnni", int8_avx512vnni};
  if (has_avxvnni()) return {"avxvnni", int8_avxvnni};
#elif defined(__aarch64__) || defined(_M_ARM64)
  if (has_i8mm()) return {"neon i8mm", int8_i8mm};
  if (has_dotprod()) return {"neon dotprod", int8_dotprod};
#endif
  return {};
}

ReadKernel read_kernel() {
#if defined(__x86_64__) || defined(_M_X64)
  if (__builtin_cpu_supports("avx512f")) return read_avx512;
  if (__builtin_cpu_supports("avx2")) return read_avx2;
#elif defined(__aarch64__) || defined(_M_ARM64)
  return read_neon;
#endif
  return read_portable;
}

}  // namespace npb
