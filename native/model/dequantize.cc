// Dequantisation of GGUF's block types. The layouts are ggml's block structures (ggml-common.h);
// the order of multiplications is ggml's, so that results are equal bit for bit. This file is
// compiled without contraction to fused multiply-add for the same reason.
#include <bit>
#include <cstring>

#include "core/half.h"
#include "model/weights.h"

namespace npb {

namespace {

static_assert(std::endian::native == std::endian::little, "GGUF data is read in place");

// A block is read through bytes: nothing in a file guarantees alignment.
float half_at(const uint8_t* block, size_t offset) {
  uint16_t bits = 0;
  std::memcpy(&bits, block + offset, sizeof bits);
  return f16_to_f32(bits);
}

void q4_0(const uint8_t* block,
          float* out) {  // f16 d, 16 bytes of nibbles (weight j low, j + 16 high)
  const float d = half_at(block, 0);
  const uint8_t* q = block + 2;
  for (int j = 0; j < 16; ++j) {
    out[j] = static_cast<float>((q[j] & 15) - 8) * d;
    out[j + 16] = static_cast<float>((q[j] >> 4) - 8) * d;
  }
}

void q4_1(const uint8_t* block, float* out) {  // f16 d, f16 min, nibbles
  const float d = half_at(block, 0);
  const float min = half_at(block, 2);
  const uint8_t* q = block + 4;
  for (int j = 0; j < 16; ++j) {
    out[j] = static_cast<float>(q[j] & 15) * d + min;
    out[j + 16] = static_cast<float>(q[j] >> 4) * d + min;
  }
}

// The fifth bit of weight j is bit j of a 32-bit word.
int fifth_bit(const uint8_t* word, int j) { return ((word[j / 8] >> (j % 8)) & 1) << 4; }

void q5_0(const uint8_t* block, float* out) {  // f16 d, 4 bytes of high bits, nibbles
  const float d = half_at(block, 0);
  const uint8_t* high = block + 2;
  const uint8_t* q = block + 6;
  for (int j = 0; j < 16; ++j) {
    out[j] = static_cast<float>(((q[j] & 15) | fifth_bit(high, j)) - 16) * d;
    out[j + 16] = static_cast<float>(((q[j] >> 4) | fifth_bit(high, j + 16)) - 16) * d;
  }
}

void q5_1(const uint8_t* block, float* out) {  // f16 d, f16 min, 4 bytes of high bits, nibbles
  const float d = half_at(block, 0);
  const float min = half_at(block, 2);
  const uint8_t* high = block + 4;
  const uint8_t* q = block + 8;
  for (int j = 0; j < 16; ++j) {
    out[j] = static_cast<float>((q[j] & 15) | fifth_bit(high, j)) * d + min;
    out[j + 16] = static_cast<float>((q[j] >> 4) | fifth_bit(high, j + 16)) * d + min;
  }
}

void q8_0(const uint8_t* block, float* out) {  // f16 d, 32 int8
  const float d = half_at(block, 0);
  const auto* q = reinterpret_cast<const int8_t*>(block + 2);
  for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(q[j]) * d;
}

void iq4_nl(const uint8_t* block, float* out) {  // f16 d, nibbles that index a fixed table
  static constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};
  const float d = half_at(block, 0);
  const uint8_t* q = block + 2;
  for (int j = 0; j < 16; ++j) {
    out[j] = d * kValues[q[j] & 15];
    out[j + 16] = d * kValues[q[j] >> 4];
  }
}

void q2_k(const uint8_t* block,
          float* out) {  // 16 x (4-bit scale, 4-bit min), 2-bit weights, f16 d, f16 dmin
  const uint8_t* scales = block;
  const float d = half_at(block, 80);
  const float dmin = half_at(block, 82);
  for (int group = 0; group < 16; ++group) {
    const uint8_t* q = block + 16 + group / 8 * 32 + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    const float scale = d * static_cast<float>(scales[group] & 15);
    const float min = dmin * static_cast<float>(scales[group] >> 4);
    for (int j = 0; j < 16; ++j) {
      *out++ = scale * static_cast<float>((q[j] >> shift) & 3) - min;
    }
  }
}

void q3_k(const uint8_t* block,
          float* out) {  // 32 bytes of high bits, 2-bit weights, 12 bytes of 6-bit scales, f16 d
  const uint8_t* high = block;
  const uint8_t* scales = block + 96;
  const float d = half_at(block, 108);
  for (int group = 0; group < 16; ++group) {
    const int low4 = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high2 = (scales[8 + group % 4] >> (group / 4 * 2)) & 3;
    const float scale = d * static_cast<float>((low4 | high2 << 4) - 32);
    const uint8_t* q = block + 32 + group / 8 * 32 + group % 2 * 16;
    const uint8_t* h = high + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    const int bit = group / 2;
    for (int j = 0; j < 16; ++j) {
      const int value = ((q[j] >> shift) & 3) - (((h[j] >> bit) & 1) ? 0 : 4);
      *out++ = scale * static_cast<float>(value);
    }
  }
}

// Q4_K and Q5_K: eight 6-bit scales and minima in 12 bytes.
void k_scale(const uint8_t* packed, int index, int& scale, int& min) {
  if (index < 4) {
    scale = packed[index] & 63;
    min = packed[index + 4] & 63;
  } else {
    scale = (packed[index + 4] & 15) | ((packed[index - 4] >> 6) << 4);
    min = (packed[index + 4] >> 4) | ((packed[index] >> 6) << 4);
  }
}

void q4_k(const uint8_t* block, float* out) {  // f16 d, f16 dmin, 12 bytes of scales, nibbles
  const float d = half_at(block, 0);
  const float dmin = half_at(block, 2);
  for (int group = 0; group < 8; ++group) {
    int scale = 0;
    int min = 0;
    k_scale(block + 4, group, scale, min);
    const float s = d * static_cast<float>(scale);
    const float m = dmin * static_cast<float>(min);
    const uint8_t* q = block + 16 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int j = 0; j < 32; ++j) *out++ = s * static_cast<float>((q[j] >> shift) & 15) - m;
  }
}

void q5_k(const uint8_t* block,
          float* out) {  // as Q4_K with 32 bytes of high bits before the nibbles
  const float d = half_at(block, 0);
  const float dmin = half_at(block, 2);
  const uint8_t* high = block + 16;
  for (int group = 0; group < 8; ++group) {
    int scale = 0;
    int min = 0;
    k_scale(block + 4, group, scale, min);
    const float s = d * static_cast<float>(scale);
    const float m = dmin * static_cast<float>(min);
    const uint8_t* q = block + 48 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int j = 0; j < 32; ++j) {
      const int value = ((q[j] >> shift) & 15) | (((high[j] >> group) & 1) << 4);
      *out++ = s * static_cast<float>(value) - m;
    }
  }
}

void q6_k(const uint8_t* block,
          float* out) {  // 128 bytes low nibbles, 64 bytes high pairs, 16 int8 scales, f16 d
  const auto* scales = reinterpret_cast<const int8_t*>(block + 192);
  const float d = half_at(block, 208);
  for (int group = 0; group < 16; ++group) {
    const int part = group / 2 % 4;  // which 32 of the 128 weights of this half
    const int lane = group % 2 * 16;
    const uint8_t* low = block + group / 8 * 64 + part % 2 * 32 + lane;
    const uint8_t* high = block + 128 + group / 8 * 32 + lane;
    const int low_shift = part / 2 * 4;
    const float scale = d * static_cast<float>(scales[group]);
    for (int j = 0; j < 16; ++j) {
      const int value = ((low[j] >> low_shift) & 15) | (((high[j] >> (part * 2)) & 3) << 4);
      *out++ = scale * static_cast<float>(value - 32);
    }
  }
}

template <void (*kBlock)(const uint8_t*, float*)>
void blocks(TensorType type, const uint8_t* source, uint64_t count, float* target) {
  const TensorTypeInfo& info = tensor_type_info(type);
  for (uint64_t at = 0; at < count; at += info.block_weights) {
    kBlock(source, target + at);
    source += info.block_bytes;
  }
}

template <float (*kConvert)(uint16_t)>
void words(const uint8_t* source, uint64_t count, float* target) {
  for (uint64_t i = 0; i < count; ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, source + 2 * i, sizeof bits);
    target[i] = kConvert(bits);
  }
}

}  // namespace

void dequantize(TensorType type, const std::byte* source, uint64_t count, float* target) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(source);
  switch (type) {
    case TensorType::f32:
      std::memcpy(target, bytes, count * sizeof(float));
      return;
    case TensorType::f16:
      return words<f16_to_f32>(bytes, count, target);
    case TensorType::bf16:
      return words<bf16_to_f32>(bytes, count, target);
    case TensorType::q4_0:
      return blocks<q4_0>(type, bytes, count, target);
    case TensorType::q4_1:
      return blocks<q4_1>(type, bytes, count, target);
    case TensorType::q5_0:
      return blocks<q5_0>(type, bytes, count, target);
    case TensorType::q5_1:
      return blocks<q5_1>(type, bytes, count, target);
    case TensorType::q8_0:
      return blocks<q8_0>(type, bytes, count, target);
    case TensorType::q2_k:
      return blocks<q2_k>(type, bytes, count, target);
    case TensorType::q3_k:
      return blocks<q3_k>(type, bytes, count, target);
    case TensorType::q4_k:
      return blocks<q4_k>(type, bytes, count, target);
    case TensorType::q5_k:
      return blocks<q5_k>(type, bytes, count, target);
    case TensorType::q6_k:
      return blocks<q6_k>(type, bytes, count, target);
    case TensorType::iq4_nl:
      return blocks<iq4_nl>(type, bytes, count, target);
  }
}

void dequantize_rows(const WeightSource& source, const WeightInfo& tensor, uint64_t row,
                     uint64_t count, float* target) {
  std::vector<std::byte> scratch;
  const auto bytes = source.rows(tensor, row, count, scratch);
  dequantize(tensor.type, bytes.data(), count * tensor.cols, target);
}

void dequantize_copied_rows(const WeightSource& source, const WeightInfo& tensor, uint64_t row,
                            uint64_t count, float* target) {
  std::vector<std::byte> scratch;
  const auto bytes = source.copy(tensor, row, count, scratch);
  dequantize(tensor.type, bytes.data(), count * tensor.cols, target);
}

}  // namespace npb
