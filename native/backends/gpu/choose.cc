#include "backends/gpu/choose.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace npb::gpu {
namespace {

/// Most rows of x for which reading a matrix row by row still beats tiles.
constexpr uint32_t kMatvecMostRows = 8;
/// Shared memory of matmul_tiled: a block of 32 floats of each row of both tiles.
constexpr uint32_t kTileRowBytes = 32 * 4;

/// Local memory of the form for processors: 8 blocks of 32 weights of 16 rows, as f32.
constexpr uint32_t kPanelBytes = 8 * 32 * 16 * 4;

/// Reducing inside one subgroup needs no barrier. Only taken where a subgroup is a plausible
/// workgroup on its own; on wide hardware shared memory is the form that every driver gets right.
bool reduce_in_subgroup(const Limits& limits) {
  return limits.software && limits.subgroup_arithmetic && limits.subgroup_size >= 4;
}

/// A processor that imitates the device: neighbouring invocations are lanes of one vector. They
/// make neighbouring rows and share x, so nothing is reduced and no lane is idle, at any `m`.
LinearChoice software_form(const Limits& limits, uint32_t m, uint32_t x_stride, uint64_t quads) {
  LinearChoice choice{.kernel = Kernel::matmul, .variant = {}};
  Variant& variant = choice.variant;
  variant.local_size = variant.lanes = std::max(limits.subgroup_size, 1u);
  variant.columns = std::min(m, 8u);
  if (limits.vector_items) {
    if (m >= 16 && limits.max_shared_bytes >= kPanelBytes) {
      choice.kernel = Kernel::matmul_tiled;
      variant.rows = 16;
      variant.columns = 128;
    } else {
      variant.rows = m <= 4 ? 4 : 2;
    }
    return choice;
  }
  // Lavapipe reads storage buffers lane by lane: texel and uniform buffers are its faster ways, and
  // even there a load costs more than arithmetic. 8 x 4 keeps both sides' loads few and the sums in
  // registers.
  const uint32_t fit = limits.max_uniform_bytes / (x_stride * 4);
  if (fit > 0 && quads > 0 && quads * 4 <= limits.max_texel_elements) {
    variant.texel = true;
    variant.rows = 8;
    variant.columns = std::min({m, fit, 4u});
  }
  return choice;
}

/// Adreno reads images through its texture cache, beside the path of buffers.
bool through_image(const Limits& limits, uint64_t quads) {
  return quads > 0 && quads <= limits.max_image_texels;
}

LinearChoice matvec(const Limits& limits, uint32_t m, uint32_t k, uint64_t quads) {
  LinearChoice choice{.kernel = Kernel::matvec, .variant = {}};
  Variant& variant = choice.variant;
  variant.local_size = std::bit_floor(std::min(limits.max_workgroup_size, 64u));
  // As many lanes a row as there are blocks to share, so that short rows don't leave lanes idle.
  variant.lanes = std::min(variant.local_size, std::bit_ceil(std::max(k / 64, 4u)));
  variant.rows = m <= 2 ? 2 : 1;
  variant.columns = m;
  variant.image = through_image(limits, quads);
  return choice;
}

/// 64 invocations as 8 x 8, each 8 rows of W and up to 4 rows of x: 12 KiB of shared memory, which
/// every device has, and small enough for drivers that fail with larger tiles well within what they
/// report (llama.cpp PR 24877 on Adreno).
std::optional<LinearChoice> tiled(const Limits& limits, uint32_t m, uint64_t quads) {
  LinearChoice choice{.kernel = Kernel::matmul_tiled, .variant = {}};
  Variant& variant = choice.variant;
  variant.local_size = 64;
  variant.lanes = 8;
  variant.rows = 8;
  variant.columns = m <= 16 ? 2 : 4;
  variant.image = through_image(limits, quads);
  const uint32_t tile_rows =
      variant.lanes * variant.rows + variant.local_size / variant.lanes * variant.columns;
  if (limits.max_workgroup_size < variant.local_size ||
      limits.max_shared_bytes < tile_rows * kTileRowBytes)
    return std::nullopt;
  return choice;
}

/// Tiles of registers alone, for a device without room for the shared form.
LinearChoice untiled(const Limits& limits, uint32_t m) {
  LinearChoice choice{.kernel = Kernel::matmul, .variant = {}};
  choice.variant.local_size = choice.variant.lanes = choose_elementwise(limits);
  choice.variant.columns = std::min(m, 16u);
  return choice;
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

Variant choose_attention(const Limits& limits, uint32_t head_dim) {
  Variant variant = choose_reduction(limits);
  if (limits.vector_items && head_dim % 16 == 0) variant.local_size = variant.lanes = 1;
  return variant;
}

// Four rows quarter the reads of K and V; more would leave registers, and small prompts, behind.
uint32_t choose_queries(uint32_t step_tokens) { return step_tokens >= 4 ? 4 : 1; }

uint32_t choose_elementwise(const Limits& limits) {
  return std::min(limits.max_workgroup_size, 64u);
}

LinearChoice choose_linear(const Limits& limits, uint32_t m, uint32_t k, uint32_t x_stride,
                           uint64_t quads) {
  if (limits.software) return software_form(limits, m, x_stride, quads);
  if (m <= kMatvecMostRows) return matvec(limits, m, k, quads);
  return tiled(limits, m, quads).value_or(untiled(limits, m));
}

}  // namespace npb::gpu
