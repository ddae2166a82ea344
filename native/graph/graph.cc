#include "graph/graph.h"

#include <limits>
#include <utility>

#include "graph/builder.h"
#include "graph/validate.h"

namespace npb {
namespace {

// Token ids travel through the graph as f32 (argmax's output), which is exact up to 2^24.
constexpr uint32_t kMaxVocabulary = 1u << 24;
// Widths are 32-bit; a product of two hyper-parameters must stay far below that.
constexpr uint64_t kMaxWidth = std::numeric_limits<int32_t>::max();

Result<void> check_hyperparameters(const Hyperparameters& hp) {
  const auto invalid = [](const std::string& what) {
    return Error{ErrorCode::invalid_model,
                 "The model's hyper-parameters are impossible (" + what +
                     "): fetch the file again, or convert the model anew."};
  };
  if (hp.n_layers == 0) return invalid("no layers");
  if (hp.d_model == 0 || hp.d_ff == 0) return invalid("an empty layer width");
  if (hp.n_heads == 0 || hp.n_kv_heads == 0 || hp.head_dim == 0)
    return invalid("no attention heads");
  if (hp.n_heads % hp.n_kv_heads != 0) {
    return invalid(std::to_string(hp.n_heads) + " heads can't share " +
                   std::to_string(hp.n_kv_heads) + " key/value heads");
  }
  if (uint64_t{hp.n_heads} * hp.head_dim * 3 > kMaxWidth || hp.d_model > kMaxWidth ||
      uint64_t{hp.d_ff} * 2 > kMaxWidth) {
    return invalid("a layer wider than 2^31");
  }
  if (hp.vocab_size == 0 || hp.vocab_size > kMaxVocabulary) {
    return invalid("a vocabulary of " + std::to_string(hp.vocab_size) + " tokens");
  }
  if (hp.rope_inv_freq.size() * 2 > hp.head_dim) return invalid("RoPE wider than a head");
  if (!(hp.attention_scale > 0.0f)) return invalid("no attention scale");
  if (!(hp.norm_eps > 0.0f)) return invalid("no epsilon for its norms");
  return {};
}

}  // namespace

const char* name(OpKind kind) {
  switch (kind) {
    case OpKind::embed:
      return "embed";
    case OpKind::rms_norm:
      return "rms_norm";
    case OpKind::layer_norm:
      return "layer_norm";
    case OpKind::linear:
      return "linear";
    case OpKind::rope:
      return "rope";
    case OpKind::attention:
      return "attention";
    case OpKind::add:
      return "add";
    case OpKind::mul:
      return "mul";
    case OpKind::silu:
      return "silu";
    case OpKind::gelu:
      return "gelu";
    case OpKind::swiglu:
      return "swiglu";
    case OpKind::pool:
      return "pool";
    case OpKind::l2_norm:
      return "l2_norm";
    case OpKind::argmax:
      return "argmax";
  }
  return "unknown";
}

Result<Graph> build_graph(std::shared_ptr<const Model> model, const GraphOptions& options) {
  NPB_TRY(check_hyperparameters(model->hp));
  const bool encoder = model->hp.family == ModelFamily::encoder;
  NPB_TRY_ASSIGN(Graph graph,
                 encoder ? build_bert(std::move(model)) : build_llama(std::move(model), options));
  NPB_TRY(validate(graph));
  return graph;
}

}  // namespace npb
