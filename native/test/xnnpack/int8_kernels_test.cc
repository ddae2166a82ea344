// The kernels whose operands are whole numbers of our own choosing, against plain double
// arithmetic, and at the limits of their sums.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/xnnpack/matrix.h"
#include "core/half.h"
#include "test/support/error.h"
#include "test/support/random_model.h"
#include "test/xnnpack/kernel_sets.h"

using namespace npb;
using namespace npb::cpu;

TEST_CASE("block products hold the largest codes without overflow") {
  const size_t n = kPanel, k = 96;  // a block of each kind below, and half a unit of padding
  for (const Kernels* set : sets()) {
    if (set->block_product == nullptr) continue;
    CAPTURE(std::string(set->name));
    struct Extreme {
      BlockFormat format;
      uint8_t lowest, highest;
      int offset;
    };
    for (const Extreme& e : {Extreme{BlockFormat::q4, 0, 15, 8},
                             {BlockFormat::q4_min, 0, 15, 0},
                             {BlockFormat::q8, 0, 255, 128},
                             {BlockFormat::q8_min, 0, 31, 0}}) {
      for (uint8_t code : {e.lowest, e.highest}) {
        for (float sign : {1.0f, -1.0f}) {
          for (size_t m : {1u, 2u, 5u, 12u}) {
            Arena arena =
                std::move(Arena::allocate(BlockMatrix::bytes(e.format, n, k), "a test")).value();
            BlockMatrix matrix(*set, e.format, n, k);
            matrix.set_memory(arena.data());
            const size_t codes = codes_bytes(e.format);
            const auto byte = static_cast<uint8_t>(is_wide(e.format) ? code : code | code << 4);
            for (size_t unit = 0; unit < matrix.units(); ++unit) {
              uint8_t* at = matrix.panel(0) + unit * unit_bytes(e.format);
              std::fill_n(at, codes, byte);
              auto* factors = reinterpret_cast<uint16_t*>(at + codes);  // scales 1, minimums 0
              std::fill_n(factors, 2 * kPanel, f32_to_f16(1.0f));
            }
            const std::vector<float> x(m * k, 127.0f * sign);  // every code is 127 or -127
            const QuantizedRows rows(*set, x, m, k);
            std::vector<float> out(m * n);
            ProductInput input;
            input.blocks = rows.view();
            matrix.multiply(input, 0, m, 0, 1, out.data(), n);
            const float expected = 127.0f * sign * float(k) * float(code - e.offset);
            for (float value : out) CHECK(value == doctest::Approx(expected).epsilon(1e-6));
          }
        }
      }
    }
  }
}

TEST_CASE("channel products equal the products of the codes, for any number of rows and columns") {
  for (const Kernels* set : sets()) {
    if (set->channel_product == nullptr) continue;
    for (size_t k : {1u, 5u, 37u, 64u, 384u}) {
      for (size_t n : {3u, 16u, 40u, 100u}) {  // 1, 1, 3 and 7 panels
        for (size_t m : {1u, 2u, 3u, 5u, 7u, 8u, 15u, 19u}) {
          CAPTURE(k);
          CAPTURE(n);
          CAPTURE(m);
          auto x = test::random_values(m * k, 14);
          for (float& v : x) v = v * 3.0f + 1.0f;  // lopsided: the zero point matters
          const auto w = test::random_values(n * k, 15);
          Arena arena = std::move(Arena::allocate(ChannelMatrix::bytes(n, k), "a test")).value();
          ChannelMatrix matrix(*set, n, k);
          matrix.set_memory(arena.data());
          for (size_t p = 0; p < matrix.panels(); ++p)
            matrix.pack_panel(p, w.data() + p * kPanel * k, std::min(kPanel, n - p * kPanel));
          const size_t stride = round_up(k, 4), padded = round_up(n, kPanel);
          std::vector<int8_t> q(m * stride);
          std::vector<float> scale(m), zero(m), out(m * padded), actual, expected;
          std::vector<int32_t> start(m);
          for (size_t r = 0; r < m; ++r) {
            set->quantize_channel_row(x.data() + r * k, k, stride, q.data() + r * stride, &scale[r],
                                      &zero[r], &start[r]);
          }
          ProductInput input;
          input.channels = {q.data(), scale.data(), zero.data(), start.data(), stride};
          matrix.multiply(input, 0, m, 0, matrix.panels(), out.data(), padded);
          for (size_t j = 0; j < n; ++j) {
            float peak = 0.0f;
            for (size_t i = 0; i < k; ++i) peak = std::max(peak, std::fabs(w[j * k + i]));
            for (size_t r = 0; r < m; ++r) {
              double sum = 0;
              for (size_t i = 0; i < k; ++i) {
                const double code = std::nearbyint(w[j * k + i] * (127.0f / peak));
                sum += code * (q[r * stride + i] - double(zero[r]));
              }
              expected.push_back(float(sum * scale[r] * peak / 127.0));
              actual.push_back(out[r * padded + j]);
            }
          }
          CHECK(test::normalized_error(actual, expected) < 2e-6);
        }
      }
    }
  }
}

TEST_CASE("rows for channel products are rounded to the nearest code") {
  for (const Kernels* set : sets()) {
    if (set->quantize_channel_row == nullptr) continue;
    for (size_t k : {1u, 15u, 16u, 70u}) {
      for (float shift : {-2.0f, 0.0f, 2.0f}) {  // all below zero, around it, all above
        auto x = test::random_values(k, 16);
        for (float& v : x) v += shift;
        const size_t padded = round_up(k, 4);
        std::vector<int8_t> q(padded, 1);
        float scale = 0, zero = 0;
        int32_t start = 0, codes = 0;
        set->quantize_channel_row(x.data(), k, padded, q.data(), &scale, &zero, &start);
        for (size_t i = 0; i < k; ++i) {
          CHECK(std::fabs(scale * (float(q[i]) - zero) - x[i]) <= 1.001f * scale);
          codes += q[i];
        }
        for (size_t i = k; i < padded; ++i) CHECK(q[i] == 0);
        CHECK(start == -128 * codes);
      }
    }
    const std::vector<float> nothing(20);
    std::vector<int8_t> q(20);
    float scale = 0, zero = 0;
    int32_t start = 0;
    set->quantize_channel_row(nothing.data(), 20, 20, q.data(), &scale, &zero, &start);
    for (int8_t code : q) CHECK(scale * (float(code) - zero) == 0.0f);
  }
}

TEST_CASE("an encoder's attention over any number of rows and positions") {
  struct Shape {
    size_t positions, rows, head_dim;
  };
  for (const Kernels* set : sets()) {
    CAPTURE(std::string(set->name));
    for (const Shape& shape : {Shape{1, 1, 16},
                               {5, 5, 8},
                               {16, 13, 32},
                               {17, 17, 32},
                               {31, 8, 20},
                               {33, 9, 48},
                               {64, 24, 64},
                               {100, 30, 80},
                               {256, 7, 32},
                               {700, 3, 32}}) {
      const auto [positions, rows, head_dim] = shape;
      CAPTURE(positions);
      CAPTURE(head_dim);
      const size_t stride = head_dim + 3, out_stride = head_dim + 5;
      const auto q = test::random_values(rows * stride, 17),
                 k = test::random_values(positions * stride, 18),
                 v = test::random_values(positions * stride, 19);
      std::vector<float> expected;
      for (size_t r = 0; r < rows; ++r) {
        std::vector<double> weight(positions);
        double total = 0;
        for (size_t p = 0; p < positions; ++p) {
          double dot = 0;
          for (size_t i = 0; i < head_dim; ++i)
            dot += double(q[r * stride + i]) * k[p * stride + i];
          total += weight[p] = std::exp(2.0 * dot);
        }
        for (size_t i = 0; i < head_dim; ++i) {
          double sum = 0;
          for (size_t p = 0; p < positions; ++p) sum += weight[p] * v[p * stride + i];
          expected.push_back(float(sum / total));
        }
      }
      Arena scratch =
          std::move(
              Arena::allocate(attend_all_scratch(positions, head_dim) * sizeof(float), "a test"))
              .value();
      const auto error_of = [&](void (*attend)(const AttendAll&)) {
        std::vector<float> out(rows * out_stride), actual;
        attend({q.data(), k.data(), v.data(), stride, stride, stride, out.data(), out_stride, rows,
                positions, head_dim, 2.0f, scratch.data()});
        for (size_t r = 0; r < rows; ++r) {
          for (size_t i = 0; i < head_dim; ++i) actual.push_back(out[r * out_stride + i]);
        }
        return test::normalized_error(actual, expected);
      };
      CHECK(error_of(set->attend_all) < 2e-6);
      if (set->attend_all_int16 != nullptr && attends_in_int16(positions, head_dim))
        CHECK(error_of(set->attend_all_int16) < 5e-3);
    }
  }
}
