// Whole models as QNN graphs on the fake runtime (simulated), held to the reference interpreter.
#include <string>

#include "backends/qnn/qnn_backend.h"
#include "graph/interpreter.h"
#include "test/qnn/fake_library.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

// What f16 weights and activations may differ by from the reference.
constexpr double kBound = 5e-3;

struct Decode {
  uint32_t batch = 1, length = 13, steps = 4;
  bool all_logits = false;
  std::string prefill_tokens = "128";
  std::string cache = {};
};

std::shared_ptr<const Model> load(const test::TinyModel& tiny, const test::TempFolder& folder) {
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return *model;
}

/// Logits after each step on both sides; the reference's greedy tokens lead.
void check_decoder(const std::shared_ptr<const Model>& model, const Decode& wanted) {
  auto graph = build_graph(model, {.all_logits = wanted.all_logits});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  SessionOptions options;
  options.batch = wanted.batch;
  options.max_tokens = wanted.length + wanted.steps;
  options.max_step_tokens = wanted.length;
  options.packed_cache_dir = wanted.cache;
  options.extra = test::FakeRuntime::extra();
  options.extra["qnn_prefill_tokens"] = wanted.prefill_tokens;
  auto session = qnn_backend().open(*graph, options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  Interpreter reference(*graph, {.batch = wanted.batch, .max_tokens = options.max_tokens});

  for (int round = 0; round < 2; ++round) {
    std::vector<int32_t> tokens =
        test::random_tokens(size_t{wanted.batch} * wanted.length, model->hp.vocab_size, 7);
    for (uint32_t step = 0; step <= wanted.steps; ++step) {
      CAPTURE(step);
      REQUIRE(reference.step(tokens).ok());
      const std::span<const float> expected = reference.value(graph->logits);
      std::vector<float> logits(expected.size());
      std::vector<int32_t> next(expected.size() / model->hp.vocab_size);
      StepTiming timing;
      const auto done = (*session)->forward(tokens, next, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      CHECK(timing.transfer_ns.value_or(0) + timing.dispatch_ns.value_or(0) +
                timing.execute_ns.value_or(0) + timing.synchronize_ns.value_or(0) <=
            timing.wall_ns);
      REQUIRE((*session)->read_logits(logits).ok());
      CHECK(test::normalized_error(logits, expected) < kBound);
      for (size_t row = 0; row < next.size(); ++row) {
        const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * model->hp.vocab_size);
        CHECK(next[row] == std::max_element(begin, begin + model->hp.vocab_size) - begin);
      }
      tokens.assign(wanted.batch, static_cast<int32_t>(step % model->hp.vocab_size));
    }
    (*session)->reset();
    reference.reset();
  }
}

}  // namespace

TEST_CASE("every decoder architecture as QNN graphs matches the reference") {
  test::FakeRuntime fake;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "phi3"}) {
    CAPTURE(architecture);
    test::TinyModel tiny;
    tiny.architecture = architecture;
    test::TempFolder folder;
    check_decoder(load(tiny, folder), {});
  }
  CHECK(fake.control.live() == 0);
}

TEST_CASE("weight types, tied embeddings, batches, pieces of a prompt and all logits on the NPU") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  tiny.type = TensorType::q8_0;
  tiny.tied = true;
  test::TempFolder folder;
  const auto model = load(tiny, folder);
  SUBCASE("padded prompt") { check_decoder(model, {.length = 5, .prefill_tokens = "8"}); }
  SUBCASE("a prompt in pieces, the last one short") {
    check_decoder(model, {.length = 13, .prefill_tokens = "5"});
  }
  SUBCASE("a last piece of one token") {
    check_decoder(model, {.length = 9, .prefill_tokens = "4"});
  }
  SUBCASE("one token at a time only") { check_decoder(model, {.length = 1}); }
  SUBCASE("three sequences") { check_decoder(model, {.batch = 3}); }
  SUBCASE("three sequences in pieces, every logit") {
    check_decoder(model, {.batch = 3, .all_logits = true, .prefill_tokens = "6"});
  }
  CHECK(fake.control.live() == 0);
}

TEST_CASE("encoders as QNN graphs match the reference, padded and not") {
  test::FakeRuntime fake;
  for (uint32_t pooling : {1u, 2u, 3u}) {
    for (uint32_t length : {11u, 7u}) {
      CAPTURE(pooling);
      CAPTURE(length);
      test::TinyModel tiny;
      tiny.architecture = "bert";
      tiny.pooling_type = pooling;
      test::TempFolder folder;
      const auto model = load(tiny, folder);
      auto graph = build_graph(model, {});
      REQUIRE_MESSAGE(graph.ok(), graph.error().message);
      auto session = qnn_backend().open(*graph, {.batch = 2,
                                                 .max_tokens = 11,
                                                 .max_step_tokens = 11,
                                                 .extra = test::FakeRuntime::extra()});
      REQUIRE_MESSAGE(session.ok(), session.error().message);
      const auto tokens = test::random_tokens(2 * length, model->hp.vocab_size, 5);
      std::vector<float> vectors(2 * model->hp.d_model);
      StepTiming timing;
      const auto done = (*session)->embed(tokens, vectors, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      Interpreter reference(*graph, {.batch = 2});
      REQUIRE(reference.step(tokens).ok());
      CHECK(test::cosine(vectors, reference.value(graph->embedding)) > 0.999);
      CHECK(test::normalized_error(vectors, reference.value(graph->embedding)) < kBound);
    }
  }
}

TEST_CASE("the second start takes the context binary from the cache, with the same results") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  test::TempFolder folder, cache;
  const auto model = load(tiny, folder);
  const Decode wanted{.cache = cache.path().string()};
  // Each layout that a runtime of an accepted version may write.
  for (uint32_t minor : {15u, 18u, 21u, 40u}) {
    CAPTURE(minor);
    fake.control.core_minor = fake.system.core_minor = minor;
    check_decoder(model, wanted);
    SessionOptions options;
    options.max_tokens = wanted.length + wanted.steps;
    options.max_step_tokens = wanted.length;
    options.packed_cache_dir = wanted.cache;
    options.extra = test::FakeRuntime::extra();
    auto session = qnn_backend().open(*build_graph(model, {}), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK((*session)->open_timeline().packed_cache_hit);
    check_decoder(model, wanted);
  }
}

TEST_CASE("a session refuses what it has no room for, in a sentence") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  test::TempFolder folder;
  const auto model = load(tiny, folder);
  SessionOptions options{.max_tokens = 6, .max_step_tokens = 4};
  options.extra = test::FakeRuntime::extra();
  auto session = qnn_backend().open(*build_graph(model, {}), options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  std::vector<int32_t> next(1);
  StepTiming timing;
  const std::vector<int32_t> four = {1, 2, 3, 4};
  CHECK((*session)->forward(std::vector<int32_t>(5, 1), next, timing).error().code ==
        ErrorCode::invalid_argument);
  CHECK((*session)->forward(std::vector<int32_t>{-1}, next, timing).error().code ==
        ErrorCode::invalid_argument);
  CHECK((*session)->forward(four, next, timing).ok());
  CHECK((*session)->forward(four, next, timing).error().message.find("KV cache holds 6") !=
        std::string::npos);
  options.precision = Precision::f32;
  CHECK(qnn_backend().open(*build_graph(model, {}), options).error().code ==
        ErrorCode::unsupported);
}
