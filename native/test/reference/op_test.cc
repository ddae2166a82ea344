// Each reference op against the formula of its definition, written again here from the definition.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "graph/reference.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

namespace npb {
namespace {

// f32 results of sums in double: only the last rounding remains.
constexpr double kBound = 1e-7;

/// One node with its weights and inputs, run by the reference.
struct OpRun {
  Node node;
  Hyperparameters hp;
  std::shared_ptr<test::MemoryWeights> source = std::make_shared<test::MemoryWeights>();
  std::vector<std::vector<float>> inputs;
  reference::Step step;
  reference::KvCache* cache = nullptr;
  uint64_t budget_bytes = 0;

  WeightRef whole(const std::string& name) const {
    const WeightInfo* tensor = source->find(name);
    return {tensor, 0, tensor->rows};
  }

  Result<std::vector<float>> run(size_t output_size) {
    reference::Weights weights(source);
    Graph graph;
    graph.nodes.push_back(node);
    weights.load(graph, budget_bytes, 2);
    std::vector<std::span<const float>> views(inputs.begin(), inputs.end());
    std::vector<float> output(output_size, NAN);
    NPB_TRY(reference::run_op({hp, weights, step, cache, 2}, node, views, output));
    return output;
  }
};

OpRun op(OpKind kind) {
  OpRun run;
  run.node.kind = kind;
  run.node.name = "op";
  return run;
}

std::vector<float> map(size_t count, const std::function<double(size_t)>& value) {
  std::vector<float> result(count);
  for (size_t i = 0; i < count; ++i) result[i] = static_cast<float>(value(i));
  return result;
}

void check_close(Result<std::vector<float>> actual, const std::vector<float>& expected) {
  REQUIRE_MESSAGE(actual.ok(), test::error_text(actual));
  CHECK(test::normalized_error(*actual, expected) < kBound);
}

}  // namespace

TEST_CASE("linear multiplies by the transposed matrix, adds the bias, and takes slices of rows") {
  constexpr size_t kRows = 7, kIn = 37, kOut = 41, kSkip = 5;
  OpRun run = op(OpKind::linear);
  const auto w = test::random_values((kOut + kSkip) * kIn, 1);
  const auto bias = test::random_values(kOut, 2);
  run.source->add_f32("w", kOut + kSkip, kIn, w).add_f32("b", 1, kOut, bias);
  run.node.weight = {run.source->find("w"), kSkip, kOut};
  run.node.weight2 = run.whole("b");
  run.inputs = {test::random_values(kRows * kIn, 3)};
  const auto expected = map(kRows * kOut, [&](size_t i) {
    double sum = bias[i % kOut];
    for (size_t k = 0; k < kIn; ++k) {
      sum += double{run.inputs[0][i / kOut * kIn + k]} * w[(i % kOut + kSkip) * kIn + k];
    }
    return sum;
  });
  check_close(run.run(kRows * kOut), expected);
  run.budget_bytes = 1 << 20;  // weights held as f32 instead of read on each use
  check_close(run.run(kRows * kOut), expected);
  CHECK_FALSE(run.run(kRows * kOut - 1).ok());
}

TEST_CASE("linear uses every weight type as dequantize() defines it") {
  for (const TensorType type :
       {TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q4_0, TensorType::q4_1,
        TensorType::q5_0, TensorType::q5_1, TensorType::q2_k, TensorType::q3_k, TensorType::q4_k,
        TensorType::q5_k, TensorType::q6_k, TensorType::iq4_nl}) {
    CAPTURE(tensor_type_info(type).name);
    constexpr size_t kIn = 256, kOut = 33;
    OpRun run = op(OpKind::linear);
    run.source->add_random("w", type, kOut, kIn, 0.1f, 4);
    run.node.weight = run.whole("w");
    run.inputs = {test::random_values(2 * kIn, 5)};
    std::vector<float> w(kOut * kIn);
    dequantize_rows(*run.source, *run.node.weight.tensor, 0, kOut, w.data());
    check_close(run.run(2 * kOut), map(2 * kOut, [&](size_t i) {
                  double sum = 0.0;
                  for (size_t k = 0; k < kIn; ++k) {
                    sum += double{run.inputs[0][i / kOut * kIn + k]} * w[i % kOut * kIn + k];
                  }
                  return sum;
                }));
  }
}

TEST_CASE("embed adds the token's row, the position's and that of token type 0") {
  constexpr size_t kWidth = 6;
  OpRun run = op(OpKind::embed);
  const auto tokens = test::random_values(5 * kWidth, 1),
             positions = test::random_values(8 * kWidth, 2),
             types = test::random_values(2 * kWidth, 3);
  run.source->add_f32("t", 5, kWidth, tokens).add_f32("p", 8, kWidth, positions);
  run.source->add_f32("y", 2, kWidth, types);
  run.node.weight = run.whole("t");
  run.node.weight2 = run.whole("p");
  run.node.weight3 = run.whole("y");
  const std::vector<int32_t> ids = {4, 0, 2, 1, 1, 3};
  run.step = {.batch = 2, .step_tokens = 3, .past = 5, .tokens = ids};
  check_close(run.run(6 * kWidth), map(6 * kWidth, [&](size_t i) {
                const size_t row = i / kWidth, column = i % kWidth;
                return double{tokens[static_cast<size_t>(ids[row]) * kWidth + column]} +
                       positions[(5 + row % 3) * kWidth + column] + types[column];
              }));
  run.step.past = 6;
  CHECK(run.run(6 * kWidth).error().message ==
        "Node 'op' has positions for 8 tokens only: use a shorter input.");
  const std::vector<int32_t> outside = {4, 0, 2, 1, 5, 3};
  run.step = {.batch = 2, .step_tokens = 3, .past = 0, .tokens = outside};
  CHECK(run.run(6 * kWidth).error().message ==
        "Node 'op' was given token 5, outside a vocabulary of 5.");
}

TEST_CASE("norms") {
  constexpr size_t kRows = 3, kWidth = 24, kGroup = 8;
  const auto weight = test::random_values(kWidth, 1), bias = test::random_values(kWidth, 2);
  const auto x = test::random_values(kRows * kWidth, 3);
  const auto sum_over = [&](size_t first, size_t count, const std::function<double(double)>& f) {
    double sum = 0.0;
    for (size_t i = 0; i < count; ++i) sum += f(x[first + i]);
    return sum;
  };
  const auto square = [](double v) { return v * v; };

  OpRun rms = op(OpKind::rms_norm);
  rms.source->add_f32("w", 1, kGroup, std::span(weight).first(kGroup));
  rms.node.weight = rms.whole("w");
  rms.node.eps = 0.01f;
  rms.node.group = kGroup;
  rms.inputs = {x};
  check_close(rms.run(x.size()), map(x.size(), [&](size_t i) {
                const double mean = sum_over(i / kGroup * kGroup, kGroup, square) / kGroup;
                return x[i] / std::sqrt(mean + double{0.01f}) * weight[i % kGroup];
              }));

  OpRun layer = op(OpKind::layer_norm);
  layer.source->add_f32("w", 1, kWidth, weight).add_f32("b", 1, kWidth, bias);
  layer.node.weight = layer.whole("w");
  layer.node.weight2 = layer.whole("b");
  layer.node.eps = 0.01f;
  layer.inputs = {x};
  check_close(layer.run(x.size()), map(x.size(), [&](size_t i) {
                const size_t first = i / kWidth * kWidth;
                const double mean = sum_over(first, kWidth, [](double v) { return v; }) / kWidth;
                const double variance = sum_over(first, kWidth, square) / kWidth - mean * mean;
                return (x[i] - mean) / std::sqrt(variance + double{0.01f}) * weight[i % kWidth] +
                       bias[i % kWidth];
              }));

  OpRun l2 = op(OpKind::l2_norm);
  l2.node.group = kWidth;
  l2.inputs = {x};
  check_close(l2.run(x.size()), map(x.size(), [&](size_t i) {
                return x[i] / std::sqrt(sum_over(i / kWidth * kWidth, kWidth, square));
              }));
  l2.inputs = {std::vector<float>(kWidth, 0.0f)};
  CHECK(*l2.run(kWidth) == std::vector<float>(kWidth, 0.0f));
}

TEST_CASE("rope turns pairs by position, in both layouts, and leaves the rest of a head") {
  constexpr size_t kHeads = 2, kDim = 10, kPairs = 3, kTokens = 3;
  for (const RopeStyle style : {RopeStyle::interleaved, RopeStyle::half}) {
    OpRun run = op(OpKind::rope);
    run.hp.rope_style = style;
    run.hp.rope_inv_freq = {1.0f, 0.1f, 0.01f};
    run.hp.rope_magnitude = 1.25f;
    run.node.n_heads = kHeads;
    run.node.head_dim = kDim;
    run.step = {.batch = 2, .step_tokens = kTokens, .past = 7, .tokens = {}};
    run.inputs = {test::random_values(2 * kTokens * kHeads * kDim, 1)};
    const auto& x = run.inputs[0];
    check_close(run.run(x.size()), map(x.size(), [&](size_t i) {
                  const size_t column = i % kDim;
                  if (column >= 2 * kPairs) return double{x[i]};
                  const bool interleaved = style == RopeStyle::interleaved;
                  const size_t pair = interleaved ? column / 2 : column % kPairs;
                  const bool second = interleaved ? column % 2 == 1 : column >= kPairs;
                  const size_t reach = interleaved ? 1 : kPairs;
                  const double position = 7.0 + static_cast<double>(i / (kHeads * kDim) % kTokens);
                  const double angle = position * run.hp.rope_inv_freq[pair];
                  const double other = second ? x[i - reach] : -double{x[i + reach]};
                  return 1.25 * (x[i] * std::cos(angle) + other * std::sin(angle));
                }));
  }
}

TEST_CASE("causal attention appends to the cache and looks back; full attention looks everywhere") {
  constexpr uint32_t kBatch = 2, kHeads = 4, kKvHeads = 2, kDim = 6, kTotal = 7;
  constexpr size_t kQ = kHeads * kDim, kKv = kKvHeads * kDim;
  const auto q = test::random_values(kBatch * kTotal * kQ, 1);
  const auto k = test::random_values(kBatch * kTotal * kKv, 2);
  const auto v = test::random_values(kBatch * kTotal * kKv, 3);
  // Sequence b, position p, head h against positions [0, seen).
  const auto expected_at = [&](size_t b, size_t p, size_t column, size_t seen) {
    const size_t kv_head = column / kDim / (kHeads / kKvHeads);
    double total = 0.0, sum = 0.0;
    for (size_t other = 0; other < seen; ++other) {
      const size_t key = (b * kTotal + other) * kKv + kv_head * kDim;
      double score = 0.0;
      for (size_t i = 0; i < kDim; ++i) {
        score += double{q[(b * kTotal + p) * kQ + column / kDim * kDim + i]} * k[key + i];
      }
      const double weight = std::exp(0.5 * score);
      total += weight;
      sum += weight * v[key + column % kDim];
    }
    return sum / total;
  };
  const auto rows = [&](const std::vector<float>& all, size_t width, size_t begin, size_t end) {
    std::vector<float> part;
    for (size_t b = 0; b < kBatch; ++b) {
      part.insert(part.end(), all.begin() + static_cast<ptrdiff_t>((b * kTotal + begin) * width),
                  all.begin() + static_cast<ptrdiff_t>((b * kTotal + end) * width));
    }
    return part;
  };
  OpRun run = op(OpKind::attention);
  run.node.n_heads = kHeads;
  run.node.n_kv_heads = kKvHeads;
  run.node.head_dim = kDim;
  run.node.layer = 1;
  run.node.scale = 0.5f;

  reference::KvCache cache(2, kBatch, kTotal, kKv);
  run.cache = &cache;
  for (const auto& [begin, end] : {std::pair{0u, 4u}, {4u, 5u}, {5u, 7u}}) {
    const uint32_t first = begin, count = end - begin;
    run.step = {.batch = kBatch, .step_tokens = count, .past = first, .tokens = {}};
    run.inputs = {rows(q, kQ, begin, end), rows(k, kKv, begin, end), rows(v, kKv, begin, end)};
    check_close(run.run(kBatch * count * kQ), map(kBatch * count * kQ, [&](size_t i) {
                  const size_t row = i / kQ, p = first + row % count;
                  return expected_at(row / count, p, i % kQ, p + 1);
                }));
  }
  run.step.past = 6;  // two more tokens in a cache of seven
  CHECK(run.run(kBatch * 2 * kQ).error().message ==
        "Node 'op' has no room in the KV cache for 8 tokens.");

  run.node.causal = false;
  run.cache = nullptr;
  run.step = {.batch = kBatch, .step_tokens = kTotal, .past = 0, .tokens = {}};
  run.inputs = {q, k, v};
  check_close(run.run(q.size()), map(q.size(), [&](size_t i) {
                return expected_at(i / kQ / kTotal, i / kQ % kTotal, i % kQ, kTotal);
              }));
}

TEST_CASE("element-wise ops") {
  const auto a = test::random_values(9000, 1), b = test::random_values(9000, 2);
  const auto logistic = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  const auto check = [&](OpKind kind, bool two, bool tanh_form,
                         const std::function<double(size_t)>& f) {
    OpRun run = op(kind);
    run.node.gelu_tanh = tanh_form;
    run.inputs = {a};
    if (two) run.inputs.push_back(b);
    CAPTURE(name(kind));
    check_close(run.run(a.size()), map(a.size(), f));
    run.inputs.pop_back();
    CHECK_FALSE(run.run(a.size()).ok());
  };
  check(OpKind::add, true, false, [&](size_t i) { return double{a[i]} + b[i]; });
  check(OpKind::mul, true, false, [&](size_t i) { return double{a[i]} * b[i]; });
  check(OpKind::silu, false, false, [&](size_t i) { return a[i] * logistic(a[i]); });
  check(OpKind::swiglu, true, false, [&](size_t i) { return a[i] * logistic(a[i]) * b[i]; });
  check(OpKind::gelu, false, false,
        [&](size_t i) { return a[i] * 0.5 * std::erfc(-a[i] / std::sqrt(2.0)); });
  check(OpKind::gelu, false, true, [&](size_t i) {
    const double x = a[i];
    return x * logistic(2.0 * std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x));
  });
}

TEST_CASE(
    "pool takes the last or first token's row, or the mean; argmax the first of the largest") {
  constexpr size_t kTokens = 3, kWidth = 4;
  OpRun run = op(OpKind::pool);
  run.step = {.batch = 2, .step_tokens = kTokens, .past = 0, .tokens = {}};
  run.inputs = {test::random_values(2 * kTokens * kWidth, 1)};
  const auto& x = run.inputs[0];
  const auto at = [&](size_t i, size_t t) {
    return x[(i / kWidth * kTokens + t) * kWidth + i % kWidth];
  };
  run.node.pooling = Pooling::last;
  check_close(run.run(2 * kWidth), map(2 * kWidth, [&](size_t i) { return at(i, 2); }));
  run.node.pooling = Pooling::cls;
  check_close(run.run(2 * kWidth), map(2 * kWidth, [&](size_t i) { return at(i, 0); }));
  run.node.pooling = Pooling::mean;
  check_close(run.run(2 * kWidth), map(2 * kWidth, [&](size_t i) {
                return (double{at(i, 0)} + at(i, 1) + at(i, 2)) / 3.0;
              }));

  OpRun argmax = op(OpKind::argmax);
  argmax.inputs = {{-3.0f, 7.0f, 7.0f, 1.0f, -5.0f, -6.0f, -4.0f, -4.0f}};
  CHECK(*argmax.run(2) == std::vector<float>{1.0f, 2.0f});
}

}  // namespace npb
