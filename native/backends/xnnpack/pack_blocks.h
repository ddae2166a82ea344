// From GGUF's blocks to the panels of the block formats. Types whose blocks are 32 weights with one
// scale (and one minimum) go over code by code; others are rounded anew to int8 in blocks of 32.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "backends/xnnpack/kernels/kernels.h"
#include "model/tensor_type.h"

namespace npb::cpu {

/// 32 weights: scale * (code - offset) + minimum. The offset is the format's: 8 for q4, 128 for q8,
/// else 0.
struct WeightBlock {
  uint8_t codes[kBlock];
  uint16_t scale;    // f16
  uint16_t minimum;  // f16
};

/// The block format that holds every weight of `type` (up to the f16 rounding of the K types'
/// products of scales), or nothing if there is none.
std::optional<BlockFormat> exact_block_format(TensorType type);

/// Packs up to 16 rows of `cols` weights, each in `source` in the type's own form, into one panel;
/// missing rows and columns become zeros. `scratch` holds cols floats.
void pack_block_panel(BlockFormat format, TensorType type, const std::byte* source, uint64_t rows,
                      uint64_t cols, uint8_t* panel, std::span<float> scratch);

/// Block `index` of a row of a type that has an exact block format.
void read_block(TensorType type, const std::byte* row, uint64_t index, WeightBlock& block);
/// Nearest 4-bit codes between the smallest and the largest of `count` (at most 32) weights.
void round_to_int4(const float* weights, size_t count, WeightBlock& block);

}  // namespace npb::cpu
