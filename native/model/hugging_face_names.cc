#include <array>
#include <utility>

#include "model/safetensors.h"

namespace npb {

namespace {

using Name = std::pair<std::string_view, std::string_view>;

constexpr std::array<Name, 7> kGlobal{{
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
    {"embeddings.word_embeddings", "token_embd"},
    {"embeddings.position_embeddings", "position_embd"},
    {"embeddings.token_type_embeddings", "token_types"},
    {"embeddings.LayerNorm", "token_embd_norm"},
}};

constexpr std::array<Name, 21> kLayer{{
    {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.gate_up_proj", "ffn_up"},  // phi3: GGUF keeps the fused matrix under this name, too
    {"mlp.down_proj", "ffn_down"},
    {"attention.self.query", "attn_q"},
    {"attention.self.key", "attn_k"},
    {"attention.self.value", "attn_v"},
    {"attention.output.dense", "attn_output"},
    {"attention.output.LayerNorm", "attn_output_norm"},
    {"intermediate.dense", "ffn_up"},
    {"output.dense", "ffn_down"},
    {"output.LayerNorm", "layer_output_norm"},
}};

template <size_t kSize>
std::string_view lookup(const std::array<Name, kSize>& names, std::string_view name) {
  for (const auto& [theirs, ours] : names) {
    if (theirs == name) return ours;
  }
  return {};
}

// Old BERT files call a norm's weight gamma and its bias beta.
std::string_view last_part(std::string_view part) {
  if (part == "weight" || part == "gamma") return "weight";
  if (part == "bias" || part == "beta") return "bias";
  return {};
}

}  // namespace

std::string gguf_name(std::string_view name) {
  if (name.starts_with("bert.")) name.remove_prefix(5);
  const size_t dot = name.rfind('.');
  if (dot == name.npos) return {};
  const std::string_view end = last_part(name.substr(dot + 1));
  if (end.empty()) return {};
  std::string_view stem = name.substr(0, dot);
  for (const std::string_view prefix : {"model.layers.", "encoder.layer."}) {
    if (!stem.starts_with(prefix)) continue;
    stem.remove_prefix(prefix.size());
    const size_t digits = stem.find_first_not_of("0123456789");
    if (digits == 0 || digits > 4 || digits == stem.npos || stem[digits] != '.') return {};
    const std::string_view part = lookup(kLayer, stem.substr(digits + 1));
    if (part.empty()) return {};
    return "blk." + std::string(stem.substr(0, digits)) + "." + std::string(part) + "." +
           std::string(end);
  }
  const std::string_view part = lookup(kGlobal, stem);
  return part.empty() ? std::string() : std::string(part) + "." + std::string(end);
}

}  // namespace npb
