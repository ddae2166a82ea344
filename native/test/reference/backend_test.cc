// The reference interpreter as a Backend: what a session promises whatever the device.
#include <doctest/doctest.h>

#include <numeric>

#include "backends/reference/reference_backend.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

namespace npb {
namespace {

Graph tiny_graph(const test::TinyModel& tiny, bool all_logits = false) {
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), test::error_text(model));
  auto graph = build_graph(*model, {.all_logits = all_logits});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  return std::move(*graph);
}

std::unique_ptr<Session> open(Graph graph, uint32_t batch, bool profile = false) {
  SessionOptions options;
  options.batch = batch;
  options.max_tokens = 12;
  options.max_step_tokens = 8;
  options.profile = profile;
  auto session = reference_backend().open(std::move(graph), options);
  REQUIRE_MESSAGE(session.ok(), test::error_text(session));
  return std::move(*session);
}

std::vector<int32_t> forward(Session& session, std::span<const int32_t> tokens, size_t results) {
  std::vector<int32_t> next(results, -1);
  StepTiming timing;
  const auto done = session.forward(tokens, next, timing);
  REQUIRE_MESSAGE(done.ok(), test::error_text(done));
  CHECK(timing.wall_ns > 0);
  return next;
}

std::vector<float> logits(Session& session, size_t count) {
  std::vector<float> result(count);
  REQUIRE(session.read_logits(result).ok());
  return result;
}

}  // namespace

TEST_CASE("a batch computes what its sequences compute alone, and reset() forgets") {
  const test::TinyModel tiny{.architecture = "qwen3", .type = TensorType::q4_1};
  const auto first = test::random_tokens(6, 96, 1), second = test::random_tokens(6, 96, 2);
  std::vector<int32_t> both = first;
  both.insert(both.end(), second.begin(), second.end());
  const auto batch = open(tiny_graph(tiny), 2);
  const auto alone = open(tiny_graph(tiny), 1);
  forward(*batch, test::random_tokens(4, 96, 3), 2);  // another text, forgotten again
  batch->reset();
  const auto next = forward(*batch, both, 2);
  const auto after = forward(*batch, next, 2);
  const std::vector<float> together = logits(*batch, 2 * 96);
  for (size_t b = 0; b < 2; ++b) {
    alone->reset();
    CHECK(forward(*alone, b == 0 ? first : second, 1)[0] == next[b]);
    CHECK(forward(*alone, std::span(next).subspan(b, 1), 1)[0] == after[b]);
    const std::vector<float> row = logits(*alone, 96);
    CHECK(test::normalized_error(row, std::span(together).subspan(b * 96, 96)) < 1e-6);
  }
}

TEST_CASE("a session refuses what its model or its cache can't do, and goes on after it") {
  const auto session = open(tiny_graph({.architecture = "llama"}), 2);
  std::vector<int32_t> next(2);
  std::vector<float> vectors(2 * 64);
  StepTiming timing;
  const auto message = [](const Result<void>& result) {
    return result.ok() ? std::string("ok") : result.error().message;
  };
  const auto tokens = test::random_tokens(16, 96, 1);
  CHECK(message(session->embed(tokens, vectors, timing)) ==
        "A text generation model gives no embedding: measure it by its tokens.");
  CHECK(message(session->forward(std::span(tokens).first(3), next, timing)) ==
        "3 tokens can't be shared by a batch of 2 sequences: give each as many as the others.");
  CHECK(message(session->forward({}, next, timing)) != "ok");
  const std::vector<int32_t> outside = {1, 96};
  CHECK(message(session->forward(outside, next, timing)) ==
        "Node 'token_embd' was given token 96, outside a vocabulary of 96.");
  CHECK(message(session->forward(tokens, next, timing)) == "ok");
  CHECK(message(session->forward(std::span(tokens).first(10), next, timing)) ==
        "Node 'blk.0.attn' has no room in the KV cache for 13 tokens.");
  CHECK(message(session->forward(std::span(tokens).first(8), next, timing)) == "ok");
}

TEST_CASE("all_logits gives a next token per position, equal to those of single steps") {
  const test::TinyModel tiny{.architecture = "llama"};
  const auto tokens = test::random_tokens(6, 96, 5);
  const auto all = forward(*open(tiny_graph(tiny, true), 1), tokens, 6);
  const auto single = open(tiny_graph(tiny), 1);
  for (size_t i = 0; i < tokens.size(); ++i) {
    CHECK(forward(*single, std::span(tokens).subspan(i, 1), 1)[0] == all[i]);
  }
}

TEST_CASE("an encoder's session embeds and refuses to generate") {
  test::TinyModel tiny{.architecture = "bert"};
  tiny.n_kv_heads = tiny.n_heads;
  const auto session = open(tiny_graph(tiny), 2);
  std::vector<float> vectors(2 * 64);
  std::vector<int32_t> next(2);
  StepTiming timing;
  const auto tokens = test::random_tokens(10, 96, 1);
  REQUIRE(session->embed(tokens, vectors, timing).ok());
  for (size_t b = 0; b < 2; ++b) {
    const auto row = vectors.begin() + static_cast<ptrdiff_t>(b * 64);
    CHECK(std::inner_product(row, row + 64, row, 0.0) == doctest::Approx(1.0).epsilon(1e-6));
  }
  // No cache: the same text again gives the same vector.
  std::vector<float> again(2 * 64);
  REQUIRE(session->embed(tokens, again, timing).ok());
  CHECK(vectors == again);
  CHECK_FALSE(session->forward(tokens, next, timing).ok());
}

TEST_CASE("memory, placement and profile describe the session") {
  const Graph graph = tiny_graph({.architecture = "llama", .type = TensorType::q8_0});
  const auto session = open(graph, 2, true);
  const uint64_t layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 128;
  const uint64_t matrices = 2 * layer + 2 * 96 * 64;
  CHECK(session->memory().weights_bytes == 4 * (matrices + 5 * 64));
  CHECK(session->memory().kv_cache_bytes == 2 * 2 * 2 * 12 * 32 * 4);
  forward(*session, test::random_tokens(8, 96, 1), 2);
  forward(*session, test::random_tokens(2, 96, 1), 2);
  CHECK(session->memory().activations_bytes > 0);

  uint32_t nodes = 0;
  for (const PlacementEntry& entry : session->placement()) {
    nodes += entry.count;
    if (entry.op == "linear") {
      CHECK(entry.stored_type == "Q8_0");
      CHECK(entry.macs_per_token == 2 * layer + 96 * 64);
    }
  }
  CHECK(nodes == graph.nodes.size());
  const auto profile = session->profile();
  REQUIRE(profile.ok());
  REQUIRE(profile->size() == graph.nodes.size());
  for (const OpProfile& entry : *profile) CHECK(entry.calls == 2);
}

TEST_CASE("the backend offers one device and computes in f32 only") {
  const ProbeResult probe = reference_backend().probe({});
  REQUIRE(probe.devices.size() == 1);
  CHECK_FALSE(probe.unavailable.has_value());
  CHECK(std::string(reference_backend().id()) == "reference");
  SessionOptions options;
  options.precision = Precision::int8;
  const auto refused = reference_backend().open(tiny_graph({.architecture = "llama"}), options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        "The reference backend computes in f32 only: use --precision f32 or auto.");
  options.precision = Precision::f32;
  options.batch = 0;
  CHECK_FALSE(reference_backend().open(tiny_graph({.architecture = "llama"}), options).ok());
}

}  // namespace npb
