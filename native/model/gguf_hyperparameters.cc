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

// Reads "<architecture>.<name>" and remembers the first thing that is wrong.
class Keys {
 public:
  Keys(const GgufFile& gguf, std::string architecture, const std::string& path)
      : gguf_(gguf), prefix_(std::move(architecture) + "."), path_(path) {}

  bool has(const char* name) const { return gguf_.find(prefix_ + name) != nullptr; }

  /// Missing without a fallback is an error. An array (one value per layer) must be uniform.
  uint32_t count(const char* name, uint64_t max, std::optional<uint32_t> fallback = std::nullopt) {
    const std::string key = prefix_ + name;
    const GgufValue* value = gguf_.find(key);
    if (value == nullptr) {
      if (!fallback) fail(ErrorCode::invalid_model, "the metadata " + key + " is missing");
      return fallback.value_or(0);
    }
    if (std::holds_alternative<GgufArray>(*value)) return uniform(key, max);
    const auto number = gguf_.unsigned_number(key);
    if (!number || *number == 0 || *number > max) {
      fail(ErrorCode::invalid_model,
           "the metadata " + key + " is not a number from 1 to " + std::to_string(max));
      return 0;
    }
    return static_cast<uint32_t>(*number);
  }

  double real(const char* name, double fallback) {
    const std::string key = prefix_ + name;
    if (gguf_.find(key) == nullptr) return fallback;
    const auto number = gguf_.number(key);
    if (!number || !std::isfinite(*number)) {
      fail(ErrorCode::invalid_model, "the metadata " + key + " is not a finite number");
      return fallback;
    }
    return *number;
  }

  std::optional<std::string_view> text(const char* name) const {
    return gguf_.text(prefix_ + name);
  }
  std::optional<uint64_t> number(const char* name) const {
    return gguf_.unsigned_number(prefix_ + name);
  }

  void fail(ErrorCode code, const std::string& problem) {
    if (!error_) error_ = Error{code, path_ + " cannot be used: " + problem + "."};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  uint32_t uniform(const std::string& key, uint64_t max) {
    const std::vector<double> values = gguf_.numbers(key);
    const bool same = !values.empty() && std::all_of(values.begin(), values.end(),
                                                     [&](double v) { return v == values[0]; });
    if (!same) {
      fail(ErrorCode::unsupported, "its layers differ in " + key + ", which is not supported");
      return 0;
    }
    if (!(values[0] >= 1.0) || values[0] > static_cast<double>(max)) {
      fail(ErrorCode::invalid_model, "the metadata " + key + " is out of range");
      return 0;
    }
    return static_cast<uint32_t>(values[0]);
  }

  const GgufFile& gguf_;
  std::string prefix_;
  const std::string& path_;
  std::optional<Error> error_;
};

// A tensor of `count` factors, if the file has it.
std::vector<float> factors(const WeightSource& weights, const char* name, uint32_t count,
                           Keys& keys) {
  const WeightInfo* tensor = weights.find(name);
  if (tensor == nullptr) return {};
  if (tensor->rows != 1 || tensor->cols != count) {
    keys.fail(ErrorCode::invalid_model, std::string("the tensor ") + name +
                                            " has not one factor for each of " +
                                            std::to_string(count) + " rotated pairs");
    return {};
  }
  std::vector<float> result(count);
  dequantize_rows(weights, *tensor, 0, 1, result.data());
  if (!std::all_of(result.begin(), result.end(),
                   [](float f) { return std::isfinite(f) && f > 0.0f; })) {
    keys.fail(ErrorCode::invalid_model,
              std::string("the tensor ") + name + " has a factor that is not positive");
    return {};
  }
  return result;
}

RopeScaling rope_scaling(Keys& keys, const WeightSource& weights, uint32_t dims,
                         const Hyperparameters& hp, const LoadOptions& options) {
  RopeScaling scaling;
  const std::string_view kind = keys.text("rope.scaling.type").value_or("none");
  scaling.factor = keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 1.0));
  if (!(scaling.factor > 0.0)) {
    keys.fail(ErrorCode::invalid_model, "its RoPE scaling factor is not positive");
  }
  scaling.original_context = keys.real("rope.scaling.original_context_length", hp.context_length);
  const double attention_factor = keys.real("rope.scaling.attn_factor", 1.0);
  if (kind == "yarn") {
    scaling.kind = RopeScalingKind::yarn;
    scaling.beta_fast = keys.real("rope.scaling.yarn_beta_fast", 32.0);
    scaling.beta_slow = keys.real("rope.scaling.yarn_beta_slow", 1.0);
    scaling.magnitude = attention_factor * yarn_magnitude(scaling.factor);
  } else if (kind == "linear" || (kind == "none" && keys.has("rope.scale_linear"))) {
    scaling.kind = RopeScalingKind::linear;
  } else if (kind != "none" && kind != "longrope" && kind != "su") {
    keys.fail(ErrorCode::unsupported,
              "its RoPE scaling \"" + std::string(kind.substr(0, 32)) + "\" is not supported");
  }
  // Llama 3 stores its scaling as divisors; phi3 has two lists, for short and for long contexts.
  scaling.divisors = factors(weights, "rope_freqs.weight", dims / 2, keys);
  if (weights.find("rope_factors_long.weight") != nullptr) {
    const double context = options.context_tokens ? options.context_tokens : hp.context_length;
    const bool is_long = context > scaling.original_context;
    scaling.kind = RopeScalingKind::longrope;
    scaling.divisors =
        factors(weights, is_long ? "rope_factors_long.weight" : "rope_factors_short.weight",
                dims / 2, keys);
    scaling.magnitude = attention_factor;
  }
  return scaling;
}

void decoder(Hyperparameters& hp, Keys& keys, const WeightSource& weights,
             const LoadOptions& options) {
  if (keys.number("expert_count").value_or(0) > 0) {
    keys.fail(ErrorCode::unsupported, "mixture-of-experts models are not supported");
  }
  hp.norm_eps = static_cast<float>(keys.real("attention.layer_norm_rms_epsilon", 1e-5));
  hp.sliding_window = static_cast<uint32_t>(
      std::min<uint64_t>(keys.number("attention.sliding_window").value_or(0), UINT32_MAX));
  hp.rope_style = hp.architecture == "llama" ? RopeStyle::interleaved : RopeStyle::half;
  const uint32_t dims = keys.count("rope.dimension_count", kMaxWidth, hp.head_dim);
  const double base = keys.real("rope.freq_base", 10000.0);
  if (dims % 2 != 0 || dims > hp.head_dim) {
    keys.fail(ErrorCode::invalid_model, "it rotates " + std::to_string(dims) +
                                            " dimensions of heads of " +
                                            std::to_string(hp.head_dim));
  }
  if (!(base > 1.0)) keys.fail(ErrorCode::invalid_model, "its RoPE base is not above 1");
  if (keys.error()) return;
  const RopeScaling scaling = rope_scaling(keys, weights, dims, hp, options);
  if (keys.error()) return;
  hp.rope_inv_freq = rope_inverse_frequencies(dims, base, scaling);
  hp.rope_magnitude = static_cast<float>(scaling.magnitude);
}

void encoder(Hyperparameters& hp, Keys& keys) {
  hp.family = ModelFamily::encoder;
  hp.activation = Activation::gelu_erf;
  hp.norm_eps = static_cast<float>(keys.real("attention.layer_norm_epsilon", 1e-12));
  hp.l2_normalize = true;  // GGUF has no key for it; embedding models are used normalised
  switch (keys.number("pooling_type").value_or(1)) {
    case 0:
      hp.pooling = Pooling::none;
      break;
    case 1:
      hp.pooling = Pooling::mean;
      break;
    case 2:
      hp.pooling = Pooling::cls;
      break;
    case 3:
      hp.pooling = Pooling::last;
      break;
    default:
      keys.fail(ErrorCode::unsupported, "its pooling (rerankers have it) is not supported");
  }
}

}  // namespace

Result<Hyperparameters> gguf_hyperparameters(const GgufFile& gguf, const WeightSource& weights,
                                             const LoadOptions& options, const std::string& path) {
  constexpr std::array kDecoders{"llama", "qwen2", "qwen3", "phi3"};
  Hyperparameters hp;
  const auto architecture = gguf.text("general.architecture");
  if (!architecture) {
    return Error{ErrorCode::invalid_model,
                 path + " cannot be used: the metadata general.architecture is missing."};
  }
  hp.architecture = std::string(architecture->substr(0, 64));
  const bool is_decoder =
      std::find(kDecoders.begin(), kDecoders.end(), hp.architecture) != kDecoders.end();
  if (!is_decoder && hp.architecture != "bert") {
    return Error{
        ErrorCode::unsupported,
        path + " has the architecture \"" + describe(*gguf.find("general.architecture")) +
            "\", which is not supported; supported are llama (with mistral and smollm), qwen2, "
            "qwen3, phi3 and bert."};
  }
  Keys keys(gguf, hp.architecture, path);
  hp.n_layers = keys.count("block_count", kMaxLayers);
  hp.d_model = keys.count("embedding_length", kMaxWidth);
  hp.d_ff = keys.count("feed_forward_length", kMaxWidth);
  hp.context_length = keys.count("context_length", kMaxContext);
  hp.n_heads = keys.count("attention.head_count", kMaxWidth);
  if (keys.error()) return *keys.error();
  hp.n_kv_heads = keys.count("attention.head_count_kv", hp.n_heads, hp.n_heads);
  hp.head_dim = keys.count("attention.key_length", kMaxWidth, hp.d_model / hp.n_heads);
  if (keys.count("attention.value_length", kMaxWidth, hp.head_dim) != hp.head_dim) {
    keys.fail(ErrorCode::unsupported,
              "its keys and values differ in width, which is not supported");
  }
  hp.attention_scale = static_cast<float>(keys.real("attention.scale", 0.0));
  if (is_decoder) {
    decoder(hp, keys, weights, options);
  } else {
    encoder(hp, keys);
  }
  if (keys.error()) return *keys.error();
  NPB_TRY(finish_hyperparameters(hp, weights, path));
  return hp;
}

}  // namespace npb
