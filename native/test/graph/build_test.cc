#include <doctest/doctest.h>

#include <set>

#include "graph/graph.h"
#include "graph/print.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

namespace npb {
namespace {

Result<Graph> build(const test::TinyModel& tiny, const GraphOptions& options = {}) {
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), test::error_text(model));
  return build_graph(*model, options);
}

size_t count(const Graph& graph, OpKind kind) {
  size_t found = 0;
  for (const Node& node : graph.nodes) found += node.kind == kind ? 1 : 0;
  return found;
}

const Node* find(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a llama graph has the ops of its layers and computes logits for the last token") {
  const auto graph = build({.architecture = "llama"});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  CHECK(count(*graph, OpKind::linear) == 2 * 7 + 1);
  CHECK(count(*graph, OpKind::attention) == 2);
  CHECK(count(*graph, OpKind::rope) == 4);
  CHECK(count(*graph, OpKind::pool) == 2);
  CHECK(graph->values[static_cast<size_t>(graph->logits)].rows == Rows::per_sequence);
  CHECK(graph->values[static_cast<size_t>(graph->logits)].width == 96);
  CHECK(find(*graph, "output")->weight.tensor->name == "output.weight");
}

TEST_CASE("all_logits keeps a row per token to the end") {
  const auto graph = build({.architecture = "llama", .tied = true}, {.all_logits = true});
  REQUIRE_MESSAGE(graph.ok(), test::error_text(graph));
  CHECK(count(*graph, OpKind::pool) == 0);
  CHECK(graph->values[static_cast<size_t>(graph->next_token)].rows == Rows::per_token);
  CHECK(find(*graph, "output")->weight.tensor->name == "token_embd.weight");
}

TEST_CASE("biases, head norms and fused matrices are read off the tensors") {
  const auto qwen2 = build({.architecture = "qwen2"});
  REQUIRE_MESSAGE(qwen2.ok(), test::error_text(qwen2));
  CHECK(find(*qwen2, "blk.1.attn_k")->weight2.tensor->name == "blk.1.attn_k.bias");
  CHECK_FALSE(find(*qwen2, "blk.1.attn_output")->weight2);

  const auto qwen3 = build({.architecture = "qwen3"});
  REQUIRE_MESSAGE(qwen3.ok(), test::error_text(qwen3));
  CHECK(find(*qwen3, "blk.0.attn_q_norm")->group == 16);

  const auto phi3 = build({.architecture = "phi3"});
  REQUIRE_MESSAGE(phi3.ok(), test::error_text(phi3));
  CHECK(find(*phi3, "blk.0.attn_v")->weight.row == 64 + 32);
  CHECK(find(*phi3, "blk.0.attn_v")->weight.rows == 32);
  CHECK(find(*phi3, "blk.0.ffn_gate")->weight.row == 0);
  CHECK(find(*phi3, "blk.0.ffn_up")->weight.row == 128);
}

TEST_CASE("an encoder's graph pools to one vector per sequence") {
  test::TinyModel tiny{.architecture = "bert"};
  tiny.n_kv_heads = tiny.n_heads;
  const auto mean = build(tiny);
  REQUIRE_MESSAGE(mean.ok(), test::error_text(mean));
  CHECK(mean->logits == kNoValue);
  CHECK(mean->values[static_cast<size_t>(mean->embedding)].rows == Rows::per_sequence);
  CHECK(count(*mean, OpKind::pool) == 1);
  CHECK(find(*mean, "token_embd")->weight3);
  tiny.pooling_type = 2;
  const auto cls = build(tiny);
  REQUIRE_MESSAGE(cls.ok(), test::error_text(cls));
  CHECK(count(*cls, OpKind::pool) == 2);  // before the last layer's matrices
  CHECK(find(*cls, "blk.1.residual_pooled")->pooling == Pooling::cls);
}

}  // namespace npb
