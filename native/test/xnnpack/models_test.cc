// Whole models on the CPU backend against the reference interpreter.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/xnnpack_backend.h"
#include "graph/interpreter.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

using test::TinyModel;

struct Setup {
  TinyModel tiny;
  SessionOptions options;
  bool all_logits = true;
};

std::shared_ptr<const Model> load(const TinyModel& tiny, const test::TempFolder& folder) {
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return *model;
}

Graph graph_of(const std::shared_ptr<const Model>& model, bool all_logits) {
  GraphOptions options;
  options.all_logits = all_logits;
  auto graph = build_graph(model, options);
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  return *graph;
}

std::unique_ptr<Session> open(Graph graph, const SessionOptions& options) {
  auto session = xnnpack_backend().open(std::move(graph), options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  return std::move(session).value();
}

/// Largest normalised logit error over a prefill and two decode steps, each of `batch` sequences.
double worst_error(const std::shared_ptr<const Model>& model, SessionOptions options,
                   uint32_t prefill) {
  options.max_step_tokens = prefill;
  options.max_tokens = prefill + 2;
  const Graph graph = graph_of(model, true);
  auto session = open(graph, options);
  Interpreter reference(graph, {.batch = options.batch, .max_tokens = options.max_tokens});
  const uint32_t vocab = model->hp.vocab_size;
  double worst = 0;
  for (uint32_t step = 0; step < 3; ++step) {
    const uint32_t count = options.batch * (step == 0 ? prefill : 1);
    const auto tokens = test::random_tokens(count, vocab, 20 + step);
    std::vector<int32_t> next(count);
    std::vector<float> logits(size_t{count} * vocab);
    StepTiming timing;
    REQUIRE(session->forward(tokens, next, timing).ok());
    REQUIRE(session->read_logits(logits).ok());
    REQUIRE(reference.step(tokens).ok());
    worst =
        std::max(worst, test::normalized_error(logits, reference.value(reference.graph().logits)));
    for (uint32_t r = 0; r < count; ++r) {
      const float* row = logits.data() + size_t{r} * vocab;
      CHECK(next[r] == std::max_element(row, row + vocab) - row);
    }
    CHECK(timing.wall_ns > 0);
  }
  return worst;
}

std::vector<std::string> kernel_sets() {
  std::vector<std::string> names = {"xnnpack"};
  for (const char* name : {"base", "avx2", "avx512", "avx512vnni", "neondot", "neoni8mm"}) {
    if (cpu::find_kernels(name) != nullptr) names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("f32: every architecture equals the reference on every instruction set") {
  test::TempFolder folder;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "phi3"}) {
    CAPTURE(architecture);
    TinyModel tiny;
    tiny.architecture = architecture;
    const auto model = load(tiny, folder);
    for (const std::string& kernels : kernel_sets()) {
      CAPTURE(kernels);
      for (uint32_t threads : {1u, 2u, 3u, 4u}) {
        for (uint32_t batch : {1u, 3u}) {
          SessionOptions options;
          options.precision = Precision::f32;
          options.threads = threads;
          options.batch = batch;
          options.extra["kernels"] = kernels;
          CHECK(worst_error(model, options, 19) < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("every weight type stays within its format's bound") {
  test::TempFolder folder;
  using enum TensorType;
  for (TensorType type :
       {f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k, iq4_nl}) {
    CAPTURE(tensor_type_info(type).name);
    TinyModel tiny;
    tiny.type = type;
    tiny.d_model = 256;  // the K types' block
    tiny.d_ff = 512;
    tiny.head_dim = 64;
    const auto model = load(tiny, folder);
    const auto error = [&](Precision precision, const char* kernels) {
      SessionOptions options;
      options.precision = precision;
      options.threads = 2;
      if (kernels != nullptr) options.extra["kernels"] = kernels;
      return worst_error(model, options, 40);
    };
    // Random weights amplify rounding far more than trained ones: docs/cpu-formats.md has a real
    // model's figures. These bounds catch a wrong format, not a less exact one.
    CHECK(error(Precision::f32, nullptr) < 1e-5);
    CHECK(error(Precision::f16, nullptr) < 5e-3);
    CHECK(error(Precision::automatic, nullptr) < 0.06);
    CHECK(error(Precision::automatic, "xnnpack") < 0.09);
    CHECK(error(Precision::int8, nullptr) < 0.06);
    CHECK(error(Precision::int4, nullptr) < 0.6);
  }
}

TEST_CASE("sequences of a batch don't see each other") {
  test::TempFolder folder;
  const auto model = load({}, folder);
  const uint32_t vocab = model->hp.vocab_size, length = 9;
  const auto tokens = test::random_tokens(3 * length, vocab, 30);
  SessionOptions options;
  options.precision = Precision::f32;
  options.threads = 2;
  options.max_step_tokens = options.max_tokens = length;
  options.batch = 3;
  auto together = open(graph_of(model, false), options);
  std::vector<int32_t> next(3);
  std::vector<float> all(3 * vocab), alone(vocab);
  StepTiming timing;
  REQUIRE(together->forward(tokens, next, timing).ok());
  REQUIRE(together->read_logits(all).ok());
  options.batch = 1;
  auto single = open(graph_of(model, false), options);
  for (uint32_t b = 0; b < 3; ++b) {
    single->reset();
    std::vector<int32_t> one(1);
    REQUIRE(single->forward(std::span(tokens).subspan(b * length, length), one, timing).ok());
    REQUIRE(single->read_logits(alone).ok());
    CHECK(test::normalized_error(std::span(all).subspan(b * vocab, vocab), alone) < 1e-6);
    CHECK(one[0] == next[b]);
  }
}

TEST_CASE("a prefill equals the same tokens one by one, and reset forgets") {
  test::TempFolder folder;
  const auto model = load({}, folder);
  const uint32_t vocab = model->hp.vocab_size, length = 70;
  const auto tokens = test::random_tokens(length, vocab, 31);
  for (Precision precision : {Precision::f32, Precision::automatic}) {
    SessionOptions options;
    options.precision = precision;
    options.threads = 2;
    options.max_step_tokens = options.max_tokens = length;
    auto session = open(graph_of(model, false), options);
    std::vector<int32_t> next(1);
    std::vector<float> whole(vocab), stepped(vocab);
    StepTiming timing;
    REQUIRE(session->forward(tokens, next, timing).ok());
    REQUIRE(session->read_logits(whole).ok());
    CHECK_FALSE(
        session->forward(std::span(tokens).first(1), next, timing).ok());  // the cache is full
    session->reset();
    for (uint32_t i = 0; i < length; ++i)
      REQUIRE(session->forward(std::span(tokens).subspan(i, 1), next, timing).ok());
    REQUIRE(session->read_logits(stepped).ok());
    CHECK(test::normalized_error(stepped, whole) < (precision == Precision::f32 ? 1e-5 : 1e-2));
  }
}

TEST_CASE("encoders equal the reference") {
  test::TempFolder folder;
  TinyModel tiny;
  tiny.architecture = "bert";
  const auto model = load(tiny, folder);
  const uint32_t length = 21;
  for (uint32_t batch : {1u, 4u, 31u}) {  // 31 go through in three chunks
    const auto tokens = test::random_tokens(batch * length, model->hp.vocab_size, 32);
    Interpreter reference(graph_of(model, false), {.batch = batch, .max_tokens = length});
    REQUIRE(reference.step(tokens).ok());
    const auto expected = reference.value(reference.graph().embedding);
    for (Precision precision :
         {Precision::f32, Precision::f16, Precision::automatic, Precision::int8}) {
      SessionOptions options;
      options.precision = precision;
      options.threads = 2;
      options.batch = batch;
      options.max_step_tokens = length;
      auto session = open(graph_of(model, false), options);
      std::vector<float> vectors(expected.size());
      StepTiming timing;
      REQUIRE(session->embed(tokens, vectors, timing).ok());
      if (precision == Precision::f32) {
        CHECK(test::normalized_error(vectors, expected) < 1e-5);
      } else {
        CHECK(test::cosine(vectors, expected) > 0.99);
      }
    }
  }
}

TEST_CASE("what can't be done is refused in a sentence") {
  test::TempFolder folder;
  const auto model = load({}, folder);
  SessionOptions options;
  options.max_step_tokens = options.max_tokens = 4;
  options.extra["kernels"] = "mmx";
  auto refused = xnnpack_backend().open(graph_of(model, false), options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  options.extra.clear();
  auto session = open(graph_of(model, false), options);
  std::vector<int32_t> next(1);
  std::vector<float> vectors(8);
  StepTiming timing;
  const std::vector<int32_t> outside = {static_cast<int32_t>(model->hp.vocab_size)}, many(5, 1),
                             one = {1};
  CHECK_FALSE(session->forward(outside, next, timing).ok());
  CHECK_FALSE(session->forward(many, next, timing).ok());
  CHECK_FALSE(session->forward({}, next, timing).ok());
  CHECK_FALSE(session->embed(one, vectors, timing).ok());
  CHECK(session->forward(one, next, timing).ok());
}

TEST_CASE("profile, placement and memory add up") {
  test::TempFolder folder;
  const auto model = load({}, folder);
  SessionOptions options;
  options.max_step_tokens = options.max_tokens = 4;
  options.profile = true;
  auto session = open(graph_of(model, false), options);
  std::vector<int32_t> next(1);
  StepTiming timing;
  const std::vector<int32_t> tokens = {1, 2, 3};
  REQUIRE(session->forward(tokens, next, timing).ok());
  uint64_t total_ns = 0, linear = 0;
  const auto profile = session->profile();
  REQUIRE(profile.ok());
  for (const OpProfile& op : *profile) {
    CHECK(op.calls == 1);
    total_ns += op.total_ns;
  }
  CHECK(total_ns > 0);
  CHECK(total_ns <= timing.wall_ns);
  for (const PlacementEntry& entry : session->placement()) {
    CHECK(entry.where == "cpu");
    if (entry.op == "linear") linear += entry.count;
  }
  CHECK(linear == 7 * model->hp.n_layers + 1);
  CHECK(session->memory().weights_bytes > 0);
  CHECK(session->memory().kv_cache_bytes > 0);
}

TEST_CASE("the packed-weights file is used when sound, and only then") {
  test::TempFolder folder, cache;
  TinyModel tiny;
  tiny.type = TensorType::q4_0;
  const auto model = load(tiny, folder);
  SessionOptions options;
  options.max_step_tokens = options.max_tokens = 4;
  options.packed_cache_dir = cache.path().string();
  const uint32_t vocab = model->hp.vocab_size;
  const std::vector<int32_t> tokens = {3, 1, 2};
  const auto logits_of = [&](bool expect_hit) {
    auto session = open(graph_of(model, false), options);
    std::vector<int32_t> next(1);
    std::vector<float> logits(vocab);
    StepTiming timing;
    REQUIRE(session->forward(tokens, next, timing).ok());
    REQUIRE(session->read_logits(logits).ok());
    CHECK(session->open_timeline().packed_cache_hit == expect_hit);
    return logits;
  };
  const bool cacheable =
      cpu::kernels().block_product != nullptr;  // XNNPACK keeps its memory to itself
  const auto packed = logits_of(false);
  CHECK(logits_of(cacheable) == packed);
  if (!cacheable) return;
  std::filesystem::path file;
  for (const auto& entry : std::filesystem::directory_iterator(cache.path())) file = entry.path();
  std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
  damage.seekp(-100, std::ios::end);
  damage.put('!');
  damage.close();
  CHECK(logits_of(false) == packed);  // and written anew
  CHECK(logits_of(true) == packed);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  CHECK(logits_of(false) == packed);
  tiny.type = TensorType::q4_1;
  const auto other = load(tiny, folder);
  auto session = open(graph_of(other, false), options);
  CHECK_FALSE(session->open_timeline().packed_cache_hit);
}
