// Real models on every GPU API: SmolLM2's greedy tokens against the CPU's exact path and against
// transformers in f32, MiniLM's vectors against transformers.
#include <doctest/doctest.h>

#include <algorithm>

#include "test/gpu/decoder.h"
#include "test/reference/golden.h"

using namespace npb;

namespace {

constexpr uint32_t kTokens = 64;
constexpr size_t kPrompts = 3;
// A closer race than this may end the other way by rounding alone.
constexpr double kSmallestGap = 0.01;

std::shared_ptr<const Model> load(const std::string& name) {
  const auto path = test::find_test_model(name);
  if (!path) {
    MESSAGE("skipped: " << name << " is neither in NPU_BENCH_TEST_MODELS nor in the model cache");
    return nullptr;
  }
  auto model = load_model(path->string(), {});
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return *model;
}

using Texts = std::vector<std::vector<int32_t>>;

Texts generate(const Backend& backend, const std::shared_ptr<const Model>& model,
               const Texts& prompts) {
  auto graph = build_graph(model, {});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  auto session = backend.open(*graph, test::without_cache({.max_tokens = 32 + kTokens,
                                                           .max_step_tokens = 32,
                                                           .precision = Precision::f32,
                                                           .threads = 2}));
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  Texts texts;
  for (const std::vector<int32_t>& prompt : prompts) {
    (*session)->reset();
    std::vector<int32_t> step = prompt, text;
    while (text.size() < kTokens) {
      int32_t next = -1;
      StepTiming timing;
      const auto done = (*session)->forward(step, {&next, 1}, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      text.push_back(next);
      step = {next};
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace

TEST_SUITE_BEGIN("real models");

TEST_CASE("SmolLM2: 64 greedy tokens of three prompts equal the CPU's exact path") {
  const auto golden = test::read_golden("smollm2.json");
  REQUIRE_MESSAGE(golden.ok(), golden.error().message);
  const auto model = load(test::text(*golden, "file"));
  if (!model) return;
  const auto gpus = test::gpu_backends();
  if (gpus.empty()) return;
  Texts prompts;
  for (const Json& one : golden->find("cases")->elements())
    if (prompts.size() < kPrompts) prompts.push_back(test::numbers<int32_t>(one, "prompt_ids"));
  const Texts expected = generate(*find_backend("reference"), model, prompts);
  for (const Backend* backend : gpus) {
    CAPTURE(std::string(backend->id()));
    const Texts actual = generate(*backend, model, prompts);
    size_t equal = 0;
    for (size_t i = 0; i < kPrompts; ++i)
      for (size_t t = 0; t < kTokens; ++t) equal += actual[i][t] == expected[i][t] ? 1 : 0;
    MESSAGE(std::string(backend->id()) << ": " << equal << " of " << kPrompts * kTokens
                                       << " greedy tokens equal the CPU's exact path");
    for (size_t i = 0; i < kPrompts; ++i) {
      CAPTURE(i);
      CHECK(actual[i] == expected[i]);
      const Json& one = golden->find("cases")->elements()[i];
      const auto independent = test::numbers<int32_t>(one, "next_ids");
      const auto gaps = test::numbers<double>(one, "gaps");
      for (size_t t = 0; t < independent.size(); ++t) {
        if (actual[i][t] == independent[t]) continue;
        CAPTURE(t);
        CHECK(gaps[t] < kSmallestGap);
        break;  // what follows is another text
      }
    }
  }
}

TEST_CASE("MiniLM: sentence vectors of every GPU API point where transformers' do") {
  const auto golden = test::read_golden("minilm.json");
  REQUIRE_MESSAGE(golden.ok(), golden.error().message);
  const auto model = load("all-MiniLM-L6-v2");
  if (!model) return;
  for (const Backend* backend : test::gpu_backends()) {
    CAPTURE(std::string(backend->id()));
    auto graph = build_graph(model, {});
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    auto session = backend->open(
        *graph, test::without_cache({.max_tokens = 64, .max_step_tokens = 64, .threads = 2}));
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    double least = 1;
    for (const Json& sentence : golden->find("cases")->elements()) {
      INFO(test::text(sentence, "text"));
      const auto expected = test::numbers<float>(sentence, "vector");
      std::vector<float> vector(expected.size());
      StepTiming timing;
      const auto done = (*session)->embed(test::numbers<int32_t>(sentence, "ids"), vector, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      const double cosine = test::cosine(vector, expected);
      least = std::min(least, cosine);
      CHECK(cosine >= 0.9999);
    }
    MESSAGE(std::string(backend->id()) << ": least cosine to transformers' vectors " << least);
  }
}

TEST_SUITE_END();
