// Models that the builders refuse, each with one sentence; graphs that break a rule.
#include <doctest/doctest.h>

#include <functional>

#include "graph/graph.h"
#include "graph/validate.h"
#include "test/support/random_model.h"

namespace npb {
namespace {

/// A decoder of one layer in memory: d 8, 2 heads of 4 on 1 KV head, ffn 12, vocabulary 10.
struct SmallModel {
  Model model;
  test::MemoryWeights weights;

  explicit SmallModel(const std::string& without = {}) {
    Hyperparameters& hp = model.hp;
    hp.architecture = "llama";
    hp.n_layers = 1;
    hp.d_model = 8;
    hp.n_heads = 2;
    hp.n_kv_heads = 1;
    hp.head_dim = 4;
    hp.d_ff = 12;
    hp.vocab_size = 10;
    hp.context_length = 16;
    hp.attention_scale = 0.5f;
    hp.rope_inv_freq = {1.0f, 0.1f};
    const auto add = [&](const std::string& name, uint64_t rows, uint64_t cols) {
      if (name != without) weights.add_random(name, TensorType::f32, rows, cols, 1.0f, 1);
    };
    add("token_embd.weight", 10, 8);
    add("output.weight", 10, 8);
    add("output_norm.weight", 1, 8);
    add("blk.0.attn_norm.weight", 1, 8);
    add("blk.0.attn_q.weight", 8, 8);
    add("blk.0.attn_k.weight", 4, 8);
    add("blk.0.attn_v.weight", 4, 8);
    add("blk.0.attn_output.weight", 8, 8);
    add("blk.0.ffn_norm.weight", 1, 8);
    add("blk.0.ffn_gate.weight", 12, 8);
    add("blk.0.ffn_up.weight", 12, 8);
    add("blk.0.ffn_down.weight", 8, 12);
  }

  Result<Graph> build() {
    model.weights = std::make_shared<test::MemoryWeights>(weights);
    return build_graph(std::make_shared<Model>(model), {});
  }
};

void check_refused(Result<Graph> result, ErrorCode code, const std::string& message) {
  REQUIRE_FALSE(result.ok());
  CHECK(name(result.error().code) == std::string(name(code)));
  CHECK(result.error().message == message);
}

}  // namespace

TEST_CASE("a missing tensor is named") {
  REQUIRE(SmallModel().build().ok());
  for (const char* tensor :
       {"token_embd.weight", "output.weight", "output_norm.weight", "blk.0.attn_k.weight",
        "blk.0.ffn_down.weight", "blk.0.ffn_norm.weight"}) {
    check_refused(SmallModel(tensor).build(), ErrorCode::invalid_model,
                  "The model has no tensor '" + std::string(tensor) +
                      "', which architecture 'llama' needs: fetch the file again, or convert the "
                      "model anew.");
  }
}

TEST_CASE("a tensor of another shape is refused with both shapes") {
  SmallModel small("blk.0.attn_v.weight");
  small.weights.add_random("blk.0.attn_v.weight", TensorType::f32, 8, 8, 1.0f, 1);
  check_refused(
      small.build(), ErrorCode::invalid_model,
      "Tensor 'blk.0.attn_v.weight' is 8 x 8, but the model's hyper-parameters ask for 4 x 8: "
      "fetch the file again, or convert the model anew.");
}

TEST_CASE("a layer's tensor without a place in the graph is refused, not ignored") {
  SmallModel small;
  small.weights.add_random("blk.0.post_attention_norm.weight", TensorType::f32, 1, 8, 1.0f, 1);
  check_refused(
      small.build(), ErrorCode::unsupported,
      "Tensor 'blk.0.post_attention_norm.weight' has no place in what this build knows of "
      "architecture 'llama': results would be wrong, so the model is refused.");
}

TEST_CASE("impossible hyper-parameters are refused before any tensor is looked at") {
  using Damage = std::function<void(Hyperparameters&)>;
  const std::pair<Damage, const char*> cases[] = {
      {[](auto& hp) { hp.n_layers = 0; }, "no layers"},
      {[](auto& hp) { hp.d_ff = 0; }, "an empty layer width"},
      {[](auto& hp) { hp.head_dim = 0; }, "no attention heads"},
      {[](auto& hp) { hp.n_heads = 3, hp.n_kv_heads = 2; },
       "3 heads can't share 2 key/value heads"},
      {[](auto& hp) { hp.n_heads = hp.head_dim = 1u << 31; }, "a layer wider than 2^31"},
      {[](auto& hp) { hp.vocab_size = 1u << 30; }, "a vocabulary of 1073741824 tokens"},
      {[](auto& hp) { hp.rope_inv_freq.resize(3); }, "RoPE wider than a head"},
      {[](auto& hp) { hp.attention_scale = 0.0f; }, "no attention scale"},
      {[](auto& hp) { hp.norm_eps = 0.0f; }, "no epsilon for its norms"},
  };
  for (const auto& [damage, what] : cases) {
    SmallModel small;
    damage(small.model.hp);
    check_refused(small.build(), ErrorCode::invalid_model,
                  "The model's hyper-parameters are impossible (" + std::string(what) +
                      "): fetch the file again, or convert the model anew.");
  }
}

TEST_CASE("a decoder without SwiGLU and an encoder without pooling are unsupported") {
  SmallModel gelu;
  gelu.model.hp.activation = Activation::gelu_erf;
  check_refused(gelu.build(), ErrorCode::unsupported,
                "Architecture 'llama' is a decoder without SwiGLU, which this build can't run.");
  SmallModel encoder;
  encoder.model.hp.family = ModelFamily::encoder;
  check_refused(
      encoder.build(), ErrorCode::unsupported,
      "The model doesn't say how its token vectors become one per sequence: use a file whose "
      "pooling type is cls, mean or last.");
}

TEST_CASE("validate() names the node that breaks a rule") {
  const auto built = SmallModel().build();
  REQUIRE(built.ok());
  REQUIRE(validate(*built).ok());
  const auto check = [&](size_t node, const std::function<void(Node&)>& damage, const char* what) {
    Graph graph = *built;
    damage(graph.nodes[node]);
    const auto result = validate(graph);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message.find(what) != std::string::npos);
    CHECK(result.error().message.find(graph.nodes[node].name) != std::string::npos);
  };
  const auto index = [&](OpKind kind) {
    size_t i = 0;
    while (built->nodes[i].kind != kind) ++i;
    return i;
  };
  check(
      1, [](Node& n) { n.inputs = {}; }, "has 0 inputs");
  check(
      1, [](Node& n) { n.inputs = {n.output}; }, "before it is computed");
  check(
      1, [](Node& n) { n.output = 0; }, "writes a value twice");
  check(
      1, [](Node& n) { n.output = 1000; }, "has no output");
  check(
      index(OpKind::rms_norm), [](Node& n) { n.group = 3; }, "can't be cut into its groups");
  check(
      index(OpKind::linear), [](Node& n) { n.weight.rows = 7; }, "doesn't fit its matrix");
  check(
      index(OpKind::linear), [](Node& n) { n.weight.row = 1; },
      "rows that tensor 'blk.0.attn_q.weight'");
  check(
      index(OpKind::linear), [](Node& n) { n.weight2 = n.weight; }, "doesn't fit its bias");
  check(
      index(OpKind::rope), [](Node& n) { n.n_heads = 1; }, "doesn't fit its heads");
  check(
      index(OpKind::attention), [](Node& n) { n.n_kv_heads = 2; },
      "doesn't fit its keys and values");
  check(
      index(OpKind::attention), [](Node& n) { n.layer = 1; },
      "a layer that the model doesn't have");
  check(
      index(OpKind::pool), [](Node& n) { n.pooling = Pooling::none; }, "has no pooling rule");
  check(
      index(OpKind::swiglu), [](Node& n) { n.inputs[1] = 0; }, "has unequal inputs");
  check(
      index(OpKind::embed), [](Node& n) { n.weight = {}; }, "doesn't fit its table");
  Graph no_result = *built;
  no_result.next_token = kNoValue;
  CHECK_FALSE(validate(no_result).ok());
}

}  // namespace npb
