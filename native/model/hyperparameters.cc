#include "model/hyperparameters.h"

#include <algorithm>
#include <cmath>

namespace npb {

Result<void> finish_hyperparameters(Hyperparameters& hp, const WeightSource& weights,
                                    const std::string& path) {
  const auto bad = [&](const std::string& problem) {
    return Error{ErrorCode::invalid_model,
                 path + " describes an impossible model: " + problem + "."};
  };
  const WeightInfo* embedding = weights.find("token_embd.weight");
  if (embedding == nullptr) return bad("it has no token embedding (token_embd.weight)");
  if (embedding->cols != hp.d_model) {
    return bad("its token embedding is " + std::to_string(embedding->cols) + " wide, the model " +
               std::to_string(hp.d_model));
  }
  if (embedding->rows > (1u << 24)) {
    return bad("its vocabulary has " + std::to_string(embedding->rows) + " entries");
  }
  hp.vocab_size = static_cast<uint32_t>(embedding->rows);
  hp.tied_embeddings =
      hp.family == ModelFamily::decoder && weights.find("output.weight") == nullptr;

  if (hp.n_kv_heads == 0 || hp.n_heads % hp.n_kv_heads != 0) {
    return bad(std::to_string(hp.n_heads) + " heads cannot share " + std::to_string(hp.n_kv_heads) +
               " key/value heads");
  }
  if (hp.head_dim == 0) return bad("its heads are 0 wide");
  if (!(hp.norm_eps >= 0.0f) || hp.norm_eps > 1.0f) return bad("its norm epsilon is out of range");
  const size_t pairs = hp.rope_inv_freq.size();
  if (2 * pairs > hp.head_dim) {
    return bad("it rotates " + std::to_string(2 * pairs) + " dimensions of heads of " +
               std::to_string(hp.head_dim));
  }
  const bool finite = std::all_of(hp.rope_inv_freq.begin(), hp.rope_inv_freq.end(),
                                  [](float value) { return std::isfinite(value); });
  if (!finite || !std::isfinite(hp.rope_magnitude))
    return bad("its RoPE frequencies are not finite");
  if (hp.attention_scale == 0.0f) {
    hp.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(hp.head_dim)));
  }
  if (!std::isfinite(hp.attention_scale)) return bad("its attention scale is not finite");
  if (hp.family == ModelFamily::encoder) {
    const WeightInfo* positions = weights.find("position_embd.weight");
    if (positions == nullptr) return bad("it has no position embedding (position_embd.weight)");
    hp.context_length =
        static_cast<uint32_t>(std::min<uint64_t>(hp.context_length, positions->rows));
    hp.has_token_types = weights.find("token_types.weight") != nullptr;
  }
  return {};
}

}  // namespace npb
