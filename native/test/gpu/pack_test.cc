// The device layout, read back by its definition in backends/gpu/device.h, holds exactly GGUF's
// weights.
#include "backends/gpu/pack.h"

#include <doctest/doctest.h>

#include "core/half.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

float half(uint32_t word, uint32_t odd) {
  return f16_to_f32(static_cast<uint16_t>(word >> (16 * odd)));
}
int byte(const uint32_t* words, uint64_t index, bool sign) {
  const uint32_t b = words[index / 4] >> (8 * (index % 4)) & 0xffu;
  return sign ? static_cast<int8_t>(b) : static_cast<int>(b);
}
/// Weight j of a block of 32 nibbles: j < 16 low, j >= 16 high.
int nibble(const uint32_t* words, uint64_t j) {
  return byte(words, j % 16, false) >> (j < 16 ? 0 : 4) & 15;
}

float weight(gpu::Format format, const uint32_t* q, const uint32_t* s, uint64_t c) {
  const uint64_t b = c / 32, j = c % 32;
  switch (format) {
    case gpu::Format::f32:
      return std::bit_cast<float>(q[c]);
    case gpu::Format::f16:
      return half(q[c / 2], c % 2);
    case gpu::Format::bf16:
      return bf16_to_f32(static_cast<uint16_t>(q[c / 2] >> (16 * (c % 2))));
    case gpu::Format::q8:
      return half(s[b / 2], b % 2) * byte(q, c, true);
    case gpu::Format::q8_min:
      return half(s[b], 0) * byte(q, c, true) + half(s[b], 1);
    case gpu::Format::q4:
      return half(s[b / 2], b % 2) * (nibble(q + 4 * b, j) - 8);
    case gpu::Format::q4_min:
      return half(s[b], 0) * nibble(q + 4 * b, j) + half(s[b], 1);
    case gpu::Format::q4_k: {
      const uint32_t* k = s + c / 256 * 5;
      const uint64_t sub = b % 8;
      return half(k[0], 0) * byte(k + 1, sub, false) * nibble(q + 4 * b, j) -
             half(k[0], 1) * byte(k + 3, sub, false);
    }
    case gpu::Format::q8_k: {
      const uint32_t* k = s + c / 256 * 9;
      const uint64_t sub = c % 256 / 16;
      return half(k[0], 0) * byte(k + 1, sub, true) * byte(q, c, true) -
             half(k[0], 1) * byte(k + 5, sub, true);
    }
  }
  return 0;
}

}  // namespace

TEST_SUITE_BEGIN("host");

TEST_CASE("packing keeps every weight of every type") {
  for (TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q4_0,
        TensorType::q4_1, TensorType::q5_0, TensorType::q5_1, TensorType::q2_k, TensorType::q3_k,
        TensorType::q4_k, TensorType::q5_k, TensorType::q6_k, TensorType::iq4_nl}) {
    CAPTURE(std::string(tensor_type_info(type).name));
    constexpr uint64_t kRows = 3, kCols = 768;
    test::MemoryWeights weights;
    weights.add_random("w", type, kRows, kCols, 0.1f, 3);
    const WeightInfo& info = *weights.find("w");
    std::vector<float> expected(kRows * kCols), actual;
    dequantize_rows(weights, info, 0, kRows, expected.data());
    gpu::PackedRows packed;
    REQUIRE(gpu::pack_rows(weights, info, 0, kRows, packed).ok());
    const gpu::Format format = gpu::format_for(type);
    for (uint64_t row = 0; row < kRows; ++row)
      for (uint64_t c = 0; c < kCols; ++c)
        actual.push_back(
            weight(format, packed.quants.data() + row * gpu::quant_words_per_row(format, kCols),
                   packed.scales.data() + row * gpu::scale_words_per_row(format, kCols), c));
    CHECK(test::normalized_error(actual, expected) < 1e-7);
  }
}

TEST_CASE("a matrix that doesn't fill the words is refused with its name") {
  test::MemoryWeights weights;
  weights.add_random("blk.0.odd", TensorType::f32, 2, 48 + 5, 0.1f, 3);
  gpu::PackedRows packed;
  const auto result = gpu::pack_rows(weights, *weights.find("blk.0.odd"), 0, 2, packed);
  REQUIRE(!result.ok());
  CHECK(result.error().message.find("blk.0.odd") != std::string::npos);
}

TEST_SUITE_END();
