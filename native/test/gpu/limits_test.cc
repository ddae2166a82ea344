// Devices with less room than those of this machine, and with the hardware that they imitate: the
// same results.
#include <doctest/doctest.h>

#include "backends/gpu/pack.h"
#include "test/gpu/api.h"
#include "test/gpu/decoder.h"

using namespace npb;

namespace {

constexpr uint32_t kPrompt = 19, kSteps = 3;  // more rows than a matvec takes, not a full tile

/// As a GPU of the phones this is for reports itself; what the driver really has stays.
void like_adreno(gpu::Limits& limits) {
  limits.software = false;
  limits.subgroup_size = 64;
  limits.max_workgroup_size = std::min(limits.max_workgroup_size, 1024u);
  limits.max_shared_bytes = 32768;
}

void check(const test::TinyModel& tiny, uint32_t batch,
           const std::function<void(gpu::Limits&)>& edit) {
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const auto prompt = test::random_tokens(size_t{batch} * kPrompt, (*model)->hp.vocab_size, 7);
  const test::Outcome expected = test::run_decoder(*find_backend("reference"), *model, prompt,
                                                   batch, kSteps, Precision::automatic);
  for (const test::GpuApi& api : test::gpu_apis()) {
    CAPTURE(api.id);
    auto session = test::open_session(api, *model,
                                      {.batch = batch,
                                       .max_tokens = kPrompt + kSteps,
                                       .max_step_tokens = kPrompt,
                                       .precision = Precision::f32,
                                       .threads = 2},
                                      edit);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    const test::Outcome actual =
        test::run_decoder(**session, (*model)->hp.vocab_size, prompt, batch, kSteps);
    CHECK(test::normalized_error(actual.logits, expected.logits) < 1e-5);
    CHECK(actual.tokens == expected.tokens);
  }
}

}  // namespace

TEST_CASE("kernels of wide hardware: every weight type matches the reference") {
  for (TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q4_0,
        TensorType::q4_1, TensorType::q4_k, TensorType::q5_k, TensorType::q6_k}) {
    CAPTURE(std::string(tensor_type_info(type).name));
    test::TinyModel tiny;
    tiny.type = type;
    tiny.d_model = tiny.n_heads * 64;  // blocks of 256 fill every matrix
    tiny.head_dim = 64;
    tiny.d_ff = 512;
    check(tiny, 1, like_adreno);
  }
}

TEST_CASE("kernels of wide hardware: batches and biases match the reference") {
  test::TinyModel tiny;
  tiny.type = TensorType::q8_0;
  tiny.architecture = "qwen2";
  for (uint32_t batch : {2u, 5u}) {
    CAPTURE(batch);
    check(tiny, batch, like_adreno);
  }
}

TEST_CASE("registers alone where shared memory is too small for tiles") {
  test::TinyModel tiny;
  tiny.type = TensorType::q4_0;
  check(tiny, 1, [](gpu::Limits& limits) {
    like_adreno(limits);
    limits.max_shared_bytes = 8192;
  });
}

TEST_CASE("matrices larger than a binding, and rows beyond the group count, are divided") {
  test::TinyModel tiny;
  // 96 rows of 256 bytes make the embedding 24 KiB, and gate and up together 64 KiB.
  check(tiny, 1, [](gpu::Limits& limits) { limits.max_binding_bytes = 24 << 10; });
  check(tiny, 1, [](gpu::Limits& limits) {
    like_adreno(limits);
    limits.max_binding_bytes = 24 << 10;
  });
  check(tiny, 1, [](gpu::Limits& limits) { limits.max_groups = kPrompt + 1; });
  check(tiny, 1, [](gpu::Limits& limits) {
    like_adreno(limits);
    limits.max_groups = kPrompt + 1;
  });
}

TEST_CASE(
    "submissions are capped where a driver needs it, and memory may be out of the host's sight") {
  test::TinyModel tiny;
  check(tiny, 1, [](gpu::Limits& limits) { limits.max_dispatches_per_submit = 7; });
  check(tiny, 1, [](gpu::Limits& limits) { limits.max_dispatches_per_submit = 1; });
  check(tiny, 1, [](gpu::Limits& limits) { limits.unified_memory = false; });
}

TEST_CASE("what no division can fit is refused in a sentence") {
  test::TinyModel tiny;
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const test::GpuApi& api : test::gpu_apis()) {
    CAPTURE(api.id);
    const auto refused = [&](uint32_t step_tokens, const std::function<void(gpu::Limits&)>& edit) {
      const auto session = test::open_session(
          api, *model, {.max_tokens = 128, .max_step_tokens = step_tokens, .threads = 1}, edit);
      REQUIRE_FALSE(session.ok());
      CHECK(session.error().code == ErrorCode::unsupported);
      return session.error().message;
    };
    CHECK(refused(64, [](gpu::Limits& limits) { limits.max_groups = 63; }).find("at once (63)") !=
          std::string::npos);
    const auto small_bindings = [](gpu::Limits& limits) { limits.max_binding_bytes = 4096; };
    CHECK(refused(64, small_bindings).find("One activation") != std::string::npos);
    CHECK(refused(1, small_bindings).find("KV cache of one layer") != std::string::npos);
  }
}

TEST_CASE("48-bit clocks wrap between two stamps") {
  using vulkan::timestamp_difference;
  const uint64_t top = (1ull << 48) - 1;
  CHECK(timestamp_difference(top - 4, 5, 48) == 10);
  CHECK(timestamp_difference(5, 25, 48) == 20);
  CHECK(timestamp_difference(7, 7, 48) == 0);
  CHECK(timestamp_difference(~0ull - 1, 2, 64) == 4);
  // Bits above the valid ones are undefined, and may differ between stamps.
  CHECK(timestamp_difference((1ull << 60) | 100, 130, 48) == 30);
  CHECK(timestamp_difference((1ull << 36) - 1, 0, 36) == 1);
}
