#include "backends/xnnpack/pack_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/half.h"
#include "model/weights.h"

namespace npb::cpu {
namespace {

constexpr uint64_t kSuperblock = 256;

uint16_t read_u16(const std::byte* p) {
  uint16_t value;
  std::memcpy(&value, p, 2);
  return value;
}

void low_and_high_nibbles(const std::byte* bytes, uint8_t* codes) {
  for (size_t i = 0; i < 16; ++i) {
    const auto byte = std::to_integer<uint8_t>(bytes[i]);
    codes[i] = byte & 15;
    codes[i + 16] = byte >> 4;
  }
}

void add_fifth_bits(const std::byte* bits, uint8_t* codes) {
  uint32_t high;
  std::memcpy(&high, bits, 4);
  for (size_t i = 0; i < kBlock; ++i) codes[i] |= static_cast<uint8_t>((high >> i & 1) << 4);
}

/// Sub-block scale and minimum of Q4_K and Q5_K: six bits each, packed into 12 bytes.
void k_scale(const std::byte* packed, size_t index, uint32_t& scale, uint32_t& minimum) {
  const auto at = [&](size_t i) { return std::to_integer<uint32_t>(packed[i]); };
  if (index < 4) {
    scale = at(index) & 63;
    minimum = at(index + 4) & 63;
  } else {
    scale = (at(index + 4) & 15) | (at(index - 4) >> 6 << 4);
    minimum = (at(index + 4) >> 4) | (at(index) >> 6 << 4);
  }
}

/// Q4_K and Q5_K: sub-block `index` of a superblock.
void k_block(const std::byte* super, size_t index, bool five_bits, WeightBlock& block) {
  uint32_t scale, minimum;
  k_scale(super + 4, index, scale, minimum);
  block.scale = f32_to_f16(f16_to_f32(read_u16(super)) * static_cast<float>(scale));
  block.minimum = f32_to_f16(-f16_to_f32(read_u16(super + 2)) * static_cast<float>(minimum));
  const std::byte* high = super + 16;
  const std::byte* nibbles = super + (five_bits ? 48 : 16) + index / 2 * 32;
  for (size_t i = 0; i < kBlock; ++i) {
    const auto byte = std::to_integer<uint32_t>(nibbles[i]);
    uint32_t code = index % 2 == 0 ? byte & 15 : byte >> 4;
    if (five_bits) code |= (std::to_integer<uint32_t>(high[i]) >> index & 1) << 4;
    block.codes[i] = static_cast<uint8_t>(code);
  }
}

/// The values that IQ4_NL's sixteen codes stand for (GGUF's definition of the type).
constexpr int8_t kNonLinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};

/// Nearest int8 codes for 32 weights (`count` of them given, the rest zero).
void round_to_int8(const float* w, size_t count, WeightBlock& block) {
  float peak = 0.0f;
  for (size_t i = 0; i < count; ++i) peak = std::max(peak, std::fabs(w[i]));
  block.minimum = 0;
  block.scale = f32_to_f16(peak / 127.0f);
  const float scale = f16_to_f32(block.scale);  // codes are made for the scale that is kept
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  for (size_t i = 0; i < kBlock; ++i) {
    const float code = i < count ? std::nearbyint(w[i] * inverse) : 0.0f;
    block.codes[i] =
        static_cast<uint8_t>(static_cast<int>(std::clamp(code, -127.0f, 127.0f)) + 128);
  }
}

bool wide(BlockFormat format) { return format == BlockFormat::q8 || format == BlockFormat::q8_min; }
bool with_minimum(BlockFormat format) {
  return format == BlockFormat::q4_min || format == BlockFormat::q8_min;
}

/// Puts block `index` of channel `channel` into its panel.
void place(BlockFormat format, const WeightBlock& block, uint64_t index, size_t channel,
           uint8_t* panel) {
  uint8_t* unit = panel + index / 2 * unit_bytes(format);
  const size_t half = index % 2;
  const size_t codes_bytes = kPanel * kUnit / (wide(format) ? 1 : 2);
  uint8_t* target = unit + half * codes_bytes / 2 + 4 * channel;
  if (wide(format)) {
    for (size_t i = 0; i < 8; ++i) std::memcpy(target + 64 * i, block.codes + 4 * i, 4);
  } else {
    for (size_t i = 0; i < 4; ++i) {
      uint32_t low, high;
      std::memcpy(&low, block.codes + 8 * i, 4);
      std::memcpy(&high, block.codes + 8 * i + 4, 4);
      low |= high << 4;
      std::memcpy(target + 64 * i, &low, 4);
    }
  }
  std::memcpy(unit + codes_bytes + 32 * half + 2 * channel, &block.scale, 2);
  if (with_minimum(format)) {
    std::memcpy(unit + codes_bytes + 64 + 32 * half + 2 * channel, &block.minimum, 2);
  }
}

/// A symmetric 4-bit block as an 8-bit one.
void widen(WeightBlock& block) {
  for (uint8_t& code : block.codes) code = static_cast<uint8_t>(code + 120);  // - 8 + 128
}

uint32_t read_u32(const std::byte* p) {
  uint32_t value;
  std::memcpy(&value, p, 4);
  return value;
}

/// The types that large models are stored in, four codes at a time: whole rows of blocks whose
/// codes need no change but their place. False: not such a type.
bool pack_row_fast(BlockFormat format, TensorType type, const std::byte* row, uint64_t blocks,
                   size_t channel, uint8_t* panel) {
  const bool minimum = type == TensorType::q4_1;
  if (format == BlockFormat::q8 && type == TensorType::q8_0) {
    for (uint64_t index = 0; index < blocks; ++index) {
      const std::byte* block = row + index * 34;
      uint8_t* unit = panel + index / 2 * unit_bytes(BlockFormat::q8);
      uint8_t* target = unit + index % 2 * (kPanel * kBlock) + 4 * channel;
      for (size_t i = 0; i < 8; ++i) {
        const uint32_t codes = read_u32(block + 2 + 4 * i) ^ 0x80808080u;
        std::memcpy(target + 64 * i, &codes, 4);
      }
      std::memcpy(unit + kPanel * kUnit + 32 * (index % 2) + 2 * channel, block, 2);
    }
    return true;
  }
  if (!(format == BlockFormat::q4 && type == TensorType::q4_0) &&
      !(format == BlockFormat::q4_min && minimum)) {
    return false;
  }
  constexpr uint32_t kLow = 0x0f0f0f0fu;
  constexpr size_t kCodes = kPanel * kUnit / 2;
  const size_t stored = minimum ? 20 : 18, header = minimum ? 4 : 2;
  for (uint64_t index = 0; index < blocks; ++index) {
    const std::byte* block = row + index * stored;
    uint8_t* unit = panel + index / 2 * unit_bytes(format);
    uint8_t* target = unit + index % 2 * (kCodes / 2) + 4 * channel;
    for (size_t i = 0; i < 2; ++i) {
      const uint32_t first = read_u32(block + header + 8 * i),
                     second = read_u32(block + header + 8 * i + 4);
      const uint32_t low = (first & kLow) | (second & kLow) << 4;
      const uint32_t high = (first >> 4 & kLow) | (second & ~kLow);
      std::memcpy(target + 64 * i, &low, 4);
      std::memcpy(target + 64 * (i + 2), &high, 4);
    }
    std::memcpy(unit + kCodes + 32 * (index % 2) + 2 * channel, block, 2);
    if (minimum) std::memcpy(unit + kCodes + 64 + 32 * (index % 2) + 2 * channel, block + 2, 2);
  }
  return true;
}

}  // namespace

// 4-bit codes of symmetric types are offset by 8, wider ones are moved to an offset of 128.
void read_block(TensorType type, const std::byte* row, uint64_t index, WeightBlock& block) {
  block.minimum = 0;
  switch (type) {
    case TensorType::q4_0: {
      const std::byte* b = row + index * 18;
      block.scale = read_u16(b);
      low_and_high_nibbles(b + 2, block.codes);
      return;
    }
    case TensorType::q4_1: {
      const std::byte* b = row + index * 20;
      block.scale = read_u16(b);
      block.minimum = read_u16(b + 2);
      low_and_high_nibbles(b + 4, block.codes);
      return;
    }
    case TensorType::q5_0: {
      const std::byte* b = row + index * 22;
      block.scale = read_u16(b);
      low_and_high_nibbles(b + 6, block.codes);
      add_fifth_bits(b + 2, block.codes);
      for (uint8_t& code : block.codes) code = static_cast<uint8_t>(code + 112);  // - 16 + 128
      return;
    }
    case TensorType::q5_1: {
      const std::byte* b = row + index * 24;
      block.scale = read_u16(b);
      block.minimum = read_u16(b + 2);
      low_and_high_nibbles(b + 8, block.codes);
      add_fifth_bits(b + 4, block.codes);
      return;
    }
    case TensorType::q8_0: {
      const std::byte* b = row + index * 34;
      block.scale = read_u16(b);
      for (size_t i = 0; i < kBlock; ++i)
        block.codes[i] = std::to_integer<uint8_t>(b[2 + i]) ^ 0x80;
      return;
    }
    case TensorType::iq4_nl: {
      const std::byte* b = row + index * 18;
      block.scale = read_u16(b);
      low_and_high_nibbles(b + 2, block.codes);
      for (uint8_t& code : block.codes) code = static_cast<uint8_t>(kNonLinear[code] + 128);
      return;
    }
    case TensorType::q4_k:
      return k_block(row + index / 8 * 144, index % 8, false, block);
    case TensorType::q5_k:
      return k_block(row + index / 8 * 176, index % 8, true, block);
    default:
      return;
  }
}

void round_to_int4(const float* w, size_t count, WeightBlock& block) {
  float low = count > 0 ? w[0] : 0.0f, high = low;
  for (size_t i = 0; i < count; ++i) {
    low = std::min(low, w[i]);
    high = std::max(high, w[i]);
  }
  block.minimum = f32_to_f16(low);
  const float base = f16_to_f32(block.minimum);
  block.scale = f32_to_f16((high - base) / 15.0f);
  const float scale = f16_to_f32(block.scale);
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  for (size_t i = 0; i < kBlock; ++i) {
    const float code = i < count ? std::nearbyint((w[i] - base) * inverse) : 0.0f;
    block.codes[i] = static_cast<uint8_t>(std::clamp(code, 0.0f, 15.0f));
  }
}

std::optional<BlockFormat> exact_block_format(TensorType type) {
  switch (type) {
    case TensorType::q4_0:
      return BlockFormat::q4;
    case TensorType::q4_1:
    case TensorType::q4_k:
      return BlockFormat::q4_min;
    case TensorType::q5_0:
    case TensorType::iq4_nl:
    case TensorType::q8_0:
      return BlockFormat::q8;
    case TensorType::q5_1:
    case TensorType::q5_k:
      return BlockFormat::q8_min;
    default:
      return std::nullopt;
  }
}

void pack_block_panel(BlockFormat format, TensorType type, const std::byte* source, uint64_t rows,
                      uint64_t cols, uint8_t* panel, std::span<float> scratch) {
  const std::optional<BlockFormat> exact = exact_block_format(type);
  const bool direct =
      exact && (*exact == format || (wide(format) && with_minimum(format) == with_minimum(*exact)));
  const bool widens = direct && *exact == BlockFormat::q4 && wide(format);
  const uint64_t row_size = row_bytes(tensor_type_info(type), cols);
  const uint64_t blocks = (cols + kBlock - 1) / kBlock;
  const uint64_t padded_blocks = (cols + kUnit - 1) / kUnit * 2;
  WeightBlock empty{};
  empty.scale = empty.minimum = 0;
  for (size_t channel = 0; channel < kPanel; ++channel) {
    const std::byte* row = source + channel * row_size;
    const bool present = channel < rows;
    if (present && pack_row_fast(format, type, row, blocks, channel, panel)) {
      for (uint64_t index = blocks; index < padded_blocks; ++index)
        place(format, empty, index, channel, panel);
      continue;
    }
    if (present && !direct) dequantize(type, row, cols, scratch.data());
    for (uint64_t index = 0; index < padded_blocks; ++index) {
      if (!present || index >= blocks) {
        place(format, empty, index, channel, panel);
        continue;
      }
      WeightBlock block;
      if (direct) {
        read_block(type, row, index, block);
        if (widens) widen(block);
      } else {
        const float* w = scratch.data() + index * kBlock;
        const size_t count = std::min<uint64_t>(kBlock, cols - index * kBlock);
        if (wide(format)) {
          round_to_int8(w, count, block);
        } else {
          round_to_int4(w, count, block);
        }
      }
      place(format, block, index, channel, panel);
    }
  }
}

}  // namespace npb::cpu
