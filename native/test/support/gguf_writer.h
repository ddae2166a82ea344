// Writes GGUF files for tests, in memory or to disk: a model of any architecture with random
// weights of any type that dequantize() reads. Damaged files are made by altering what build()
// returns.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/half.h"
#include "model/gguf.h"

namespace npb::test {

using Bytes = std::vector<std::byte>;

template <class T>
void append(Bytes& bytes, const T& value) {
  bytes.resize(bytes.size() + sizeof value);
  std::memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
}
inline void append_text(Bytes& bytes, std::string_view text) {
  append(bytes, static_cast<uint64_t>(text.size()));
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  bytes.insert(bytes.end(), first, first + text.size());
}

/// Random blocks of `type` whose weights have about the standard deviation `scale`; count must be a
/// multiple of the block. Every bit pattern of the codes occurs, only the block scales are chosen.
inline Bytes random_blocks(TensorType type, uint64_t count, float scale, std::mt19937_64& random) {
  const TensorTypeInfo& info = tensor_type_info(type);
  Bytes bytes(static_cast<size_t>(row_bytes(info, count)));
  const auto put_f32 = [&](size_t at, float value) {
    std::memcpy(&bytes[at], &value, sizeof value);
  };
  const auto put_u16 = [&](size_t at, uint16_t value) {
    std::memcpy(&bytes[at], &value, sizeof value);
  };
  std::normal_distribution<float> normal(0.0f, scale);
  if (info.block_weights == 1) {
    for (uint64_t i = 0; i < count; ++i) {
      const float value = normal(random);
      if (type == TensorType::f32) put_f32(4 * i, value);
      if (type == TensorType::f16) put_u16(2 * i, f32_to_f16(value));
      if (type == TensorType::bf16) put_u16(2 * i, f32_to_bf16(value));
    }
    return bytes;
  }
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
  std::uniform_real_distribution<float> spread(0.7f, 1.3f);
  for (size_t at = 0; at < bytes.size(); at += info.block_bytes) {
    const auto put = [&](size_t offset, float value) { put_u16(at + offset, f32_to_f16(value)); };
    // Uniform codes of range r have a deviation of about r / sqrt(12).
    const float s = scale * spread(random);
    const float sign =
        (random() & 1) ? -1.0f : 1.0f;  // ggml's own quantiser writes negative scales
    switch (type) {
      case TensorType::q4_0:
        put(0, sign * s / 4.6f);
        break;
      case TensorType::q4_1:
        put(0, s / 4.6f), put(2, -7.5f * s / 4.6f);
        break;
      case TensorType::q5_0:
        put(0, sign * s / 9.2f);
        break;
      case TensorType::q5_1:
        put(0, s / 9.2f), put(2, -15.5f * s / 9.2f);
        break;
      case TensorType::q8_0:
        put(0, s / 74.0f);
        break;
      case TensorType::q2_k:
        put(80, s / 10.0f), put(82, s / 10.0f * 1.5f);
        break;
      case TensorType::q3_k:
        put(108, s / 43.0f);
        break;
      case TensorType::q4_k:
        put(0, s / 170.0f), put(2, s / 170.0f * 7.5f);
        break;
      case TensorType::q5_k:
        put(0, s / 340.0f), put(2, s / 340.0f * 15.5f);
        break;
      case TensorType::q6_k:
        put(208, s / 1370.0f);
        break;
      case TensorType::iq4_nl:
        put(0, sign * s / 70.0f);
        break;
      case TensorType::f32:
      case TensorType::f16:
      case TensorType::bf16:
        break;
    }
  }
  return bytes;
}

class GgufWriter {
 public:
  explicit GgufWriter(uint32_t version = 3) : version_(version) {}

  GgufWriter& text(std::string_view key, std::string_view value) {
    append_text(begin(key, GgufType::string), value);
    return *this;
  }
  GgufWriter& u32(std::string_view key, uint32_t value) {
    return scalar(key, GgufType::u32, value);
  }
  GgufWriter& f32(std::string_view key, float value) { return scalar(key, GgufType::f32, value); }
  GgufWriter& boolean(std::string_view key, bool value) {
    return scalar(key, GgufType::boolean, static_cast<uint8_t>(value));
  }
  GgufWriter& texts(std::string_view key, const std::vector<std::string>& values) {
    Bytes& bytes = array(key, GgufType::string, values.size());
    for (const std::string& value : values) append_text(bytes, value);
    return *this;
  }
  GgufWriter& floats(std::string_view key, const std::vector<float>& values) {
    return numbers(key, GgufType::f32, values);
  }
  GgufWriter& ints(std::string_view key, const std::vector<int32_t>& values) {
    return numbers(key, GgufType::i32, values);
  }
  /// An entry whose bytes after the type are the caller's: for what no writer would write.
  GgufWriter& raw(std::string_view key, uint32_t type, const Bytes& value) {
    Bytes& bytes = begin(key, static_cast<GgufType>(type));
    bytes.insert(bytes.end(), value.begin(), value.end());
    return *this;
  }

  /// `dims` as GGUF orders them: columns first. `data` in the type's own blocks.
  GgufWriter& tensor(std::string_view name, TensorType type, std::vector<uint64_t> dims,
                     Bytes data) {
    tensors_.push_back(
        {std::string(name), static_cast<uint32_t>(type), std::move(dims), std::move(data)});
    return *this;
  }
  /// A matrix [rows, cols] of random weights with the deviation 1/sqrt(cols); a vector if rows is
  /// 0.
  GgufWriter& random_tensor(std::string_view name, TensorType type, uint64_t rows, uint64_t cols) {
    std::mt19937_64 random(std::hash<std::string_view>{}(name));
    const uint64_t count = (rows == 0 ? 1 : rows) * cols;
    Bytes data = random_blocks(type, count, 1.0f / std::sqrt(static_cast<float>(cols)), random);
    return tensor(name, type, rows == 0 ? std::vector{cols} : std::vector{cols, rows},
                  std::move(data));
  }
  /// An f32 vector of values `center` +- `spread`: norms (1, 0.2) and biases (0, 0.1).
  GgufWriter& vector(std::string_view name, uint64_t size, float center, float spread) {
    std::mt19937_64 random(std::hash<std::string_view>{}(name));
    std::uniform_real_distribution<float> values(center - spread, center + spread);
    Bytes data;
    for (uint64_t i = 0; i < size; ++i) append(data, values(random));
    return tensor(name, TensorType::f32, {size}, std::move(data));
  }

  /// The whole file.
  Bytes build() const {
    constexpr size_t kAlignment = 32;
    const auto pad = [](Bytes& bytes) {
      bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment);
    };
    Bytes bytes;
    append(bytes, uint32_t{0x46554747});
    append(bytes, version_);
    append(bytes, static_cast<uint64_t>(tensors_.size()));
    append(bytes, metadata_count_);
    bytes.insert(bytes.end(), metadata_.begin(), metadata_.end());
    Bytes data;
    for (const Tensor& tensor : tensors_) {
      append_text(bytes, tensor.name);
      append(bytes, static_cast<uint32_t>(tensor.dims.size()));
      for (const uint64_t size : tensor.dims) append(bytes, size);
      append(bytes, tensor.type);
      append(bytes, static_cast<uint64_t>(data.size()));
      data.insert(data.end(), tensor.data.begin(), tensor.data.end());
      pad(data);
    }
    pad(bytes);
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
  }
  void write(const std::filesystem::path& path) const { write(path, build()); }
  static void write(const std::filesystem::path& path, const Bytes& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

 private:
  struct Tensor {
    std::string name;
    uint32_t type;
    std::vector<uint64_t> dims;
    Bytes data;
  };

  Bytes& begin(std::string_view key, GgufType type) {
    ++metadata_count_;
    append_text(metadata_, key);
    append(metadata_, static_cast<uint32_t>(type));
    return metadata_;
  }
  Bytes& array(std::string_view key, GgufType type, size_t count) {
    Bytes& bytes = begin(key, GgufType::array);
    append(bytes, static_cast<uint32_t>(type));
    append(bytes, static_cast<uint64_t>(count));
    return bytes;
  }
  template <class T>
  GgufWriter& scalar(std::string_view key, GgufType type, T value) {
    append(begin(key, type), value);
    return *this;
  }
  template <class T>
  GgufWriter& numbers(std::string_view key, GgufType type, const std::vector<T>& values) {
    Bytes& bytes = array(key, type, values.size());
    for (const T& value : values) append(bytes, value);
    return *this;
  }

  uint32_t version_;
  uint64_t metadata_count_ = 0;
  Bytes metadata_;
  std::vector<Tensor> tensors_;
};

/// Shapes of a small model. cols of quantised tensors must be multiples of the block (256 for K
/// types).
struct TinyModel {
  std::string architecture = "llama";  // llama, qwen2, qwen3, phi3 or bert
  TensorType type = TensorType::f32;   // of the matrices
  uint32_t n_layers = 2;
  uint32_t d_model = 64;
  uint32_t n_heads = 4;
  uint32_t n_kv_heads = 2;
  uint32_t head_dim = 16;
  uint32_t d_ff = 128;
  uint32_t vocab_size = 96;
  uint32_t context_length = 128;
  bool tied = false;          // decoders: no output.weight
  uint32_t pooling_type = 1;  // bert: 0 none, 1 mean, 2 cls, 3 last
};

/// Metadata and random weights of `tiny`, without a tokenizer; add to it before build().
inline GgufWriter tiny_gguf(const TinyModel& tiny) {
  const std::string& arch = tiny.architecture;
  const bool bert = arch == "bert";
  const uint64_t q = uint64_t{tiny.n_heads} * tiny.head_dim;
  const uint64_t kv = uint64_t{tiny.n_kv_heads} * tiny.head_dim;
  GgufWriter w;
  w.text("general.architecture", arch).text("general.name", "tiny " + arch);
  w.u32(arch + ".block_count", tiny.n_layers).u32(arch + ".embedding_length", tiny.d_model);
  w.u32(arch + ".feed_forward_length", tiny.d_ff)
      .u32(arch + ".context_length", tiny.context_length);
  w.u32(arch + ".attention.head_count", tiny.n_heads);
  w.random_tensor("token_embd.weight", tiny.type, tiny.vocab_size, tiny.d_model);
  const auto norm = [&](const std::string& name, uint64_t size) {
    w.vector(name + ".weight", size, 1.0f, 0.2f);
    if (bert) w.vector(name + ".bias", size, 0.0f, 0.1f);
  };
  const auto linear = [&](const std::string& name, uint64_t rows, uint64_t cols, bool bias) {
    w.random_tensor(name + ".weight", tiny.type, rows, cols);
    if (bias) w.vector(name + ".bias", rows, 0.0f, 0.1f);
  };
  if (bert) {
    w.u32(arch + ".pooling_type", tiny.pooling_type);
    w.f32(arch + ".attention.layer_norm_epsilon", 1e-12f)
        .boolean(arch + ".attention.causal", false);
    w.random_tensor("position_embd.weight", TensorType::f32, tiny.context_length, tiny.d_model);
    w.random_tensor("token_types.weight", TensorType::f32, 2, tiny.d_model);
    norm("token_embd_norm", tiny.d_model);
  } else {
    w.u32(arch + ".attention.head_count_kv", tiny.n_kv_heads);
    w.u32(arch + ".attention.key_length", tiny.head_dim)
        .u32(arch + ".attention.value_length", tiny.head_dim);
    w.f32(arch + ".attention.layer_norm_rms_epsilon", 1e-5f)
        .f32(arch + ".rope.freq_base", 10000.0f);
    norm("output_norm", tiny.d_model);
    if (!tiny.tied) linear("output", tiny.vocab_size, tiny.d_model, false);
  }
  for (uint32_t i = 0; i < tiny.n_layers; ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    const bool qkv_bias = bert || arch == "qwen2";
    if (arch == "phi3") {
      linear(layer + "attn_qkv", q + 2 * kv, tiny.d_model, false);
      linear(layer + "ffn_up", 2 * uint64_t{tiny.d_ff}, tiny.d_model, false);
    } else {
      linear(layer + "attn_q", q, tiny.d_model, qkv_bias);
      linear(layer + "attn_k", bert ? q : kv, tiny.d_model, qkv_bias);
      linear(layer + "attn_v", bert ? q : kv, tiny.d_model, qkv_bias);
      if (!bert) linear(layer + "ffn_gate", tiny.d_ff, tiny.d_model, false);
      linear(layer + "ffn_up", tiny.d_ff, tiny.d_model, bert);
    }
    linear(layer + "attn_output", tiny.d_model, q, bert);
    linear(layer + "ffn_down", tiny.d_model, tiny.d_ff, bert);
    if (bert) {
      norm(layer + "attn_output_norm", tiny.d_model);
      norm(layer + "layer_output_norm", tiny.d_model);
    } else {
      norm(layer + "attn_norm", tiny.d_model);
      norm(layer + "ffn_norm", tiny.d_model);
    }
    if (arch == "qwen3") {
      norm(layer + "attn_q_norm", tiny.head_dim);
      norm(layer + "attn_k_norm", tiny.head_dim);
    }
  }
  return w;
}

}  // namespace npb::test
