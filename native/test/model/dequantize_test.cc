// Every type against the values of PyPI's gguf package, bit for bit.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/half.h"
#include "model/weights.h"
#include "test/model/dequantize_goldens.h"

using namespace npb;

namespace {

constexpr size_t kBlocks = 64;

// The recipe of scripts/make-dequantize-goldens.py. F16 and BF16 have "blocks" of one weight.
std::vector<std::byte> golden_blocks(const TensorTypeInfo& info, const DequantizeGolden& golden) {
  std::vector<std::byte> data(info.block_bytes * kBlocks);
  uint32_t state = 12345;
  for (std::byte& byte : data) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::byte>(state >> 24);
  }
  for (size_t block = 0; block < kBlocks; ++block) {
    for (const int scale : golden.scales) {
      if (scale >= 0)
        data[block * info.block_bytes + static_cast<size_t>(scale) + 1] &= std::byte{0xbf};
    }
  }
  return data;
}

uint64_t fnv(const std::vector<float>& values) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : values) {
    unsigned char bytes[4];
    std::memcpy(bytes, &value, 4);
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace

TEST_CASE("Each type dequantises to the reference's bits") {
  for (const DequantizeGolden& golden : kDequantizeGoldens) {
    CAPTURE(std::string(golden.type));
    const auto type = tensor_type_from_name(golden.type);
    REQUIRE(type.has_value());
    const TensorTypeInfo& info = tensor_type_info(*type);
    std::vector<float> values(info.block_weights * kBlocks);
    dequantize(*type, golden_blocks(info, golden).data(), values.size(), values.data());
    for (size_t i = 0; i < 4; ++i) CHECK(std::bit_cast<uint32_t>(values[i]) == golden.first[i]);
    CHECK(fnv(values) == golden.all);
  }
}

TEST_CASE("Half and bfloat16 convert and round as IEEE 754 says") {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = f16_to_f32(static_cast<uint16_t>(half));
    const uint32_t exponent = half >> 10 & 31;
    const uint32_t fraction = half & 0x3ff;
    if (exponent == 31) {
      CHECK((fraction ? std::isnan(value) : std::isinf(value)));
      if (fraction) CHECK(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      const double magnitude = exponent
                                   ? std::ldexp(1024.0 + fraction, static_cast<int>(exponent) - 25)
                                   : std::ldexp(fraction, -24);
      REQUIRE(value == (half & 0x8000 ? -magnitude : magnitude));
    }
    if (!std::isnan(value)) REQUIRE(f32_to_f16(value) == half);
  }
  CHECK(f32_to_f16(1.0f + 0x1p-11f) == 0x3c00);      // a tie goes to even: down
  CHECK(f32_to_f16(1.0f + 3 * 0x1p-11f) == 0x3c02);  // and up
  CHECK(f32_to_f16(65519.0f) == 0x7bff);             // the largest half
  CHECK(f32_to_f16(65520.0f) == 0x7c00);             // the smallest float that is not
  CHECK(f32_to_f16(0x1p-25f) == 0x0000);             // a tie at the smallest subnormal
  CHECK(f32_to_f16(std::nextafter(0x1p-25f, 1.0f)) == 0x0001);
  CHECK(f32_to_f16(-0.0f) == 0x8000);
  CHECK(f32_to_bf16(1.0f + 0x1p-8f) == 0x3f80);
  CHECK(f32_to_bf16(1.0f + 3 * 0x1p-8f) == 0x3f82);
  CHECK(bf16_to_f32(0x4049) == 3.140625f);
}
