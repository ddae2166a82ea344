#include "model/presets.h"

#include <string>

#include "model/rope.h"

namespace npb {

namespace {

// Figures of the models' published config.json files.
// name, architecture, layers, d, heads, kv heads, head dim, ffn, vocabulary, context, eps, ...
constexpr Preset kPresets[] = {
    {.name = "llama-7b",
     .architecture = "llama",
     .n_layers = 32,
     .d_model = 4096,
     .n_heads = 32,
     .n_kv_heads = 32,
     .head_dim = 128,
     .d_ff = 11008,
     .vocab_size = 32000,
     .context_length = 2048,
     .norm_eps = 1e-6f,
     .rope_base = 10000.0},
    {.name = "llama-2-7b",
     .architecture = "llama",
     .n_layers = 32,
     .d_model = 4096,
     .n_heads = 32,
     .n_kv_heads = 32,
     .head_dim = 128,
     .d_ff = 11008,
     .vocab_size = 32000,
     .context_length = 4096,
     .norm_eps = 1e-5f,
     .rope_base = 10000.0},
    {.name = "llama-3.2-1b",
     .architecture = "llama",
     .n_layers = 16,
     .d_model = 2048,
     .n_heads = 32,
     .n_kv_heads = 8,
     .head_dim = 64,
     .d_ff = 8192,
     .vocab_size = 128256,
     .context_length = 131072,
     .norm_eps = 1e-5f,
     .rope_base = 500000.0,
     .llama3_factor = 32.0,
     .tied = true},
    {.name = "llama-3.2-3b",
     .architecture = "llama",
     .n_layers = 28,
     .d_model = 3072,
     .n_heads = 24,
     .n_kv_heads = 8,
     .head_dim = 128,
     .d_ff = 8192,
     .vocab_size = 128256,
     .context_length = 131072,
     .norm_eps = 1e-5f,
     .rope_base = 500000.0,
     .llama3_factor = 32.0,
     .tied = true},
    {.name = "llama-3.1-8b",
     .architecture = "llama",
     .n_layers = 32,
     .d_model = 4096,
     .n_heads = 32,
     .n_kv_heads = 8,
     .head_dim = 128,
     .d_ff = 14336,
     .vocab_size = 128256,
     .context_length = 131072,
     .norm_eps = 1e-5f,
     .rope_base = 500000.0,
     .llama3_factor = 8.0},
    {.name = "tinyllama-1.1b",
     .architecture = "llama",
     .n_layers = 22,
     .d_model = 2048,
     .n_heads = 32,
     .n_kv_heads = 4,
     .head_dim = 64,
     .d_ff = 5632,
     .vocab_size = 32000,
     .context_length = 2048,
     .norm_eps = 1e-5f,
     .rope_base = 10000.0},
    {.name = "smollm2-135m",
     .architecture = "llama",
     .n_layers = 30,
     .d_model = 576,
     .n_heads = 9,
     .n_kv_heads = 3,
     .head_dim = 64,
     .d_ff = 1536,
     .vocab_size = 49152,
     .context_length = 8192,
     .norm_eps = 1e-5f,
     .rope_base = 100000.0,
     .tied = true},
    {.name = "smollm2-360m",
     .architecture = "llama",
     .n_layers = 32,
     .d_model = 960,
     .n_heads = 15,
     .n_kv_heads = 5,
     .head_dim = 64,
     .d_ff = 2560,
     .vocab_size = 49152,
     .context_length = 8192,
     .norm_eps = 1e-5f,
     .rope_base = 100000.0,
     .tied = true},
    {.name = "smollm2-1.7b",
     .architecture = "llama",
     .n_layers = 24,
     .d_model = 2048,
     .n_heads = 32,
     .n_kv_heads = 32,
     .head_dim = 64,
     .d_ff = 8192,
     .vocab_size = 49152,
     .context_length = 8192,
     .norm_eps = 1e-5f,
     .rope_base = 130000.0,
     .tied = true},
    {.name = "qwen2.5-0.5b",
     .architecture = "qwen2",
     .n_layers = 24,
     .d_model = 896,
     .n_heads = 14,
     .n_kv_heads = 2,
     .head_dim = 64,
     .d_ff = 4864,
     .vocab_size = 151936,
     .context_length = 32768,
     .norm_eps = 1e-6f,
     .rope_base = 1000000.0,
     .tied = true},
    {.name = "qwen2.5-1.5b",
     .architecture = "qwen2",
     .n_layers = 28,
     .d_model = 1536,
     .n_heads = 12,
     .n_kv_heads = 2,
     .head_dim = 128,
     .d_ff = 8960,
     .vocab_size = 151936,
     .context_length = 32768,
     .norm_eps = 1e-6f,
     .rope_base = 1000000.0,
     .tied = true},
    {.name = "qwen3-0.6b",
     .architecture = "qwen3",
     .n_layers = 28,
     .d_model = 1024,
     .n_heads = 16,
     .n_kv_heads = 8,
     .head_dim = 128,
     .d_ff = 3072,
     .vocab_size = 151936,
     .context_length = 40960,
     .norm_eps = 1e-6f,
     .rope_base = 1000000.0,
     .tied = true},
    // Mistral 7B v0.3, which has no sliding window.
    {.name = "mistral-7b",
     .architecture = "llama",
     .n_layers = 32,
     .d_model = 4096,
     .n_heads = 32,
     .n_kv_heads = 8,
     .head_dim = 128,
     .d_ff = 14336,
     .vocab_size = 32768,
     .context_length = 32768,
     .norm_eps = 1e-5f,
     .rope_base = 1000000.0},
    {.name = "phi-3-mini",
     .architecture = "phi3",
     .n_layers = 32,
     .d_model = 3072,
     .n_heads = 32,
     .n_kv_heads = 32,
     .head_dim = 96,
     .d_ff = 8192,
     .vocab_size = 32064,
     .context_length = 4096,
     .norm_eps = 1e-5f,
     .rope_base = 10000.0},
    {.name = "bge-small",
     .architecture = "bert",
     .n_layers = 12,
     .d_model = 384,
     .n_heads = 12,
     .n_kv_heads = 12,
     .head_dim = 32,
     .d_ff = 1536,
     .vocab_size = 30522,
     .context_length = 512,
     .norm_eps = 1e-12f,
     .pooling = Pooling::cls},
    {.name = "bge-base",
     .architecture = "bert",
     .n_layers = 12,
     .d_model = 768,
     .n_heads = 12,
     .n_kv_heads = 12,
     .head_dim = 64,
     .d_ff = 3072,
     .vocab_size = 30522,
     .context_length = 512,
     .norm_eps = 1e-12f,
     .pooling = Pooling::cls},
    {.name = "bge-large",
     .architecture = "bert",
     .n_layers = 24,
     .d_model = 1024,
     .n_heads = 16,
     .n_kv_heads = 16,
     .head_dim = 64,
     .d_ff = 4096,
     .vocab_size = 30522,
     .context_length = 512,
     .norm_eps = 1e-12f,
     .pooling = Pooling::cls},
    {.name = "minilm-l6",
     .architecture = "bert",
     .n_layers = 6,
     .d_model = 384,
     .n_heads = 12,
     .n_kv_heads = 12,
     .head_dim = 32,
     .d_ff = 1536,
     .vocab_size = 30522,
     .context_length = 512,
     .norm_eps = 1e-12f,
     .pooling = Pooling::mean},
    {.name = "minilm-l12",
     .architecture = "bert",
     .n_layers = 12,
     .d_model = 384,
     .n_heads = 12,
     .n_kv_heads = 12,
     .head_dim = 32,
     .d_ff = 1536,
     .vocab_size = 30522,
     .context_length = 512,
     .norm_eps = 1e-12f,
     .pooling = Pooling::mean},
};

class TensorList {
 public:
  explicit TensorList(TensorType type) : type_(type) {}

  void matrix(const std::string& name, uint64_t rows, uint64_t cols) {
    tensors.push_back({name + ".weight", type_, rows, cols});
  }
  void vector(const std::string& name, uint64_t size) {
    tensors.push_back({name, TensorType::f32, 1, size});
  }
  void table(const std::string& name, uint64_t rows, uint64_t cols) {
    tensors.push_back({name + ".weight", TensorType::f32, rows, cols});
  }
  void biased(const std::string& name, uint64_t rows, uint64_t cols) {
    matrix(name, rows, cols);
    vector(name + ".bias", rows);
  }
  void layer_norm(const std::string& name, uint64_t size) {
    vector(name + ".weight", size);
    vector(name + ".bias", size);
  }

  std::vector<WeightInfo> tensors;

 private:
  TensorType type_;
};

void decoder_layer(const Preset& p, const std::string& layer, TensorList& list) {
  const uint64_t q = uint64_t{p.n_heads} * p.head_dim;
  const uint64_t kv = uint64_t{p.n_kv_heads} * p.head_dim;
  list.vector(layer + "attn_norm.weight", p.d_model);
  if (p.architecture == "phi3") {
    list.matrix(layer + "attn_qkv", q + 2 * kv, p.d_model);
  } else {
    list.matrix(layer + "attn_q", q, p.d_model);
    list.matrix(layer + "attn_k", kv, p.d_model);
    list.matrix(layer + "attn_v", kv, p.d_model);
  }
  if (p.architecture == "qwen2") {
    list.vector(layer + "attn_q.bias", q);
    list.vector(layer + "attn_k.bias", kv);
    list.vector(layer + "attn_v.bias", kv);
  }
  if (p.architecture == "qwen3") {
    list.vector(layer + "attn_q_norm.weight", p.head_dim);
    list.vector(layer + "attn_k_norm.weight", p.head_dim);
  }
  list.matrix(layer + "attn_output", p.d_model, q);
  list.vector(layer + "ffn_norm.weight", p.d_model);
  if (p.architecture == "phi3") {
    list.matrix(layer + "ffn_up", 2 * uint64_t{p.d_ff}, p.d_model);
  } else {
    list.matrix(layer + "ffn_gate", p.d_ff, p.d_model);
    list.matrix(layer + "ffn_up", p.d_ff, p.d_model);
  }
  list.matrix(layer + "ffn_down", p.d_model, p.d_ff);
}

void encoder_layer(const Preset& p, const std::string& layer, TensorList& list) {
  for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
    list.biased(layer + part, p.d_model, p.d_model);
  }
  list.layer_norm(layer + "attn_output_norm", p.d_model);
  list.biased(layer + "ffn_up", p.d_ff, p.d_model);
  list.biased(layer + "ffn_down", p.d_model, p.d_ff);
  list.layer_norm(layer + "layer_output_norm", p.d_model);
}

}  // namespace

std::span<const Preset> presets() { return kPresets; }

const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

Hyperparameters preset_hyperparameters(const Preset& preset) {
  Hyperparameters hp;
  hp.architecture = preset.architecture;
  hp.n_layers = preset.n_layers;
  hp.d_model = preset.d_model;
  hp.n_heads = preset.n_heads;
  hp.n_kv_heads = preset.n_kv_heads;
  hp.head_dim = preset.head_dim;
  hp.d_ff = preset.d_ff;
  hp.context_length = preset.context_length;
  hp.norm_eps = preset.norm_eps;
  if (preset.architecture == "bert") {
    hp.family = ModelFamily::encoder;
    hp.activation = Activation::gelu_erf;
    hp.pooling = preset.pooling;
    hp.l2_normalize = true;
    return hp;
  }
  hp.rope_style = preset.architecture == "llama" ? RopeStyle::interleaved : RopeStyle::half;
  RopeScaling scaling;
  if (preset.llama3_factor > 0.0) {
    scaling.kind = RopeScalingKind::llama3;
    scaling.factor = preset.llama3_factor;
    scaling.original_context = 8192.0;
  }
  hp.rope_inv_freq = rope_inverse_frequencies(preset.head_dim, preset.rope_base, scaling);
  return hp;
}

std::vector<WeightInfo> preset_tensors(const Preset& preset, TensorType type) {
  TensorList list(type);
  const bool encoder = preset.architecture == "bert";
  list.matrix("token_embd", preset.vocab_size, preset.d_model);
  if (encoder) {
    list.table("position_embd", preset.context_length, preset.d_model);
    list.table("token_types", 2, preset.d_model);
    list.layer_norm("token_embd_norm", preset.d_model);
  } else {
    list.vector("output_norm.weight", preset.d_model);
    if (!preset.tied) list.matrix("output", preset.vocab_size, preset.d_model);
  }
  for (uint32_t i = 0; i < preset.n_layers; ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    if (encoder) {
      encoder_layer(preset, layer, list);
    } else {
      decoder_layer(preset, layer, list);
    }
  }
  return std::move(list.tensors);
}

}  // namespace npb
