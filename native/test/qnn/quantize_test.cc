// Weights in 8 and 4 bits, and the grid of activations.
#include "backends/qnn/quantize.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;
using qnn::WeightFormat;

namespace {

std::vector<float> values_of(const qnn::QuantizedMatrix& m) {
  std::vector<float> values;
  for (uint32_t r = 0; r < m.rows; ++r)
    for (uint32_t c = 0; c < m.cols; ++c) values.push_back(m.value(r, c));
  return values;
}

}  // namespace

TEST_CASE("quantised matrices stay as close as their bits allow, for rows of any size") {
  constexpr uint32_t kRows = 6, kCols = 96;
  std::vector<float> values = test::random_values(kRows * kCols, 3);
  for (uint32_t r = 0; r < kRows; ++r)
    for (uint32_t c = 0; c < kCols; ++c)
      values[r * kCols + c] *= std::pow(10.0f, static_cast<float>(r) - 3) * (c < 32 ? 1 : 0.2f);
  // Rounding errs by a step / sqrt(12), and a row's RMS is 0.346 of its largest: 6.6e-3 for steps
  // of 1/127, 0.119 for 1/7; blocks divide the quiet part by five.
  for (const auto& [format, bound] :
       {std::pair{WeightFormat::int8_channel, 7e-3}, std::pair{WeightFormat::int4_channel, 0.12},
        std::pair{WeightFormat::int4_block, 0.085}}) {
    const auto m = qnn::quantize(format, kRows, kCols, values.data());
    REQUIRE_MESSAGE(m.ok(), m.error().message);
    const std::vector<float> read = values_of(*m);
    for (uint32_t r = 0; r < kRows; ++r) {
      CAPTURE(r);
      CHECK(test::normalized_error(std::span(read).subspan(r * kCols, kCols),
                                   std::span(values).subspan(r * kCols, kCols)) < bound);
    }
    // The quiet part of a row is what blocks are for.
    std::vector<float> quiet, quiet_read;
    for (uint32_t c = 32; c < kCols; ++c) {
      quiet.push_back(values[c]);
      quiet_read.push_back(read[c]);
    }
    const double error = test::normalized_error(quiet_read, quiet);
    if (format == WeightFormat::int4_block) CHECK(error < 0.1);
    if (format == WeightFormat::int4_channel) CHECK(error > 0.2);
    for (int8_t q : m->data) CHECK(std::abs(q) <= (format == WeightFormat::int8_channel ? 127 : 7));
    for (uint8_t scale : m->block_scales) CHECK((scale >= 1 && scale <= 15));
  }
}

TEST_CASE("rows of zeros stay zero, and what can't be quantised is refused") {
  const std::vector<float> zeros(2 * 32);
  for (auto format :
       {WeightFormat::int8_channel, WeightFormat::int4_channel, WeightFormat::int4_block}) {
    const auto m = qnn::quantize(format, 2, 32, zeros.data());
    REQUIRE(m.ok());
    CHECK(values_of(*m) == zeros);
    for (const auto& channel : m->channels) CHECK(channel.scale > 0);
  }
  CHECK(qnn::quantize(WeightFormat::int4_block, 2, 24, zeros.data()).error().code ==
        ErrorCode::unsupported);
  std::vector<float> broken = zeros;
  broken[3] = std::numeric_limits<float>::infinity();
  CHECK(qnn::quantize(WeightFormat::int8_channel, 2, 32, broken.data()).error().code ==
        ErrorCode::unsupported);
}

TEST_CASE("the grid holds its range and zero") {
  for (float most : {0.0f, 1e-3f, 1.0f, 4000.0f}) {
    const qnn::ScaleOffset grid = qnn::grid_of(most);
    CHECK(grid.scale > 0);
    CHECK(static_cast<float>(65535 + grid.offset) * grid.scale >= most * 0.99999f);
    CHECK(static_cast<float>(1 + grid.offset) * grid.scale <= -most * 0.99999f);
  }
}
