// Each kernel of each instruction set that this machine can run, against plain double arithmetic.
#include "backends/xnnpack/kernels/kernels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "backends/xnnpack/matrix.h"
#include "backends/xnnpack/pack_blocks.h"
#include "core/half.h"
#include "model/weights.h"
#include "test/support/error.h"
#include "test/support/random_model.h"
#include "test/xnnpack/kernel_sets.h"

using namespace npb;
using namespace npb::cpu;

TEST_CASE("the best set that the processor can run is chosen") {
  const auto found = sets();
  REQUIRE(!found.empty());
  CHECK(&kernels() == found.back());  // the list above goes from the plainest to the best
  // Tests on emulated processors say which one it has to be (scripts/test-arm64.mjs).
  if (const char* expected = std::getenv("NPB_EXPECT_KERNELS")) {
    CHECK(std::string(kernels().name) == expected);
  }
}

TEST_CASE("row kernels equal double arithmetic") {
  for (const Kernels* set : sets()) {
    CAPTURE(std::string(set->name));
    for (size_t n : {1u, 5u, 16u, 31u, 64u, 100u, 576u}) {
      CAPTURE(n);
      const auto x = test::random_values(n, 1), y = test::random_values(n, 2),
                 z = test::random_values(n, 3);
      std::vector<float> out(n), expected(n);
      double squares = 0, mean = 0, variance = 0;
      for (float v : x) squares += double(v) * v, mean += v / double(n);
      for (float v : x) variance += (v - mean) * (v - mean) / double(n);

      set->rms_norm(x.data(), y.data(), out.data(), n, n, 1e-5f);
      for (size_t i = 0; i < n; ++i)
        expected[i] = float(x[i] / std::sqrt(squares / double(n) + 1e-5) * y[i]);
      CHECK(test::normalized_error(out, expected) < 1e-6);

      set->layer_norm(x.data(), y.data(), z.data(), out.data(), n, 1e-5f);
      for (size_t i = 0; i < n; ++i)
        expected[i] = float((x[i] - mean) / std::sqrt(variance + 1e-5) * y[i] + z[i]);
      CHECK(test::normalized_error(out, expected) < 1e-6);

      std::vector<float> wide(n);
      for (size_t i = 0; i < n; ++i) wide[i] = 9.0f * x[i];
      set->swiglu(wide.data(), y.data(), out.data(), n);
      for (size_t i = 0; i < n; ++i)
        expected[i] = float(wide[i] / (1 + std::exp(-double(wide[i]))) * y[i]);
      CHECK(test::max_abs_error(out, expected) < 3e-6);
      set->gelu(wide.data(), out.data(), n, false);
      for (size_t i = 0; i < n; ++i)
        expected[i] = float(0.5 * wide[i] * (1 + std::erf(wide[i] / std::sqrt(2.0))));
      CHECK(test::max_abs_error(out, expected) < 3e-6);
      set->gelu(wide.data(), out.data(), n, true);
      for (size_t i = 0; i < n; ++i) {
        const double u = std::sqrt(2 / M_PI) * (wide[i] + 0.044715 * std::pow(double(wide[i]), 3));
        expected[i] = float(0.5 * wide[i] * (1 + std::tanh(u)));
      }
      CHECK(test::max_abs_error(out, expected) < 3e-6);

      std::vector<float> peaks = x;
      peaks[n / 2] = peaks[n - 1] = 7.0f;
      CHECK(set->argmax(peaks.data(), n) == n / 2);
    }
  }
}

TEST_CASE("rope rotates both pair styles") {
  for (const Kernels* set : sets()) {
    for (bool interleaved : {false, true}) {
      for (size_t head_dim : {16u, 20u, 64u}) {
        const size_t pairs = head_dim / 2 - 2, heads = 3;
        auto x = test::random_values(heads * head_dim, 4);
        const auto before = x;
        std::vector<float> c(pairs), s(pairs), expected = x;
        for (size_t i = 0; i < pairs; ++i)
          c[i] = std::cos(0.1f * float(i)), s[i] = std::sin(0.1f * float(i));
        for (size_t h = 0; h < heads; ++h) {
          for (size_t i = 0; i < pairs; ++i) {
            const size_t a = h * head_dim + (interleaved ? 2 * i : i),
                         b = h * head_dim + (interleaved ? 2 * i + 1 : i + pairs);
            expected[a] = before[a] * c[i] - before[b] * s[i];
            expected[b] = before[a] * s[i] + before[b] * c[i];
          }
        }
        set->rope(x.data(), c.data(), s.data(), heads, head_dim, pairs, interleaved);
        CHECK(test::normalized_error(x, expected) < 1e-6);
      }
    }
  }
}

TEST_CASE("attention over any number of rows, positions and columns") {
  for (const Kernels* set : sets()) {
    CAPTURE(std::string(set->name));
    for (bool half : {false, true}) {
      for (size_t head_dim : {8u, 20u, 64u, 80u}) {
        for (size_t rows : {1u, 2u, 3u, 5u, 7u, 9u, 11u, 12u}) {
          for (size_t first : {1u, 16u, 45u}) {
            for (size_t step : {0u, 1u}) {
              const size_t longest = first + (rows - 1) * step, padded = round_up(longest, kPanel);
              std::vector<float> q = test::random_values(rows * head_dim, 5),
                                 k = test::random_values(longest * head_dim, 6),
                                 v = test::random_values(longest * head_dim, 7);
              std::vector<float> keys(padded * head_dim),
                  values(padded * head_dim);  // room for f32, used for f16 too
              for (size_t p = 0; p < longest; ++p) {
                set->store_key(&k[p * head_dim], head_dim, keys.data(), p, half);
                set->store_value(&v[p * head_dim], head_dim, values.data(), p, half);
                if (!half) continue;
                for (size_t i = p * head_dim; i < (p + 1) * head_dim; ++i) {
                  k[i] = f16_to_f32(f32_to_f16(k[i]));
                  v[i] = f16_to_f32(f32_to_f16(v[i]));
                }
              }
              std::vector<float> out(rows * head_dim), expected(rows * head_dim),
                  scratch(attend_scratch(padded));
              set->attend({q.data(), head_dim, out.data(), head_dim, rows, head_dim, keys.data(),
                           values.data(), half, first, step, 2.0f, scratch.data()});
              for (size_t r = 0; r < rows; ++r) {
                const size_t length = first + r * step;
                std::vector<double> weight(length);
                double total = 0;
                for (size_t p = 0; p < length; ++p) {
                  double dot = 0;
                  for (size_t i = 0; i < head_dim; ++i)
                    dot += double(q[r * head_dim + i]) * k[p * head_dim + i];
                  total += weight[p] = std::exp(2.0 * dot);
                }
                for (size_t i = 0; i < head_dim; ++i) {
                  double sum = 0;
                  for (size_t p = 0; p < length; ++p) sum += weight[p] * v[p * head_dim + i];
                  expected[r * head_dim + i] = float(sum / total);
                }
              }
              CHECK(test::normalized_error(out, expected) < 2e-6);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("dense panels multiply exactly") {
  for (const Kernels* set : sets()) {
    for (bool half : {false, true}) {
      for (size_t m : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 13u, 25u}) {
        const size_t n = 48, k = 37;
        const auto x = test::random_values(m * k, 8), w = test::random_values(n * k, 9);
        std::vector<float> panels(n * k), out(m * n), expected(m * n);
        auto* halves = reinterpret_cast<uint16_t*>(panels.data());
        for (size_t j = 0; j < n; ++j) {
          for (size_t i = 0; i < k; ++i) {
            const size_t at = (j / kPanel * k + i) * kPanel + j % kPanel;
            half ? void(halves[at] = f32_to_f16(w[j * k + i])) : void(panels[at] = w[j * k + i]);
          }
        }
        set->panel_product({panels.data(), half, k, x.data(), k, out.data(), n}, 0, n / kPanel, m);
        for (size_t r = 0; r < m; ++r) {
          for (size_t j = 0; j < n; ++j) {
            double sum = 0;
            for (size_t i = 0; i < k; ++i) {
              sum += double(x[r * k + i]) *
                     (half ? f16_to_f32(f32_to_f16(w[j * k + i])) : w[j * k + i]);
            }
            expected[r * n + j] = float(sum);
          }
        }
        CHECK(test::normalized_error(out, expected) < 1e-6);
      }
    }
  }
}

TEST_CASE("block products equal the products of the weights that GGUF defines") {
  using enum TensorType;
  for (const Kernels* set : sets()) {
    if (set->block_product == nullptr) continue;
    for (TensorType type : {q4_0, q4_1, q5_0, q5_1, q8_0, iq4_nl, q4_k, q5_k}) {
      const BlockFormat format = *exact_block_format(type);
      CAPTURE(tensor_type_info(type).name);
      for (size_t k : {256u, 768u}) {
        for (size_t m : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 12u, 13u, 31u}) {
          const size_t n = 40;  // the last panel is half empty
          std::mt19937_64 random(11);
          const test::Bytes stored = test::random_blocks(type, n * k, 0.5f, random);
          std::vector<float> w(n * k), scratch(k);
          dequantize(type, stored.data(), n * k, w.data());
          Arena arena =
              std::move(Arena::allocate(BlockMatrix::bytes(format, n, k), "a test")).value();
          BlockMatrix matrix(*set, format, n, k);
          matrix.set_memory(arena.data());
          const uint64_t stride = row_bytes(tensor_type_info(type), k);
          for (size_t p = 0; p < matrix.panels(); ++p) {
            pack_block_panel(format, type, stored.data() + p * kPanel * stride,
                             std::min<size_t>(kPanel, n - p * kPanel), k, matrix.panel(p), scratch);
          }
          const auto x = test::random_values(m * k, 12);
          const QuantizedRows rows(*set, x, m, k);
          const size_t padded = round_up(n, kPanel);
          std::vector<float> out(m * padded), actual, expected;
          ProductInput input;
          input.blocks = rows.view();
          matrix.multiply(input, 0, m, 0, matrix.panels(), out.data(), padded);
          for (size_t r = 0; r < m; ++r) {
            for (size_t j = 0; j < n; ++j) {
              double sum = 0;
              for (size_t i = 0; i < k; ++i) {
                const float xq =
                    rows.scale[r * rows.blocks + i / kBlock] * float(rows.q[r * rows.stride + i]);
                sum += double(xq) * w[j * k + i];
              }
              expected.push_back(float(sum));
              actual.push_back(out[r * padded + j]);
            }
          }
          // Only the K types lose something: their products of two scales are rounded to f16.
          const bool k_type = type == q4_k || type == q5_k;
          CHECK(test::normalized_error(actual, expected) < (k_type ? 1e-3 : 2e-6));
        }
      }
    }
  }
}

TEST_CASE("activations are rounded to the nearest code") {
  for (const Kernels* set : sets()) {
    CAPTURE(std::string(set->name));
    const size_t k = 70;
    auto x = test::random_values(k, 13);
    for (size_t i = 32; i < 64; ++i) x[i] = 0.0f;  // a block of zeros
    const QuantizedRows rows(*set, x, 1, k);
    for (size_t i = 0; i < rows.stride; ++i) {
      const float scale = rows.scale[i / kBlock], value = i < k ? x[i] : 0.0f;
      CHECK(std::fabs(scale * float(rows.q[i]) - value) <= 0.5001f * scale);
    }
    for (size_t b = 0; b < rows.blocks; ++b) {
      int codes = 0;
      for (size_t i = 0; i < kBlock; ++i) codes += rows.q[b * kBlock + i];
      CHECK(rows.start8[b] == -8 * codes);
      CHECK(rows.start128[b] == -128 * codes);
    }
    std::vector<int8_t> q(k);
    int32_t zero = 0;
    float scale = 0;
    set->quantize_row(x.data(), k, q.data(), &zero, &scale);
    for (size_t i = 0; i < k; ++i)
      CHECK(std::fabs(scale * float(q[i] - zero) - x[i]) <= 0.51f * scale);
  }
}
