// RoPE scaling against the transformers library (scripts/make-rope-goldens.py).
#include <doctest/doctest.h>

#include "model/hyperparameters.h"
#include "model/synthetic.h"
#include "test/model/rope_goldens.h"

using namespace npb;

TEST_CASE("Each scaling gives the library's frequencies") {
  for (const RopeGolden& golden : kRopeGoldens) {
    CAPTURE(std::string(golden.name));
    const auto config = Json::parse(golden.config, "config.json");
    REQUIRE(config.ok());
    const auto width = *config->find("hidden_size")->as_unsigned();
    const auto weights =
        make_synthetic_weights({{"token_embd.weight", TensorType::f32, 8, width}}, 0);
    LoadOptions options;
    options.context_tokens = golden.context;
    const auto hp = hugging_face_hyperparameters(*config, *weights, options, "config.json");
    REQUIRE_MESSAGE(hp.ok(), (hp.ok() ? "" : hp.error().message));
    CHECK(hp->rope_style == RopeStyle::half);
    CHECK(hp->rope_magnitude == doctest::Approx(golden.magnitude).epsilon(1e-6));
    REQUIRE(hp->rope_inv_freq.size() == golden.inv_freq.size());
    for (size_t i = 0; i < golden.inv_freq.size(); ++i) {
      // The library computes in float32.
      CHECK(hp->rope_inv_freq[i] == doctest::Approx(golden.inv_freq[i]).epsilon(5e-6));
    }
  }
}
