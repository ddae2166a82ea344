// Synthetic weights: true shapes, the right scale, and any row by itself.
#include "model/synthetic.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "model/model.h"

using namespace npb;

TEST_CASE("Presets have the published numbers of parameters") {
  const std::map<std::string, uint64_t> published{
      {"llama-7b", 6738415616},       {"llama-3.2-1b", 1235814432}, {"llama-3.1-8b", 8030261248},
      {"tinyllama-1.1b", 1100048384}, {"smollm2-135m", 134515008},  {"qwen2.5-0.5b", 494032768},
      {"qwen3-0.6b", 596049920},      {"phi-3-mini", 3821079552},   {"mistral-7b", 7248023552},
      {"minilm-l6", 22565376}};  // without BERT's pooler, which embeddings don't use
  size_t found = 0;
  for (const PresetInfo& preset : model_presets()) {
    const auto known = published.find(preset.name);
    if (known == published.end()) continue;
    ++found;
    // Llama 3.2's own count includes its 32 stored RoPE divisors.
    const uint64_t extra = preset.name == "llama-3.2-1b" ? 32 : 0;
    CHECK_MESSAGE(preset.parameter_count + extra == known->second, preset.name);
  }
  CHECK(found == published.size());
}

TEST_CASE("Every row can be had by itself and depends on the seed and the name") {
  for (const TensorType type :
       {TensorType::q8_0, TensorType::q4_0, TensorType::f16, TensorType::f32}) {
    const auto make = [&](uint64_t seed) {
      return make_synthetic_weights({{"a.weight", type, 64, 320}, {"b.weight", type, 64, 320}},
                                    seed);
    };
    const auto weights = make(1);
    const auto all = [](const WeightSource& source, size_t tensor) {
      std::vector<std::byte> scratch;
      const auto view = source.rows(source.tensors()[tensor], 0, 64, scratch);
      return std::vector<std::byte>(view.begin(), view.end());
    };
    const std::vector<std::byte> a = all(*weights, 0);
    CHECK(a == all(*make(1), 0));
    CHECK(a != all(*make(2), 0));
    CHECK(a != all(*weights, 1));
    std::vector<std::byte> scratch;
    const size_t stride = a.size() / 64;
    const auto part = weights->rows(weights->tensors()[0], 17, 3, scratch);
    CHECK(std::equal(part.begin(), part.end(), a.begin() + static_cast<ptrdiff_t>(17 * stride)));
  }
}

TEST_CASE("Matrices have the deviation 1/sqrt(columns) and the mean 0") {
  for (const TensorType type :
       {TensorType::q8_0, TensorType::q4_0, TensorType::f16, TensorType::f32}) {
    const auto weights = make_synthetic_weights({{"a.weight", type, 512, 1024}}, 7);
    std::vector<float> values(512 * 1024);
    dequantize_rows(*weights, weights->tensors()[0], 0, 512, values.data());
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : values) {
      sum += value;
      squares += double{value} * value;
    }
    const double count = static_cast<double>(values.size());
    CHECK(std::sqrt(squares / count) * 32.0 == doctest::Approx(1.0).epsilon(0.01));
    CHECK(std::abs(sum / count) * 32.0 < 0.01);
  }
}

TEST_CASE("Norms lie near 1 and biases near 0") {
  const auto weights = make_synthetic_weights(
      {{"a_norm.weight", TensorType::f32, 1, 999}, {"a.bias", TensorType::f32, 1, 999}}, 7);
  std::vector<float> values(999);
  dequantize_rows(*weights, weights->tensors()[0], 0, 1, values.data());
  for (const float value : values) CHECK(std::abs(value - 1.0f) <= 0.1001f);
  dequantize_rows(*weights, weights->tensors()[1], 0, 1, values.data());
  for (const float value : values) CHECK(std::abs(value) <= 0.0501f);
}

TEST_CASE("What cannot be made is said") {
  const auto unknown = make_synthetic_model("llama-9000b", {});
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().code == ErrorCode::not_found);
  CHECK(unknown.error().message.find("tinyllama-1.1b") != std::string::npos);
  LoadOptions options;
  options.synthetic_type = TensorType::q6_k;
  const auto type = make_synthetic_model("llama-7b", options);
  REQUIRE(!type.ok());
  CHECK(type.error().code == ErrorCode::invalid_argument);
}
