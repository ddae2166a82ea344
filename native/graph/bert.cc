// Encoders of the BERT line (bert, bge, MiniLM): learned positions, LayerNorm after each residual,
// full attention, one pooled vector per sequence.
#include <utility>

#include "graph/builder.h"

namespace npb {

Result<Graph> build_bert(std::shared_ptr<const Model> model) {
  GraphBuilder b(std::move(model));
  const Hyperparameters& hp = b.hp();
  if (hp.pooling == Pooling::none) {
    b.fail(ErrorCode::unsupported,
           "The model doesn't say how its token vectors become one per sequence: use a file whose "
           "pooling type is cls, mean or last.");
  }
  if (hp.activation == Activation::swiglu) {
    b.fail(ErrorCode::unsupported, "Architecture '" + hp.architecture +
                                       "' is an encoder with SwiGLU, which this build can't run.");
  }
  ValueId x = b.embed("token_embd", b.weight("token_embd.weight", hp.vocab_size, hp.d_model),
                      b.weight("position_embd.weight", hp.context_length, hp.d_model), {});
  if (hp.has_token_types) {
    // All tokens are of type 0: one text, not a pair.
    const WeightInfo* types = b.graph().model->weights->find("token_types.weight");
    b.graph().nodes.back().weight3 =
        b.weight("token_types.weight", types ? types->rows : 2, hp.d_model);
  }
  x = b.layer_norm("token_embd_norm", x);
  for (uint32_t i = 0; i < hp.n_layers && !b.failed(); ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    const auto [q, k, v] = build_qkv(b, layer, x);
    ValueId attended = b.attention(layer + "attn", q, k, v, i, false);
    if (i + 1 == hp.n_layers && hp.pooling != Pooling::mean) {
      // One row per sequence is all that cls and last pooling keep, and attention is the last to
      // mix rows.
      attended = b.pool(layer + "attn_pooled", attended, hp.pooling);
      x = b.pool(layer + "residual_pooled", x, hp.pooling);
    }
    x = b.add(layer + "attn_residual", x, b.linear(layer + "attn_output", attended, hp.d_model));
    x = b.layer_norm(layer + "attn_output_norm", x);
    const ValueId up = b.linear(layer + "ffn_up", x, hp.d_ff);
    const ValueId active = b.gelu(layer + "ffn_act", up, hp.activation == Activation::gelu_tanh);
    x = b.add(layer + "ffn_residual", x, b.linear(layer + "ffn_down", active, hp.d_model));
    x = b.layer_norm(layer + "layer_output_norm", x);
  }
  if (hp.pooling == Pooling::mean) x = b.pool("pool", x, Pooling::mean);
  if (hp.l2_normalize) x = b.l2_norm("l2_norm", x);
  b.graph().embedding = x;
  return b.finish();
}

}  // namespace npb
