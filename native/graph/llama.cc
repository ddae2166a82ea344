// Decoders of the llama line: llama, smollm, mistral, qwen2, qwen3, phi3. They differ in what their
// files hold (biases, q/k norms, fused matrices, tied output), which the builder reads off the
// tensors.
#include <utility>

#include "graph/builder.h"

namespace npb {
namespace {

ValueId build_feed_forward(GraphBuilder& b, const std::string& layer, ValueId x) {
  const Hyperparameters& hp = b.hp();
  ValueId gate, up;
  if (b.has(layer + "ffn_gate.weight")) {
    gate = b.linear(layer + "ffn_gate", x, hp.d_ff);
    up = b.linear(layer + "ffn_up", x, hp.d_ff);
  } else {
    // phi3 stores both in ffn_up: first the gate's rows, then the other's.
    const WeightRef both = b.weight(layer + "ffn_up.weight", 2 * uint64_t{hp.d_ff}, hp.d_model);
    if (b.failed()) return x;
    gate = b.linear(layer + "ffn_gate", x, WeightRef{both.tensor, 0, hp.d_ff}, {});
    up = b.linear(layer + "ffn_up", x, WeightRef{both.tensor, hp.d_ff, hp.d_ff}, {});
  }
  return b.linear(layer + "ffn_down", b.swiglu(layer + "ffn_act", gate, up), hp.d_model);
}

}  // namespace

Result<Graph> build_llama(std::shared_ptr<const Model> model, const GraphOptions& options) {
  GraphBuilder b(std::move(model));
  const Hyperparameters& hp = b.hp();
  if (hp.activation != Activation::swiglu) {
    b.fail(ErrorCode::unsupported,
           "Architecture '" + hp.architecture +
               "' is a decoder without SwiGLU, which this build can't run.");
  }
  const WeightRef embeddings = b.weight("token_embd.weight", hp.vocab_size, hp.d_model);
  ValueId x = b.embed("token_embd", embeddings, {}, {});
  for (uint32_t i = 0; i < hp.n_layers && !b.failed(); ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    const ValueId h = b.rms_norm(layer + "attn_norm", x, layer + "attn_norm.weight", hp.d_model);
    auto [q, k, v] = build_qkv(b, layer, h);
    if (b.has(layer + "attn_q_norm.weight")) {
      q = b.rms_norm(layer + "attn_q_norm", q, layer + "attn_q_norm.weight", hp.head_dim);
      k = b.rms_norm(layer + "attn_k_norm", k, layer + "attn_k_norm.weight", hp.head_dim);
    }
    if (!hp.rope_inv_freq.empty()) {
      q = b.rope(layer + "rope_q", q, hp.n_heads);
      k = b.rope(layer + "rope_k", k, hp.n_kv_heads);
    }
    ValueId attended = b.attention(layer + "attn", q, k, v, i, true);
    if (i + 1 == hp.n_layers && !options.all_logits) {
      // Nothing after the last attention mixes tokens: only the last token's row is still needed.
      attended = b.pool(layer + "attn_last", attended, Pooling::last);
      x = b.pool(layer + "residual_last", x, Pooling::last);
    }
    x = b.add(layer + "attn_residual", x, b.linear(layer + "attn_output", attended, hp.d_model));
    const ValueId g = b.rms_norm(layer + "ffn_norm", x, layer + "ffn_norm.weight", hp.d_model);
    x = b.add(layer + "ffn_residual", x, build_feed_forward(b, layer, g));
  }
  x = b.rms_norm("output_norm", x, "output_norm.weight", hp.d_model);
  Graph& graph = b.graph();
  graph.logits = hp.tied_embeddings ? b.linear("output", x, embeddings, {})
                                    : b.linear("output", x, hp.vocab_size);
  graph.next_token = b.argmax("next_token", graph.logits);
  return b.finish();
}

}  // namespace npb
