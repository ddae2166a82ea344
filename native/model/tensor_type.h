// Tensor element types as GGUF numbers them, and the geometry of their blocks.
// Source of the numbers and layouts: the GGUF specification (ggml/docs/gguf.md) and ggml's block
// structures.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace npb {

enum class TensorType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  bf16 = 30,
};

struct TensorTypeInfo {
  TensorType type;
  std::string_view name;   // "Q4_1"
  uint32_t block_weights;  // weights per block (1 for plain types)
  uint32_t block_bytes;    // bytes per block
};

/// Null for a number that GGUF doesn't define or that this build doesn't read.
const TensorTypeInfo* tensor_type_info(uint32_t gguf_number);
/// Never null for a named enumerator.
const TensorTypeInfo& tensor_type_info(TensorType type);
/// By its GGUF name, any case ("q4_0", "F16").
std::optional<TensorType> tensor_type_from_name(std::string_view name);

/// Bytes of one row of `cols` weights; cols must be a multiple of block_weights.
constexpr uint64_t row_bytes(const TensorTypeInfo& info, uint64_t cols) {
  return cols / info.block_weights * info.block_bytes;
}

}  // namespace npb
