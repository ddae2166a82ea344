#include <algorithm>
#include <array>
#include <cmath>

#include "model/hyperparameters.h"
#include "model/rope.h"

namespace npb {

namespace {

constexpr uint64_t kMaxLayers = 4096;
constexpr uint64_t kMaxWidth = 1 << 24;
constexpr uint64_t kMaxContext = 1 << 30;

// Reads members of config.json and remembers the first thing that is wrong. Null counts as missing,
// as transformers writes it.
class Config {
 public:
  Config(const Json& json, const std::string& path) : json_(json), path_(path) {}

  const Json* find(const char* name) const {
    const Json* value = json_.find(name);
    return value && !value->is_null() ? value : nullptr;
  }

  uint32_t count(const char* name, uint64_t max, std::optional<uint32_t> fallback = std::nullopt) {
    const Json* value = find(name);
    if (value == nullptr) {
      if (!fallback) fail(ErrorCode::invalid_model, std::string("\"") + name + "\" is missing");
      return fallback.value_or(0);
    }
    const auto number = value->as_unsigned();
    if (!number || *number == 0 || *number > max) {
      fail(ErrorCode::invalid_model,
           std::string("\"") + name + "\" is not a number from 1 to " + std::to_string(max));
      return 0;
    }
    return static_cast<uint32_t>(*number);
  }

  double real(const Json& from, const char* name, double fallback) {
    const Json* value = from.find(name);
    if (value == nullptr || value->is_null()) return fallback;
    const auto number = value->as_number();
    if (!number || !std::isfinite(*number)) {
      fail(ErrorCode::invalid_model, std::string("\"") + name + "\" is not a finite number");
      return fallback;
    }
    return *number;
  }
  double real(const char* name, double fallback) { return real(json_, name, fallback); }

  std::string text(const Json& from, const char* name) const {
    const Json* value = from.find(name);
    const std::string* text = value ? value->as_string() : nullptr;
    return text ? text->substr(0, 64) : std::string();
  }
  std::string text(const char* name) const { return text(json_, name); }

  bool flag(const char* name, bool fallback) const {
    const Json* value = find(name);
    return value ? value->as_bool().value_or(fallback) : fallback;
  }

  void fail(ErrorCode code, const std::string& problem) {
    if (!error_) error_ = Error{code, path_ + " cannot be used: " + problem + "."};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Json& json_;
  const std::string& path_;
  std::optional<Error> error_;
};

std::vector<float> divisors(const Json& rope, const char* name, uint32_t pairs, Config& config) {
  std::vector<float> result;
  for (const Json& element : rope.elements(name)) {
    const double value = element.as_number().value_or(0.0);
    if (!(value > 0.0) || !std::isfinite(value)) break;
    result.push_back(static_cast<float>(value));
  }
  if (result.size() != pairs) {
    config.fail(ErrorCode::invalid_model, std::string("\"") + name +
                                              "\" has not one positive factor for each of " +
                                              std::to_string(pairs) + " rotated pairs");
  }
  return result;
}

double yarn_attention_factor(const Json& rope, double factor, Config& config) {
  const double mscale = config.real(rope, "mscale", 0.0);
  const double mscale_all = config.real(rope, "mscale_all_dim", 0.0);
  const double computed = mscale > 0.0 && mscale_all > 0.0
                              ? yarn_magnitude(factor, mscale) / yarn_magnitude(factor, mscale_all)
                              : yarn_magnitude(factor);
  return config.real(rope, "attention_factor", computed);
}

// `rope` is rope_scaling, or since transformers 5 rope_parameters.
RopeScaling rope_scaling(const Json& rope, uint32_t dims, const Hyperparameters& hp,
                         const LoadOptions& options, Config& config) {
  RopeScaling scaling;
  std::string kind = config.text(rope, "rope_type");
  if (kind.empty()) kind = config.text(rope, "type");
  scaling.factor = config.real(rope, "factor", 1.0);
  scaling.original_context =
      config.real(rope, "original_max_position_embeddings",
                  config.real("original_max_position_embeddings", hp.context_length));
  if (!(scaling.factor > 0.0) || !(scaling.original_context >= 1.0)) {
    config.fail(ErrorCode::invalid_model, "its RoPE scaling is not positive");
  } else if (kind == "linear") {
    scaling.kind = RopeScalingKind::linear;
  } else if (kind == "llama3") {
    scaling.kind = RopeScalingKind::llama3;
    scaling.low_frequency_factor = config.real(rope, "low_freq_factor", 1.0);
    scaling.high_frequency_factor = config.real(rope, "high_freq_factor", 4.0);
    if (!(scaling.low_frequency_factor > 0.0) || !(scaling.high_frequency_factor > 0.0)) {
      config.fail(ErrorCode::invalid_model, "its RoPE frequency factors are not positive");
    }
  } else if (kind == "yarn") {
    scaling.kind = RopeScalingKind::yarn;
    scaling.beta_fast = config.real(rope, "beta_fast", 32.0);
    scaling.beta_slow = config.real(rope, "beta_slow", 1.0);
    const Json* truncate = rope.find("truncate");
    scaling.truncate = truncate ? truncate->as_bool().value_or(true) : true;
    scaling.magnitude = yarn_attention_factor(rope, scaling.factor, config);
  } else if (kind == "longrope" || kind == "su") {
    const double context = options.context_tokens ? options.context_tokens : hp.context_length;
    const bool is_long = context > scaling.original_context;
    scaling.kind = RopeScalingKind::longrope;
    scaling.divisors = divisors(rope, is_long ? "long_factor" : "short_factor", dims / 2, config);
    const double longer = config.real(rope, "factor", hp.context_length / scaling.original_context);
    const double computed =
        longer <= 1.0 ? 1.0
                      : std::sqrt(1.0 + std::log(longer) / std::log(scaling.original_context));
    scaling.magnitude = config.real(rope, "attention_factor", computed);
  } else if (!kind.empty() && kind != "default" && kind != "dynamic") {
    // "dynamic" changes nothing within the trained context, which is the most that is run.
    config.fail(ErrorCode::unsupported, "its RoPE scaling \"" + kind + "\" is not supported");
  }
  return scaling;
}

void decoder(Hyperparameters& hp, Config& config, const LoadOptions& options) {
  static const Json kNoJson;
  const std::string activation = config.text("hidden_act");
  if (activation != "silu" && activation != "swish") {
    config.fail(ErrorCode::unsupported, "its activation \"" + activation + "\" is not supported");
  }
  hp.norm_eps = static_cast<float>(config.real("rms_norm_eps", 1e-6));
  hp.n_kv_heads = config.count("num_key_value_heads", hp.n_heads, hp.n_heads);
  hp.head_dim = config.count("head_dim", kMaxWidth, hp.d_model / hp.n_heads);
  if (config.flag("use_sliding_window", true)) {
    const Json* window = config.find("sliding_window");
    hp.sliding_window = static_cast<uint32_t>(
        std::min<uint64_t>(window ? window->as_unsigned().value_or(0) : 0, UINT32_MAX));
  }
  const Json* rope = config.find("rope_parameters");
  if (rope == nullptr) rope = config.find("rope_scaling");
  if (rope == nullptr) rope = &kNoJson;
  const double base = config.real(*rope, "rope_theta", config.real("rope_theta", 10000.0));
  const double part =
      config.real(*rope, "partial_rotary_factor", config.real("partial_rotary_factor", 1.0));
  if (!(base > 1.0) || !(part > 0.0 && part <= 1.0)) {
    config.fail(ErrorCode::invalid_model, "its RoPE base or partial_rotary_factor is out of range");
  }
  if (config.error()) return;
  const auto dims = static_cast<uint32_t>(hp.head_dim * part);
  if (dims == 0 || dims % 2 != 0) {
    config.fail(ErrorCode::invalid_model,
                "it rotates " + std::to_string(dims) + " dimensions of a head");
    return;
  }
  const RopeScaling scaling = rope_scaling(*rope, dims, hp, options, config);
  if (config.error()) return;
  hp.rope_style =
      RopeStyle::half;  // Hugging Face files store q and k for this style, GGUF's llama permutes
  hp.rope_inv_freq = rope_inverse_frequencies(dims, base, scaling);
  hp.rope_magnitude = static_cast<float>(scaling.magnitude);
}

void encoder(Hyperparameters& hp, Config& config) {
  const std::string activation = config.text("hidden_act");
  const std::string positions = config.text("position_embedding_type");
  hp.family = ModelFamily::encoder;
  hp.n_kv_heads = hp.n_heads;
  hp.head_dim = hp.d_model / hp.n_heads;
  hp.norm_eps = static_cast<float>(config.real("layer_norm_eps", 1e-12));
  hp.activation = Activation::gelu_erf;
  if (activation == "gelu_new" || activation == "gelu_pytorch_tanh") {
    hp.activation = Activation::gelu_tanh;
  } else if (activation != "gelu") {
    config.fail(ErrorCode::unsupported, "its activation \"" + activation + "\" is not supported");
  }
  if (!positions.empty() && positions != "absolute") {
    config.fail(ErrorCode::unsupported,
                "its position embedding \"" + positions + "\" is not supported");
  }
}

}  // namespace

Result<Hyperparameters> hugging_face_hyperparameters(const Json& json, const WeightSource& weights,
                                                     const LoadOptions& options,
                                                     const std::string& path) {
  constexpr std::array kDecoders{"llama", "mistral", "qwen2", "qwen3", "phi3"};
  Config config(json, path);
  Hyperparameters hp;
  const std::string type = config.text("model_type");
  const bool is_decoder = std::find(kDecoders.begin(), kDecoders.end(), type) != kDecoders.end();
  if (!is_decoder && type != "bert") {
    return Error{ErrorCode::unsupported, path + " has the model type \"" +
                                             describe(GgufValue{std::string_view(type)}) +
                                             "\", which is not supported; supported are llama, "
                                             "mistral, qwen2, qwen3, phi3 and bert."};
  }
  hp.architecture = type == "mistral" ? "llama" : type;  // as GGUF names it
  hp.n_layers = config.count("num_hidden_layers", kMaxLayers);
  hp.d_model = config.count("hidden_size", kMaxWidth);
  hp.d_ff = config.count("intermediate_size", kMaxWidth);
  hp.context_length = config.count("max_position_embeddings", kMaxContext);
  hp.n_heads = config.count("num_attention_heads", kMaxWidth);
  if (config.error()) return *config.error();
  if (is_decoder) {
    decoder(hp, config, options);
  } else {
    encoder(hp, config);
  }
  if (config.error()) return *config.error();
  NPB_TRY(finish_hyperparameters(hp, weights, path));
  return hp;
}

}  // namespace npb
