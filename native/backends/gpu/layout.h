// Where activations live: regions of one buffer, reused when their last reader is past.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/gpu/lower.h"

namespace npb::gpu {

/// A value as kernels address it: region + column offset, in floats.
struct Location {
  uint64_t region_bytes_offset = 0;  // multiple of the binding alignment
  uint64_t region_bytes = 0;
  uint32_t offset = 0;  // floats from the region's begin to the value's first column
  uint32_t stride = 0;  // floats from row to row
};

struct ActivationLayout {
  std::vector<Location> of;  // [values]; empty regions for values that are never stored
  uint64_t bytes = 0;
};

/// `token_rows` = B * max_step_tokens, `sequence_rows` = B.
ActivationLayout layout_activations(const Graph& graph, const Lowered& lowered, uint64_t token_rows,
                                    uint64_t sequence_rows, uint32_t alignment_bytes);

}  // namespace npb::gpu
