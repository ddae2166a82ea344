#include "backends/gpu/pack.h"

#include <cstring>

#include "backends/gpu/superblocks.h"
#include "core/half.h"

namespace npb::gpu {
namespace {

uint32_t load_u16(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8;
}

uint32_t load_u32(const uint8_t* p) { return load_u16(p) | load_u16(p + 2) << 16; }

/// Four signed bytes in one word, the first in the low byte.
uint32_t word_of(const int8_t* q) {
  uint32_t word;
  std::memcpy(&word, q, 4);
  return word;
}

/// Halves of consecutive blocks share a word, the even block in the low half.
void put_half(uint32_t* scales, uint64_t block, uint32_t half) {
  uint32_t& word = scales[block / 2];
  word |= block % 2 == 0 ? half : half << 16;
}

void pack_q8_0(const uint8_t* b, uint64_t block, uint32_t* quants, uint32_t* scales) {
  put_half(scales, block, load_u16(b));
  std::memcpy(quants + block * 8, b + 2, 32);
}

void pack_q4_0(const uint8_t* b, uint64_t block, uint32_t* quants, uint32_t* scales) {
  put_half(scales, block, load_u16(b));
  std::memcpy(quants + block * 4, b + 2, 16);
}

void pack_q4_1(const uint8_t* b, uint64_t block, uint32_t* quants, uint32_t* scales) {
  scales[block] = load_u32(b);
  std::memcpy(quants + block * 4, b + 4, 16);
}

/// The fifth bits are one word: bit j belongs to weight j.
void pack_q5(const uint8_t* nibbles, uint32_t high, int offset, uint32_t* quants) {
  int8_t q[32];
  for (int j = 0; j < 16; ++j) {
    q[j] = static_cast<int8_t>(((nibbles[j] & 15) | ((high >> j & 1u) << 4)) - offset);
    q[j + 16] = static_cast<int8_t>(((nibbles[j] >> 4) | ((high >> (j + 16) & 1u) << 4)) - offset);
  }
  std::memcpy(quants, q, 32);
}

void pack_q5_0(const uint8_t* b, uint64_t block, uint32_t* quants, uint32_t* scales) {
  put_half(scales, block, load_u16(b));
  pack_q5(b + 6, load_u32(b + 2), 16, quants + block * 8);
}

void pack_q5_1(const uint8_t* b, uint64_t block, uint32_t* quants, uint32_t* scales) {
  scales[block] = load_u32(b);
  pack_q5(b + 8, load_u32(b + 4), 0, quants + block * 8);
}

void pack_iq4_nl(const uint8_t* b, uint64_t block, uint32_t* quants, uint32_t* scales) {
  // GGUF's table of the 16 values that a code stands for (IQ4_NL).
  static constexpr int8_t kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};
  put_half(scales, block, load_u16(b));
  int8_t q[32];
  for (int j = 0; j < 16; ++j) {
    q[j] = kValues[b[2 + j] & 15];
    q[j + 16] = kValues[b[2 + j] >> 4];
  }
  std::memcpy(quants + block * 8, q, 32);
}

void pack_q8_k(const Superblock& s, uint64_t block, uint32_t* quants, uint32_t* scales) {
  uint32_t* out = scales + block * 9;
  out[0] = s.d | s.dmin << 16;
  std::memcpy(out + 1, s.scales, 16);
  std::memcpy(out + 5, s.mins, 16);
  for (int w = 0; w < 64; ++w) quants[block * 64 + w] = word_of(s.q + 4 * w);
}

void pack_q4_k(const Superblock& s, uint64_t block, uint32_t* quants, uint32_t* scales) {
  uint32_t* out = scales + block * 5;
  out[0] = s.d | s.dmin << 16;
  int8_t sc[8], m[8];
  for (int i = 0; i < 8; ++i) {  // a Q4_K sub-block has 32 weights: two equal entries
    sc[i] = s.scales[2 * i];
    m[i] = s.mins[2 * i];
  }
  std::memcpy(out + 1, sc, 8);
  std::memcpy(out + 3, m, 8);
  for (int sub = 0; sub < 8; ++sub) {
    uint8_t nibbles[16];
    for (int j = 0; j < 16; ++j)
      nibbles[j] = static_cast<uint8_t>(s.q[sub * 32 + j] | s.q[sub * 32 + j + 16] << 4);
    std::memcpy(quants + block * 32 + sub * 4, nibbles, 16);
  }
}

/// One GGUF row to words.
void pack_row(TensorType type, const uint8_t* row, uint64_t cols, uint32_t* quants,
              uint32_t* scales) {
  const TensorTypeInfo& info = tensor_type_info(type);
  const uint64_t blocks = cols / info.block_weights;
  auto each = [&](auto pack) {
    for (uint64_t b = 0; b < blocks; ++b) pack(row + b * info.block_bytes, b, quants, scales);
  };
  auto each_super = [&](auto read, auto pack) {
    Superblock s;
    for (uint64_t b = 0; b < blocks; ++b) {
      read(row + b * info.block_bytes, s);
      pack(s, b, quants, scales);
    }
  };
  switch (type) {
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16:
      std::memcpy(quants, row, cols * info.block_bytes);
      break;
    case TensorType::q8_0:
      each(pack_q8_0);
      break;
    case TensorType::q4_0:
      each(pack_q4_0);
      break;
    case TensorType::q4_1:
      each(pack_q4_1);
      break;
    case TensorType::q5_0:
      each(pack_q5_0);
      break;
    case TensorType::q5_1:
      each(pack_q5_1);
      break;
    case TensorType::iq4_nl:
      each(pack_iq4_nl);
      break;
    case TensorType::q2_k:
      each_super(read_q2_k, pack_q8_k);
      break;
    case TensorType::q3_k:
      each_super(read_q3_k, pack_q8_k);
      break;
    case TensorType::q4_k:
      each_super(read_q4_k, pack_q4_k);
      break;
    case TensorType::q5_k:
      each_super(read_q5_k, pack_q8_k);
      break;
    case TensorType::q6_k:
      each_super(read_q6_k, pack_q8_k);
      break;
  }
}

}  // namespace

const char* name(Format format) {
  switch (format) {
    case Format::f32:
      return "f32";
    case Format::f16:
      return "f16";
    case Format::bf16:
      return "bf16";
    case Format::q8:
      return "q8";
    case Format::q8_min:
      return "q8_min";
    case Format::q4:
      return "q4";
    case Format::q4_min:
      return "q4_min";
    case Format::q4_k:
      return "q4_k";
    case Format::q8_k:
      return "q8_k";
  }
  return "f32";
}

Format format_for(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return Format::f32;
    case TensorType::f16:
      return Format::f16;
    case TensorType::bf16:
      return Format::bf16;
    case TensorType::q8_0:
    case TensorType::q5_0:
    case TensorType::iq4_nl:
      return Format::q8;
    case TensorType::q5_1:
      return Format::q8_min;
    case TensorType::q4_0:
      return Format::q4;
    case TensorType::q4_1:
      return Format::q4_min;
    case TensorType::q4_k:
      return Format::q4_k;
    case TensorType::q2_k:
    case TensorType::q3_k:
    case TensorType::q5_k:
    case TensorType::q6_k:
      return Format::q8_k;
  }
  return Format::f32;
}

uint32_t block_weights(Format format) {
  switch (format) {
    case Format::f32:
    case Format::f16:
    case Format::bf16:
      return 1;
    case Format::q4_k:
    case Format::q8_k:
      return 256;
    default:
      return 32;
  }
}

uint64_t quant_words_per_row(Format format, uint64_t cols) {
  switch (format) {
    case Format::f32:
      return cols;
    case Format::f16:
    case Format::bf16:
      return cols / 2;
    case Format::q4:
    case Format::q4_min:
    case Format::q4_k:
      return cols / 8;
    default:
      return cols / 4;
  }
}

uint64_t scale_words_per_row(Format format, uint64_t cols) {
  switch (format) {
    case Format::q8:
    case Format::q4:
      return (cols / 32 + 1) / 2;
    case Format::q8_min:
    case Format::q4_min:
      return cols / 32;
    case Format::q4_k:
      return cols / 256 * 5;
    case Format::q8_k:
      return cols / 256 * 9;
    default:
      return 0;
  }
}

Result<void> pack_rows(const WeightSource& source, const WeightInfo& tensor, uint64_t row,
                       uint64_t count, PackedRows& packed) {
  const Format format = format_for(tensor.type);
  if (tensor.cols % 32 != 0 || tensor.cols % block_weights(format) != 0)
    return Error{ErrorCode::unsupported,
                 "Tensor " + tensor.name + " has " + std::to_string(tensor.cols) +
                     " columns; the GPU kernels need a multiple of 32: run it on --device cpu."};
  const uint64_t quants = quant_words_per_row(format, tensor.cols);
  const uint64_t scales = scale_words_per_row(format, tensor.cols);
  packed.quants.assign(count * quants, 0);
  packed.scales.assign(count * scales, 0);
  std::vector<std::byte> scratch;
  const std::span<const std::byte> bytes = source.rows(tensor, row, count, scratch);
  const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
  for (uint64_t r = 0; r < count; ++r)
    pack_row(tensor.type, reinterpret_cast<const uint8_t*>(bytes.data()) + r * stride, tensor.cols,
             packed.quants.data() + r * quants, packed.scales.data() + r * scales);
  return {};
}

}  // namespace npb::gpu
