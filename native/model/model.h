// A model as the rest of the program sees it: hyper-parameters, weights, tokenizer, description.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "model/stored_graph.h"
#include "model/weights.h"

namespace npb {

class Tokenizer;  // model/tokenizer.h

/// graph: a vendor's compiled graphs, executed as they are with generated inputs.
enum class ModelFamily { decoder, encoder, graph };
enum class Activation { swiglu, gelu_erf, gelu_tanh };
enum class Pooling { none, cls, mean, last };
/// interleaved: pairs (2i, 2i+1) (GGUF "norm", llama); half: pairs (i, i + rope_dims/2) ("neox",
/// qwen, Hugging Face).
enum class RopeStyle { interleaved, half };

struct Hyperparameters {
  ModelFamily family = ModelFamily::decoder;
  std::string architecture;  // GGUF's general.architecture: "llama", "qwen2", "qwen3", "bert" ...
  uint32_t n_layers = 0;
  uint32_t d_model = 0;
  uint32_t n_heads = 0;
  uint32_t n_kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t d_ff = 0;
  uint32_t vocab_size = 0;
  uint32_t context_length = 0;  // of training; the most tokens a sequence may hold
  float norm_eps = 1e-5f;
  Activation activation = Activation::swiglu;

  // RoPE, resolved while loading: every scaling variant (linear, llama3 factors, YaRN, longrope)
  // becomes one inverse frequency per pair and one magnitude. Empty for models without RoPE.
  RopeStyle rope_style = RopeStyle::interleaved;
  std::vector<float> rope_inv_freq;  // [rope_dims / 2]; angle = position * inv_freq
  float rope_magnitude = 1.0f;       // multiplies cos and sin (YaRN's attention factor)

  float attention_scale = 0.0f;  // 1/sqrt(head_dim) unless the file says otherwise
  /// Tokens that the model itself would look back at, 0 = all. Attention here is always over all,
  /// so results equal the model's up to this many tokens and differ beyond.
  uint32_t sliding_window = 0;
  bool tied_embeddings = false;  // the output matrix is token_embd.weight

  // Encoders
  Pooling pooling = Pooling::none;
  bool l2_normalize = false;
  bool has_token_types = false;
};

struct Model {
  Hyperparameters hp;
  std::shared_ptr<const WeightSource> weights;  // null for what a vendor's runtime reads itself
  std::shared_ptr<const Tokenizer> tokenizer;   // null when the file has none that we can read
  std::string tokenizer_problem;                // why it is null, as a sentence

  std::string name;    // general.name, folder or preset name
  std::string format;  // "gguf", "safetensors", "synthetic", "qnn-context", "genie"
  bool synthetic_weights = false;
  std::string quantization;      // the type that holds most weights: "Q4_1"
  uint64_t parameter_count = 0;  // sum over tensors
  uint64_t weight_bytes = 0;     // as stored
  uint64_t file_size_bytes = 0;  // 0 for synthetic

  /// What the file says about itself, in its order: key and a short text, for people. Bounded.
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<StoredGraph> graphs;  // family graph: at least one
};

struct LoadOptions {
  /// Type of synthetic weights; ignored for files.
  TensorType synthetic_type = TensorType::q8_0;
  uint64_t seed = 0;
  /// Context the run will need; chooses between longrope's short and long factors. 0 = the model's
  /// own.
  uint32_t context_tokens = 0;
  /// False saves its tables' time (tens of ms for large vocabularies): a measured process with
  /// ready token ids.
  bool with_tokenizer = true;
};

/// `path` is a .gguf file or a folder with config.json and model.safetensors.
/// Errors: not_found, io, invalid_model (damaged or hostile), unsupported (architecture or type).
Result<std::shared_ptr<const Model>> load_model(const std::string& path,
                                                const LoadOptions& options);

/// A named architecture ("llama-7b", "bge-small") with deterministic synthetic weights of the true
/// shapes.
Result<std::shared_ptr<const Model>> make_synthetic_model(const std::string& preset,
                                                          const LoadOptions& options);

struct PresetInfo {
  std::string name;
  std::string family;  // "decoder" | "encoder"
  uint64_t parameter_count;
};
std::vector<PresetInfo> model_presets();

}  // namespace npb
