// Which packed form a stored tensor gets: the one place that decides. docs/cpu-formats.md is its
// table for people, with the measured errors.
#pragma once

#include "backends/backend.h"
#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/matrix_xnn.h"
#include "model/tensor_type.h"

namespace npb::cpu {

struct Format {
  enum class Family : uint8_t { blocks, channels, dense, xnnpack } family = Family::dense;
  BlockFormat blocks = BlockFormat::q8;
  bool half = false;  // dense
  XnnFormat xnnpack = XnnFormat::qc8w;
  bool with_minimums = false;  // xnnpack: the f16 product that adds the blocks' minimums
};

/// `own_blocks`: this CPU has our block kernels. Otherwise XNNPACK's formats serve. `channels`:
/// weights without blocks of their own become int8 per channel, where 8 bits are asked for.
Format choose_format(TensorType type, uint64_t cols, Precision precision, bool own_blocks,
                     bool channels);

}  // namespace npb::cpu
