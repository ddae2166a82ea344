// GGUF blocks to the device's layout: quants and scales in separate arrays of 32-bit words.
// No weight changes its value: every type is either moved as it is or into a wider exact form.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/gpu/device.h"
#include "core/result.h"
#include "model/weights.h"

namespace npb::gpu {

/// The format that holds a GGUF type exactly.
Format format_for(TensorType type);

/// Weights per block of the format's scales (1 for plain formats): cols must be a multiple of it.
uint32_t block_weights(Format format);
/// 32-bit words per row of `cols` weights.
uint64_t quant_words_per_row(Format format, uint64_t cols);
uint64_t scale_words_per_row(Format format, uint64_t cols);

struct PackedRows {
  std::vector<uint32_t> quants;  // [rows, quant_words_per_row]
  std::vector<uint32_t> scales;  // [rows, scale_words_per_row]
};

/// Packs rows [row, row + count) of `tensor`. Thread-safe. `packed` is resized.
/// Errors: unsupported (columns that don't fill the words).
Result<void> pack_rows(const WeightSource& source, const WeightInfo& tensor, uint64_t row,
                       uint64_t count, PackedRows& packed);

}  // namespace npb::gpu
