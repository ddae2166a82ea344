// Which kernel variant suits a device: decided by its reported limits alone.
#pragma once

#include "backends/gpu/device.h"

namespace npb::gpu {

struct LinearChoice {
  Kernel kernel = Kernel::matvec;  // or matmul, matmul_tiled
  Variant variant;
};

/// For a product with `m` rows of x, `x_stride` floats apart, and matrices of `k` columns, of which
/// the largest binding has `quads` groups of four words.
LinearChoice choose_linear(const Limits& limits, uint32_t m, uint32_t k, uint32_t x_stride,
                           uint64_t quads);
/// For norms, argmax: workgroups that reduce.
Variant choose_reduction(const Limits& limits);
/// For attention over heads of `head_dim` floats.
Variant choose_attention(const Limits& limits, uint32_t head_dim);
/// Query rows of a sequence that one workgroup of attention takes together.
uint32_t choose_queries(uint32_t step_tokens);
/// Workgroup size of element-wise kernels.
uint32_t choose_elementwise(const Limits& limits);

}  // namespace npb::gpu
