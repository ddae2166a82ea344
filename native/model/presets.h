// Published architectures by name: hyper-parameters and tensor shapes, without weights.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace npb {

struct Preset {
  std::string_view name;
  std::string_view architecture;
  uint32_t n_layers;
  uint32_t d_model;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t head_dim;
  uint32_t d_ff;
  uint32_t vocab_size;
  uint32_t context_length;
  float norm_eps;
  // Decoders
  double rope_base = 0.0;
  double llama3_factor = 0.0;  // RoPE scaling of Llama 3.1 and 3.2; 0 = none
  bool tied = false;
  // Encoders
  Pooling pooling = Pooling::none;
};

std::span<const Preset> presets();
/// Null if there is none of that name.
const Preset* find_preset(std::string_view name);

Hyperparameters preset_hyperparameters(const Preset& preset);
/// All tensors; matrices in `type`, norms, biases and BERT's small embeddings in f32.
std::vector<WeightInfo> preset_tensors(const Preset& preset, TensorType type);

}  // namespace npb
