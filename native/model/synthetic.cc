#include "model/synthetic.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/half.h"
#include "model/hyperparameters.h"
#include "model/load.h"
#include "model/presets.h"
#include "model/weight_index.h"

namespace npb {

namespace {

// SplitMix64's output function (Steele, Lea, Flood 2014): a counter in, well mixed bits out.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio: SplitMix64's increment

uint64_t hash(std::string_view name) {  // FNV-1a
  uint64_t value = 0xcbf29ce484222325u;
  for (const char c : name) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return value;
}

// The random words of one row.
class RowBits {
 public:
  RowBits(uint64_t tensor_key, uint64_t row) : state_(mix(tensor_key + row * kStep)) {}
  uint64_t next() { return mix(state_ += kStep); }

 private:
  uint64_t state_;
};

// A block's scale: `base` (f16 bits) within about 6 % up or down.
uint16_t jittered(uint16_t base, uint64_t bits) {
  return static_cast<uint16_t>(base - 32 + (bits & 63));
}

// 32 codes from -127 to 127. The byte -128, which no quantiser writes, becomes 0: the mean stays 0.
void fill_q8_0(std::byte* out, uint64_t cols, float deviation, RowBits bits) {
  const uint16_t scale = f32_to_f16(deviation / 73.6f);  // 73.6: deviation of the codes
  for (uint64_t at = 0; at < cols; at += 32) {
    uint8_t codes[32];
    uint64_t last = 0;
    for (int word = 0; word < 4; ++word) {
      last = bits.next();
      std::memcpy(codes + 8 * word, &last, 8);
    }
    for (uint8_t& code : codes) code = code == 0x80 ? 0 : code;
    const uint16_t d = jittered(scale, last);
    std::memcpy(out, &d, 2);
    std::memcpy(out + 2, codes, 32);
    out += 34;
  }
}

// Codes of -8 to 7 have the mean -0.5; scales of either sign, as real files have them, cancel it.
void fill_q4_0(std::byte* out, uint64_t cols, float deviation, RowBits bits) {
  const uint16_t scale = f32_to_f16(deviation / 4.637f);  // 4.637: root mean square of the codes
  for (uint64_t at = 0; at < cols; at += 32) {
    const uint64_t low = bits.next();
    const uint64_t high = bits.next();
    // The scale's bits come from a product of their own, or they would repeat codes.
    const uint64_t extra = (low ^ (high >> 7)) * kStep >> 32;
    const auto d = static_cast<uint16_t>(jittered(scale, extra) | (extra & 0x8000u));
    std::memcpy(out, &d, 2);
    std::memcpy(out + 2, &low, 8);
    std::memcpy(out + 10, &high, 8);
    out += 18;
  }
}

// Two uniform numbers in [-1, 1) from 64 bits.
void uniform_pair(uint64_t bits, float* pair) {
  pair[0] = static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-31f;
  pair[1] = static_cast<float>(static_cast<int32_t>(bits >> 32)) * 0x1p-31f;
}

// center + deviation * (uniform with deviation 1)
void fill_f32(std::byte* out, uint64_t cols, float center, float deviation, RowBits bits) {
  const float scale = deviation * 1.7320508f;  // sqrt(3): half the width of that uniform range
  for (uint64_t at = 0; at < cols; at += 2) {
    float pair[2];
    uniform_pair(bits.next(), pair);
    pair[0] = center + pair[0] * scale;
    pair[1] = center + pair[1] * scale;
    std::memcpy(out + 4 * at, pair, at + 1 < cols ? 8 : 4);
  }
}

void fill_f16(std::byte* out, uint64_t cols, float deviation, RowBits bits) {
  constexpr uint64_t kChunk = 64;  // long enough for the conversion to be vectorised
  const float scale = deviation * 1.7320508f;
  for (uint64_t at = 0; at < cols; at += kChunk) {
    float values[kChunk];
    uint16_t halves[kChunk];
    for (uint64_t i = 0; i < kChunk; i += 2) uniform_pair(bits.next(), values + i);
    for (uint64_t i = 0; i < kChunk; ++i) halves[i] = f32_to_f16(values[i] * scale);
    std::memcpy(out + 2 * at, halves, 2 * std::min(kChunk, cols - at));
  }
}

class SyntheticWeights final : public WeightSource {
 public:
  SyntheticWeights(std::vector<WeightInfo> tensors, uint64_t seed)
      : index_(std::move(tensors)), seed_(mix(seed + kStep)) {}

  const std::vector<WeightInfo>& tensors() const override { return index_.tensors(); }
  const WeightInfo* find(std::string_view name) const override { return index_.find(name); }

  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>& scratch) const override {
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    scratch.resize(count * stride);
    const uint64_t key = hash(tensor.name) ^ seed_;
    for (uint64_t i = 0; i < count; ++i) {
      fill(tensor, scratch.data() + i * stride, RowBits(key, row + i));
    }
    return scratch;
  }

  void release(const WeightInfo&, uint64_t, uint64_t) const override {}  // nothing is held

 private:
  static void fill(const WeightInfo& tensor, std::byte* out, RowBits bits) {
    const float deviation = 1.0f / std::sqrt(static_cast<float>(tensor.cols));
    constexpr float kUniform = 0.57735027f;  // deviation of a uniform number in [-1, 1)
    switch (tensor.type) {
      case TensorType::q8_0:
        return fill_q8_0(out, tensor.cols, deviation, bits);
      case TensorType::q4_0:
        return fill_q4_0(out, tensor.cols, deviation, bits);
      case TensorType::f16:
        return fill_f16(out, tensor.cols, deviation, bits);
      default:
        break;
    }
    if (tensor.name.ends_with("norm.weight")) {
      fill_f32(out, tensor.cols, 1.0f, 0.1f * kUniform, bits);
    } else if (tensor.name.ends_with(".bias")) {
      fill_f32(out, tensor.cols, 0.0f, 0.05f * kUniform, bits);
    } else {
      fill_f32(out, tensor.cols, 0.0f, deviation, bits);
    }
  }

  WeightIndex index_;
  uint64_t seed_;
};

}  // namespace

std::shared_ptr<const WeightSource> make_synthetic_weights(std::vector<WeightInfo> tensors,
                                                           uint64_t seed) {
  return std::make_shared<SyntheticWeights>(std::move(tensors), seed);
}

Result<std::shared_ptr<const Model>> make_synthetic_model(const std::string& name,
                                                          const LoadOptions& options) {
  const Preset* preset = find_preset(name);
  if (preset == nullptr) {
    std::string known;
    for (const Preset& each : presets()) {
      known += (known.empty() ? "" : ", ") + std::string(each.name);
    }
    return Error{ErrorCode::not_found,
                 "There is no model \"" + name + "\"; known are " + known + "."};
  }
  if (!can_synthesize(options.synthetic_type)) {
    return Error{ErrorCode::invalid_argument,
                 "Synthetic weights cannot be " +
                     std::string(tensor_type_info(options.synthetic_type).name) +
                     "; use Q8_0, Q4_0, F16 or F32."};
  }
  auto model = std::make_shared<Model>();
  model->weights =
      make_synthetic_weights(preset_tensors(*preset, options.synthetic_type), options.seed);
  model->hp = preset_hyperparameters(*preset);
  NPB_TRY(finish_hyperparameters(model->hp, *model->weights, name));
  model->tokenizer_problem = "Synthetic weights have no tokenizer.";
  model->name = name;
  model->format = "synthetic";
  model->synthetic_weights = true;
  summarize_weights(*model);
  return std::shared_ptr<const Model>(std::move(model));
}

std::vector<PresetInfo> model_presets() {
  std::vector<PresetInfo> result;
  for (const Preset& preset : presets()) {
    uint64_t parameters = 0;
    for (const WeightInfo& tensor : preset_tensors(preset, TensorType::f32)) {
      parameters += tensor.rows * tensor.cols;
    }
    result.push_back({std::string(preset.name),
                      preset.architecture == "bert" ? "encoder" : "decoder", parameters});
  }
  return result;
}

}  // namespace npb
