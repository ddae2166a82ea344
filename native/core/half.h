// IEEE half and bfloat16 to float and back. Plain integer arithmetic without branches on the data,
// so that loops over them vectorise, and independent of the thread's flush-to-zero mode.
#pragma once

#include <bit>
#include <cstdint>

namespace npb {

inline float f16_to_f32(uint16_t half) {
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fffu) << 13;  // on f32's fraction
  const uint32_t rebias = 112u << 23;                                      // exponent bias 127 - 15
  const uint32_t infinite = magnitude >= (0x7c00u << 13) ? rebias : 0u;
  const uint32_t normal = magnitude + rebias + infinite;
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(half & 0x3ffu)) * 0x1p-24f);
  const uint32_t bits = magnitude < (0x0400u << 13) ? subnormal : normal;
  return std::bit_cast<float>(bits | (static_cast<uint32_t>(half & 0x8000u) << 16));
}

/// Rounds to nearest, ties to even; overflow gives infinity, a NaN stays a (quiet) NaN.
inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half = 0;
  if (magnitude >= 0x47800000u) {  // 65536 and above
    half = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: subnormal halves are multiples of 2^-24,
    // which is the spacing of floats in [0.5, 1): the addition rounds as wanted
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    half = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

inline float bf16_to_f32(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

/// Rounds to nearest, ties to even; a NaN stays a (quiet) NaN.
inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace npb
