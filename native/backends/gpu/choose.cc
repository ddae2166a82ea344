#include "backends/gpu/choose.h"

#include <algorithm>
#include <bit>

namespace npb::gpu {
namespace {

/// Reducing inside one subgroup needs no barrier. Only taken where a subgroup is a plausible
/// workgroup on its own; on wide hardware shared memory is the form that every driver gets right.
bool reduce_in_subgroup(const Limits& limits) {
  return limits.software && limits.subgroup_arithmetic && limits.subgroup_size >= 4;
}

}  // namespace

Variant choose_reduction(const Limits& limits) {
  Variant variant;
  if (reduce_in_subgroup(limits)) {
    variant.local_size = limits.subgroup_size;
    variant.lanes = limits.subgroup_size;
    variant.subgroup = true;
    return variant;
  }
  variant.local_size = std::bit_floor(std::min(limits.max_workgroup_size, 64u));
  variant.lanes = variant.local_size;
  return variant;
}

uint32_t choose_elementwise(const Limits& limits) {
  return std::min(limits.max_workgroup_size, 64u);
}

LinearChoice choose_linear(const Limits& limits, uint32_t m, uint32_t k, uint32_t x_stride,
                           uint64_t quads) {
  LinearChoice choice;
  if (limits.software || m > 8) {
    // Neighbouring invocations make neighbouring rows and share x: no reduction, full lanes.
    choice.kernel = Kernel::matmul;
    choice.variant.local_size =
        limits.software ? std::max(limits.subgroup_size, 1u) : choose_elementwise(limits);
    choice.variant.lanes = choice.variant.local_size;
    choice.variant.rows = 1;
    choice.variant.columns = std::min(m, limits.software ? 8u : 16u);
    // A rasteriser in software reads storage buffers lane by lane: texel and uniform buffers are
    // its faster ways, and even there a load costs more than arithmetic. On lavapipe 8 x 4 keeps
    // both sides' loads few and the sums in registers.
    const uint32_t fit = limits.max_uniform_bytes / (x_stride * 4);
    if (limits.software && fit > 0 && quads > 0 && quads * 4 <= limits.max_texel_elements) {
      choice.variant.texel = true;
      choice.variant.rows = 8;
      choice.variant.columns = std::min({m, fit, 4u});
    }
    return choice;
  }
  choice.kernel = Kernel::matvec;
  choice.variant.local_size = std::bit_floor(std::min(limits.max_workgroup_size, 64u));
  // As many lanes a row as there are blocks to share, so that short rows don't leave lanes idle.
  choice.variant.lanes = std::min(choice.variant.local_size, std::bit_ceil(std::max(k / 64, 4u)));
  choice.variant.rows = m <= 2 ? 2 : 1;
  choice.variant.columns = m;
  return choice;
}

}  // namespace npb::gpu
