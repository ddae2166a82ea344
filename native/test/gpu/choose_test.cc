// Which kernels are chosen, for limits as real drivers report them.
#include "backends/gpu/choose.h"

#include <doctest/doctest.h>

#include <string>

using namespace npb::gpu;

namespace {

struct Recorded {
  const char* device;
  Limits limits;
};

/// Limits as logs, driver dumps and Mesa's source give them; what they leave out is the least that
/// the API's specification guarantees, so that a choice never rests on a guess.
std::vector<Recorded> adreno() {
  // Qualcomm's Vulkan driver: subgroup 64, 32 KiB of shared memory, unified memory; storage range
  // and group counts as Vulkan's least.
  Limits vulkan{.subgroup_size = 64,
                .subgroup_arithmetic = true,
                .max_workgroup_size = 1024,
                .max_shared_bytes = 32768,
                .max_groups = 65535,
                .max_binding_bytes = 1ull << 27,
                .max_allocation_bytes = 1ull << 30,
                .binding_alignment = 64,
                .unified_memory = true,
                .max_texel_elements = 1ull << 27,
                .max_uniform_bytes = 65536,
                .max_dispatches_per_submit = 100};
  Limits turnip = vulkan;  // Mesa: double threadsize
  turnip.subgroup_size = 128;
  turnip.max_dispatches_per_submit = 0;
  // OpenCL: local memory 32 KiB, allocations of 1 GiB on phones and 256 MiB on QCS8550 (an Adreno
  // 740).
  Limits opencl{.max_workgroup_size = 1024,
                .max_shared_bytes = 32768,
                .max_groups = 1u << 24,
                .max_binding_bytes = 1ull << 30,
                .max_allocation_bytes = 1ull << 30,
                .binding_alignment = 128,
                .unified_memory = true,
                .f16_arithmetic = true,
                .max_image_texels = 1ull << 27};
  Limits qcs8550 = opencl;
  qcs8550.max_binding_bytes = qcs8550.max_allocation_bytes = 256ull << 20;
  return {{"Adreno 740, Vulkan", vulkan},   {"Adreno 740, OpenCL", opencl},
          {"Adreno 740, QCS8550", qcs8550}, {"Adreno 750, Vulkan", vulkan},
          {"Adreno 750, OpenCL", opencl},   {"Adreno 830, Vulkan", vulkan},
          {"Adreno 830, OpenCL", opencl},   {"Adreno X1-85, Vulkan", vulkan},
          {"Adreno X1-85, OpenCL", opencl}, {"Adreno 643, Turnip", turnip}};
}

struct Columns {
  uint32_t k, lanes;  // one lane for two blocks
};
/// SmolLM2's and Llama 3.2 1B's.
constexpr Columns kColumns[] = {{576, 16}, {1536, 32}, {2048, 32}, {8192, 64}};

uint32_t shared_bytes(const LinearChoice& choice) {
  const Variant& v = choice.variant;
  if (choice.kernel == Kernel::matvec) return v.local_size * 4;
  if (choice.kernel == Kernel::matmul_tiled)
    return 128 * (v.lanes * v.rows + v.local_size / v.lanes * v.columns);
  return 0;
}

}  // namespace

TEST_SUITE_BEGIN("host");

TEST_CASE(
    "Adreno: shared-memory rows for decode, tiles for prefill, nothing that its drivers get "
    "wrong") {
  for (const auto& [device, limits] : adreno()) {
    CAPTURE(std::string(device));
    for (const auto [k, lanes] : kColumns) {
      CAPTURE(k);
      for (uint32_t m : {1u, 2u, 4u, 8u}) {
        const LinearChoice choice = choose_linear(limits, m, k, k, 1u << 20);
        CHECK(choice.kernel == Kernel::matvec);
        CHECK(choice.variant.local_size == 64);
        CHECK(choice.variant.lanes == lanes);
        CHECK(choice.variant.rows == (m <= 2 ? 2 : 1));
        CHECK(choice.variant.columns == m);
      }
      for (uint32_t m : {9u, 16u, 17u, 128u, 512u}) {
        const LinearChoice choice = choose_linear(limits, m, k, k, 1u << 20);
        CHECK(choice.kernel == Kernel::matmul_tiled);
        CHECK(choice.variant.lanes * choice.variant.rows == 64);
        CHECK(choice.variant.columns == (m <= 16 ? 2 : 4));
      }
      for (uint32_t m : {1u, 8u, 9u, 128u}) {
        const LinearChoice choice = choose_linear(limits, m, k, k, 1u << 20);
        // A subgroup's width is never assumed, and 16 KiB are left unused of what drivers report.
        CHECK_FALSE(choice.variant.subgroup);
        CHECK_FALSE(choice.variant.texel);
        // OpenCL reads weights through images, as far as these reach.
        CHECK(choice.variant.image == (limits.max_image_texels > 0));
        CHECK_FALSE(choose_linear(limits, m, k, k, (1ull << 27) + 1).variant.image);
        CHECK(shared_bytes(choice) <= 16384);
        CHECK(choice.variant.local_size <= limits.max_workgroup_size);
      }
    }
    CHECK(choose_reduction(limits).local_size == 64);
    CHECK_FALSE(choose_reduction(limits).subgroup);
    CHECK(choose_elementwise(limits) == 64);
  }
}

TEST_CASE("the least device that Vulkan allows gets kernels that fit it") {
  Limits least;  // 128 invocations, 16 KiB
  least.max_shared_bytes = 16384;
  CHECK(choose_linear(least, 128, 2048, 2048, 1).kernel == Kernel::matmul_tiled);
  least.max_shared_bytes = 8192;  // less than Vulkan allows: registers alone
  CHECK(choose_linear(least, 128, 2048, 2048, 1).kernel == Kernel::matmul);
  CHECK(choose_linear(least, 128, 2048, 2048, 1).variant.columns == 16);
  Limits smallest;
  CHECK(choose_linear(smallest, 1, 64, 64, 128).variant.local_size <= smallest.max_workgroup_size);
  least.max_workgroup_size = 48;
  CHECK(choose_linear(least, 1, 2048, 2048, 1).variant.local_size == 32);
  CHECK(choose_reduction(least).local_size == 32);
}

TEST_CASE("software devices get one subgroup a workgroup, and texels where they fit") {
  Limits lavapipe{.subgroup_size = 8,
                  .subgroup_arithmetic = true,
                  .max_workgroup_size = 1024,
                  .max_shared_bytes = 32768,
                  .software = true,
                  .max_texel_elements = 1u << 27,
                  .max_uniform_bytes = 65536};
  for (uint32_t m : {1u, 128u}) {
    const LinearChoice choice = choose_linear(lavapipe, m, 576, 576, 1u << 16);
    CHECK(choice.kernel == Kernel::matmul);
    CHECK(choice.variant.local_size == 8);
    CHECK(choice.variant.texel);
    CHECK(choice.variant.rows == 8);
    CHECK(choice.variant.columns == std::min(m, 4u));
  }
  CHECK(choose_reduction(lavapipe).subgroup);
  // More weights than a texel buffer has elements: storage buffers.
  CHECK_FALSE(choose_linear(lavapipe, 1, 576, 576, 1u << 26).variant.texel);
  Limits pocl{.max_workgroup_size = 4096,
              .max_shared_bytes = 1u << 20,
              .software = true,
              .vector_items = true};
  const LinearChoice decode = choose_linear(pocl, 1, 576, 576, 1u << 16);
  CHECK(decode.kernel == Kernel::matmul);
  CHECK(decode.variant.local_size == 1);
  CHECK(decode.variant.rows == 4);
  const LinearChoice prefill = choose_linear(pocl, 128, 576, 576, 1u << 16);
  CHECK(prefill.kernel == Kernel::matmul_tiled);
  CHECK(prefill.variant.local_size == 1);
  CHECK(prefill.variant.rows == 16);
  pocl.max_shared_bytes = 8192;
  CHECK(choose_linear(pocl, 128, 576, 576, 1u << 16).kernel == Kernel::matmul);
  CHECK(choose_attention(pocl, 64).local_size == 1);
  CHECK(choose_attention(pocl, 36).local_size == 64);
  CHECK(choose_attention(lavapipe, 64).subgroup);
}

TEST_CASE("attention takes query rows together once there are some") {
  CHECK(choose_queries(1) == 1);
  CHECK(choose_queries(3) == 1);
  CHECK(choose_queries(4) == 4);
  CHECK(choose_queries(512) == 4);
}

TEST_SUITE_END();
