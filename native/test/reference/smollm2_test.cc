// The reference backend on the real SmolLM2-135M (Q4_1) against PyTorch transformers in f32.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "backends/reference/reference_backend.h"
#include "test/reference/golden.h"
#include "test/support/error.h"

namespace npb {
namespace {

// A closer race than this may end the other way by rounding alone: what follows is then another
// text.
constexpr double kSmallestGap = 0.01;

/// The best ids, their logits and the norm of all logits.
void check_digest(std::span<const float> logits, const Json& digest) {
  const auto ids = test::numbers<int32_t>(digest, "best_ids");
  const auto best = test::numbers<float>(digest, "best_logits");
  for (size_t i = 0; i < ids.size(); ++i) {
    CHECK(logits[static_cast<size_t>(ids[i])] == doctest::Approx(best[i]).epsilon(2e-5));
  }
  const double squares = std::inner_product(logits.begin(), logits.end(), logits.begin(), 0.0);
  CHECK(std::sqrt(squares) == doctest::Approx(test::number(digest, "l2_norm")).epsilon(1e-5));
}

void check_prompt(Session& session, uint32_t vocab_size, const Json& golden) {
  const auto prompt = test::numbers<int32_t>(golden, "prompt_ids");
  const auto expected = test::numbers<int32_t>(golden, "next_ids");
  const auto gaps = test::numbers<double>(golden, "gaps");
  std::vector<float> logits(vocab_size);
  std::vector<int32_t> step = prompt;
  session.reset();
  for (size_t i = 0; i < expected.size(); ++i) {
    int32_t next = -1;
    StepTiming timing;
    REQUIRE(session.forward(step, {&next, 1}, timing).ok());
    if (const Json* digest = golden.find("digests")->find(std::to_string(i))) {
      REQUIRE(session.read_logits(logits).ok());
      check_digest(logits, *digest);
    }
    CAPTURE(i);
    if (next != expected[i]) {
      REQUIRE(gaps[i] < kSmallestGap);
      return;
    }
    step = {next};
  }
}

}  // namespace

TEST_CASE("SmolLM2: greedy tokens and logits equal transformers' in f32") {
  const auto golden = test::read_golden("smollm2.json");
  REQUIRE_MESSAGE(golden.ok(), test::error_text(golden));
  const auto path = test::find_test_model(test::text(*golden, "file"));
  if (!path) {
    MESSAGE("skipped: " << test::text(*golden, "file")
                        << " is neither in NPU_BENCH_TEST_MODELS nor in the model cache");
    return;
  }
  const auto model = load_model(path->string(), {});
  REQUIRE_MESSAGE(model.ok(), test::error_text(model));
  auto graph = build_graph(*model, {});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  SessionOptions options;
  options.max_tokens = 128;
  options.max_step_tokens = 64;
  auto session = reference_backend().open(std::move(*graph), options);
  REQUIRE_MESSAGE(session.ok(), test::error_text(session));
  for (const Json& prompt : golden->find("cases")->elements()) {
    INFO(test::text(prompt, "prompt"));
    check_prompt(**session, (*model)->hp.vocab_size, prompt);
  }
}

}  // namespace npb
