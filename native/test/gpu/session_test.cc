// Whole models on every GPU API of this machine, held to the reference interpreter.
#include <doctest/doctest.h>

#include <cstdlib>

#include "backends/backend.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

/// Backends whose device exists here. A machine without any skips, with the reason in the output.
std::vector<const Backend*> gpu_backends() {
  std::vector<const Backend*> found;
  for (const char* id : {"vulkan", "opencl"}) {
    const Backend* backend = find_backend(id);
    if (!backend) continue;
    const ProbeResult probe = backend->probe({});
    if (probe.devices.empty())
      MESSAGE("skipped " << id << ": " << probe.unavailable->reason);
    else
      found.push_back(backend);
  }
  return found;
}

struct Outcome {
  std::vector<float> logits;
  std::vector<int32_t> tokens;
};

/// A prefill of `prompt` and `steps` greedy decode steps; logits after each, one after the other.
Outcome run_decoder(const Backend& backend, std::shared_ptr<const Model> model,
                    const std::vector<int32_t>& prompt, uint32_t batch, uint32_t steps,
                    Precision precision) {
  const uint32_t length = static_cast<uint32_t>(prompt.size() / batch);
  auto graph = build_graph(model, {});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  auto session = backend.open(*graph, {.batch = batch,
                                       .max_tokens = length + steps,
                                       .max_step_tokens = length,
                                       .precision = precision,
                                       .threads = 2});
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  Outcome outcome;
  std::vector<int32_t> next(batch);
  std::vector<float> logits(size_t{batch} * model->hp.vocab_size);
  StepTiming timing;
  std::span<const int32_t> tokens = prompt;
  for (uint32_t step = 0; step <= steps; ++step) {
    const auto done = (*session)->forward(tokens, next, timing);
    REQUIRE_MESSAGE(done.ok(), done.error().message);
    const uint64_t parts = timing.transfer_ns.value_or(0) + timing.dispatch_ns.value_or(0) +
                           timing.execute_ns.value_or(0) + timing.synchronize_ns.value_or(0);
    CHECK(parts <= timing.wall_ns);
    REQUIRE((*session)->read_logits(logits).ok());
    outcome.logits.insert(outcome.logits.end(), logits.begin(), logits.end());
    outcome.tokens.insert(outcome.tokens.end(), next.begin(), next.end());
    tokens = next;
  }
  return outcome;
}

void check_decoder(const test::TinyModel& tiny, uint32_t batch, double bound, Precision precision) {
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const std::vector<int32_t> prompt =
      test::random_tokens(size_t{batch} * 13, (*model)->hp.vocab_size, 7);
  const Outcome expected =
      run_decoder(*find_backend("reference"), *model, prompt, batch, 4, Precision::automatic);
  for (const Backend* backend : gpu_backends()) {
    CAPTURE(std::string(backend->id()));
    const Outcome actual = run_decoder(*backend, *model, prompt, batch, 4, precision);
    CHECK(test::normalized_error(actual.logits, expected.logits) < bound);
    if (precision == Precision::f32) CHECK(actual.tokens == expected.tokens);
  }
}

}  // namespace

TEST_CASE("every weight type on every GPU API matches the reference") {
  for (TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q4_0,
        TensorType::q4_1, TensorType::q5_0, TensorType::q5_1, TensorType::q2_k, TensorType::q3_k,
        TensorType::q4_k, TensorType::q5_k, TensorType::q6_k, TensorType::iq4_nl}) {
    CAPTURE(std::string(tensor_type_info(type).name));
    test::TinyModel tiny;
    tiny.type = type;
    tiny.d_model = tiny.n_heads * 64;  // blocks of 256 fill every matrix
    tiny.head_dim = 64;
    tiny.d_ff = 512;
    check_decoder(tiny, 1, 1e-5, Precision::f32);
  }
}

TEST_CASE("every decoder architecture on every GPU API matches the reference") {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "phi3"}) {
    CAPTURE(architecture);
    test::TinyModel tiny;
    tiny.architecture = architecture;
    check_decoder(tiny, 1, 1e-5, Precision::f32);
  }
}

TEST_CASE("batches and a half-precision KV cache stay within their bounds") {
  test::TinyModel tiny;
  tiny.type = TensorType::q4_1;
  for (uint32_t batch : {2u, 3u, 9u}) check_decoder(tiny, batch, 1e-5, Precision::f32);
  check_decoder(tiny, 1, 1e-3, Precision::automatic);
}

TEST_CASE("encoders on every GPU API match the reference") {
  for (uint32_t pooling : {1u, 2u}) {
    test::TinyModel tiny;
    tiny.architecture = "bert";
    tiny.pooling_type = pooling;
    test::TempFolder folder;
    auto model = test::load_tiny(tiny, folder);
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    const std::vector<int32_t> prompt = test::random_tokens(3 * 11, (*model)->hp.vocab_size, 5);
    auto run = [&](const Backend& backend) {
      auto graph = build_graph(*model, {});
      REQUIRE_MESSAGE(graph.ok(), graph.error().message);
      auto session =
          backend.open(*graph, {.batch = 3, .max_tokens = 11, .max_step_tokens = 11, .threads = 2});
      REQUIRE_MESSAGE(session.ok(), session.error().message);
      std::vector<float> vectors(3 * (*model)->hp.d_model);
      StepTiming timing;
      const auto done = (*session)->embed(prompt, vectors, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      return vectors;
    };
    const std::vector<float> expected = run(*find_backend("reference"));
    for (const Backend* backend : gpu_backends()) {
      CAPTURE(std::string(backend->id()));
      CHECK(test::normalized_error(run(*backend), expected) < 1e-5);
    }
  }
}

TEST_CASE("a session refuses what it has no room for, in a sentence") {
  test::TinyModel tiny;
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const Backend* backend : gpu_backends()) {
    CAPTURE(std::string(backend->id()));
    auto session = backend->open(*build_graph(*model, {}),
                                 {.batch = 1, .max_tokens = 6, .max_step_tokens = 4});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    std::vector<int32_t> next(1);
    StepTiming timing;
    const std::vector<int32_t> four = {1, 2, 3, 4};
    CHECK((*session)->forward(std::vector<int32_t>(5, 1), next, timing).error().code ==
          ErrorCode::invalid_argument);
    CHECK((*session)->forward(four, next, timing).ok());
    CHECK((*session)->forward(four, next, timing).error().message.find("KV cache holds 6") !=
          std::string::npos);
    (*session)->reset();
    CHECK((*session)->forward(four, next, timing).ok());
    CHECK(backend
              ->open(*build_graph(*model, {}),
                     {.device_index = 99, .max_tokens = 6, .max_step_tokens = 4})
              .error()
              .code == ErrorCode::not_found);
  }
}
