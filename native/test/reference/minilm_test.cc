// The reference backend on the real all-MiniLM-L6-v2 against PyTorch transformers in f32.
#include <doctest/doctest.h>

#include "backends/reference/reference_backend.h"
#include "test/reference/golden.h"
#include "test/support/error.h"

namespace npb {

TEST_CASE("MiniLM: sentence vectors equal transformers' in f32") {
  const auto golden = test::read_golden("minilm.json");
  REQUIRE_MESSAGE(golden.ok(), test::error_text(golden));
  const auto path = test::find_test_model("all-MiniLM-L6-v2");
  if (!path) {
    MESSAGE(
        "skipped: a folder all-MiniLM-L6-v2 is neither in NPU_BENCH_TEST_MODELS nor in the model "
        "cache");
    return;
  }
  const auto model = load_model(path->string(), {});
  REQUIRE_MESSAGE(model.ok(), test::error_text(model));
  auto graph = build_graph(*model, {});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  auto session = reference_backend().open(std::move(*graph), {});
  REQUIRE_MESSAGE(session.ok(), test::error_text(session));
  for (const Json& sentence : golden->find("cases")->elements()) {
    INFO(test::text(sentence, "text"));
    const auto expected = test::numbers<float>(sentence, "vector");
    std::vector<float> vector(expected.size());
    StepTiming timing;
    REQUIRE((*session)->embed(test::numbers<int32_t>(sentence, "ids"), vector, timing).ok());
    CHECK(test::cosine(vector, expected) > 0.9999999);
    CHECK(test::normalized_error(vector, expected) < 1e-5);
  }
}

}  // namespace npb
