#include "graph/cost.h"

#include <doctest/doctest.h>

#include "graph/print.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

namespace npb {
namespace {

Graph build(const test::TinyModel& tiny, bool all_logits) {
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), test::error_text(model));
  auto graph = build_graph(*model, {.all_logits = all_logits});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  return *graph;
}

OpCost cost_of(const Graph& graph, const std::string& node_name, const CostShape& shape) {
  for (const Node& node : graph.nodes) {
    if (node.name == node_name) return cost(graph, node, shape);
  }
  FAIL("no node " << node_name);
  return {};
}

}  // namespace

TEST_CASE("cost counts multiply-adds and the bytes of weights and cache") {
  test::TinyModel tiny{.architecture = "llama", .type = TensorType::q8_0};
  const Graph graph = build(tiny, false);

  // attn_q: 64 x 64 in blocks of 34 bytes for 32 weights, three rows of activations.
  const OpCost q = cost_of(graph, "blk.0.attn_q", {.batch = 1, .step_tokens = 3});
  CHECK(q.macs == 3 * 64 * 64);
  CHECK(q.flops == 2 * 3 * 64 * 64);
  CHECK(q.weight_bytes == 64 * 64 / 32 * 34);
  CHECK(q.activation_bytes == 3 * (64 + 64) * 4);
  CHECK(q.kv_bytes == 0);

  // The batch shares the matrix; the last layer's own matrices see one row per sequence.
  CHECK(cost_of(graph, "blk.0.attn_q", {.batch = 4}).weight_bytes == q.weight_bytes);
  CHECK(cost_of(graph, "blk.1.ffn_down", {.batch = 2, .step_tokens = 9}).macs == 2 * 64 * 128);
  CHECK(cost_of(graph, "output", {.batch = 2, .step_tokens = 9}).macs == 2 * 96 * 64);

  // An embedding reads one row per token only.
  CHECK(cost_of(graph, "token_embd", {.batch = 2, .step_tokens = 3}).weight_bytes ==
        6 * 64 / 32 * 34);

  // Attention of tokens 10, 11 and 12 over 11, 12 and 13 positions: 36 pairs, 4 heads of 16, q*k
  // and p*v.
  const OpCost attention = cost_of(
      graph, "blk.0.attn", {.batch = 2, .step_tokens = 3, .past = 10, .kv_element_bytes = 2});
  CHECK(attention.macs == 2 * (2 * 36 * 4 * 16));
  // K and V, 13 positions read and 3 written, 32 wide, two bytes each, two sequences.
  CHECK(attention.kv_bytes == 2 * 2 * (13 + 3) * 32 * 2);
}

TEST_CASE("the cost of a decode step is the sum over its nodes, its weights those of the file") {
  test::TinyModel tiny{.architecture = "llama", .tied = true};
  const Graph graph = build(tiny, true);
  const uint64_t layer = 64 * 64 * 2 + 2 * 32 * 64 + 3 * 64 * 128;
  const OpCost step = cost(graph, {});
  const uint64_t attention = 2 * 4 * 16;
  CHECK(step.macs == 2 * (layer + attention) + 96 * 64);
  // All matrices, five norms of 64, and one row of the embedding beside the tied output matrix.
  CHECK(step.weight_bytes == 4 * (2 * layer + 96 * 64 + 5 * 64 + 64));
}

TEST_CASE("full attention reads no cache") {
  test::TinyModel tiny{.architecture = "bert"};
  tiny.n_kv_heads = tiny.n_heads;
  const OpCost attention =
      cost_of(build(tiny, false), "blk.0.attn", {.batch = 1, .step_tokens = 5});
  CHECK(attention.macs == 2 * 25 * 4 * 16);
  CHECK(attention.kv_bytes == 0);
}

TEST_CASE("a graph prints one line per node") {
  const std::string text =
      to_string(build({.architecture = "phi3", .type = TensorType::q4_0}, false));
  CHECK(text.find("token_embd [T x 64] = embed(; token_embd.weight Q4_0 96x64)\n") == 0);
  CHECK(
      text.find("blk.0.attn_k [T x 32] = linear(blk.0.attn_norm; blk.0.attn_qkv.weight Q4_0 32x64 "
                "from row 64)\n") != std::string::npos);
  CHECK(text.find(
            "blk.0.attn [T x 64] = attention(blk.0.rope_q, blk.0.rope_k, blk.0.attn_v; causal, 4 "
            "heads on 2 of 16)\n") != std::string::npos);
  CHECK(text.find("blk.1.attn_last [S x 64] = pool(blk.1.attn; last)\n") != std::string::npos);
  CHECK(text.find("next_token [S x 1] = argmax(output)\n") != std::string::npos);
}

}  // namespace npb
